using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace CcExport.Engine.Mapping;

/// <summary>
/// Which addresses a run has had, and which profile has each: 96 bits of a hash and the profile's number in the run, 16 bytes, in
/// open-addressed tables. Split into shards so that growing one copies a sixty-fourth of the whole and frees the old part at once, and kept out of
/// the managed heap, where tables of this size would stay resident until a full collection. A million addresses collide by chance with a
/// probability of 6e-18. Where the newest profile is to win, 16 more bytes an address hold how new the best one so far is. Of addresses that lie in memory already, because
/// they are remembered, only the number is held.
/// </summary>
internal sealed unsafe class DuplicateIndex : IDisposable
{
    /// <summary>The number of all profiles that have none of their own: past 4,294,967,294 of them, or where the index is only a set.</summary>
    public const uint Unnumbered = uint.MaxValue;

    private const int Shards = 64, FirstSlots = 64;

    private readonly Shard[] _shards = new Shard[Shards];
    private readonly bool _withNewness;
    private readonly Func<UInt128, int>? _findKnown;
    /// <summary>By the positions of the known addresses; null where there are none.</summary>
    private uint* _numbers;
    private Int128* _newness;
    private readonly nuint _known;

    /// <summary>A number of 0 marks an empty slot.</summary>
    private struct Slot
    {
        public ulong High;
        public uint Low;
        public uint Number;
    }

    private struct Shard
    {
        public Slot* Slots;
        /// <summary>By the same positions; null where newness does not count.</summary>
        public Int128* Newness;
        public uint Size;
        public uint Used;
    }

    /// <param name="withNewness">Hold how new the profile of each address is.</param>
    /// <param name="known">Addresses that lie elsewhere as long as this is used.</param>
    /// <param name="findKnown">Where among them one is; -1: it is none of them.</param>
    public DuplicateIndex(bool withNewness = false, int known = 0, Func<UInt128, int>? findKnown = null)
    {
        _withNewness = withNewness;
        if (known > 0 && findKnown is not null)
        {
            _findKnown = findKnown;
            _known = (nuint)known;
            _numbers = (uint*)Pages.Alloc((nuint)known, sizeof(uint));
            if (withNewness) _newness = (Int128*)Pages.Alloc((nuint)known, (nuint)sizeof(Int128));
        }
        for (int i = 0; i < Shards; i++) _shards[i] = Allocate(FirstSlots);
    }

    /// <summary>Addresses it holds.</summary>
    public long Count { get; private set; }

    /// <summary>Asks for the cache line that <see cref="Add(UInt128, uint)"/> will need: nearly every look-up is a miss otherwise.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prefetch(UInt128 hash)
    {
        if (!Sse.IsSupported) return;
        ref Shard shard = ref _shards[(int)((ulong)(hash >> 64) >> 58)];
        uint at = Home(LowOf(hash), shard.Size);
        Sse.Prefetch0(shard.Slots + at);
        if (shard.Newness != null) Sse.Prefetch0(shard.Newness + at);
    }

    /// <summary>As a plain set: true when it was not there.</summary>
    public bool Add(UInt128 hash) => Add(hash, Unnumbered) == 0;

    /// <summary>0 when the address was not there, and now is under this number; else the number under which it is.</summary>
    /// <param name="number">The profile's, from 1.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public uint Add(UInt128 hash, uint number)
    {
        if (_findKnown is not null && _findKnown(hash) is >= 0 and var known)
        {
            uint before = _numbers[known];
            if (before != 0) return before;
            _numbers[known] = number;
            Count++;
            return 0;
        }
        ref Shard shard = ref Find(hash, out uint at);
        Slot* slot = shard.Slots + at;
        if (slot->Number != 0) return slot->Number;
        Put(ref shard, at, hash, number);
        return 0;
    }

    /// <summary>
    /// The same where the newest profile wins. The address is under this number afterwards if it was not there, or if this profile is newer than
    /// the one that had it (<paramref name="wins"/>).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public uint Add(UInt128 hash, uint number, Int128 newness, out bool wins)
    {
        if (_findKnown is not null && _findKnown(hash) is >= 0 and var known)
        {
            uint before = _numbers[known];
            wins = before == 0 || Mapping.Newness.Beats(newness, _newness[known]);
            if (!wins) return before;
            _newness[known] = newness;
            _numbers[known] = number;
            if (before == 0) Count++;
            return before;
        }
        ref Shard shard = ref Find(hash, out uint at);
        Slot* slot = shard.Slots + at;
        uint other = slot->Number;
        wins = other == 0 || Mapping.Newness.Beats(newness, shard.Newness[at]);
        if (!wins) return other;
        shard.Newness[at] = newness;
        if (other == 0) Put(ref shard, at, hash, number);
        else slot->Number = number;
        return other;
    }

    /// <summary>Whether it is there.</summary>
    public bool Contains(UInt128 hash)
    {
        if (_findKnown is not null && _findKnown(hash) is >= 0 and var known) return _numbers[known] != 0;
        ref Shard shard = ref Find(hash, out uint at);
        return shard.Slots[at].Number != 0;
    }

    /// <summary>The slot that has it, or the empty one where it belongs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref Shard Find(UInt128 hash, out uint at)
    {
        ulong high = (ulong)(hash >> 64);
        uint low = LowOf(hash);
        ref Shard shard = ref _shards[(int)(high >> 58)];
        at = Home(low, shard.Size);
        while (true)
        {
            Slot* slot = shard.Slots + at;
            if (slot->Number == 0 || (slot->High == high && slot->Low == low)) return ref shard;
            if (++at == shard.Size) at = 0;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Put(ref Shard shard, uint at, UInt128 hash, uint number)
    {
        shard.Slots[at] = new Slot { High = (ulong)(hash >> 64), Low = LowOf(hash), Number = number };
        Count++;
        if (++shard.Used > shard.Size - (shard.Size >> 2)) Grow(ref shard);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint LowOf(UInt128 hash) => (uint)((ulong)hash >> 32);

    /// <summary>The hash spread over a table of any size, so that tables can grow by a quarter and not only double.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Home(uint low, uint size) => (uint)(((ulong)low * size) >> 32);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Grow(ref Shard shard)
    {
        Shard larger = Allocate(shard.Size + (shard.Size >> 2));
        for (uint i = 0; i < shard.Size; i++)
        {
            Slot slot = shard.Slots[i];
            if (slot.Number == 0) continue;
            uint at = Home(slot.Low, larger.Size);
            while (larger.Slots[at].Number != 0)
            {
                if (++at == larger.Size) at = 0;
            }
            larger.Slots[at] = slot;
            if (_withNewness) larger.Newness[at] = shard.Newness[i];
        }
        larger.Used = shard.Used;
        Free(shard);
        shard = larger;
    }

    private Shard Allocate(uint slots) => new()
    {
        Slots = (Slot*)Pages.Alloc(slots, (nuint)sizeof(Slot)),
        Newness = _withNewness ? (Int128*)Pages.Alloc(slots, (nuint)sizeof(Int128)) : null,
        Size = slots,
    };

    private static void Free(Shard shard)
    {
        Pages.Free(shard.Slots, shard.Size, (nuint)sizeof(Slot));
        Pages.Free(shard.Newness, shard.Size, (nuint)sizeof(Int128));
    }

    public void Dispose()
    {
        for (int i = 0; i < Shards; i++)
        {
            Free(_shards[i]);
            _shards[i] = default;
        }
        Pages.Free(_numbers, _known, sizeof(uint));
        Pages.Free(_newness, _known, (nuint)sizeof(Int128));
        _numbers = null;
        _newness = null;
        GC.SuppressFinalize(this);
    }

    ~DuplicateIndex() => Dispose();
}
