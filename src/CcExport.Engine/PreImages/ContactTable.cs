using System.Numerics;
using System.Runtime.CompilerServices;

namespace CcExport.Engine.PreImages;

/// <summary>
/// The contacts of a run, by number: the address, hashes of the values that are sent, and whether each was on the list. Outside the managed heap, so that it is gone when the values
/// are read: 17 bytes a contact and 4 for each field. An address is known by the same 96 bits of its hash as while reading, so no two contacts are one here.
/// </summary>
internal sealed unsafe class ContactTable : IDisposable
{
    private const uint NumberBits = uint.MaxValue;

    // The upper 96 bits are the address, the lower 32 the number.
    private readonly UInt128* _addresses;
    private readonly uint* _hashes;
    private readonly byte* _on;
    private readonly uint* _starts;
    private readonly int _fields, _shift, _buckets, _room;
    private readonly bool _counts;
    private bool _freed;

    /// <param name="counts">It only counts: nobody is to be found in it, and of the hashes only those of the contact last added are there.</param>
    public ContactTable(int capacity, int fields, bool counts = false)
    {
        (Capacity, _fields, _counts) = (capacity, Math.Max(1, fields), counts);
        capacity = _room = counts ? 1 : capacity;
        // A directory of the leading bits leaves some eight addresses to look at, which lie side by side.
        int bits = Math.Clamp(BitOperations.Log2((uint)Math.Max(2, capacity)) - 3, 1, 24);
        (_buckets, _shift) = (1 << bits, 64 - bits);
        _addresses = (UInt128*)Pages.Alloc((nuint)capacity, (nuint)sizeof(UInt128));
        _hashes = (uint*)Pages.Alloc((nuint)capacity, (nuint)_fields * sizeof(uint));
        _on = (byte*)Pages.Alloc((nuint)capacity, sizeof(byte));
        _starts = (uint*)Pages.Alloc((nuint)_buckets + 1, sizeof(uint));
    }

    public int Capacity { get; }

    public int Count { get; private set; }

    /// <summary>Takes the next contact. Nothing is found before <see cref="Arrange"/>.</summary>
    public int Add(UInt128 address, bool? on)
    {
        if (Count == Capacity) throw new InvalidOperationException("More contacts than were sealed.");
        int at = Count++;
        if (_counts)
        {
            HashesOf(at).Clear();
            return at;
        }
        _addresses[at] = (address & ~(UInt128)NumberBits) | (uint)at;
        SetOn(at, on);
        return at;
    }

    /// <summary>Hash of each value that is sent of a contact, field by field; 0 where none is.</summary>
    public Span<uint> HashesOf(int at) => new(_hashes + (_counts ? 0 : (nuint)at * (nuint)_fields), _fields);

    /// <summary>Whether a contact was on the list before; null: not known.</summary>
    public bool? IsOn(int at) => _on[at] switch { 0 => null, 1 => false, _ => true };

    public void SetOn(int at, bool? on) => _on[at] = Code(on);

    /// <summary>The same of all.</summary>
    public void SetAllOn(bool? on) => On.Fill(Code(on));

    /// <summary>Whether this is so of any.</summary>
    public bool AnyOn(bool? on) => On.Contains(Code(on));

    private Span<byte> On => new(_on, _counts ? 0 : Count);

    private static byte Code(bool? on) => on switch { null => 0, false => 1, true => 2 };

    public void Arrange()
    {
        if (_counts) throw new InvalidOperationException("Nobody is held.");
        new Span<UInt128>(_addresses, Count).Sort();
        uint at = 0;
        for (int bucket = 0; bucket < _buckets; bucket++)
        {
            while (at < Count && (ulong)(_addresses[at] >> 64) >> _shift < (ulong)bucket) at++;
            _starts[bucket] = at;
        }
        _starts[_buckets] = (uint)Count;
    }

    /// <summary>A contact's number; -1: it is none of the run's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int Find(UInt128 address)
    {
        ulong bucket = (ulong)(address >> 64) >> _shift;
        for (uint at = _starts[bucket], end = _starts[bucket + 1]; at < end; at++)
        {
            if ((_addresses[at] ^ address) <= NumberBits) return (int)(uint)_addresses[at];
        }
        return -1;
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (_freed) return;
        _freed = true;
        Pages.Free(_addresses, (nuint)_room, (nuint)sizeof(UInt128));
        Pages.Free(_hashes, (nuint)_room, (nuint)_fields * sizeof(uint));
        Pages.Free(_on, (nuint)_room, sizeof(byte));
        Pages.Free(_starts, (nuint)_buckets + 1, sizeof(uint));
    }

    ~ContactTable() => Free();
}
