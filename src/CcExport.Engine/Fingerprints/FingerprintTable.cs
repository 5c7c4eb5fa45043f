using System.Numerics;
using System.Runtime.CompilerServices;

namespace CcExport.Engine.Fingerprints;

/// <summary>
/// The fingerprints of an export, sorted by address, outside the managed heap: 24 bytes each and less than one for a directory of the leading bits, so that
/// finding one takes a few looks side by side. Addresses are hashes and so spread evenly.
/// </summary>
internal sealed unsafe class FingerprintTable : IDisposable
{
    private readonly Fingerprint* _all;
    private readonly uint* _starts;
    private readonly int _shift;

    /// <param name="fill">Writes all of them, sorted and each address once.</param>
    public FingerprintTable(int count, FillTable fill) : this((Fingerprint*)Pages.Alloc((nuint)count, (nuint)sizeof(Fingerprint)), count, fill)
    {
    }

    private FingerprintTable(Fingerprint* all, int count, FillTable fill)
    {
        Count = count;
        _all = all;
        int bits = Math.Clamp(BitOperations.Log2((uint)Math.Max(2, count)) - 2, 1, 24);
        _shift = 64 - bits;
        _starts = (uint*)Pages.Alloc((nuint)(1 << bits) + 1, sizeof(uint));
        fill(All);
        Index(1 << bits);
    }

    public static FingerprintTable Empty() => new(0, static _ => { });

    public int Count { get; }

    /// <summary>Sorted. Marks may be changed in place, addresses not.</summary>
    public Span<Fingerprint> All => new(_all, Count);

    /// <summary>Where an address is; -1 when it is not remembered.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int Find(UInt128 address)
    {
        ulong bucket = (ulong)(address >> 64) >> _shift;
        for (uint at = _starts[bucket], end = _starts[bucket + 1]; at < end; at++)
        {
            if (_all[at].Address == address) return (int)at;
        }
        return -1;
    }

    private void Index(int buckets)
    {
        uint at = 0;
        for (int bucket = 0; bucket < buckets; bucket++)
        {
            while (at < Count && (ulong)(_all[at].Address >> 64) >> _shift < (ulong)bucket) at++;
            _starts[bucket] = at;
        }
        _starts[buckets] = (uint)Count;
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private bool _freed;

    private void Free()
    {
        if (_freed) return;
        _freed = true;
        Pages.Free(_all, (nuint)Count, (nuint)sizeof(Fingerprint));
        Pages.Free(_starts, (nuint)(1 << (64 - _shift)) + 1, sizeof(uint));
    }

    ~FingerprintTable() => Free();
}

/// <summary>Fills a new table.</summary>
internal delegate void FillTable(Span<Fingerprint> all);
