using System.Globalization;
using CcExport.Engine.Exports;
using CcExport.Engine.Store;
using CcExport.Simulator;
using static CcExport.Engine.Tests.Exports.Trouble;

namespace CcExport.Engine.Tests.Exports;

/// <summary>Going on with runs, giving them up, ending and waiting for them: over real HTTP.</summary>
public sealed class RecoveryTests
{
    [Fact]
    public async Task A_run_that_stands_still_goes_on_by_its_number_without_its_source()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        Run parked = await ParkedAsync(test);
        Assert.Equal($"Resume-CcRun {parked.Id}", parked.Next);
        File.Delete(test.File("p.csv", ""));
        await test.Engine.RemoveExportAsync("E", default);
        Run run = await ResumeAsync(test, parked.Id);
        Assert.Equal((parked.Id, RunStatus.Completed, 90L), (run.Id, run.Status, run.Accepted));
        Assert.Equal("RunEnded", await Fails(() => ResumeAsync(test, run.Id)));
        Assert.Equal("RunEnded", await Fails(() => test.Engine.StopAsync(run.Id, test.Watcher, default)));
        Assert.Equal("RunNotFound", await Fails(() => ResumeAsync(test, 99)));
    }

    [Fact]
    public async Task A_fresh_start_gives_up_the_old_run_with_its_numbers()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test, 140);
        test.Simulator.State.AddFault(DayEnded with { Match = DayEnded.Match with { Nth = 2 } });
        Run parked = await InvokeAsync(test);
        Assert.Equal(RunStatus.WaitingForQuota, parked.Status);
        test.Simulator.State.ClearFaults();
        await NextDayAsync(test);
        Run fresh = await InvokeAsync(test, r => r with { Fresh = true });
        Assert.Equal((RunStatus.Completed, 140L), (fresh.Status, fresh.Accepted));
        Run old = (await test.Engine.GetRunAsync(parked.Id, default))!;
        Assert.NotEqual(old.Id, fresh.Id);
        Assert.Equal(RunStatus.Canceled, old.Status);
        Assert.Equal(140, old.Accepted + old.Refused + old.Unaccounted);
        Assert.InRange(old.Accepted + old.Unaccounted, 40, 50);
        Assert.Contains(test.Watcher.Warnings, w => w.Contains($"Run {old.Id}", StringComparison.Ordinal) && w.Contains("given up", StringComparison.Ordinal));
        Assert.Empty(Directory.GetFileSystemEntries(test.Home.SpoolFolder));
    }

    [Fact]
    public async Task A_run_whose_process_is_gone_is_shown_as_interrupted_and_can_be_ended_for_good()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        Run parked = await ParkedAsync(test);
        // As a process that was killed leaves it.
        await test.Store.Runs.SetStatusAsync(parked.Id, RunStatus.Running, null, default);
        Run seen = (await test.Engine.GetRunAsync(parked.Id, default))!;
        Assert.Equal(RunStatus.Interrupted, seen.Status);
        Assert.Contains($"Resume-CcRun -Id {parked.Id}", seen.Message, StringComparison.Ordinal);
        Assert.Equal(RunStatus.Interrupted, (await test.Engine.WaitAsync(parked.Id, null, test.Watcher, default)).Status);
        Run ended = await test.Engine.StopAsync(parked.Id, test.Watcher, default);
        Assert.Equal((RunStatus.Canceled, 90L, 0L), (ended.Status, ended.Refused, ended.Accepted));
        Assert.All(await test.RejectionsAsync(parked.Id), r => Assert.Equal("NotSent", r.Reason));
        Assert.Empty(Directory.GetFileSystemEntries(test.Home.SpoolFolder));
        Assert.Equal((RunStatus.Completed, 90L), await Numbers(InvokeAsync(test)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_run_at_work_is_ended_by_another_engine_and_counted(bool following)
    {
        // At the real pace: it has to be ended before all is sent.
        await using TestEngine test = await TestEngine.StartAsync(realLimit: true);
        await DefineAsync(test, 500);
        if (following) test.Simulator.State.Set(s => s.JobOutcome = JobOutcome.Stuck);
        Task<Run> running = InvokeAsync(test);
        bool Seen()
        {
            lock (test.Watcher.Steps) return following ? test.Watcher.Steps.Any(s => s.Stage == "Following") : test.Simulator.State.Activities().Count >= 2;
        }
        for (int i = 0; i < 1500 && !Seen(); i++) await Task.Delay(20);
        await using CcEngine other = await CcEngine.OpenAsync(test.Home, TimeProvider.System, p => p, default);
        long id = Assert.Single(await other.GetRunsAsync(null, null, default)).Id;
        Run ended = await other.StopAsync(id, test.Watcher, default);
        Run own = await running;
        Assert.Equal((RunStatus.Canceled, RunStatus.Canceled), (ended.Status, own.Status));
        Assert.Equal((own.Accepted, own.Refused, own.Unaccounted), (ended.Accepted, ended.Refused, ended.Unaccounted));
        Assert.Equal(500, ended.Accepted + ended.Refused + ended.Unaccounted);
        if (following) Assert.Equal((0L, 500L), (ended.Accepted, ended.Unaccounted));
        else Assert.True(ended.Refused > 0);
        if (following) Assert.Contains(await test.RejectionsAsync(id), r => r.Reason == "RunStopped");
    }

    [Fact]
    public async Task Waiting_for_a_run_returns_it_and_leaves_it_alone()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test, 200);
        test.Simulator.State.Set(s => s.JobDurationMs = 3000);
        Task<Run> running = InvokeAsync(test);
        for (int i = 0; i < 1000 && test.Simulator.State.Activities().Count == 0; i++) await Task.Delay(20);
        await using CcEngine other = await CcEngine.OpenAsync(test.Home, TimeProvider.System, p => p, default);
        Assert.Equal("WaitTimeout", await Fails(() => other.WaitAsync(1, TimeSpan.FromMilliseconds(300), test.Watcher, default)));
        Run waited = await other.WaitAsync(1, null, test.Watcher, default);
        Assert.Equal((RunStatus.Completed, 200L), (waited.Status, waited.Accepted));
        Assert.Equal(RunStatus.Completed, (await running).Status);
    }

    [Fact]
    public async Task A_second_invocation_may_wait_for_the_first()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test, 60);
        Task<Run> first = InvokeAsync(test);
        for (int i = 0; i < 1000 && test.Simulator.State.Activities().Count == 0; i++) await Task.Delay(10);
        Run second = await InvokeAsync(test, r => r with { Waits = new RunWaits { ForRunner = true } });
        Assert.Equal((RunStatus.Completed, RunStatus.Completed), ((await first).Status, second.Status));
        Assert.NotEqual((await first).Id, second.Id);
    }

    [Fact]
    public async Task A_batch_that_stays_in_doubt_is_named_and_sent_only_when_asked()
    {
        await using TestEngine test = await TestEngine.StartAsync(change: parts => parts with { Upload = parts.Upload with { DoubtDeadline = TimeSpan.FromSeconds(1) } });
        await DefineAsync(test, 90);
        // Its answer is lost, and while a job of unknown count is not at its end, nothing can be told.
        test.Simulator.State.PlanJobs(JobOutcome.Stuck, JobOutcome.Completed);
        test.Simulator.State.AddFault(Fault(FaultKind.ProcessThenDrop));
        Run run = await InvokeAsync(test);
        Assert.Equal(RunStatus.CompletedWithErrors, run.Status);
        Assert.Equal(90, run.Accepted + run.Unaccounted);
        Assert.InRange(run.Unaccounted, 40, 50);
        Assert.Contains("-SendInDoubt", run.Message, StringComparison.Ordinal);
        Assert.Equal(("InDoubt", run.Unaccounted), Assert.Single((await test.RejectionsAsync(run.Id)).Select(r => (r.Reason, (long)r.Count))));
        int jobs = test.Simulator.State.Activities().Count;
        Run sent = await ResumeAsync(test, run.Id, sendInDoubt: true);
        Assert.Equal((run.Id, RunStatus.Completed, 90L, 0L), (sent.Id, sent.Status, sent.Accepted, sent.Unaccounted));
        Assert.Equal(jobs + 1, test.Simulator.State.Activities().Count);
        Assert.Empty(await test.RejectionsAsync(run.Id));
        Assert.Equal(90, test.Simulator.State.Contacts(test.ListId).Count);
    }

    [Fact]
    public async Task A_sign_in_that_lapses_within_thirty_days_is_said_by_each_run()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        string path = test.File("p.csv", People(3));
        await test.RunFileAsync(path);
        Assert.DoesNotContain(test.Watcher.Warnings, w => w.Contains("lapses", StringComparison.Ordinal));
        await using (var store = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={test.Home.StoreFile};Pooling=False"))
        {
            await store.OpenAsync();
            await using var command = store.CreateCommand();
            command.CommandText = $"UPDATE Connections SET RefreshTokenIssuedAt = {DateTimeOffset.UtcNow.AddDays(-151).UtcTicks}";
            await command.ExecuteNonQueryAsync();
        }
        await test.RunFileAsync(path);
        Assert.Contains(test.Watcher.Warnings, w => w.Contains("lapses", StringComparison.Ordinal));
        Assert.Equal("Warning", (await test.Engine.TestConnectionAsync("acme", default)).Status);
    }

    [Fact]
    public async Task A_run_can_be_ended_whatever_else_is_lost()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        Run parked = await ParkedAsync(test);
        File.WriteAllText(RejectionFile.PathOf(test.Home, parked.Id), "no line of ours\n");
        Directory.Delete(test.Home.KeyRingFolder, recursive: true);
        await using CcEngine later = await CcEngine.OpenAsync(test.Home, TimeProvider.System, p => p, default);
        Assert.Equal("KeyRingMissing", await Fails(() => later.ResumeAsync(new ResumeRequest { RunId = parked.Id }, test.Watcher, default)));
        Run ended = await later.StopAsync(parked.Id, test.Watcher, default);
        Assert.Equal((RunStatus.Canceled, 90L), (ended.Status, ended.Refused));
        Assert.Contains(test.Watcher.Warnings, w => w.Contains("set aside", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_run_that_had_to_end_is_failed_also_when_another_process_closes_it()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        Run parked = await ParkedAsync(test);
        IRunJournal journal = test.Store.Runs;
        // As a process leaves it that died after it had given its batches their fate, and before it closed the run.
        await journal.SetStatusAsync(parked.Id, RunStatus.Running, "The plan is full.", default);
        foreach (BatchRecord batch in await journal.GetBatchesAsync(parked.Id, default))
            await journal.FinishedAsync(parked.Id, batch.Number, new BatchOutcome("NotSent", 0, 0, batch.Rows, 0, null, DateTimeOffset.UtcNow), default);
        Run run = await ResumeAsync(test, parked.Id);
        Assert.Equal((RunStatus.Failed, "The plan is full."), (run.Status, run.Message));
    }

    [Fact]
    public async Task What_a_run_keeps_for_a_second_try_goes_with_the_next_run_to_the_list()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        test.Simulator.State.Set(s => (s.EmailMaxLength, s.ErrorLineCap) = (19, 0));
        Run first = await test.RunFileAsync(test.File("p.csv", People(12)));
        string Folder(Run run) => Path.Combine(test.Home.SpoolFolder, run.Id.ToString("D8", CultureInfo.InvariantCulture));
        Assert.True(Directory.Exists(Folder(first)));
        Run second = await test.RunFileAsync(test.File("p.csv", People(12)));
        Assert.Equal(RunStatus.CompletedWithErrors, second.Status);
        Assert.Equal((false, true), (Directory.Exists(Folder(first)), Directory.Exists(Folder(second))));
    }

    [Fact]
    public async Task A_run_taken_over_from_a_runner_not_known_to_be_dead_waits_until_no_request_of_its_can_be_on_its_way()
    {
        await using TestEngine test = await TestEngine.StartAsync(change: parts => parts with
        {
            Wire = TestEngine.Wire(parts, new CcExport.Engine.ConstantContact.WireOptions { ImportTimeout = TimeSpan.FromSeconds(4) }),
        });
        Run parked = await ParkedAsync(test);
        await test.Store.Runs.SendingAsync(parked.Id, 1, DateTimeOffset.UtcNow, default);
        // A runner on another machine, whose lease has just lapsed.
        var elsewhere = new LeaseOwner(Guid.NewGuid(), "elsewhere", 1, 1, "run");
        DateTimeOffset now = DateTimeOffset.UtcNow;
        Assert.True((await test.Store.Leases.TryTakeAsync("export/E", elsewhere, now, now.AddSeconds(1), default)).Taken);
        Assert.Equal("RunInProgress", await Fails(() => ResumeAsync(test, parked.Id)));
        await Task.Delay(1100);
        long calls = test.Simulator.State.Statistics().Total;
        var clock = System.Diagnostics.Stopwatch.StartNew();
        Task<Run> resumed = ResumeAsync(test, parked.Id);
        await Task.Delay(3000);
        Assert.Equal(calls, test.Simulator.State.Statistics().Total);
        Run run = await resumed;
        Assert.Equal((RunStatus.Completed, 90L), (run.Status, run.Accepted));
        Assert.True(clock.Elapsed > TimeSpan.FromSeconds(4));
        Assert.Equal(run.Batches, test.Simulator.State.Activities().Count);
    }

    [Fact]
    public async Task Ending_a_run_does_not_wait_for_the_search_for_a_lost_job()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test, 10);
        // Its answer is lost and its job does not end, so that the search goes on for half an hour.
        test.Simulator.State.PlanImports(JobOutcome.Stuck);
        test.Simulator.State.AddFault(Fault(FaultKind.ProcessThenDrop));
        Task<Run> running = InvokeAsync(test);
        for (int i = 0; i < 1500 && (await test.Store.Runs.GetBatchesAsync(1, default)) is not [{ State: BatchState.InDoubt }]; i++) await Task.Delay(20);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        Run ended = await test.Engine.StopAsync(1, test.Watcher, default);
        Assert.Equal((RunStatus.Canceled, 10L), (ended.Status, ended.Unaccounted));
        Assert.Equal(RunStatus.Canceled, (await running).Status);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(40), $"It took {clock.Elapsed}.");
    }
}
