using CcExport.Engine.PreImages;

namespace CcExport.Engine.Tests.PreImages;

public sealed class ContactTableTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(50_000)]
    public void Every_contact_is_found_by_its_number_and_nobody_else(int count)
    {
        var random = new Random(count);
        UInt128[] addresses = [.. Enumerable.Range(0, count).Select(_ => new UInt128((ulong)random.NextInt64(long.MinValue, long.MaxValue), (ulong)random.NextInt64(long.MinValue, long.MaxValue)))];
        using var table = new ContactTable(count, 3);
        for (int i = 0; i < count; i++)
        {
            Assert.Equal(i, table.Add(addresses[i], (i % 3) switch { 0 => null, 1 => false, _ => true }));
            table.HashesOf(i)[2] = (uint)i;
        }
        table.Arrange();
        for (int i = 0; i < count; i++)
        {
            Assert.Equal(i, table.Find(addresses[i]));
            Assert.Equal((uint)i, table.HashesOf(i)[2]);
            Assert.Equal((i % 3) switch { 0 => null, 1 => (bool?)false, _ => true }, table.IsOn(i));
            Assert.Equal(-1, table.Find(addresses[i] ^ (UInt128.One << 32)));
        }
        Assert.Equal(-1, table.Find(12345));
        Assert.Equal(count > 2, table.AnyOn(true));
        table.SetAllOn(false);
        Assert.Equal(count > 0, table.AnyOn(false));
        Assert.False(table.AnyOn(null));
        Assert.Throws<InvalidOperationException>(() => table.Add(1, null));
    }

    [Fact]
    public void One_that_counts_holds_the_last_contacts_hashes_only()
    {
        using var table = new ContactTable(3, 2, counts: true);
        Assert.Equal(0, table.Add(1, null));
        table.HashesOf(0)[1] = 5;
        Assert.Equal(1, table.Add(2, true));
        Assert.Equal(0u, table.HashesOf(1)[1]);
        Assert.Equal(2, table.Count);
        Assert.Throws<InvalidOperationException>(table.Arrange);
    }
}
