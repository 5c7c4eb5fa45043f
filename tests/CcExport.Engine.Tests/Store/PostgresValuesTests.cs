using CcExport.Engine.Store.PostgreSql;

namespace CcExport.Engine.Tests.Store;

public sealed class PostgresValuesTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 10)]
    [InlineData(9, 10)]
    [InlineData(10, 10)]
    [InlineData(11, 20)]
    public void A_time_of_microseconds_is_never_before_the_one_that_it_was_made_of(long ticks, long rounded)
    {
        DateTime at = PostgresValues.RoundedUp(Records.Noon.UtcTicks + ticks);
        Assert.Equal((Records.Noon.UtcTicks + rounded, DateTimeKind.Utc), (at.Ticks, at.Kind));
    }
}
