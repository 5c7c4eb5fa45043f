using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace CcExport.Engine.Mapping;

/// <summary>
/// Which addresses a run has had: 128-bit hashes in open-addressed tables. Split into shards so that growing one copies a
/// sixty-fourth of the whole and frees the old part at once, and kept out of the managed heap, where tables of this size would stay
/// resident until a full collection. A million addresses collide by chance with a probability of 1.5e-27.
/// </summary>
internal sealed unsafe class DuplicateIndex : IDisposable
{
    private const int Shards = 64, FirstSlots = 64;

    private readonly Shard[] _shards = new Shard[Shards];

    private struct Slot
    {
        public ulong High;
        public ulong Low;
    }

    private struct Shard
    {
        public Slot* Slots;
        public uint Size;
        public uint Used;
    }

    public DuplicateIndex()
    {
        for (int i = 0; i < Shards; i++) _shards[i] = new Shard { Slots = Allocate(FirstSlots), Size = FirstSlots };
    }

    /// <summary>Addresses it holds.</summary>
    public long Count { get; private set; }

    /// <summary>Asks for the cache line that <see cref="Add"/> will need: nearly every look-up is a miss otherwise.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prefetch(UInt128 hash)
    {
        if (!Sse.IsSupported) return;
        ulong high = (ulong)(hash >> 64), low = (ulong)hash;
        ref Shard shard = ref _shards[(int)(high >> 58)];
        Sse.Prefetch0(shard.Slots + Home(low, shard.Size));
    }

    /// <summary>True when it was not there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public bool Add(UInt128 hash)
    {
        ulong high = (ulong)(hash >> 64), low = (ulong)hash;
        // Zero marks an empty slot.
        if ((high | low) == 0) low = 1;
        ref Shard shard = ref _shards[(int)(high >> 58)];
        uint at = Home(low, shard.Size);
        while (true)
        {
            Slot* slot = shard.Slots + at;
            if (slot->Low == low && slot->High == high) return false;
            if ((slot->Low | slot->High) == 0)
            {
                *slot = new Slot { High = high, Low = low };
                Count++;
                if (++shard.Used > shard.Size - (shard.Size >> 2)) Grow(ref shard);
                return true;
            }
            if (++at == shard.Size) at = 0;
        }
    }

    /// <summary>Whether it is there.</summary>
    public bool Contains(UInt128 hash)
    {
        ulong high = (ulong)(hash >> 64), low = (ulong)hash;
        if ((high | low) == 0) low = 1;
        ref Shard shard = ref _shards[(int)(high >> 58)];
        for (uint at = Home(low, shard.Size); ; at = at + 1 == shard.Size ? 0 : at + 1)
        {
            Slot* slot = shard.Slots + at;
            if (slot->Low == low && slot->High == high) return true;
            if ((slot->Low | slot->High) == 0) return false;
        }
    }

    /// <summary>The hash spread over a table of any size, so that tables can grow by half and not only double.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Home(ulong low, uint size) => (uint)(((low >> 32) * size) >> 32);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Grow(ref Shard shard)
    {
        uint size = shard.Size + (shard.Size >> 1);
        Slot* slots = Allocate(size);
        for (uint i = 0; i < shard.Size; i++)
        {
            Slot slot = shard.Slots[i];
            if ((slot.Low | slot.High) == 0) continue;
            uint at = Home(slot.Low, size);
            while ((slots[at].Low | slots[at].High) != 0)
            {
                if (++at == size) at = 0;
            }
            slots[at] = slot;
        }
        NativeMemory.Free(shard.Slots);
        shard.Slots = slots;
        shard.Size = size;
    }

    private static Slot* Allocate(uint slots) => (Slot*)NativeMemory.AllocZeroed(slots, (nuint)sizeof(Slot));

    public void Dispose()
    {
        for (int i = 0; i < Shards; i++)
        {
            NativeMemory.Free(_shards[i].Slots);
            _shards[i] = default;
        }
        GC.SuppressFinalize(this);
    }

    ~DuplicateIndex() => Dispose();
}
