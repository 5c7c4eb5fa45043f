using CcExport.Engine.Profiles;
using CcExport.Simulator.Insights;

namespace CcExport.Engine.Tests.Profiles.Web;

/// <summary>Segments over the Customer Insights API, over real HTTP.</summary>
public sealed class CustomerInsightsSourceTests
{
    private static readonly string[] Asked = ["EMail", "FirstName", "LastName"];

    [Theory]
    [InlineData(100, false)]
    [InlineData(40, false)]
    [InlineData(100, true)]
    [InlineData(37, true)]
    public async Task The_members_are_read_page_by_page(int cap, bool links)
    {
        await using Estate estate = await Estate.StartAsync(1000);
        estate.State.Set(s => (s.InsightsPageCap, s.InsightsNextLink) = (cap, links));
        Estate.Same(estate.Expected(i => i % 3 == 0), await estate.Insights().RowsAsync("Newsletter", Asked));
        Estate.Same(estate.Expected(i => i % 10 == 3), await estate.Insights().RowsAsync("VIP", Asked));
        Assert.Empty(estate.Warnings);
        Assert.Contains(estate.State.Targets, t => t.Contains("$select=EMail%2CFirstName%2CLastName%2CCustomerId&", StringComparison.Ordinal));
    }

    /// <summary>What is shorter than asked or than before need not be the last page.</summary>
    [Theory]
    [InlineData(0, false)]
    [InlineData(100, false)]
    [InlineData(100, true)]
    [InlineData(300, false)]
    public async Task A_short_page_in_the_middle_ends_nothing(int at, bool links)
    {
        await using Estate estate = await Estate.StartAsync(1000);
        estate.State.Set(s => (s.InsightsShortPageAt, s.InsightsNextLink) = (at, links));
        Estate.Same(estate.Expected(i => i % 3 == 0), await estate.Insights().RowsAsync("Newsletter", Asked));
        Assert.Empty(estate.Warnings);
    }

    [Fact]
    public async Task A_service_that_gives_the_same_page_again_is_found_out()
    {
        await using Estate estate = await Estate.StartAsync(1000);
        estate.State.Set(s => s.InsightsIgnoresSkip = true);
        IProfileSource source = estate.Insights();
        CcException e = await Readers.FailsAsync("PagingRepeats", () => source.RowsAsync("Newsletter", Asked));
        Assert.Equal((CcErrorKind.Service, "Newsletter"), (e.Kind, e.Subject));
        Assert.Contains("after 100,", e.Message, StringComparison.Ordinal);
        Assert.Equal(2, estate.State.Targets.Count(t => t.Contains("IsMemberOfSegment", StringComparison.Ordinal)));
        // A segment of one page is read whole all the same: as many came as there are said to be.
        Assert.Equal(100, (await source.RowsAsync("VIP", Asked)).Count);
        Assert.Empty(estate.Warnings);
        estate.State.Segments = [new SimulatedSegment { Name = "Told", ToldSize = 101, Has = i => i < 50 }];
        await Readers.FailsAsync("PagingRepeats", () => estate.Insights().RowsAsync("Told", Asked));
    }

    [Fact]
    public async Task Fewer_members_than_the_segment_is_said_to_have_are_told()
    {
        await using Estate estate = await Estate.StartAsync(1000);
        estate.State.Segments = [new SimulatedSegment { Name = "Told", ToldSize = 251, Has = i => i % 4 == 0 }];
        Assert.Equal(250, (await estate.Insights().RowsAsync("Told", Asked)).Count);
        Assert.Contains(estate.Warnings, w => w.Contains("251 members, and 250 were read", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_segment_without_members_is_no_rows()
    {
        await using Estate estate = await Estate.StartAsync(100);
        estate.State.Segments = [new SimulatedSegment { Name = "Nobody" }];
        Assert.Empty(await estate.Insights().RowsAsync("Nobody", Asked));
    }

    [Fact]
    public async Task A_hundred_calls_a_minute_are_kept_by_waiting()
    {
        await using Estate estate = await Estate.StartAsync(30_000);
        estate.State.Set(s => s.InsightsPageCap = 40);
        // The simulator refuses the hundred-and-first call of a minute: none was refused.
        Assert.Equal(10_000, (await estate.Insights().RowsAsync("Newsletter", Asked)).Count);
        Assert.DoesNotContain(estate.Details, d => d.Contains("asks to wait", StringComparison.Ordinal));
        Assert.InRange(estate.Time.Waits.Sum(w => w.TotalMinutes), 2, 3);
        Assert.Contains(estate.Details, d => d.Contains("100 calls a minute", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_throttled_call_waits_as_told()
    {
        await using Estate estate = await Estate.StartAsync(300);
        IProfileSource source = estate.Insights();
        await source.GetColumnsAsync("VIP", default);
        estate.State.ThrottleNext(1, DataverseLimit.Requests, 11);
        Assert.Equal(30, (await source.RowsAsync("VIP", Asked)).Count);
        Assert.Equal([TimeSpan.FromSeconds(11)], estate.Time.Waits);
    }

    [Fact]
    public async Task Large_segments_are_told_to_be_slow_with_the_minutes()
    {
        await using Estate estate = await Estate.StartAsync(100);
        estate.State.Segments = [new SimulatedSegment { Name = "Large", ToldSize = 1_000_000, Has = i => i % 2 == 0 }, new SimulatedSegment { Name = "Edge", ToldSize = 50_000 }];
        await estate.Insights().RowsAsync("Large", Asked);
        Assert.Contains(estate.Warnings, w => w.Contains("about 100 minutes", StringComparison.Ordinal));
        Assert.Contains(estate.Warnings, w => w.Contains("1,000,000 members, and 50 were read", StringComparison.Ordinal));
        estate.Warnings.Clear();
        await estate.Insights().RowsAsync("Edge", Asked);
        Assert.DoesNotContain(estate.Warnings, w => w.Contains("minutes", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_refresh_that_is_running_is_told()
    {
        await using Estate estate = await Estate.StartAsync(100);
        estate.State.Set(s => s.Refreshing = true);
        await estate.Insights().RowsAsync("VIP", Asked);
        Assert.Equal(["before", "while"], estate.Warnings.Select(w => w.Contains("before the profiles", StringComparison.Ordinal) ? "before" : w.Contains("while the profiles", StringComparison.Ordinal) ? "while" : w));
    }

    [Fact]
    public async Task A_segment_that_is_renewed_or_removed_meanwhile_is_told()
    {
        await using Estate estate = await Estate.StartAsync(1000);
        IReadOnlyList<SimulatedSegment> calm = estate.State.Segments;
        estate.State.OnCall = call =>
        {
            if (call == InsightsCall.Profiles) estate.State.Segments = [.. calm.Select(s => s with { EvaluatedAt = s.EvaluatedAt.AddDays(1) })];
        };
        Estate.Same(estate.Expected(i => i % 10 == 3), await estate.Insights().RowsAsync("VIP", Asked));
        Assert.Contains("'VIP' was renewed while it was read", Assert.Single(estate.Warnings), StringComparison.Ordinal);
        estate.Warnings.Clear();
        estate.State.Segments = calm;
        int before = estate.State.Calls(InsightsCall.Jobs);
        estate.State.OnCall = call =>
        {
            // The jobs are asked for before and after; then the segments.
            if (call == InsightsCall.Jobs && estate.State.Calls(call) == before + 1) estate.State.Segments = [.. calm.Where(s => s.Name != "VIP")];
        };
        Estate.Same(estate.Expected(i => i % 10 == 3), await estate.Insights().RowsAsync("VIP", Asked));
        Assert.Contains("'VIP' was removed while it was read", Assert.Single(estate.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_may_not_see_the_refresh_jobs_reads_all_the_same()
    {
        await using Estate estate = await Estate.StartAsync(1000);
        estate.State.Set(s => s.Refuses = InsightsCall.Jobs);
        Estate.Same(estate.Expected(i => i % 10 == 3), await estate.Insights().RowsAsync("VIP", Asked));
        Assert.Empty(estate.Warnings);
        Assert.Contains(estate.Details, d => d.Contains("does not tell whether it is being refreshed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_profile_that_comes_twice_is_taken_once_and_told()
    {
        await using Estate estate = await Estate.StartAsync(1500);
        estate.State.Set(s => s.ShiftBetweenPages = -5);
        List<string?[]> rows = await estate.Insights().RowsAsync("Newsletter", "CustomerId");
        Assert.Equal(rows.Count, rows.Select(r => r[0]).Distinct().Count());
        Assert.Contains(estate.Warnings, w => w.Contains("came twice", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Segments_and_columns_are_told()
    {
        await using Estate estate = await Estate.StartAsync(1000);
        estate.State.Segments = [.. estate.State.Segments, new SimulatedSegment { Name = "Old", State = "validationError" }];
        IProfileSource source = estate.Insights();
        IReadOnlyList<Segment> all = await source.GetSegmentsAsync(default);
        Assert.Equal([("Newsletter", 334L, "Active"), ("Old", 0, "ValidationError"), ("VIP", 100, "Active"), ("VIP_2", 100, "Active")], all.Select(s => (s.Name, s.Size!.Value, s.State!)));
        Assert.Equal(new DateTimeOffset(2026, 11, 20, 5, 0, 0, TimeSpan.Zero), all[0].LastEvaluated);
        Assert.Equal(["CustomerId", "EMail", "FirstName", "LastName", "City", "Country", "BirthDate", "Points"], await source.GetColumnsAsync("VIP", default));
        CcException e = await Readers.FailsAsync("ColumnNotFound", () => source.RowsAsync("VIP", "Mail"));
        Assert.Contains("'EMail'", e.Remedy, StringComparison.Ordinal);
        await Readers.FailsAsync("SegmentNotFound", () => source.RowsAsync("Nothing", "EMail"));
    }

    [Fact]
    public async Task The_key_is_needed_and_never_told()
    {
        await using Estate estate = await Estate.StartAsync();
        SourceReference Keyed(string? key) => estate.InsightsReference with { SubscriptionKey = key };
        foreach (string? none in new[] { null, "", " ", "a\nb" }) Readers.Is("SubscriptionKeyMissing", Assert.Throws<CcException>(() => estate.Open(Keyed(none))));
        estate.Insights();
        CcException e = await Readers.FailsAsync("SourceSignInRefused", () => estate.Open(Keyed("wrong-key-42")).GetSegmentsAsync(default));
        Assert.DoesNotContain("wrong-key-42", e.ToString() + e.Remedy, StringComparison.Ordinal);
        await Readers.FailsAsync("SourceTableNotFound", () => estate.Open(estate.InsightsReference with { CustomerInsights = Guid.NewGuid() }).GetSegmentsAsync(default));
        Readers.Is("SourceAddressNotSafe", Assert.Throws<CcException>(() => estate.Open(estate.InsightsReference with { ApiEndpoint = new Uri("http://api.example/v1") })));
        Readers.Is("SourceAddressNotSafe", Assert.Throws<CcException>(() => estate.Open(estate.InsightsReference with { ApiEndpoint = new Uri("api.example/v1", UriKind.Relative) })));
        Readers.Is("SourceHostUnknown", Assert.Throws<CcException>(() => estate.Open(estate.InsightsReference with { ApiEndpoint = new Uri("https://dynamics.com.example/v1") })));
        // What stands behind the question mark may be a key.
        Readers.Is("SourceAddressHasQuery", Assert.Throws<CcException>(() => estate.Open(estate.InsightsReference with { ApiEndpoint = new Uri("https://api.example/v1?subscription-key=KEY") })));
        Assert.Contains("https://api.ci.ai.microsoft.com/.default", estate.Tokens.Scopes);
    }

    [Fact]
    public async Task Faults_that_pass_are_tried_again()
    {
        await using Estate estate = await Estate.StartAsync(1000);
        IProfileSource source = estate.Insights();
        await source.GetColumnsAsync("VIP", default);
        estate.State.FailNext(1, 500);
        estate.State.CutNext(1);
        estate.State.TruncateNext(1);
        Estate.Same(estate.Expected(i => i % 3 == 0), await source.RowsAsync("Newsletter", Asked));
    }
}
