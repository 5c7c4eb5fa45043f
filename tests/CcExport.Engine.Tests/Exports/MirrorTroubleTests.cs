using CcExport.Engine.Exports;
using CcExport.Engine.Mapping;
using CcExport.Engine.Store;
using CcExport.Simulator;
using static CcExport.Engine.Tests.Exports.Trouble;

namespace CcExport.Engine.Tests.Exports;

/// <summary>Mode Mirror in trouble: lost answers, days that end, jobs that fail and processes that die, at each of its steps.</summary>
public sealed class MirrorTroubleTests
{
    private const int Many = 1600, Leavers = 30;
    private const string Lists = "contact_lists", Remove = "remove_list_memberships";

    private static async Task<TestEngine> ReadyAsync(int people = Many)
    {
        TestEngine test = await MirrorTests.StartAsync(people);
        await FirstAsync(test, people);
        return test;
    }

    private static async Task FirstAsync(TestEngine test, int people)
    {
        Assert.Equal(people, (await InvokeAsync(test)).Accepted);
        test.Simulator.State.AddContact("stranger@example.com", listIds: [test.ListId]);
        MirrorTests.Segment(test, people, [.. Enumerable.Range(5, Leavers)]);
    }

    private static async Task AllGoneAsync(TestEngine test, Run run, int people = Many)
    {
        Assert.Equal((RunStatus.Completed, (long)Leavers, 0L), (run.Status, run.Removed, run.Unaccounted));
        Assert.Equal(Leavers, (await test.Engine.GetRunAsync(run.Id, default))!.Removed);
        Assert.Equal(people - Leavers + 1, MirrorTests.OnList(test).Count);
        Assert.NotNull(test.Simulator.State.Contact("person5@example.com"));
        MirrorTests.NoScratchList(test);
        Assert.Empty(await test.RejectionsAsync(run.Id));
        // Nobody of them is held for a leaver.
        MirrorTests.Segment(test, people);
        Run next = await InvokeAsync(test);
        Assert.Equal((RunStatus.Completed, (long)Leavers, 0L, 0L), (next.Status, next.Accepted, next.Suppressed, next.Removed));
    }

    [Theory]
    [InlineData(FaultKind.ProcessThenDrop, "POST", Lists)]
    [InlineData(FaultKind.ProcessThenStatus, "POST", Lists)]
    [InlineData(FaultKind.ProcessThenDrop, "POST", Import)]
    [InlineData(FaultKind.ProcessThenStatus, "POST", Import)]
    [InlineData(FaultKind.Drop, "POST", Import)]
    [InlineData(FaultKind.ProcessThenDrop, "POST", Remove)]
    [InlineData(FaultKind.Throttle, "POST", Remove)]
    [InlineData(FaultKind.ProcessThenDrop, "DELETE", Lists)]
    [InlineData(FaultKind.ProcessThenStatus, "DELETE", Lists)]
    public async Task A_lost_answer_is_asked_for_again(FaultKind kind, string method, string path)
    {
        await using TestEngine test = await ReadyAsync();
        test.Simulator.State.AddFault(new FaultRule { Match = new FaultMatch { Method = method, Path = path, Nth = 1 }, Effect = new FaultEffect { Kind = kind } });
        await AllGoneAsync(test, await InvokeAsync(test));
    }

    [Theory]
    [InlineData("POST", Lists, 1)]
    [InlineData("POST", Import, 1)]
    [InlineData("GET", Lists, 2)]
    [InlineData("POST", Remove, 1)]
    [InlineData("GET", Lists, 3)]
    [InlineData("DELETE", Lists, 1)]
    public async Task A_day_that_ends_in_the_middle_of_it_is_no_end(string method, string path, int nth)
    {
        await using TestEngine test = await ReadyAsync();
        test.Simulator.State.AddFault(DayEnded with { Match = new FaultMatch { Method = method, Path = path, Nth = nth, Count = 1000 } });
        Run parked = await InvokeAsync(test);
        Assert.Equal(RunStatus.WaitingForQuota, parked.Status);
        test.Simulator.State.ClearFaults();
        await NextDayAsync(test);
        await AllGoneAsync(test, await ResumeAsync(test, parked.Id));
    }

    public static TheoryData<string, int, bool> Deaths
    {
        get
        {
            TheoryData<string, int, bool> deaths = [];
            // The mark; the plan, the name of the list, the beginning, the list's end, all done; two jobs; the end of the run.
            foreach ((string step, int times) in new[] { ("AllSealedAsync", 1), ("DefineAsync", 5), ("ClaimAsync", 2), ("CloseAsync", 1) })
            {
                for (int nth = 1; nth <= times; nth++)
                {
                    deaths.Add(step, nth, true);
                    deaths.Add(step, nth, false);
                }
            }
            return deaths;
        }
    }

    [Theory]
    [MemberData(nameof(Deaths))]
    public async Task A_process_may_die_before_and_after_each_step(string step, int nth, bool before)
    {
        (TestEngine test, JournalTap tap) = await JournalTap.StartAsync();
        await using (test)
        {
            await MirrorTests.PrepareAsync(test, Many);
            await FirstAsync(test, Many);
            int seen = 0;
            Task DieAsync(string name, object?[] args) => name == step && ++seen == nth ? throw new InvalidTimeZoneException("dead") : Task.CompletedTask;
            if (before) tap.Before = DieAsync;
            else tap.After = DieAsync;
            await Assert.ThrowsAsync<InvalidTimeZoneException>(() => InvokeAsync(test));
            (tap.Before, tap.After) = (null, null);
            Assert.Equal(nth, seen);
            RunRecord left = (await test.Store.Runs.ListAsync(new RunQuery(Limit: 1), default))[0];
            // Closed is closed: then the next run finds nobody to take off.
            if (left.Status == RunStatus.Completed) await AllGoneAsync(test, (await test.Engine.GetRunAsync(left.Id, default))!);
            else await AllGoneAsync(test, await InvokeAsync(test));
        }
    }

    [Fact]
    public async Task A_removal_that_failed_is_tried_again_and_what_is_still_there_is_said()
    {
        await using TestEngine test = await ReadyAsync();
        // The look at the list completes, and the import to remove by; not the removal. Then it does.
        test.Simulator.State.PlanJobs(JobOutcome.Completed, JobOutcome.Completed, JobOutcome.Failed);
        await AllGoneAsync(test, await InvokeAsync(test));
    }

    [Fact]
    public async Task What_cannot_be_taken_off_is_noted_and_taken_off_by_the_next_run()
    {
        await using TestEngine test = await ReadyAsync(60);
        test.Simulator.State.AddFault(Fault(FaultKind.Status, count: 1000, path: Remove, status: 400, body: """[{"error_key":"contacts.api.validation.error","error_message":"No."}]"""));
        // Half of the list: the guard would stop that.
        Run run = await InvokeAsync(test, r => r with { MaxShrink = 1 });
        Assert.Equal((RunStatus.Completed, 0L, 0L), (run.Status, run.Removed, run.Refused));
        Rejection note = Assert.Single(await test.RejectionsAsync(run.Id));
        Assert.Equal((Reasons.NotRemoved, "Noted", Leavers), (note.Reason, note.Kind, note.Count));
        Assert.Contains(test.Watcher.Warnings, w => w.StartsWith("30 contact(s)", StringComparison.Ordinal));
        test.Simulator.State.ClearFaults();
        await AllGoneAsync(test, await InvokeAsync(test, r => r with { MaxShrink = 1 }), 60);
    }

    [Fact]
    public async Task Where_no_list_can_be_made_the_ids_are_read()
    {
        await using TestEngine test = await ReadyAsync();
        test.Simulator.State.Set(s => s.Privileges = [.. s.Privileges.Except(["contacts:lists:write"])]);
        await AllGoneAsync(test, await InvokeAsync(test));
    }

    [Fact]
    public async Task Before_a_removal_goes_on_it_is_looked_who_is_still_to_be_taken_off()
    {
        await using TestEngine test = await ReadyAsync();
        test.Simulator.State.AddFault(DayEnded with { Match = new FaultMatch { Method = "POST", Path = Lists } });
        Run parked = await InvokeAsync(test);
        test.Simulator.State.ClearFaults();
        await NextDayAsync(test);
        // Meanwhile one is put on the list by another export, and one leaves by herself and is deleted.
        await test.Engine.SetExportAsync(new ExportChange { Name = "Other", Connection = "acme", ListId = test.ListId, Map = TestEngine.NameMap, Path = test.File("o.csv", People(6)) }, default);
        await InvokeAsync(test, r => r with { ExportName = "Other" });
        test.Simulator.State.LeaveList("person7@example.com", test.ListId);
        test.Simulator.State.DeleteContact("person8@example.com");
        Run run = await ResumeAsync(test, parked.Id);
        // 5 and 6 are the other's now, 7 and 8 had left.
        Assert.Equal((RunStatus.Completed, Leavers - 4L), (run.Status, run.Removed));
        Assert.Contains("person6@example.com", MirrorTests.OnList(test));
        Assert.True(test.Simulator.State.Contact("person8@example.com")!.Deleted);
        MirrorTests.Segment(test, Many);
        Run next = await InvokeAsync(test);
        Assert.Equal(["K7", "K8"], (await test.RejectionsAsync(next.Id)).Select(r => r.SourceKey));
    }

    [Theory]
    [InlineData("POST", Remove, 0)]
    [InlineData("DELETE", Lists, Leavers)]
    public async Task A_run_that_is_given_up_in_the_middle_counts_and_remembers_what_it_did(string method, string path, int removed)
    {
        await using TestEngine test = await ReadyAsync();
        test.Simulator.State.AddFault(DayEnded with { Match = new FaultMatch { Method = method, Path = path, Count = 1000 } });
        Run parked = await InvokeAsync(test);
        test.Simulator.State.ClearFaults();
        await NextDayAsync(test);
        Run stopped = await test.Engine.StopAsync(parked.Id, test.Watcher, default);
        Assert.Equal((RunStatus.Canceled, (long)removed), (stopped.Status, stopped.Removed));
        MirrorTests.NoScratchList(test);
        MirrorTests.Segment(test, Many);
        Run next = await InvokeAsync(test);
        Assert.Equal((removed, 0L), (next.Accepted, next.Suppressed));
    }

    [Fact]
    public async Task A_run_that_failed_or_was_stopped_takes_nobody_off()
    {
        await using TestEngine test = await ReadyAsync(60);
        test.File("p.csv", People(90).Replace("K5,First5,Last5,person5@example.com\n", "", StringComparison.Ordinal));
        test.Simulator.State.AddFault(DayEnded);
        Run parked = await InvokeAsync(test);
        test.Simulator.State.ClearFaults();
        await NextDayAsync(test);
        Run stopped = await test.Engine.StopAsync(parked.Id, test.Watcher, default);
        Assert.Equal((RunStatus.Canceled, 0L), (stopped.Status, stopped.Removed));
        Assert.Contains("person5@example.com", MirrorTests.OnList(test));
        Assert.Equal((1L, 30L), ((await InvokeAsync(test)) is var run ? run.Removed : 0, run.Accepted));
    }

    [Fact]
    public async Task Who_has_gone_is_not_said_to_be_there_where_the_list_cannot_be_read_back()
    {
        await using TestEngine test = await ReadyAsync();
        test.Simulator.State.AddFault(DayEnded with { Match = new FaultMatch { Method = "DELETE", Path = Lists, Count = 1000 } });
        Run parked = await InvokeAsync(test);
        test.Simulator.State.ClearFaults();
        await NextDayAsync(test);
        test.Simulator.State.PlanJobs([.. Enumerable.Repeat(JobOutcome.Failed, 5)]);
        Assert.Equal(RunStatus.Interrupted, (await ResumeAsync(test, parked.Id)).Status);
        test.Simulator.State.DropPlannedJobs();
        await AllGoneAsync(test, await ResumeAsync(test, parked.Id));
    }

    [Fact]
    public async Task Its_jobs_are_nobodys_lost_import()
    {
        await using TestEngine test = await ReadyAsync();
        await InvokeAsync(test);
        string[] all = [.. test.Simulator.State.Activities().Where(a => a.Kind is "contacts_json_import" or Remove).Select(a => a.Id)];
        Assert.Equal(3, all.Length);
        Assert.Equal(all.Order(), (await test.Store.Runs.GetClaimedAsync(all, default)).Order());
    }
}
