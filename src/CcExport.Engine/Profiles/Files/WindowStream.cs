namespace CcExport.Engine.Profiles;

/// <summary>
/// A file of which only the fetched parts can be read: what a reader that seeks and blocks is given, so that every byte has been fetched before, by us, without
/// blocking. A look at another place means that the file's own offsets are wrong, as does a step back among pages, which could go on for ever.
/// </summary>
internal sealed class WindowStream(long length) : Stream
{
    private readonly List<(long Start, ReadOnlyMemory<byte> Bytes)> _windows = [];
    private long _position, _lastPage = -1;

    /// <summary>Leaves these bytes as all that can be read.</summary>
    public void Show(long start, ReadOnlyMemory<byte> bytes)
    {
        _windows.Clear();
        _lastPage = -1;
        _windows.Add((start, bytes));
    }

    /// <summary>Adds bytes that can be read.</summary>
    public void ShowAlso(long start, ReadOnlyMemory<byte> bytes) => _windows.Add((start, bytes));

    public override bool CanRead => true;
    public override bool CanSeek => true;
    public override bool CanWrite => false;
    public override long Length => length;
    public override long Position { get => _position; set => _position = value; }

    public override long Seek(long offset, SeekOrigin origin)
    {
        if (origin == SeekOrigin.Begin && offset > 0)
        {
            if (offset <= _lastPage) throw new InvalidDataException("A page leads back to an earlier one.");
            _lastPage = offset;
        }
        return _position = origin switch
        {
            SeekOrigin.Begin => offset,
            SeekOrigin.Current => _position + offset,
            _ => length + offset,
        };
    }

    public override int Read(Span<byte> buffer)
    {
        if (buffer.Length == 0) return 0;
        foreach ((long start, ReadOnlyMemory<byte> bytes) in _windows)
        {
            long at = _position - start;
            if (at < 0 || at >= bytes.Length) continue;
            int count = (int)Math.Min(buffer.Length, bytes.Length - at);
            bytes.Span.Slice((int)at, count).CopyTo(buffer);
            _position += count;
            return count;
        }
        throw new InvalidDataException("An offset leads out of what it belongs to.");
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int ReadByte()
    {
        Span<byte> one = stackalloc byte[1];
        return Read(one) == 0 ? -1 : one[0];
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(Read(buffer.Span));
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush() { }
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
