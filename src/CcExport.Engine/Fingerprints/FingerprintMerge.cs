using System.Numerics;
using System.Runtime.CompilerServices;

namespace CcExport.Engine.Fingerprints;

/// <summary>
/// Merges what a run had accepted into what was remembered before: both sorted, in one pass from file to file. Only the former is held, and of many contacts only one part
/// of the addresses at a time, for which the run's contacts are gone through once more.
/// </summary>
/// <param name="most">Contacts that the run may have, as far as is known.</param>
/// <param name="atOnce">Contacts that may be held at once; fewer in tests, so that there are several parts.</param>
internal sealed unsafe class FingerprintMerge(long most, int atOnce = FingerprintMerge.AtOnce) : IDisposable
{
    /// <summary>6 MB.</summary>
    private const int AtOnce = 256 * 1024;

    /// <summary>Beyond so many parts going through all contacts once more costs more than the memory is worth: then they get larger.</summary>
    private const int MostParts = 8;

    private readonly int _bits = BitOperations.Log2((uint)Math.Clamp(BitOperations.RoundUpToPowerOf2((ulong)((most + atOnce - 1) / atOnce)), 1, MostParts));
    private Fingerprint* _updates;
    private int _count, _capacity;
    private ulong _part;

    public int Parts => 1 << _bits;

    /// <summary>Somebody is remembered from now on who may have been on the list before.</summary>
    public bool Joined { get; private set; }

    /// <summary>What is added from here on, up to <see cref="Write"/>, is of this part. One after the other.</summary>
    public void Begin(int part) => (_part, _count) = ((ulong)part, 0);

    /// <summary>Whether an address belongs to the part at hand.</summary>
    public bool Has(UInt128 address) => PartOf(address) == _part;

    private ulong PartOf(UInt128 address) => _bits == 0 ? 0 : (ulong)(address >> 64) >> (64 - _bits);

    /// <summary>The service accepted it. <see cref="Marks.Owned"/> stays if it was so before.</summary>
    public void Accepted(UInt128 address, ulong content, bool owned) => Add(new Fingerprint(address, content, Marks.Confirmed | Marks.Present | (owned ? Marks.Owned : Marks.None)));

    /// <summary>Nobody can tell whether it was accepted: what is known of it stays, but not its content, so that it is sent again.</summary>
    public void Uncertain(UInt128 address) => Add(new Fingerprint(address, 0));

    private void Add(Fingerprint one)
    {
        if (_count == _capacity)
        {
            // Hashes are spread evenly: the first room is enough as a rule.
            int larger = checked(_capacity == 0 ? (int)Math.Min(most, (most / Parts) + (most / Parts / 32) + 1024) + 1 : _capacity + (_capacity / 4) + 1);
            var there = (Fingerprint*)Pages.Alloc((nuint)larger, (nuint)sizeof(Fingerprint));
            new Span<Fingerprint>(_updates, _count).CopyTo(new Span<Fingerprint>(there, larger));
            Free();
            _updates = there;
            _capacity = larger;
        }
        _updates[_count++] = one;
    }

    /// <summary>Writes the part at hand. Of an address that was added twice the one that says more holds.</summary>
    /// <param name="before">What was remembered, from this part's first record on; null: nothing.</param>
    /// <param name="gone">Addresses to forget.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Write(FingerprintReader? before, FingerprintWriter to, Func<UInt128, bool>? gone)
    {
        Span<Fingerprint> updates = new(_updates, _count);
        FingerprintSort.Sort(updates, _bits);
        for (int at = 0; at < updates.Length;)
        {
            Fingerprint one = updates[at++];
            while (at < updates.Length && updates[at].Address == one.Address)
            {
                if (updates[at].Marks > one.Marks) one = updates[at];
                at++;
            }
            while (before is { Has: true } && before.Current.Address < one.Address) KeepOld(before);
            bool known = before is { Has: true } && before.Current.Address == one.Address;
            Fingerprint was = known ? before!.Current : default;
            if (known) before!.Next();
            if (one.Marks != Marks.None)
            {
                if (Keep(known ? one.With(one.Marks | (was.Marks & Marks.Owned)) : one)) Joined |= !known && (one.Marks & Marks.Owned) == 0;
            }
            else if (known)
            {
                Keep(new Fingerprint(was.Address, 0, was.Marks));
            }
        }
        while (before is { Has: true } && PartOf(before.Current.Address) == _part) KeepOld(before);

        void KeepOld(FingerprintReader old)
        {
            Keep(old.Current);
            old.Next();
        }

        bool Keep(Fingerprint one)
        {
            if (gone is not null && gone(one.Address)) return false;
            to.Add(one);
            return true;
        }
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        Pages.Free(_updates, (nuint)_capacity, (nuint)sizeof(Fingerprint));
        _updates = null;
    }

    ~FingerprintMerge() => Free();
}
