using System.Buffers;
using System.Buffers.Binary;

namespace CcExport.Engine.PreImages;

/// <summary>One contact of a run: by what it is known again, what was sent, and where it came from.</summary>
internal ref struct SentRecord
{
    private const int Head = 44;

    public UInt128 Address { get; init; }
    /// <summary>A bit for each field of the map that was sent.</summary>
    public ulong Fields { get; init; }
    /// <summary>Hash over the values of those.</summary>
    public ulong Values { get; init; }
    public long Row { get; init; }
    public ushort Segment { get; init; }
    public ReadOnlySpan<byte> Key { get; init; }

    public readonly void Write(IBufferWriter<byte> to)
    {
        Span<byte> span = to.GetSpan(Head + Key.Length);
        BinaryPrimitives.WriteUInt128LittleEndian(span, Address);
        BinaryPrimitives.WriteUInt64LittleEndian(span[16..], Fields);
        BinaryPrimitives.WriteUInt64LittleEndian(span[24..], Values);
        BinaryPrimitives.WriteInt64LittleEndian(span[32..], Row);
        BinaryPrimitives.WriteUInt16LittleEndian(span[40..], Segment);
        BinaryPrimitives.WriteUInt16LittleEndian(span[42..], (ushort)Key.Length);
        Key.CopyTo(span[Head..]);
        to.Advance(Head + Key.Length);
    }

    /// <summary>The first of some records; <paramref name="records"/> is then what follows it.</summary>
    public static SentRecord Read(ref ReadOnlySpan<byte> records)
    {
        ReadOnlySpan<byte> span = records;
        int key = BinaryPrimitives.ReadUInt16LittleEndian(span[42..]);
        records = span[(Head + key)..];
        return new SentRecord
        {
            Address = BinaryPrimitives.ReadUInt128LittleEndian(span),
            Fields = BinaryPrimitives.ReadUInt64LittleEndian(span[16..]),
            Values = BinaryPrimitives.ReadUInt64LittleEndian(span[24..]),
            Row = BinaryPrimitives.ReadInt64LittleEndian(span[32..]),
            Segment = BinaryPrimitives.ReadUInt16LittleEndian(span[40..]),
            Key = span.Slice(Head, key),
        };
    }
}

/// <summary>
/// What one contact was before a run: whether it was on the list, and the old values of the fields that the run changed. A contact that was not on the list and whose
/// values stayed has none; its address stands in clear inside the encrypted piece only where there are old values, which cannot be put back without it.
/// </summary>
internal ref struct OldRecord
{
    private const int Head = 6;

    /// <summary>Its number among the contacts of the run.</summary>
    public int At { get; init; }
    public bool OnList { get; init; }
    public ReadOnlySpan<byte> Address { get; init; }
    /// <summary>For each: a byte with the field's number, two with the length, the value (empty: the field had none).</summary>
    public ReadOnlySpan<byte> Values { get; init; }

    public readonly void Write(IBufferWriter<byte> to)
    {
        int length = Head + 1 + Address.Length + 4 + Values.Length;
        Span<byte> span = to.GetSpan(length);
        BinaryPrimitives.WriteInt32LittleEndian(span, At);
        span[4] = OnList ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt16LittleEndian(span[5..], (ushort)Address.Length);
        Address.CopyTo(span[(Head + 1)..]);
        BinaryPrimitives.WriteInt32LittleEndian(span[(Head + 1 + Address.Length)..], Values.Length);
        Values.CopyTo(span[(Head + 5 + Address.Length)..]);
        to.Advance(length);
    }

    public static OldRecord Read(ref ReadOnlySpan<byte> records)
    {
        ReadOnlySpan<byte> span = records;
        int address = BinaryPrimitives.ReadUInt16LittleEndian(span[5..]), values = BinaryPrimitives.ReadInt32LittleEndian(span[(Head + 1 + address)..]);
        records = span[(Head + 5 + address + values)..];
        return new OldRecord
        {
            At = BinaryPrimitives.ReadInt32LittleEndian(span),
            OnList = (span[4] & 1) != 0,
            Address = span.Slice(Head + 1, address),
            Values = span.Slice(Head + 5 + address, values),
        };
    }

    public static void WriteValue(IBufferWriter<byte> to, int field, ReadOnlySpan<byte> value)
    {
        Span<byte> span = to.GetSpan(3 + value.Length);
        span[0] = (byte)field;
        BinaryPrimitives.WriteUInt16LittleEndian(span[1..], (ushort)value.Length);
        value.CopyTo(span[3..]);
        to.Advance(3 + value.Length);
    }

    /// <summary>The first of the values; <paramref name="values"/> is then what follows it.</summary>
    public static ReadOnlySpan<byte> ReadValue(ref ReadOnlySpan<byte> values, out int field)
    {
        field = values[0];
        int length = BinaryPrimitives.ReadUInt16LittleEndian(values[1..]);
        ReadOnlySpan<byte> value = values.Slice(3, length);
        values = values[(3 + length)..];
        return value;
    }
}
