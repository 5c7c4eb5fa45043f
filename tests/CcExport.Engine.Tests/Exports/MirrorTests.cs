using System.Globalization;
using System.Text;
using CcExport.Engine.Exports;
using CcExport.Engine.Mapping;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;
using static CcExport.Engine.Tests.Exports.Trouble;

namespace CcExport.Engine.Tests.Exports;

/// <summary>Mode Mirror: who left the segments leaves the list, if this export put her there; nobody else, and nobody leaves the account.</summary>
public sealed class MirrorTests
{
    internal static async Task<TestEngine> StartAsync(int people, int? batchRows = null)
    {
        TestEngine test = await TestEngine.StartAsync(batchRows);
        await PrepareAsync(test, people);
        return test;
    }

    internal static async Task PrepareAsync(TestEngine test, int people)
    {
        // Jobs that are over at the first look: what a run costs does not depend on the machine then.
        test.Simulator.State.Set(s => (s.KeepMemberships, s.JobDurationMs, s.JobStartDelayMs) = (true, 1, 0));
        await DefineAsync(test, people, batch: Math.Max(50, people));
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", Mode = ExportMode.Mirror }, default);
    }

    /// <summary>The segment's people from now on: person1 to person<paramref name="count"/>, without some.</summary>
    internal static void Segment(TestEngine test, int count, params int[] without)
    {
        var text = new StringBuilder("CustomerId,FirstName,LastName,EMail\n");
        for (int i = 1; i <= count; i++)
        {
            if (!without.Contains(i)) text.Append(CultureInfo.InvariantCulture, $"K{i},First{i},Last{i},person{i}@example.com\n");
        }
        test.File("p.csv", Encoding.UTF8.GetBytes(text.ToString()));
    }

    internal static HashSet<string> OnList(TestEngine test) => [.. test.Simulator.State.Contacts(test.ListId).Select(c => c.Email)];

    internal static void NoScratchList(TestEngine test)
    {
        // Deleting a list is a job: it may be on its way still.
        Assert.True(SpinWait.SpinUntil(() => test.Simulator.State.Lists().All(l => l.DeletedAt is not null || !l.Name.StartsWith("CcExport removal", StringComparison.Ordinal)), 5000));
        Assert.DoesNotContain(test.Simulator.State.Contacts(), c => c.Deleted);
    }

    [Theory]
    [InlineData(60, 4, 7)]
    [InlineData(1600, 2, 11)]
    [InlineData(1600, 30, 12)]
    [InlineData(1300, 30, 12)]
    public async Task Who_left_the_segment_leaves_the_list_and_stays_in_the_account(int people, int leavers, int calls)
    {
        await using TestEngine test = await StartAsync(people);
        Run first = await InvokeAsync(test);
        Assert.Equal((RunStatus.Completed, (long)people, 0L), (first.Status, first.Accepted, first.Removed));
        test.Simulator.State.AddContact("stranger@example.com", listIds: [test.ListId]);
        Segment(test, people, [.. Enumerable.Range(5, leavers)]);

        int before = test.Simulator.State.Calls().Count;
        Run second = await InvokeAsync(test);
        Assert.Equal((RunStatus.Completed, (long)leavers, 0L, (long)(people - leavers)), (second.Status, second.Removed, second.Sent, second.Unchanged));
        Assert.Equal(second.Requests, test.Simulator.State.Calls().Count - before);
        Assert.True(second.Requests <= calls, string.Join('\n', test.Simulator.State.Calls().Skip(before).Select(c => $"{c.Method} {c.Path}")));
        HashSet<string> on = OnList(test);
        Assert.Equal(people - leavers + 1, on.Count);
        Assert.Contains("stranger@example.com", on);
        Assert.DoesNotContain("person5@example.com", on);
        Assert.NotNull(test.Simulator.State.Contact("person5@example.com"));
        NoScratchList(test);
        Assert.Empty(test.Watcher.Warnings);
        Assert.Empty(Directory.GetFileSystemEntries(test.Home.SpoolFolder));

        // They are no leavers: back in the segment, they are sent.
        Segment(test, people);
        Run third = await InvokeAsync(test);
        Assert.Equal((RunStatus.Completed, (long)leavers, 0L, 0L), (third.Status, third.Accepted, third.Suppressed, third.Removed));
        Assert.Equal(people + 1, OnList(test).Count);
        Assert.Equal(0, (await InvokeAsync(test)).Sent);
    }

    [Fact]
    public async Task Who_was_on_the_list_before_is_taken_off_only_when_ownership_is_taken()
    {
        await using TestEngine test = await StartAsync(60);
        test.Simulator.State.AddContact("person3@example.com", listIds: [test.ListId]);
        test.Simulator.State.AddContact("stranger@example.com", listIds: [test.ListId]);
        Assert.Equal(60, (await InvokeAsync(test)).Accepted);
        Segment(test, 60, 3, 4);
        Assert.Equal(1, (await InvokeAsync(test)).Removed);
        Assert.Equal(60, OnList(test).Count);
        Assert.Contains("person3@example.com", OnList(test));

        Run all = await InvokeAsync(test, r => r with { TakeOwnership = true });
        Assert.Equal((2L, RunStatus.Completed), (all.Removed, all.Status));
        Assert.Equal(58, OnList(test).Count);
        Assert.NotNull(test.Simulator.State.Contact("stranger@example.com"));
    }

    [Fact]
    public async Task Another_exports_people_stay_even_when_ownership_is_taken()
    {
        await using TestEngine test = await StartAsync(60);
        await test.Engine.SetExportAsync(new ExportChange { Name = "Other", Connection = "acme", ListId = test.ListId, Map = TestEngine.NameMap, Path = test.File("o.csv", People(10)) }, default);
        Assert.Equal(60, (await InvokeAsync(test)).Accepted);
        Assert.Equal(10, (await InvokeAsync(test, r => r with { ExportName = "Other" })).Accepted);
        Segment(test, 60, 9, 10, 11);
        Assert.Equal(1, (await InvokeAsync(test)).Removed);
        Assert.Equal(0, (await InvokeAsync(test, r => r with { TakeOwnership = true })).Removed);
        Assert.Equal(59, OnList(test).Count);
    }

    /// <summary>
    /// A run that began before, and stood still when the plan was made, came to its end meanwhile. That changes no membership and is no newer run, so the plan goes; but those people
    /// are that export's.
    /// </summary>
    [Fact]
    public async Task People_that_another_export_has_had_accepted_since_a_plan_was_made_stay()
    {
        JournalTap? tap = null;
        await using TestEngine test = await TestEngine.StartAsync(change: parts => parts with { Store = tap = new JournalTap(parts.Store) });
        await PrepareAsync(test, 60);
        await test.Engine.SetExportAsync(new ExportChange { Name = "Other", Connection = "acme", ListId = test.ListId, Map = TestEngine.NameMap, Path = test.File("o.csv", People(10)) }, default);
        tap!.Before = (step, _) => step == "FinishedAsync" ? throw new CcException("StoreLocked", CcErrorKind.Storage, "Locked.") : Task.CompletedTask;
        Assert.Equal(RunStatus.Interrupted, (await InvokeAsync(test, r => r with { ExportName = "Other" })).Status);
        tap.Before = null;
        Assert.Equal(60, (await InvokeAsync(test)).Accepted);
        test.Simulator.State.AddContact("stranger@example.com", listIds: [test.ListId]);
        Segment(test, 60, 9, 10);
        Plan plan = await test.Engine.PlanAsync(new RunRequest { ExportName = "E", TakeOwnership = true }, test.Watcher, default);
        Assert.Equal(3, plan.Removals);
        Assert.Equal(10, (await InvokeAsync(test, r => r with { ExportName = "Other" })).Accepted);
        Run run = await test.Engine.InvokeAsync(new RunRequest { PlanId = plan.Id }, test.Watcher, default);
        Assert.Equal((1L, RunStatus.Completed), (run.Removed, run.Status));
        Assert.Equal(60, OnList(test).Count);
        Assert.DoesNotContain("stranger@example.com", OnList(test));
    }

    [Fact]
    public async Task Who_left_by_herself_stays_held_out_and_nobody_who_is_seen_but_not_sent_is_taken_off()
    {
        await using TestEngine test = await StartAsync(60);
        await InvokeAsync(test);
        test.Simulator.State.LeaveList("person3@example.com", test.ListId);
        test.Simulator.State.Unsubscribe("person4@example.com");
        Segment(test, 60, 20);
        Run second = await InvokeAsync(test);
        Assert.Equal((1L, 2L, 57L, 0L), (second.Removed, second.Suppressed, second.Unchanged, second.Sent));
        // They leave the segment as well: nothing to take off, and coming back changes nothing.
        Segment(test, 60, 3, 4, 20);
        Assert.Equal((0L, 0L), ((await InvokeAsync(test)).Removed, (await InvokeAsync(test)).Removed));
        Segment(test, 60);
        Run last = await InvokeAsync(test);
        Assert.Equal((2L, 1L, 0L), (last.Suppressed, last.Accepted, last.Removed));
        Assert.Equal([("K3", Reasons.LeftList), ("K4", Reasons.Unsubscribed)], (await test.RejectionsAsync(last.Id)).Where(r => r.Kind == "Suppressed").Select(r => (r.SourceKey!, r.Reason)));
        Assert.Equal(58, OnList(test).Count);
    }

    [Fact]
    public async Task Who_left_and_came_back_without_us_is_not_ours_to_take_off_any_more()
    {
        await using TestEngine test = await StartAsync(60);
        await InvokeAsync(test);
        test.Simulator.State.LeaveList("person3@example.com", test.ListId);
        Assert.Equal(1, (await InvokeAsync(test)).Suppressed);
        test.Simulator.State.JoinList("person3@example.com", test.ListId);
        Segment(test, 60, 3, 4);
        Assert.Equal(1, (await InvokeAsync(test)).Removed);
        Assert.Contains("person3@example.com", OnList(test));
    }

    [Fact]
    public async Task Who_joined_while_the_run_stood_still_is_not_there_because_of_it()
    {
        var time = new CcExport.Model.MovableClock();
        await using TestEngine test = await TestEngine.StartAsync(time: time);
        await PrepareAsync(test, 60);
        test.Simulator.State.AddContact("person3@example.com");
        test.Simulator.State.AddFault(DayEnded);
        Assert.Equal(RunStatus.WaitingForQuota, (await InvokeAsync(test)).Status);
        test.Simulator.State.ClearFaults();
        await NextDayAsync(test);
        test.Simulator.State.JoinList("person3@example.com", test.ListId);
        time.Add(LateLeavers.Fresh);
        Assert.Equal(60, (await InvokeAsync(test)).Accepted);
        Segment(test, 60, 3, 4);
        Assert.Equal(1, (await InvokeAsync(test)).Removed);
        Assert.Contains("person3@example.com", OnList(test));
    }

    [Theory]
    [InlineData("CustomerId,FirstName,LastName,EMail\n")]
    [InlineData("CustomerId,FirstName,LastName,EMail\nK1,A,B,no address\n")]
    public async Task Nobody_is_taken_off_when_no_usable_profile_was_read_unless_forced(string segment)
    {
        await using TestEngine test = await StartAsync(20);
        await InvokeAsync(test);
        test.File("p.csv", segment);
        Assert.Equal(0, (await InvokeAsync(test)).Removed);
        Assert.Contains(test.Watcher.Warnings, w => w.Contains("nobody is taken off", StringComparison.Ordinal));
        Assert.Equal(20, OnList(test).Count);
        Assert.Equal(20, (await InvokeAsync(test, r => r with { Force = true })).Removed);
        Assert.Empty(OnList(test));
    }

    /// <summary>The last two of sixty, in rows that nobody can take apart.</summary>
    private static string Broken => People(58) + "K59,First59,Last59,person59@example.com,over\nK60,First60\n";

    [Fact]
    public async Task Nobody_is_taken_off_when_rows_cannot_be_read_unless_forced()
    {
        await using TestEngine test = await StartAsync(60);
        await InvokeAsync(test);
        test.File("p.csv", Broken);
        Run doubted = await InvokeAsync(test);
        Assert.Equal((RunStatus.Completed, 2L, 0L), (doubted.Status, doubted.Invalid, doubted.Removed));
        string said = Assert.Single(test.Watcher.Warnings, w => w.Contains("nobody is taken off the list by this run", StringComparison.Ordinal));
        Assert.StartsWith("2 rows could not be read", said, StringComparison.Ordinal);
        Assert.Contains("-Force", said, StringComparison.Ordinal);
        Assert.Equal(60, OnList(test).Count);
        Assert.Equal(2, (await InvokeAsync(test, r => r with { Force = true })).Removed);
        Assert.Equal(58, OnList(test).Count);
    }

    /// <summary>A plan is not what -Force can be given to.</summary>
    [Fact]
    public async Task A_plan_says_that_it_takes_nobody_off_when_rows_cannot_be_read()
    {
        await using TestEngine test = await StartAsync(60);
        await InvokeAsync(test);
        test.File("p.csv", Broken);
        Plan plan = await test.Engine.PlanAsync(new RunRequest { ExportName = "E" }, test.Watcher, default);
        Assert.Equal((2L, 0L), (plan.Invalid, plan.Removals));
        string said = Assert.Single(plan.Warnings, w => w.Contains("nobody is taken off the list by this plan", StringComparison.Ordinal));
        Assert.StartsWith("2 rows could not be read", said, StringComparison.Ordinal);
        Assert.DoesNotContain("-Force", said, StringComparison.Ordinal);
        Assert.Contains(said, test.Watcher.Warnings);
        Assert.Contains(said, Assert.Single(await test.Engine.GetPlansAsync(default)).Warnings);
    }

    private static PipedProfiles Piped(int people)
    {
        var piped = new PipedProfiles(["CustomerId", "FirstName", "LastName", "EMail"]);
        for (int i = 1; i <= people; i++)
        {
            piped.BeginRow();
            piped.Add(0, $"K{i}");
            piped.Add(1, $"First{i}");
            piped.Add(2, $"Last{i}");
            piped.Add(3, $"person{i}@example.com");
            piped.EndRow();
        }
        return piped;
    }

    [Fact]
    public async Task Nobody_is_taken_off_for_not_being_piped_when_what_was_read_is_doubted()
    {
        await using TestEngine test = await StartAsync(60);
        await InvokeAsync(test);
        PipedProfiles doubted = Piped(59), whole = Piped(59);
        doubted.Doubt();
        doubted.Complete();
        whole.Complete();
        Run run = await InvokeAsync(test, r => r with { Piped = doubted });
        Assert.Equal((RunStatus.Completed, 59L, 0L), (run.Status, run.Read, run.Removed));
        Assert.Contains(test.Watcher.Warnings, w => w.StartsWith("What was piped may not have been read whole, as was said: nobody is taken off", StringComparison.Ordinal));
        Assert.Equal(60, OnList(test).Count);
        run = await InvokeAsync(test, r => r with { Piped = whole });
        Assert.Equal((RunStatus.Completed, 59L, 1L), (run.Status, run.Read, run.Removed));
        Assert.Equal(59, OnList(test).Count);
    }

    [Fact]
    public async Task A_large_list_costs_its_batches_and_twelve_calls()
    {
        await using TestEngine test = await TestEngine.StartAsync(batchRows: 2000);
        test.Simulator.State.Set(s => (s.JobDurationMs, s.JobStartDelayMs) = (1, 0));
        await DefineAsync(test, 9000, batch: 2000);
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", Mode = ExportMode.Mirror }, default);
        Assert.Equal(9000, (await InvokeAsync(test)).Accepted);
        // 3,000 leave and 3,000 come.
        var text = new StringBuilder("CustomerId,FirstName,LastName,EMail\n");
        for (int i = 3001; i <= 12000; i++) text.Append(CultureInfo.InvariantCulture, $"K{i},First{i},Last{i},person{i}@example.com\n");
        test.File("p.csv", text.ToString());
        // A third of the list: the guard would stop that.
        Run second = await InvokeAsync(test, r => r with { Force = true });
        Assert.Equal((3000L, 3000L, 2, RunStatus.Completed), (second.Removed, second.Accepted, second.Batches, second.Status));
        const int importsToRemoveBy = 2;
        Assert.InRange(second.Requests, 1, second.Batches + importsToRemoveBy + Limits.CallsBesideBatches);
        Assert.Equal(9000, OnList(test).Count);
        NoScratchList(test);
    }

    [Theory]
    [InlineData(1, 2000, true, 0)]
    [InlineData(3, 2000, false, 1)]
    [InlineData(4, 2000, false, 3)]
    [InlineData(400, 1500, false, 2)]
    [InlineData(400, 1600, false, 3)]
    [InlineData(5000, 1000000, false, 3)]
    [InlineData(5000, 6000, true, 3)]
    [InlineData(2000, 6000, true, 0)]
    public void The_way_that_costs_fewer_calls_is_taken(long people, long members, bool idsKnown, int way)
        => Assert.Equal((RemovalWay)way, RemovalCost.Cheapest(people, members, idsKnown, Limits.BatchRows));
}
