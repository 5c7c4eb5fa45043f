using CcExport.Engine.Fingerprints;
using CsCheck;

namespace CcExport.Engine.Tests.Fingerprints;

public sealed class FingerprintSortTests
{
    private static Fingerprint[] Sorted(Fingerprint[] all, int same)
    {
        Fingerprint[] copy = [.. all];
        FingerprintSort.Sort(copy, same);
        return copy;
    }

    // Addresses of one part begin alike; what lies below is spread, and some come twice.
    [Fact]
    public void It_puts_every_record_where_the_plain_sort_would()
        => Gen.Select(Gen.Int[0, 3000], Gen.Int[0, 5], Gen.Int[1, 64], Gen.ULong, Gen.Int).Sample((count, same, spread, begin, seed) =>
        {
            var chance = new Random(seed);
            ulong keep = same == 0 ? 0 : ulong.MaxValue << (64 - same);
            var all = new Fingerprint[count];
            for (int i = 0; i < count; i++)
            {
                ulong high = (begin & keep) | ((ulong)chance.NextInt64(long.MinValue, long.MaxValue) >> (64 - spread) & ~keep);
                all[i] = i > 0 && chance.Next(8) == 0 ? all[chance.Next(i)] : new Fingerprint(new UInt128(high, (ulong)chance.NextInt64()), (ulong)i, Marks.Confirmed);
            }
            Fingerprint[] sorted = Sorted(all, same);
            Assert.Equal(all.Select(f => f.Address).Order(), sorted.Select(f => f.Address));
            Assert.Equal(all.Order(Comparer<Fingerprint>.Create((a, b) => (a.Address, a.Value).CompareTo((b.Address, b.Value)))), sorted.Order(Comparer<Fingerprint>.Create((a, b) => (a.Address, a.Value).CompareTo((b.Address, b.Value)))));
        });

    [Fact]
    public void Many_of_one_beginning_are_sorted_too()
    {
        Fingerprint[] all = [.. Enumerable.Range(0, 100_000).Select(i => new Fingerprint(new UInt128(1, (ulong)((i * 7919L) % 100_003)), 0, Marks.None))];
        Assert.Equal(all.Select(f => f.Address).Order(), Sorted(all, 0).Select(f => f.Address));
    }
}
