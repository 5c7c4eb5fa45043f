using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace CcExport.Engine.Profiles;

/// <summary>Finds the bytes of a block that mean something in a delimited text: delimiter, quote, CR, LF.</summary>
internal sealed class CsvScanner
{
    private byte _quote;

    public byte Delimiter { get; private set; }

    /// <summary>Where they lie, in order; <see cref="Count"/> of them.</summary>
    public int[] Positions { get; private set; } = [];

    public int Count { get; private set; }

    /// <summary>The first position that the reader has not passed.</summary>
    public int Next { get; set; }

    public void Use(byte delimiter, bool quotes)
    {
        Delimiter = delimiter;
        _quote = quotes ? (byte)'"' : delimiter;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Scan(byte[] block, int from, int to)
    {
        // Room for one position a byte, and for the few that are written ahead of the count.
        if (Positions.Length < to - from + 8) Positions = new int[Math.Max(to - from, block.Length) + 8];
        ref byte bytes = ref MemoryMarshal.GetArrayDataReference(block);
        ref int found = ref MemoryMarshal.GetArrayDataReference(Positions);
        int count = 0, at = from;
        if (Vector256.IsHardwareAccelerated)
        {
            Vector256<byte> delimiter = Vector256.Create(Delimiter), quote = Vector256.Create(_quote),
                cr = Vector256.Create((byte)'\r'), lf = Vector256.Create((byte)'\n');
            for (; at <= to - Vector256<byte>.Count; at += Vector256<byte>.Count)
            {
                Vector256<byte> v = Vector256.LoadUnsafe(ref bytes, (nuint)at);
                uint mask = (Vector256.Equals(v, delimiter) | Vector256.Equals(v, quote) | Vector256.Equals(v, cr) | Vector256.Equals(v, lf))
                    .ExtractMostSignificantBits();
                count = Write(ref found, count, mask, at);
            }
        }
        else if (Vector128.IsHardwareAccelerated)
        {
            Vector128<byte> delimiter = Vector128.Create(Delimiter), quote = Vector128.Create(_quote),
                cr = Vector128.Create((byte)'\r'), lf = Vector128.Create((byte)'\n');
            for (; at <= to - Vector128<byte>.Count; at += Vector128<byte>.Count)
            {
                Vector128<byte> v = Vector128.LoadUnsafe(ref bytes, (nuint)at);
                uint mask = (Vector128.Equals(v, delimiter) | Vector128.Equals(v, quote) | Vector128.Equals(v, cr) | Vector128.Equals(v, lf))
                    .ExtractMostSignificantBits();
                count = Write(ref found, count, mask, at);
            }
        }
        for (; at < to; at++)
        {
            byte b = Unsafe.Add(ref bytes, at);
            if (b == Delimiter || b == _quote || b == '\r' || b == '\n') Unsafe.Add(ref found, count++) = at;
        }
        Count = count;
        Next = 0;
    }

    /// <summary>Writes four whether they are there or not: the usual block of 32 has three, and a branch for each costs more.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Write(ref int found, int count, uint mask, int at)
    {
        if (mask == 0) return count;
        int bits = BitOperations.PopCount(mask);
        ref int to = ref Unsafe.Add(ref found, count);
        for (int i = 0; i < 4; i++)
        {
            Unsafe.Add(ref to, i) = at + BitOperations.TrailingZeroCount(mask);
            mask &= mask - 1;
        }
        for (int i = 4; i < bits; i++)
        {
            Unsafe.Add(ref to, i) = at + BitOperations.TrailingZeroCount(mask);
            mask &= mask - 1;
        }
        return count + bits;
    }

    /// <summary>
    /// The length of the first line that is not blank (-1 when it is not whole) and the delimiter it has most of outside quotes;
    /// comma when it has none.
    /// </summary>
    public static (int Length, byte Delimiter) GuessDelimiter(ReadOnlySpan<byte> text, bool quotes)
    {
        ReadOnlySpan<byte> candidates = ",;\t|"u8;
        Span<int> counts = stackalloc int[4];
        bool inside = false;
        int length = -1, begin = 0;
        while (begin < text.Length && text[begin] is (byte)'\r' or (byte)'\n') begin++;
        for (int i = begin; i < text.Length; i++)
        {
            byte b = text[i];
            if (b == '"' && quotes) inside = !inside;
            else if (!inside && b is (byte)'\r' or (byte)'\n')
            {
                length = i;
                break;
            }
            else if (!inside && candidates.IndexOf(b) is >= 0 and var which) counts[which]++;
        }
        int best = 0;
        for (int i = 1; i < counts.Length; i++)
        {
            if (counts[i] > counts[best]) best = i;
        }
        return (length, candidates[best]);
    }
}
