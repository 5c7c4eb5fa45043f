using CcExport.Engine.Exports;
using CcExport.Engine.Store;
using static CcExport.Engine.Tests.Exports.Trouble;

namespace CcExport.Engine.Tests.Exports;

/// <summary>What is due is run, each due time once, whoever asks and whoever dies.</summary>
public sealed class ScheduleRunTests
{
    private sealed class MovedClock : TimeProvider
    {
        public TimeSpan Ahead { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Ahead;
    }

    private readonly MovedClock _clock = new();

    private Task<TestEngine> StartAsync(Func<EngineParts, EngineParts>? change = null) => TestEngine.StartAsync(time: _clock, change: change);

    private static async Task<string> DefineAsync(TestEngine test, string schedule, string name = "E")
    {
        string path = test.File("p.csv", People(10));
        await test.Engine.SetExportAsync(new ExportChange
        {
            Name = name,
            Connection = "acme",
            ListId = test.ListId,
            Map = TestEngine.NameMap,
            Path = path,
            Schedule = schedule,
            TimeZone = "Etc/UTC",
        }, default);
        return path;
    }

    private static Task<Run?> DueAsync(TestEngine test, string name = "E")
        => DueAsync(test.Engine, name, test.Watcher, default);

    private static async Task<Run?> DueAsync(CcEngine engine, string name, IRunObserver observer, CancellationToken ct)
    {
        DueClaim? claim = await engine.ClaimDueAsync([(name, DateTimeOffset.MaxValue)], ct);
        if (claim is null) return null;
        await using (claim) return await engine.InvokeDueAsync(claim, new RunRequest(), observer, ct);
    }

    private static async Task<Export> ViewAsync(TestEngine test, string name = "E") => (await test.Engine.GetExportsAsync(default)).Single(e => e.Name == name);

    [Fact]
    public async Task Missed_times_are_run_once_and_the_next_is_shown()
    {
        await using TestEngine test = await StartAsync();
        await DefineAsync(test, "0 * * * *");
        Assert.Null(await DueAsync(test));
        _clock.Ahead = TimeSpan.FromHours(5.5);
        Assert.True((await ViewAsync(test)).NextRun < _clock.GetUtcNow());
        Run run = (await DueAsync(test))!;
        Assert.Equal((RunStatus.Completed, "Schedule", 10L), (run.Status, run.Trigger, run.Accepted));
        Assert.Null(await DueAsync(test));
        Export seen = await ViewAsync(test);
        Assert.InRange(seen.NextRun!.Value - _clock.GetUtcNow(), TimeSpan.Zero, TimeSpan.FromHours(1));
        Assert.Equal((run.StartedAt, RunStatus.Completed), (seen.LastRun!.Value, seen.LastStatus));
        _clock.Ahead += TimeSpan.FromHours(1);
        Assert.NotNull(await DueAsync(test));
    }

    [Fact]
    public async Task However_many_ask_at_the_same_time_it_is_run_once()
    {
        await using TestEngine test = await StartAsync();
        await DefineAsync(test, "0 * * * *");
        _clock.Ahead = TimeSpan.FromHours(2);
        List<CcEngine> engines = [];
        for (int i = 0; i < 16; i++) engines.Add(await CcEngine.OpenAsync(test.Home, _clock, p => p with { Wire = test.Parts.Wire, Upload = test.Parts.Upload }, default));
        Run?[] runs = await Task.WhenAll(engines.Select(e => Task.Run(() => DueAsync(e, "E", new Watcher(), default))));
        foreach (CcEngine engine in engines) await engine.DisposeAsync();
        Assert.Single(runs, r => r is not null);
        Assert.Single(await test.Engine.GetRunsAsync("E", null, default));
        Assert.Single(test.Simulator.State.Activities());
    }

    [Fact]
    public async Task One_that_died_at_it_gives_way_and_a_living_one_does_not()
    {
        await using TestEngine test = await StartAsync();
        await DefineAsync(test, "0 * * * *");
        _clock.Ahead = TimeSpan.FromHours(2);
        DateTimeOffset now = _clock.GetUtcNow();
        var elsewhere = new LeaseOwner(Guid.NewGuid(), "elsewhere", 1, 1, "run");
        await test.Store.Leases.TryTakeAsync(IScheduleStore.LeaseOf("E"), elsewhere, now, now.AddMinutes(1), default);
        Assert.Null(await DueAsync(test));
        Assert.Equal("RunInProgress", (await Assert.ThrowsAsync<CcException>(
            () => test.Engine.InvokeScheduledAsync(new RunRequest { ExportName = "E" }, test.Watcher, default))).ErrorId);
        _clock.Ahead += TimeSpan.FromMinutes(2);
        Assert.NotNull(await DueAsync(test));

        // A process of this machine that is gone is not waited for.
        _clock.Ahead += TimeSpan.FromHours(1);
        now = _clock.GetUtcNow();
        await test.Store.Leases.TryTakeAsync(IScheduleStore.LeaseOf("E"), new LeaseOwner(Guid.NewGuid(), ProcessTable.Machine, int.MaxValue, 1, "run"), now, now.AddMinutes(1), default);
        Assert.NotNull(await DueAsync(test));
    }

    [Fact]
    public async Task One_that_died_after_its_run_and_before_the_mark_is_not_done_again()
    {
        await using TestEngine test = await StartAsync();
        await DefineAsync(test, "0 * * * *");
        _clock.Ahead = TimeSpan.FromHours(2);
        Assert.NotNull(await test.Engine.InvokeAsync(new RunRequest { ExportName = "E", Trigger = "Schedule" }, test.Watcher, default));
        Assert.Null(await DueAsync(test));
        Assert.Null(await DueAsync(test));
        Assert.Single(await test.Engine.GetRunsAsync("E", null, default));
    }

    [Fact]
    public async Task What_is_left_half_way_stays_due_and_its_own_data_follows()
    {
        await using TestEngine test = await StartAsync();
        await DefineAsync(test, "0 * * * *");
        _clock.Ahead = TimeSpan.FromHours(2);
        using var stop = new CancellationTokenSource();
        test.Simulator.State.PlanJobs(CcExport.Simulator.JobOutcome.Stuck);
        Task<Run?> running = DueAsync(test.Engine, "E", test.Watcher, stop.Token);
        while (test.Simulator.State.Activities().Count == 0) await Task.Delay(10);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        test.Simulator.State.EndJob(test.Simulator.State.Activities()[0].Id, CcExport.Simulator.JobOutcome.Completed);

        _clock.Ahead += TimeSpan.FromHours(1);
        Run second = (await DueAsync(test))!;
        IReadOnlyList<Run> all = await test.Engine.GetRunsAsync("E", null, default);
        Assert.Equal([RunStatus.Completed, RunStatus.Completed], all.Select(r => r.Status));
        Assert.Equal(all[0].Id, second.Id);
        Assert.Null(await DueAsync(test));
    }

    [Fact]
    public async Task What_fails_for_good_is_said_once_and_what_passes_by_itself_stays_due()
    {
        await using TestEngine test = await StartAsync();
        string path = await DefineAsync(test, "0 * * * *");
        _clock.Ahead = TimeSpan.FromHours(2);
        File.Delete(path);
        await Assert.ThrowsAsync<CcException>(() => DueAsync(test));
        Assert.Null(await DueAsync(test));

        File.WriteAllText(path, People(10));
        _clock.Ahead += TimeSpan.FromHours(1);
        await test.Store.Leases.TryTakeAsync("export/E", new LeaseOwner(Guid.NewGuid(), "elsewhere", 1, 1, "run"), _clock.GetUtcNow(), _clock.GetUtcNow().AddMinutes(1), default);
        Assert.Null(await DueAsync(test));
        Assert.Contains(test.Watcher.Details, d => d.Contains("waits", StringComparison.Ordinal));
        _clock.Ahead += TimeSpan.FromMinutes(2);
        test.Simulator.State.SetCallsToday(10_000);
        await test.Store.Calls.MarkDayEndedAsync(test.Simulator.ClientId, _clock.GetUtcNow(), default);
        Assert.Null(await DueAsync(test));
        Assert.Contains(test.Watcher.Warnings, w => w.Contains("calls", StringComparison.Ordinal));
        Assert.NotNull(await test.Engine.FindDueAsync("E", test.Watcher, default));
    }

    [Fact]
    public async Task After_a_refresh_it_is_run_once_for_each_state_of_the_data()
    {
        await using TestEngine test = await StartAsync();
        string path = await DefineAsync(test, "AfterRefresh");
        Assert.Null((await ViewAsync(test)).NextRun);
        Assert.NotNull(await DueAsync(test));
        Assert.Null(await DueAsync(test));
        File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddMinutes(1));
        Assert.NotNull(await test.Engine.FindDueAsync("E", test.Watcher, default));
        Assert.NotNull(await DueAsync(test));
        Assert.Null(await DueAsync(test));

        // A run by hand has seen it as well.
        File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddMinutes(2));
        await test.Engine.InvokeAsync(new RunRequest { ExportName = "E" }, test.Watcher, default);
        Assert.Null(await DueAsync(test));
    }

    [Fact]
    public async Task Off_it_is_not_due_and_on_again_what_was_missed_is_not_made_up_for()
    {
        await using TestEngine test = await StartAsync();
        await DefineAsync(test, "0 * * * *");
        Export off = await test.Engine.EnableExportAsync("E", false, default);
        Assert.Equal((false, null), (off.Enabled, off.NextRun));
        _clock.Ahead = TimeSpan.FromHours(3);
        Assert.Null(await DueAsync(test));
        Assert.DoesNotContain(await test.Engine.GetScheduledAsync(default), e => e.IsOn);
        Assert.Equal(RunStatus.Completed, (await test.Engine.InvokeAsync(new RunRequest { ExportName = "E" }, test.Watcher, default)).Status);
        await test.Engine.EnableExportAsync("E", true, default);
        Assert.Null(await DueAsync(test));
        Assert.Equal(["E"], (await test.Engine.GetScheduledAsync(default)).Where(e => e.IsOn).Select(e => e.Name));
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", Schedule = "" }, default);
        Export none = await ViewAsync(test);
        Assert.Equal((null, null, null), (none.Schedule, none.TimeZone, none.NextRun));
    }

    [Fact]
    public async Task All_runs_what_is_not_due_and_deals_with_what_is()
    {
        await using TestEngine test = await StartAsync();
        await DefineAsync(test, "0 * * * *");
        var request = new RunRequest { ExportName = "E" };
        Assert.Equal("Schedule", (await test.Engine.InvokeScheduledAsync(request, test.Watcher, default)).Trigger);
        _clock.Ahead = TimeSpan.FromHours(2);
        Assert.NotNull(await test.Engine.InvokeScheduledAsync(request, test.Watcher, default));
        Assert.Null(await DueAsync(test));
    }

    [Fact]
    public async Task A_copy_is_the_same_with_its_schedule_off()
    {
        await using TestEngine test = await StartAsync();
        await DefineAsync(test, "Daily 06:00");
        Export copy = await test.Engine.CopyExportAsync("e", "F", default);
        Assert.Equal(("F", "acme", "Daily 06:00", false), (copy.Name, copy.Connection, copy.Schedule, copy.Enabled));
        Assert.Equal("NameTaken", (await Assert.ThrowsAsync<CcException>(() => test.Engine.CopyExportAsync("E", "f", default))).ErrorId);
        Assert.Equal("ExportNotFound", (await Assert.ThrowsAsync<CcException>(() => test.Engine.CopyExportAsync("G", "H", default))).ErrorId);
    }

    [Fact]
    public async Task A_changed_schedule_does_not_move_a_plan()
    {
        await using TestEngine test = await StartAsync();
        await DefineAsync(test, "Daily 06:00");
        Plan plan = await test.Engine.PlanAsync(new RunRequest { ExportName = "E" }, test.Watcher, default);
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", Schedule = "Daily 07:00" }, default);
        Assert.Equal(RunStatus.Completed, (await test.Engine.InvokeAsync(new RunRequest { PlanId = plan.Id }, test.Watcher, default)).Status);
    }

    [Fact]
    public async Task A_run_that_was_asked_for_is_due_until_it_was_made_with_a_schedule_or_without()
    {
        await using TestEngine test = await StartAsync();
        await DefineAsync(test, "0 * * * *");
        await test.Engine.EnableExportAsync("E", on: false, default);
        Assert.Empty(await test.Engine.GetScheduledAsync(default));
        Assert.Null(await DueAsync(test));

        await test.Engine.RequestRunAsync("E", default);
        RunTicket ticket = await test.Engine.RequestRunAsync("e", default);
        Assert.Equal(("E", Environment.UserName), (ticket.Export, ticket.RequestedBy));
        Assert.Equal(ticket.RequestedAt, (await ViewAsync(test)).RequestedAt);
        Assert.Equal(["E"], (await test.Engine.GetScheduledAsync(default)).Select(e => e.Name));
        Assert.DoesNotContain(await test.Engine.GetScheduledAsync(default), e => e.IsOn);
        Run run = (await DueAsync(test))!;
        Assert.Equal((RunStatus.Completed, "Request", 10L), (run.Status, run.Trigger, run.Accepted));
        Assert.Null(await DueAsync(test));
        Assert.Null((await ViewAsync(test)).RequestedAt);
        Assert.Equal("ExportNotFound", (await Assert.ThrowsAsync<CcException>(() => test.Engine.RequestRunAsync("F", default))).ErrorId);
    }

    [Fact]
    public async Task What_is_due_is_known_of_all_exports_at_once_but_of_those_whose_source_must_be_asked()
    {
        await using TestEngine test = await StartAsync();
        await DefineAsync(test, "0 * * * *", "Hourly");
        await DefineAsync(test, "0 0 1 1 *", "Yearly");
        await DefineAsync(test, "0 0 1 1 *", "Asked");
        await DefineAsync(test, "AfterRefresh", "Renewed");
        _clock.Ahead = TimeSpan.FromHours(2);
        await test.Engine.RequestRunAsync("Asked", default);
        Dictionary<string, ScheduledExport> all = (await test.Engine.GetScheduledAsync(default)).ToDictionary(e => e.Name);
        Assert.Equal(["Asked", "Hourly", "Renewed", "Yearly"], all.Keys.Order());
        foreach (string name in new[] { "Asked", "Hourly", "Yearly" })
        {
            Assert.True(all[name].IsKnown);
            Assert.Equal(await test.Engine.FindDueAsync(name, test.Watcher, default), all[name].DueAt);
        }
        Assert.NotNull(all["Hourly"].DueAt);
        Assert.NotNull(all["Asked"].DueAt);
        Assert.Null(all["Yearly"].DueAt);
        Assert.Equal((false, null), (all["Renewed"].IsKnown, all["Renewed"].DueAt));

        // Done by somebody since it was looked at: it is not taken once more.
        Assert.NotNull(await DueAsync(test, "Hourly"));
        Assert.Null(await test.Engine.ClaimDueAsync([("Hourly", all["Hourly"].DueAt!.Value)], default));
        Assert.Null((await test.Engine.GetScheduledAsync(default)).Single(e => e.Name == "Hourly").DueAt);
    }
}
