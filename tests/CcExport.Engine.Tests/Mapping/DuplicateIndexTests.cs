using CcExport.Engine.Mapping;

namespace CcExport.Engine.Tests.Mapping;

public sealed class DuplicateIndexTests
{
    /// <summary>A fifth comes again; a few are chosen to fall on the same slots.</summary>
    private static UInt128 Next(int i, int known, Random random)
        => i % 1000 == 0 ? (UInt128)(ulong)(i / 1000) << 32 : Hash(i % 5 == 0 && known > 0 ? random.Next(i) : i);

    private static UInt128 Hash(int i)
    {
        var r = new Random(i);
        return ((UInt128)(ulong)r.NextInt64() << 64 << 1) ^ (ulong)r.NextInt64();
    }

    [Fact]
    public void It_agrees_with_a_set_through_every_growth()
    {
        var random = new Random(1);
        using var index = new DuplicateIndex();
        HashSet<UInt128> set = [];
        for (int i = 0; i < 300_000; i++)
        {
            UInt128 hash = Next(i, set.Count, random);
            Assert.Equal(set.Contains(hash), index.Contains(hash));
            Assert.Equal(set.Add(hash), index.Add(hash));
        }
        Assert.Equal(set.Count, index.Count);
    }

    [Fact]
    public void It_knows_who_was_first_through_every_growth()
    {
        var random = new Random(2);
        using var index = new DuplicateIndex();
        Dictionary<UInt128, uint> first = [];
        for (int i = 0; i < 300_000; i++)
        {
            UInt128 hash = Next(i, first.Count, random);
            uint number = (uint)i + 1;
            Assert.Equal(first.GetValueOrDefault(hash), index.Add(hash, number));
            first.TryAdd(hash, number);
        }
        Assert.Equal(first.Count, index.Count);
    }

    [Fact]
    public void It_knows_who_is_the_newest_through_every_growth()
    {
        var random = new Random(3);
        using var index = new DuplicateIndex(withNewness: true);
        Dictionary<UInt128, (uint Number, Int128 Newness)> best = [];
        for (int i = 0; i < 300_000; i++)
        {
            UInt128 hash = Next(i, best.Count, random);
            uint number = (uint)i + 1;
            Int128 newness = random.Next(4) is var n && n == 0 ? Newness.None : n;
            bool there = best.TryGetValue(hash, out (uint Number, Int128 Newness) before), newer = !there || Newness.Beats(newness, before.Newness);
            Assert.Equal(before.Number, index.Add(hash, number, newness, out bool wins));
            Assert.Equal(newer, wins);
            if (newer) best[hash] = (number, newness);
        }
        Assert.Equal(best.Count, index.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Of_addresses_that_lie_elsewhere_it_says_the_same(bool withNewness)
    {
        var random = new Random(4);
        Dictionary<UInt128, int> elsewhere = [];
        List<UInt128> all = [.. Enumerable.Range(0, 20_000).Select(_ => new UInt128((ulong)random.NextInt64(), (ulong)random.NextInt64()))];
        foreach (UInt128 one in all.Where((_, i) => i % 3 != 0)) elsewhere.Add(one, elsewhere.Count);
        using var whole = new DuplicateIndex(withNewness);
        using var index = new DuplicateIndex(withNewness, elsewhere.Count, hash => elsewhere.TryGetValue(hash, out int at) ? at : -1);
        for (uint number = 1; number <= 60_000; number++)
        {
            UInt128 hash = all[random.Next(all.Count)];
            Int128 newness = random.Next(4);
            bool wins = false, expected = false;
            Assert.Equal(whole.Contains(hash), index.Contains(hash));
            Assert.Equal(withNewness ? whole.Add(hash, number, newness, out expected) : whole.Add(hash, number), withNewness ? index.Add(hash, number, newness, out wins) : index.Add(hash, number));
            Assert.Equal(expected, wins);
        }
        Assert.Equal(whole.Count, index.Count);
    }

    [Fact]
    public void Hashes_that_differ_in_one_of_96_bits_are_two()
    {
        using var index = new DuplicateIndex();
        Assert.Equal(0u, index.Add(0, 1));
        for (int bit = 32; bit < 128; bit++) Assert.Equal(0u, index.Add(UInt128.One << bit, (uint)bit));
        for (int bit = 32; bit < 128; bit++) Assert.Equal((uint)bit, index.Add(UInt128.One << bit, 1000));
        Assert.Equal(97, index.Count);
    }
}
