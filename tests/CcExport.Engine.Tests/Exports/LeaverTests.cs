using CcExport.Engine.Exports;
using CcExport.Engine.Mapping;
using CcExport.Engine.Store;
using CcExport.Model;
using CcExport.Simulator;
using static CcExport.Engine.Tests.Exports.Trouble;

namespace CcExport.Engine.Tests.Exports;

/// <summary>Who has left a list, or unsubscribed, is not sent again; what has not changed is not sent in mode Changed.</summary>
public sealed class LeaverTests
{
    private static async Task<TestEngine> WithPeopleAsync(int people, ExportMode mode = ExportMode.Upsert)
    {
        TestEngine test = await TestEngine.StartAsync();
        test.Simulator.State.Set(s => s.KeepMemberships = true);
        await DefineAsync(test, people);
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", Mode = mode }, default);
        return test;
    }

    private static int Restored(TestEngine test) => test.Simulator.State.MembershipLog.Where(m => m.Cause == MembershipCause.Import && m.Joined)
        .Count(m => test.Simulator.State.MembershipLog.Any(l => l.Left && l.Email == m.Email && l.At <= m.At && l.Cause is MembershipCause.Product or MembershipCause.Unsubscribe));

    [Theory]
    [InlineData(60)]
    [InlineData(1200)]
    public async Task Who_left_the_list_or_the_account_is_held_out(int people)
    {
        await using TestEngine test = await WithPeopleAsync(people);
        Run first = await InvokeAsync(test);
        Assert.Equal((RunStatus.Completed, (long)people), (first.Status, first.Accepted));
        test.Simulator.State.LeaveList("person3@example.com", test.ListId);
        test.Simulator.State.Unsubscribe("person4@example.com");
        test.Simulator.State.DeleteContact("person5@example.com");

        Run second = await InvokeAsync(test);
        Assert.Equal((RunStatus.Completed, 3L, people - 3L), (second.Status, second.Suppressed, second.Accepted));
        Assert.Equal([("K3", Reasons.LeftList), ("K4", Reasons.Unsubscribed), ("K5", Reasons.LeftList)],
            (await test.RejectionsAsync(second.Id)).Where(r => r.Kind == "Suppressed").Select(r => (r.SourceKey!, r.Reason)));
        Run third = await InvokeAsync(test);
        Assert.Equal(3, third.Suppressed);
        Assert.Equal(0, Restored(test));

        // Somebody who comes back is not held out.
        test.Simulator.State.JoinList("person3@example.com", test.ListId);
        Assert.Equal(2, (await InvokeAsync(test)).Suppressed);
        Run all = await InvokeAsync(test, r => r with { IncludeLeavers = true });
        Assert.Equal((1L, 0L), (all.Suppressed, all.OptedOut));
    }

    /// <summary>What the members are is asked for with who they are, for undoing. A service that does not give it is no reason to fail.</summary>
    [Fact]
    public async Task A_field_that_the_service_does_not_write_down_does_not_keep_a_run_from_looking()
    {
        await using TestEngine test = await TestEngine.StartAsync(change: parts => parts with { LookContacts = 10 });
        await DefineAsync(test, 60);
        Assert.Equal(60, (await InvokeAsync(test)).Accepted);
        test.Simulator.State.LeaveList("person3@example.com", test.ListId);
        test.Simulator.State.AddFault(Fault(FaultKind.Status, count: 1, path: "/v3/activities/contact_exports", status: 400, body: """[{"error_key":"contacts.api.validation.error","error_message":"fields"}]"""));
        Run run = await InvokeAsync(test);
        Assert.Equal((RunStatus.Completed, 1L, 59L), (run.Status, run.Suppressed, run.Accepted));
        Assert.Equal(1, test.Simulator.State.Calls().Count(c => c.Status == 400));
    }

    [Fact]
    public async Task That_a_list_was_emptied_is_said()
    {
        await using TestEngine test = await WithPeopleAsync(200);
        await InvokeAsync(test);
        for (int i = 1; i < 100; i++) test.Simulator.State.LeaveList($"person{i}@example.com", test.ListId);
        Assert.Equal(99, (await InvokeAsync(test)).Suppressed);
        Assert.DoesNotContain(test.Watcher.Warnings, w => w.Contains("have left the list", StringComparison.Ordinal));
        for (int i = 100; i <= 200; i++) test.Simulator.State.LeaveList($"person{i}@example.com", test.ListId);
        Assert.Equal((200L, 0L), (await InvokeAsync(test)) is var run ? (run.Suppressed, run.Sent) : default);
        Assert.Contains(test.Watcher.Warnings, w => w.StartsWith("200 of the 200 contacts", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Only_what_changed_goes_and_a_refused_contact_is_not_remembered_as_sent()
    {
        await using TestEngine test = await WithPeopleAsync(60, ExportMode.Changed);
        Assert.Equal(60, (await InvokeAsync(test)).Accepted);
        Run second = await InvokeAsync(test);
        Assert.Equal((60L, 0L, RunStatus.Completed), (second.Unchanged, second.Sent, second.Status));
        File.WriteAllText((await test.Engine.GetExportsAsync(default))[0].Path!, People(61).Replace("First7,", "Other,", StringComparison.Ordinal));
        Run third = await InvokeAsync(test);
        Assert.Equal((59L, 2L, 2L), (third.Unchanged, third.Sent, third.Accepted));
        Assert.Equal("Other", test.Simulator.State.Contact("person7@example.com")!.Fields["first_name"]);
        Assert.Equal(61, (await InvokeAsync(test, r => r with { Full = true })).Sent);
    }

    [Fact]
    public async Task Who_leaves_while_a_run_stands_still_is_held_out_when_it_goes_on()
    {
        var clock = new MovedClock();
        await using TestEngine test = await TestEngine.StartAsync(time: clock);
        await DefineAsync(test, 120);
        Assert.Equal(120, (await InvokeAsync(test)).Accepted);
        await NextDayAsync(test);
        test.Simulator.State.AddFault(DayEnded);
        Run run = await InvokeAsync(test);
        Assert.Equal(RunStatus.WaitingForQuota, run.Status);
        test.Simulator.State.ClearFaults();
        await NextDayAsync(test);
        test.Simulator.State.LeaveList("person3@example.com", test.ListId);
        test.Simulator.State.Unsubscribe("person70@example.com");
        clock.Offset = LateLeavers.Fresh;

        run = await ResumeAsync(test, run.Id);
        Assert.Equal((RunStatus.Completed, 120L, 2L, 118L, 118L), (run.Status, run.Read, run.Suppressed, run.Sent, run.Accepted));
        Assert.Equal([("K3", Reasons.LeftList), ("K70", Reasons.Unsubscribed)], (await test.RejectionsAsync(run.Id)).Select(r => (r.SourceKey!, r.Reason)));
        Assert.Empty(test.Simulator.State.Contact("person3@example.com")!.ListIds);
    }

    [Fact]
    public async Task Who_left_while_a_request_was_in_doubt_is_held_out_when_it_goes_again()
    {
        var time = new MovableClock();
        await using TestEngine test = await TestEngine.StartAsync(time: time);
        test.Simulator.State.Set(s => s.KeepMemberships = true);
        await DefineAsync(test, 60);
        await InvokeAsync(test);
        test.Simulator.State.AddFault(Fault(FaultKind.Drop, count: 1000));
        test.Simulator.State.AddFault(DayEnded with { Match = new FaultMatch { Method = "GET", Path = "/activities", Count = 1000 } });
        Run parked = await InvokeAsync(test);
        Assert.Equal(RunStatus.WaitingForQuota, parked.Status);
        test.Simulator.State.ClearFaults();
        await NextDayAsync(test);
        test.Simulator.State.LeaveList("person3@example.com", test.ListId);
        time.Add(LateLeavers.Fresh);
        Run run = await ResumeAsync(test, parked.Id);
        Assert.Equal((RunStatus.Completed, 1L, 59L), (run.Status, run.Suppressed, run.Accepted));
        Assert.Empty(test.Simulator.State.Contact("person3@example.com")!.ListIds);
    }

    private sealed class MovedClock : TimeProvider
    {
        public TimeSpan Offset { get; set; }
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Offset;
    }

    [Fact]
    public async Task Who_had_unsubscribed_before_our_first_run_has_not_left_the_list_when_she_agrees_again()
    {
        await using TestEngine test = await WithPeopleAsync(60);
        test.Simulator.State.AddContact("person7@example.com", "unsubscribed");
        Run first = await InvokeAsync(test);
        Assert.Equal((RunStatus.Completed, 1L, 59L), (first.Status, first.OptedOut, first.Accepted));
        test.Simulator.State.Resubscribe("person7@example.com");
        Run second = await InvokeAsync(test);
        Assert.Equal((0L, 60L), (second.Suppressed, second.Accepted));
        // From here on she was put there.
        test.Simulator.State.LeaveList("person7@example.com", test.ListId);
        Run third = await InvokeAsync(test);
        Assert.Equal((1L, 59L), (third.Suppressed, third.Accepted));
    }

    [Fact]
    public async Task A_leaver_is_seen_when_somebody_else_joins_and_the_service_calls_neither_changed()
    {
        var ahead = new MovableClock();
        ahead.Add(TimeSpan.FromMinutes(10));
        await using TestEngine test = await TestEngine.StartAsync(time: ahead, change: parts => parts with { LookContacts = 10 });
        test.Simulator.State.Set(s => (s.KeepMemberships, s.MembershipTouches) = (true, false));
        test.Simulator.State.AddContact("other@example.com");
        await DefineAsync(test, 60);
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", Mode = ExportMode.Changed }, default);
        for (int i = 0; i < 3; i++) await InvokeAsync(test);
        test.Simulator.State.LeaveList("person3@example.com", test.ListId);
        test.Simulator.State.JoinList("other@example.com", test.ListId);
        File.WriteAllText((await test.Engine.GetExportsAsync(default))[0].Path!, People(60).Replace("First3,", "Other,", StringComparison.Ordinal));
        Run run = await InvokeAsync(test);
        Assert.Equal((1L, 0L), (run.Suppressed, run.Sent));
        Assert.Equal(0, Restored(test));
    }
}
