using CcExport.Engine.Mapping;

namespace CcExport.Engine.Tests.Mapping;

public sealed class DuplicateIndexTests
{
    [Fact]
    public void It_agrees_with_a_set_through_every_growth()
    {
        var random = new Random(1);
        using var index = new DuplicateIndex();
        HashSet<UInt128> set = [];
        for (int i = 0; i < 300_000; i++)
        {
            // A fifth comes again; a few are chosen to fall on the same slots.
            UInt128 hash = i % 5 == 0 && set.Count > 0 ? Hash(random.Next(i)) : Hash(i);
            if (i % 1000 == 0) hash = (UInt128)(ulong)(i / 1000) + 1;
            Assert.Equal(set.Add(hash), index.Add(hash));
        }
        Assert.Equal(set.Count, index.Count);
    }

    private static UInt128 Hash(int i)
    {
        var r = new Random(i);
        return ((UInt128)(ulong)r.NextInt64() << 64 << 1) ^ (ulong)r.NextInt64();
    }
}
