namespace CcExport.Simulator.State;

/// <summary>Byte slices in chunks that never move: no object and no copy for each of a million contacts.</summary>
internal sealed class ByteArena
{
    private const int ChunkBits = 20;
    private const int ChunkSize = 1 << ChunkBits;
    private readonly List<byte[]> _chunks = [];
    private int _used = ChunkSize;

    public long Allocated => (long)_chunks.Count << ChunkBits;

    /// <summary>Bytes that no record points to any more.</summary>
    public long Wasted { get; set; }

    public long Add(ReadOnlySpan<byte> slice)
    {
        if (_used + slice.Length > ChunkSize)
        {
            if (_chunks.Count > 0) Wasted += ChunkSize - _used;
            _chunks.Add(GC.AllocateUninitializedArray<byte>(ChunkSize));
            _used = 0;
        }

        long handle = ((long)(_chunks.Count - 1) << ChunkBits) | (uint)_used;
        slice.CopyTo(_chunks[^1].AsSpan(_used));
        _used += slice.Length;
        return handle;
    }

    public Span<byte> Slice(long handle, int length) =>
        _chunks[(int)(handle >> ChunkBits)].AsSpan((int)(handle & (ChunkSize - 1)), length);
}
