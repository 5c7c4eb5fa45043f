using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace CcExport.Engine.Profiles;

/// <summary>
/// Lets text through as it is and fails at the first byte that is no UTF-8, or is NUL, with its line and offset in the whole
/// file. (A strict decoder knows its place in the current block only, and costs a copy.) A sequence that a block cuts is kept
/// until the next block closes it.
/// </summary>
/// <param name="maxBlock">Bytes of one read; tests make it small so that every sequence is cut everywhere.</param>
internal sealed class Utf8CheckStream(Stream inner, InputPlace place, int maxBlock = int.MaxValue) : ForwardStream(inner)
{
    /// <summary>Small enough that the passes over it after the first find it in the cache next to the core.</summary>
    private const int Chunk = 16 * 1024;

    private readonly byte[] _open = new byte[4];
    private int _openLength;
    private long _offset, _lines;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.Length > maxBlock) buffer = buffer[..maxBlock];
        int read = await Inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        if (read > 0) Check(buffer.Span[..read]);
        else if (buffer.Length > 0 && _openLength > 0) throw Wrong(_open.AsSpan(0, _openLength), 0, _offset - _openLength);
        return read;
    }

    private void Check(ReadOnlySpan<byte> block)
    {
        while (block.Length > 0)
        {
            ReadOnlySpan<byte> chunk = block[..Math.Min(block.Length, Chunk)];
            CheckChunk(chunk);
            block = block[chunk.Length..];
        }
    }

    private void CheckChunk(ReadOnlySpan<byte> chunk)
    {
        int closed = _openLength > 0 ? Close(chunk) : 0;
        int end = chunk.Length - (_openLength > 0 ? 0 : OpenTail(chunk[closed..]));
        ReadOnlySpan<byte> whole = chunk[closed..end];
        if (whole.Contains((byte)0) || !Utf8.IsValid(whole)) Find(chunk, closed, end);
        _lines += whole.Count((byte)'\n');
        chunk[end..].CopyTo(_open.AsSpan(_openLength));
        _openLength += chunk.Length - end;
        _offset += chunk.Length;
    }

    /// <summary>Adds bytes to the open sequence until it is closed; returns how many.</summary>
    private int Close(ReadOnlySpan<byte> chunk)
    {
        int before = _openLength, taken = 0;
        while (taken < chunk.Length)
        {
            _open[_openLength++] = chunk[taken++];
            OperationStatus status = Rune.DecodeFromUtf8(_open.AsSpan(0, _openLength), out _, out _);
            if (status == OperationStatus.NeedMoreData) continue;
            if (status != OperationStatus.Done)
            {
                byte[] around = [.. _open[..before], .. chunk];
                throw Wrong(around, 0, _offset - before);
            }
            _openLength = 0;
            break;
        }
        return taken;
    }

    /// <summary>Bytes at the end that begin a sequence which is not there to its end.</summary>
    private static int OpenTail(ReadOnlySpan<byte> chunk)
    {
        for (int back = 1; back <= 3 && back <= chunk.Length; back++)
        {
            byte b = chunk[^back];
            if (b < 0x80) return 0;
            if (b < 0xC0) continue;
            int length = b >= 0xF0 ? 4 : b >= 0xE0 ? 3 : 2;
            return length > back && Rune.DecodeFromUtf8(chunk[^back..], out _, out _) == OperationStatus.NeedMoreData ? back : 0;
        }
        return 0;
    }

    /// <summary>The first wrong byte, step by step: only when it is known that there is one.</summary>
    private void Find(ReadOnlySpan<byte> chunk, int start, int end)
    {
        int at = start;
        while (at < end && Rune.DecodeFromUtf8(chunk[at..end], out Rune rune, out int length) == OperationStatus.Done && rune.Value != 0)
            at += length;
        // Lines before this chunk are counted already; those in it are counted to the wrong byte.
        _lines += chunk[start..at].Count((byte)'\n');
        throw Wrong(chunk, at, _offset + at);
    }

    private CcException Wrong(ReadOnlySpan<byte> around, int at, long offset)
    {
        EncodingGuess guess = EncodingGuesses.At(around, at, offset);
        return around[at] == 0
            ? InputErrors.Nul(place, _lines + 1, offset, guess)
            : InputErrors.NotUtf8(place, _lines + 1, offset, around[at], guess);
    }
}
