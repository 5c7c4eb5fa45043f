using CcExport.Engine.Upload;

namespace CcExport.Engine.Tests.Upload;

public sealed class BatchCountsTests
{
    [Fact]
    public void Full_batches_of_a_run_can_never_be_mistaken_for_each_other()
    {
        var counts = new BatchCounts(Limits.BatchRows);
        List<int> taken = [];
        for (long left = 10_000_000; left > 0;)
        {
            int count = counts.Take((int)Math.Min(counts.Cap, left));
            taken.Add(count);
            left -= count;
        }
        Assert.Equal(10_000_000, taken.Sum());
        Assert.Equal(252, taken.Count);
        // n and n + 1 are both possible for a job of n: no two may share either.
        Assert.Equal(taken.Count * 2, taken.SelectMany(n => new[] { n, n + 1 }).Distinct().Count());
    }

    [Theory]
    [InlineData(1, 50)]
    [InlineData(2, 51)]
    [InlineData(3, 100)]
    [InlineData(10, 1000)]
    [InlineData(500, 6000)]
    [InlineData(500, 6001)]
    public void Every_size_and_number_comes_to_its_end(int batchSize, int contacts)
    {
        var counts = new BatchCounts(batchSize);
        int batches = 0;
        for (int left = contacts; left > 0; batches++)
        {
            int most = Math.Min(counts.Cap, left), taken = counts.Take(most);
            Assert.InRange(taken, 1, Math.Min(batchSize, most));
            left -= taken;
        }
        Assert.InRange(batches, (contacts + batchSize - 1) / batchSize, (contacts * 2 / batchSize) + 2);
    }
}
