using CcExport.Engine.Profiles;
using CcExport.Engine.Profiles.Web;
using CcExport.Simulator.Insights;

namespace CcExport.Engine.Tests.Profiles.Web;

/// <summary>What Dataverse does not let everybody see, and what begins while it is read: all that can be read is read, and what is not certain is told.</summary>
public sealed class DataverseDoubtTests
{
    private static IProfileSource Open(Estate estate, Action doubted)
        => SourceKinds.Find(estate.DataverseReference).Open(estate.DataverseReference, estate.Context with { Doubted = doubted });

    [Fact]
    public async Task A_refresh_that_begins_meanwhile_is_told()
    {
        await using Estate estate = await Estate.StartAsync(1000);
        IReadOnlyList<SimulatedSegment> calm = estate.State.Segments;
        estate.State.OnCall = call =>
        {
            if (call == InsightsCall.Profiles) estate.State.Segments = [.. calm.Select(s => s with { EvaluationStatus = "Running" })];
        };
        int doubts = 0;
        Estate.Same(estate.Expected(i => i % 10 == 3), await Open(estate, () => doubts++).RowsAsync("VIP", Estate.Columns));
        Assert.Contains("refresh of the segment 'VIP' began while it was read", Assert.Single(estate.Warnings), StringComparison.Ordinal);
        Assert.Equal(1, doubts);
    }

    [Fact]
    public async Task Who_may_not_count_the_profiles_reads_all_the_same()
    {
        await using Estate estate = await Estate.StartAsync(1000);
        estate.State.Set(s => s.Refuses = InsightsCall.RowCount);
        Estate.Same(estate.Expected(i => i % 10 == 3), await estate.ReadAsync("VIP"));
        Assert.Contains(estate.State.Targets, t => t.Contains("RetrieveTotalRecordCount", StringComparison.Ordinal));
        Assert.Empty(estate.Warnings);
    }

    [Fact]
    public async Task The_memberships_tell_the_segments_to_whoever_may_not_see_their_table()
    {
        await using Estate estate = await Estate.StartAsync(1000);
        estate.State.Set(s => s.Refuses = InsightsCall.Segments);
        IProfileSource source = estate.Dataverse();
        Assert.Equal([("Newsletter", 334L), ("VIP", 100L), ("VIP_2", 100L)], (await source.GetSegmentsAsync(default)).Select(s => (s.Name, s.Size!.Value)));
        Estate.Same(estate.Expected(i => i % 10 == 3), await source.RowsAsync("VIP", Estate.Columns));
        Assert.Empty(estate.Warnings);
        Assert.Contains(estate.Details, d => d.Contains("does not tell its segments", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_closing_look_that_is_refused_or_fails_is_a_doubt_and_costs_no_profile(bool refused)
    {
        await using Estate estate = await Estate.StartAsync(1000);
        // One look-up: the call after it is the closing look.
        estate.State.Segments = [new SimulatedSegment { Name = "Few", Has = i => i < 50 }];
        estate.State.OnCall = call =>
        {
            if (call != InsightsCall.Profiles) return;
            if (refused) estate.State.Set(s => s.Refuses = InsightsCall.Segments);
            else estate.State.FailNext(PageClient.Tries, 503);
        };
        int doubts = 0;
        Estate.Same(estate.Expected(i => i < 50), await Open(estate, () => doubts++).RowsAsync("Few", Estate.Columns));
        Assert.StartsWith("Whether the data was renewed while it was read", Assert.Single(estate.Warnings), StringComparison.Ordinal);
        Assert.Equal(1, doubts);
    }
}
