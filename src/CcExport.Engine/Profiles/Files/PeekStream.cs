namespace CcExport.Engine.Profiles;

/// <summary>Lets the first bytes be looked at before they are read: what a file is shows in them, and gzip cannot be rewound.</summary>
internal sealed class PeekStream(Stream inner) : ForwardStream(inner)
{
    private byte[] _head = [];
    private int _start, _end;

    /// <summary>The next bytes, without taking them: <paramref name="count"/> of them, or fewer where the stream ends before.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> PeekAsync(int count, CancellationToken ct)
    {
        if (_head.Length - _start < count) Array.Resize(ref _head, _start + count);
        while (_end - _start < count)
        {
            int read = await Inner.ReadAsync(_head.AsMemory(_end, _start + count - _end), ct).ConfigureAwait(false);
            if (read == 0) break;
            _end += read;
        }
        return _head.AsMemory(_start, Math.Min(count, _end - _start));
    }

    /// <summary>Takes bytes that were looked at: a byte order mark.</summary>
    public void Skip(int count) => _start += count;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_start == _end) return Inner.ReadAsync(buffer, cancellationToken);
        int count = Math.Min(buffer.Length, _end - _start);
        _head.AsSpan(_start, count).CopyTo(buffer.Span);
        _start += count;
        return new(count);
    }
}
