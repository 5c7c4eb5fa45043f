using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace CcExport.Engine.Upload;

/// <summary>Goes through a batch's origins one by one, without an object for any.</summary>
/// <param name="at">Where to begin: what <see cref="At"/> of another reader said.</param>
internal ref struct OriginReader(ReadOnlySpan<byte> origins, int at = 0)
{
    private readonly ReadOnlySpan<byte> _origins = origins;
    private ReadOnlySpan<byte> _row;

    /// <summary>Where the next one begins.</summary>
    public int At { get; private set; } = at;

    public readonly long Row => BinaryPrimitives.ReadInt64LittleEndian(_row);
    public readonly int Segment => BinaryPrimitives.ReadUInt16LittleEndian(_row[8..]);
    public readonly UInt128 Address => BinaryPrimitives.ReadUInt128LittleEndian(_row[12..]);
    public readonly ulong Content => BinaryPrimitives.ReadUInt64LittleEndian(_row[28..]);

    /// <summary>The profile's key in its source, as UTF-8; empty when it has none.</summary>
    public readonly ReadOnlySpan<byte> Key => _row[BatchSealer.OriginHead..];

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public bool Next()
    {
        ReadOnlySpan<byte> rest = _origins[At..];
        if (rest.IsEmpty) return false;
        _row = rest[..(BatchSealer.OriginHead + BinaryPrimitives.ReadUInt16LittleEndian(rest[10..]))];
        At += _row.Length;
        return true;
    }
}
