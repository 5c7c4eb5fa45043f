using CcExport.Engine.ConstantContact;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Tests.Upload;

public sealed class LostJobTests
{
    private static readonly DateTimeOffset T0 = new(2026, 11, 24, 10, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(120);
    private static readonly Doubt Ours = new(3, 500, T0, T0.AddSeconds(30));

    private static Activity Job(string id, long? total, string state = "completed", double created = 5)
        => new() { ActivityId = id, State = state, ItemsTotal = total, CreatedAt = T0.AddSeconds(created) };

    private static (Sighting, string?) Look(params Activity[] jobs) => LostJob.Look(Ours, jobs, new HashSet<string> { "claimed" }, Margin);

    [Theory]
    [InlineData(500)]
    [InlineData(501)]
    public void Its_count_or_one_more_is_it(int total) => Assert.Equal((Sighting.Found, "a"), Look(Job("a", total), Job("b", 498), Job("c", 503)));

    [Fact]
    public void A_claimed_job_is_not_it() => Assert.Equal((Sighting.NotSeen, null), Look(Job("claimed", 500)));

    [Theory]
    [InlineData(-121)]
    [InlineData(151)]
    public void A_job_outside_the_window_is_not_it(double created) => Assert.Equal((Sighting.NotSeen, null), Look(Job("a", 500, created: created)));

    [Fact]
    public void One_that_fits_is_not_it_for_certain_while_another_runs()
    {
        Assert.Equal((Sighting.Wait, null), Look(Job("a", 500), Job("b", 0, "processing")));
        Assert.Equal((Sighting.Found, "a"), Look(Job("a", 500), Job("b", 0, "processing", created: 151)));
    }

    [Fact]
    public void Jobs_that_failed_without_a_count_may_be_it_only_when_nothing_better_is_there()
    {
        Activity failed = Job("a", 0, "failed"), timedOut = Job("b", null, "timed_out");
        Assert.Equal((Sighting.Failed, null), Look(failed, timedOut));
        Assert.Equal((Sighting.Found, "c"), Look(failed, Job("c", 500)));
        Assert.Equal((Sighting.Wait, null), Look(failed, Job("c", 0, "processing")));
        Assert.Equal((Sighting.NotSeen, null), Look(Job("a", 300, "failed"), Job("claimed", 0, "failed")));
    }

    [Fact]
    public void A_contact_export_has_a_count_too_and_is_no_import()
        => Assert.Equal((Sighting.NotSeen, null), Look(Job("a", 500) with { ResultsHref = "/v3/contact_exports/x" }));

    [Theory]
    [InlineData(0)]
    [InlineData(null)]
    public void A_job_that_has_not_ended_may_be_it(int? total) => Assert.Equal((Sighting.Wait, null), Look(Job("a", total, "processing")));

    [Fact]
    public void Two_that_fit_cannot_be_told_apart() => Assert.Equal((Sighting.Ambiguous, null), Look(Job("a", 500), Job("b", 501)));

    [Fact]
    public void An_ended_job_without_counts_cannot_be_judged() => Assert.Equal((Sighting.Ambiguous, null), Look(Job("a", null)));

    [Fact]
    public void Nothing_there() => Assert.Equal((Sighting.NotSeen, null), Look());
}
