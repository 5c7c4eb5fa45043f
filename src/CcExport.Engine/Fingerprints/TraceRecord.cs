using System.Buffers.Binary;

namespace CcExport.Engine.Fingerprints;

/// <summary>What became of a person in a run.</summary>
public enum TraceFate
{
    /// <summary>None is written with this.</summary>
    None,
    /// <summary>The service took it.</summary>
    Accepted,
    /// <summary>The service took it, or left it out because the person has unsubscribed: it counts those and does not name them.</summary>
    AcceptedOrOptedOut,
    /// <summary>The service refused it, or it was not sent.</summary>
    Refused,
    /// <summary>Nothing proves what became of it.</summary>
    Unaccounted,
    /// <summary>Others of its batch were refused or are unaccounted for, and the service did not name which: it may be among them.</summary>
    Uncertain,
    /// <summary>The list had it already as it would be sent.</summary>
    Unchanged,
    /// <summary>A rule held it out.</summary>
    Suppressed,
    /// <summary>An earlier profile of the run had the address.</summary>
    Duplicate,
    /// <summary>It is no address that could be sent.</summary>
    Invalid,
    /// <summary>Sealed and not yet sent.</summary>
    Waiting,
    /// <summary>Sent, and not yet known what became of it.</summary>
    OnItsWay,
}

/// <summary>One appearance of a person in a run: 40 bytes.</summary>
/// <param name="Content">Hash of the contact as it was or would have been sent; 0 where there was none.</param>
/// <param name="Batch">0: it was in none.</param>
/// <param name="Reason">Short hash of the reason id; 0: none.</param>
internal readonly record struct TraceRecord(UInt128 Address, ulong Content, uint Row, ushort Segment, TraceFate Fate, int Batch, uint Reason)
{
    public const int Size = 40;

    public void Put(Span<byte> to)
    {
        BinaryPrimitives.WriteUInt128LittleEndian(to, Address);
        BinaryPrimitives.WriteUInt64LittleEndian(to[16..], Content);
        BinaryPrimitives.WriteUInt32LittleEndian(to[24..], Row);
        BinaryPrimitives.WriteUInt16LittleEndian(to[28..], Segment);
        BinaryPrimitives.WriteUInt16LittleEndian(to[30..], (ushort)Fate);
        BinaryPrimitives.WriteInt32LittleEndian(to[32..], Batch);
        BinaryPrimitives.WriteUInt32LittleEndian(to[36..], Reason);
    }

    public static UInt128 AddressOf(ReadOnlySpan<byte> from) => BinaryPrimitives.ReadUInt128LittleEndian(from);

    public static TraceRecord Get(ReadOnlySpan<byte> from) => new(AddressOf(from), BinaryPrimitives.ReadUInt64LittleEndian(from[16..]),
        BinaryPrimitives.ReadUInt32LittleEndian(from[24..]), BinaryPrimitives.ReadUInt16LittleEndian(from[28..]), (TraceFate)BinaryPrimitives.ReadUInt16LittleEndian(from[30..]),
        BinaryPrimitives.ReadInt32LittleEndian(from[32..]), BinaryPrimitives.ReadUInt32LittleEndian(from[36..]));
}
