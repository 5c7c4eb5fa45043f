using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CcExport.Engine.Profiles.Web;

/// <summary>
/// Ids of profiles, 16 bytes each, with some marks: in which of the asked segments it is, and whether its profile has come. An id of 32 hexadecimal digits is
/// held as the number that it is, any other as a hash. Open-addressed, in shards so that growing copies a sixty-fourth at a time, and outside
/// the managed heap.
/// </summary>
internal sealed unsafe class IdTable : IDisposable
{
    private const int Shards = 64, FirstSlots = 64;

    /// <summary>In place of the id 0, which marks an empty slot.</summary>
    private static readonly UInt128 Zero = new(0x9E3779B97F4A7C15, 0xD1B54A32D192ED03);

    private readonly Shard[] _shards = new Shard[Shards];
    private readonly int _stride;

    private struct Shard
    {
        public UInt128* Ids;
        public byte* Marks;
        public uint Size;
        public uint Used;
    }

    /// <param name="marks">How many marks an id can have.</param>
    public IdTable(int marks)
    {
        _stride = (marks + 7) >> 3;
        for (int i = 0; i < Shards; i++) _shards[i] = Allocate(FirstSlots);
    }

    /// <summary>Ids it holds.</summary>
    public long Count { get; private set; }

    /// <summary>The number by which an id is known.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt128 Of(ReadOnlySpan<byte> id)
    {
        return id.Length == 32 && TryHexadecimal(id, out UInt128 number) ? number : XxHash128.HashToUInt128(id);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryHexadecimal(ReadOnlySpan<byte> digits, out UInt128 number)
    {
        bool good = TryNibbles(Vector128.Create(digits[..16]), out Vector128<ushort> high) & TryNibbles(Vector128.Create(digits[16..32]), out Vector128<ushort> low);
        Vector128<ulong> bytes = Vector128.Narrow(high, low).AsUInt64();
        number = BitConverter.IsLittleEndian
            ? new UInt128(BinaryPrimitives.ReverseEndianness(bytes.ToScalar()), BinaryPrimitives.ReverseEndianness(bytes.GetElement(1)))
            : new UInt128(bytes.ToScalar(), bytes.GetElement(1));
        return good;
    }

    /// <summary>The bytes that 16 digits are, each in a number of its own.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryNibbles(Vector128<byte> text, out Vector128<ushort> bytes)
    {
        Vector128<byte> digit = text - Vector128.Create((byte)'0'), letter = (text | Vector128.Create((byte)0x20)) - Vector128.Create((byte)'a');
        Vector128<byte> isDigit = Vector128.LessThan(digit, Vector128.Create((byte)10)), isLetter = Vector128.LessThan(letter, Vector128.Create((byte)6));
        Vector128<ushort> pairs = Vector128.ConditionalSelect(isDigit, digit, letter + Vector128.Create((byte)10)).AsUInt16();
        bytes = BitConverter.IsLittleEndian
            ? ((pairs << 4) | (pairs >>> 8)) & Vector128.Create((ushort)0xFF)
            : ((pairs >>> 4) | pairs) & Vector128.Create((ushort)0xFF);
        return Vector128.EqualsAll(isDigit | isLetter, Vector128<byte>.AllBitsSet);
    }

    /// <summary>Gives an id a mark; it is added if it was not there. False when it had the mark.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public bool Mark(UInt128 id, int mark)
    {
        ref Shard shard = ref Find(ref id, out uint at);
        if (shard.Ids[at] == 0)
        {
            shard.Ids[at] = id;
            Count++;
            if (++shard.Used > shard.Size - (shard.Size >> 2))
            {
                Grow(ref shard);
                shard = ref Find(ref id, out at);
            }
        }
        byte* marks = shard.Marks + ((nint)at * _stride) + (mark >> 3);
        byte bit = (byte)(1 << (mark & 7));
        if ((*marks & bit) != 0) return false;
        *marks |= bit;
        return true;
    }

    /// <summary>The marks of an id, to be looked at and set until the next id is added; empty when it is not there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public Span<byte> MarksOf(UInt128 id)
    {
        ref Shard shard = ref Find(ref id, out uint at);
        return shard.Ids[at] == 0 ? default : new Span<byte>(shard.Marks + ((nint)at * _stride), _stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Has(ReadOnlySpan<byte> marks, int mark) => (marks[mark >> 3] & (1 << (mark & 7))) != 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Set(Span<byte> marks, int mark) => marks[mark >> 3] |= (byte)(1 << (mark & 7));

    /// <summary>Has the processor fetch where an id is looked for first, while other work is done: a large table is in no cache.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Expect(UInt128 id)
    {
        if (!Sse.IsSupported) return;
        ref Shard shard = ref First(ref id, out uint at);
        Sse.Prefetch0(shard.Ids + at);
        Sse.Prefetch0(shard.Marks + ((nint)at * _stride));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref Shard First(ref UInt128 id, out uint at)
    {
        if (id == 0) id = Zero;
        // Ids that count up, or differ in their last digits only, have to spread all the same.
        ulong mixed = ((ulong)(id >> 64) ^ ((ulong)id * 0xC2B2AE3D27D4EB4F)) * 0x9E3779B97F4A7C15;
        mixed ^= mixed >> 29;
        ref Shard shard = ref _shards[(int)(mixed & (Shards - 1))];
        at = (uint)(((mixed >> 32) * shard.Size) >> 32);
        return ref shard;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref Shard Find(ref UInt128 id, out uint at)
    {
        ref Shard shard = ref First(ref id, out at);
        while (shard.Ids[at] != 0 && shard.Ids[at] != id)
        {
            if (++at == shard.Size) at = 0;
        }
        return ref shard;
    }

    private void Grow(ref Shard shard)
    {
        Shard old = shard;
        shard = Allocate(old.Size + (old.Size >> 1));
        shard.Used = old.Used;
        for (uint i = 0; i < old.Size; i++)
        {
            UInt128 id = old.Ids[i];
            if (id == 0) continue;
            Find(ref id, out uint at);
            shard.Ids[at] = id;
            new ReadOnlySpan<byte>(old.Marks + ((nint)i * _stride), _stride).CopyTo(new Span<byte>(shard.Marks + ((nint)at * _stride), _stride));
        }
        Free(old);
    }

    private Shard Allocate(uint slots) => new()
    {
        Ids = (UInt128*)Pages.Alloc(slots, (nuint)sizeof(UInt128)),
        Marks = (byte*)Pages.Alloc(slots, (nuint)_stride),
        Size = slots,
    };

    private void Free(Shard shard)
    {
        Pages.Free(shard.Ids, shard.Size, (nuint)sizeof(UInt128));
        Pages.Free(shard.Marks, shard.Size, (nuint)_stride);
    }

    public void Dispose()
    {
        for (int i = 0; i < Shards; i++)
        {
            Free(_shards[i]);
            _shards[i] = default;
        }
        GC.SuppressFinalize(this);
    }

    ~IdTable() => Dispose();
}
