using CcExport.Engine.Exports;

namespace CcExport.Engine.Tests.Exports;

/// <summary>Each rule of the guard, on both sides of its edge.</summary>
public sealed class GuardTests
{
    private static GuardPast Past(long read, long? members = null, long added = 0, long removed = 0, Dictionary<string, long>? segments = null) => new(read, members, added, removed, segments ?? []);

    private static string Ids(GuardNumbers run) => string.Join(',', Guard.Look(run).Select(f => f.Id));

    private static GuardNumbers Run(long read = 1000, long invalid = 0, long added = 0, long removals = 0, long? members = null, double? shrink = null, double? growth = null,
        ExportMode mode = ExportMode.Upsert, Dictionary<string, long>? segments = null, params GuardPast[] history)
        => new() { Read = read, Invalid = invalid, New = added, Removals = removals, Members = members, MaxShrink = shrink, MaxGrowth = growth, Mode = mode, Segments = segments ?? [], History = history };

    [Theory]
    [InlineData(1000, 100, "")]
    [InlineData(1000, 101, "GuardInvalid")]
    [InlineData(100, 10, "")]
    [InlineData(100, 11, "GuardInvalid")]
    [InlineData(99, 99, "")]
    public void More_than_a_tenth_of_at_least_a_hundred_profiles_is_invalid(long read, long invalid, string ids) => Assert.Equal(ids, Ids(Run(read, invalid)));

    [Fact]
    public void Nothing_read_is_a_finding_where_there_was_something_before_and_in_a_mirror()
    {
        Assert.Equal("", Ids(Run(0)));
        Assert.Equal("", Ids(Run(0, history: Past(0))));
        Assert.Equal("GuardEmpty", Ids(Run(0, history: [Past(0), Past(1)])));
        Assert.Equal("GuardEmpty", Ids(Run(0, mode: ExportMode.Mirror)));
        Assert.Equal("", Ids(Run(1, mode: ExportMode.Mirror)));
    }

    [Fact]
    public void A_segment_that_was_never_empty_is()
    {
        Dictionary<string, long> now = new() { ["a"] = 500, ["b"] = 0 };
        Assert.Equal("GuardEmpty", Ids(Run(500, segments: now, history: Past(510, segments: new() { ["a"] = 500, ["b"] = 10 }))));
        Assert.Equal("", Ids(Run(500, segments: now, history: [Past(510, segments: new() { ["a"] = 500, ["b"] = 10 }), Past(500, segments: new() { ["a"] = 500, ["b"] = 0 })])));
        Assert.Equal("", Ids(Run(500, segments: now, history: Past(500, segments: new() { ["a"] = 500 }))));
    }

    [Theory]
    // Half of the one before, or of the median.
    [InlineData(500, "", 1000)]
    [InlineData(499, "GuardSmaller", 1000)]
    [InlineData(500, "", 1100, 1000, 900)]
    [InlineData(499, "GuardSmaller", 1100, 1000, 900)]
    // A drop of a fifth has been seen: three fifths may go.
    [InlineData(400, "", 1000, 800, 1000)]
    [InlineData(399, "GuardSmaller", 1000, 800, 1000)]
    // However much was seen, a tenth must stay.
    [InlineData(100, "", 1000, 1000, 300, 1000, 1000)]
    [InlineData(99, "GuardSmaller", 1000, 1000, 300, 1000, 1000)]
    // Growing is no drop.
    [InlineData(499, "GuardSmaller", 1000, 1000, 1000, 900, 100)]
    // Of fewer than a hundred nothing is said.
    [InlineData(1, "", 99)]
    [InlineData(1, "GuardSmaller", 100)]
    [InlineData(1, "")]
    public void The_source_is_suddenly_smaller(long read, string ids, params int[] newestFirst) => Assert.Equal(ids, Ids(Run(read, history: [.. newestFirst.Select(r => Past(r))])));

    [Fact]
    public void One_segment_is_suddenly_smaller()
    {
        GuardPast past = Past(10_000, segments: new() { ["a"] = 9800, ["b"] = 200 });
        Assert.Equal("", Ids(Run(9900, segments: new() { ["a"] = 9800, ["b"] = 100 }, history: past)));
        GuardFinding found = Assert.Single(Guard.Look(Run(9899, segments: new() { ["a"] = 9800, ["b"] = 99 }, history: past)));
        Assert.Equal("GuardSmaller", found.Id);
        Assert.Contains("'b'", found.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(50, 100, 0.5, "")]
    [InlineData(51, 100, 0.5, "GuardGrowth")]
    [InlineData(1, 1, 0.5, "GuardGrowth")]
    // An empty list has no share that it could grow by.
    [InlineData(5000, 0, 0.5, "")]
    [InlineData(1, 100, 0.0, "GuardGrowth")]
    public void A_list_grows_by_more_than_was_given(long added, long members, double limit, string ids) => Assert.Equal(ids, Ids(Run(added: added, members: members, growth: limit)));

    [Fact]
    public void A_list_grows_by_more_than_three_runs_have_shown()
    {
        GuardPast some = Past(1000, 1000, 10), much = Past(1000, 1000, 500), first = Past(1000, 0, 1000);
        Assert.Equal("", Ids(Run(added: 1000, members: 1000, history: [some, some, first])));
        Assert.Equal("GuardGrowth", Ids(Run(added: 1001, members: 1000, history: [some, some, first])));
        Assert.Equal("", Ids(Run(added: 1500, members: 1000, history: [some, much, first])));
        Assert.Equal("GuardGrowth", Ids(Run(added: 1501, members: 1000, history: [some, much, first])));
        // Not from two, not from runs of which the members are not known, and not of a small list.
        Assert.Equal("", Ids(Run(added: 9999, members: 1000, history: [some, first])));
        Assert.Equal("", Ids(Run(added: 9999, members: 1000, history: [some, some, Past(1000)])));
        Assert.Equal("", Ids(Run(added: 9999, members: 99, history: [some, some, first])));
        Assert.Equal("GuardGrowth", Ids(Run(added: 9999, members: 100, history: [some, some, first])));
        Assert.Equal("", Ids(Run(added: 9999, members: null, history: [some, some, first])));
        // A given limit wins.
        Assert.Equal("", Ids(Run(added: 9999, members: 1000, growth: 10, history: [some, some, first])));
    }

    [Theory]
    [InlineData(100, null, 0, "")]
    [InlineData(101, null, 0, "GuardShrink")]
    [InlineData(300, null, 100, "")]
    [InlineData(301, null, 100, "GuardShrink")]
    [InlineData(500, null, 400, "")]
    [InlineData(501, null, 400, "GuardShrink")]
    [InlineData(20, 0.02, 400, "")]
    [InlineData(21, 0.02, 400, "GuardShrink")]
    [InlineData(900, 1.0, 0, "")]
    [InlineData(1, 0.0, 0, "GuardShrink")]
    [InlineData(0, 0.0, 0, "")]
    public void A_list_shrinks_by_more_than_a_share(long removals, double? limit, long removedBefore, string ids)
        => Assert.Equal(ids, Ids(Run(removals: removals, members: 1000, shrink: limit, history: Past(1000, 1000, 0, removedBefore))));

    [Fact]
    public void All_findings_are_named_with_a_remedy()
    {
        IReadOnlyList<GuardFinding> found = Guard.Look(Run(200, 150, 500, 90, 100, 0.1, 1.0, history: Past(5000)));
        Assert.Equal(["GuardInvalid", "GuardSmaller", "GuardGrowth", "GuardShrink"], found.Select(f => f.Id));
        Assert.All(found, f => Assert.Contains("-Force", f.Remedy, StringComparison.Ordinal));
    }
}
