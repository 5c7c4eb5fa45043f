using CcExport.Engine.ConstantContact;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Tests.Upload;

public sealed class BatchVerdictTests
{
    private static Activity Job(long? total, long? errors = 0, long? correctable = 0, long? cannot = 0, string state = "completed")
        => new() { ActivityId = "a", State = state, ItemsTotal = total, ErrorCount = errors, CorrectableCount = correctable, CannotAddToList = cannot };

    private static (int Accepted, int OptedOut, int Refused, int Unaccounted) Of(Activity? job)
    {
        Engine.Store.BatchOutcome o = BatchVerdict.Of(job, 100, default);
        Assert.Equal(100, o.Accepted + o.OptedOut + o.Refused + o.Unaccounted);
        return (o.Accepted, o.OptedOut, o.Refused, o.Unaccounted);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(101)]
    public void Counters_of_a_completed_job_are_believed(int total) => Assert.Equal((85, 10, 5, 0), Of(Job(total, 2, 3, 10)));

    [Fact]
    public void What_is_not_proved_is_unaccounted_for()
    {
        Assert.Equal((0, 0, 0, 100), Of(null));
        Assert.Equal((0, 0, 0, 100), Of(Job(99)));
        Assert.Equal((0, 0, 0, 100), Of(Job(102)));
        Assert.Equal((0, 0, 0, 100), Of(Job(null)));
        Assert.Equal((0, 0, 0, 100), Of(Job(100, errors: null)));
        Assert.Equal((0, 0, 0, 100), Of(Job(100, correctable: null)));
        Assert.Equal((0, 0, 0, 100), Of(Job(100, cannot: null)));
        Assert.Equal((0, 0, 0, 100), Of(Job(100, 60, 30, 20)));
        Assert.Equal((0, 0, 0, 100), Of(Job(100, -1)));
        foreach (string state in new[] { "failed", "cancelled", "timed_out", "processing", "new_state" }) Assert.Equal((0, 0, 0, 100), Of(Job(100, state: state)));
    }

    [Fact]
    public void Lines_name_rows_once_and_only_inside_the_batch() => Assert.Equal(
        [(0, "Invalid email"), (98, "Invalid birthday: 13")],
        BatchVerdict.NamedRows(["Line 2: Invalid email", "line 100 : Invalid birthday: 13", "Line 2: again", "Line 1: heading", "Line 102: beyond", "Line x: y", "Something else", "Line 5"], 100));
}
