using System.Text;

namespace CcExport.Engine.Profiles;

/// <summary>
/// Another encoding as UTF-8. .NET's own transcoding stream reads 4 KB at a time and throws with an index into them; this one
/// reads more and says where in the file the text stops being what it was said to be.
/// </summary>
internal sealed class TranscodeStream : ForwardStream
{
    private const int Block = 64 * 1024;

    private readonly Encoding _from;
    private readonly InputPlace _place;
    private readonly Decoder _decoder;
    private readonly Encoder _encoder = new UTF8Encoding(false, true).GetEncoder();
    private readonly byte[] _bytes = new byte[Block];
    private readonly char[] _chars;
    private readonly byte[] _utf8;
    private int _start, _end;
    private long _offset, _lines;
    private bool _atEnd;

    /// <param name="from">An encoding whose decoder throws (<see cref="EncodingNames"/>).</param>
    public TranscodeStream(Stream inner, Encoding from, InputPlace place) : base(inner)
    {
        (_from, _place) = (from, place);
        _decoder = from.GetDecoder();
        _chars = new char[from.GetMaxCharCount(Block)];
        _utf8 = new byte[Encoding.UTF8.GetMaxByteCount(_chars.Length)];
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.Length == 0) return 0;
        while (_start == _end && !_atEnd)
        {
            int read = await Inner.ReadAsync(_bytes, cancellationToken).ConfigureAwait(false);
            _atEnd = read == 0;
            Decode(read);
        }
        int count = Math.Min(buffer.Length, _end - _start);
        _utf8.AsSpan(_start, count).CopyTo(buffer.Span);
        _start += count;
        return count;
    }

    private void Decode(int read)
    {
        try
        {
            int chars = _decoder.GetChars(_bytes.AsSpan(0, read), _chars, flush: _atEnd);
            _start = 0;
            _end = _encoder.GetBytes(_chars.AsSpan(0, chars), _utf8, flush: _atEnd);
        }
        catch (DecoderFallbackException e)
        {
            // The index is one into this block, and below zero for a sequence that began in the block before.
            int at = Math.Clamp(e.Index, (int)-Math.Min(_offset, Block), read);
            throw InputErrors.NotDecodable(_place, _from.WebName, _lines + LinesBefore(at) + 1, _offset + at, e);
        }
        _lines += _utf8.AsSpan(0, _end).Count((byte)'\n');
        _offset += read;
    }

    private int LinesBefore(int at)
    {
        var lenient = (Encoding)_from.Clone();
        lenient.DecoderFallback = DecoderFallback.ReplacementFallback;
        return at <= 0 ? 0 : lenient.GetString(_bytes, 0, at).AsSpan().Count('\n');
    }
}
