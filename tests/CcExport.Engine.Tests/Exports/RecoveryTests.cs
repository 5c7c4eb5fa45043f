using System.Globalization;
using System.Text;
using CcExport.Engine.Exports;
using CcExport.Engine.Store;
using CcExport.Simulator;

namespace CcExport.Engine.Tests.Exports;

/// <summary>Going on, giving up, settling what failed, and reading the list back: over real HTTP.</summary>
public sealed class RecoveryTests
{
    private const string Import = "contacts_json_import";

    private static string People(int count)
    {
        var text = new StringBuilder("CustomerId,FirstName,LastName,EMail\n");
        for (int i = 1; i <= count; i++) text.Append(CultureInfo.InvariantCulture, $"K{i},First{i},Last{i},person{i}@example.com\n");
        return text.ToString();
    }

    private static FaultRule Fault(FaultKind kind, int nth = 1, int? count = null, string path = Import, int? status = null, string? body = null)
        => new() { Match = new FaultMatch { Path = path, Nth = nth, Count = count }, Effect = new FaultEffect { Kind = kind, Status = status, Body = body } };

    private static readonly FaultRule DayEnded = Fault(FaultKind.Status, count: 1000, status: 429, body: """{"error_key":"quota_exceeded","error_message":"Limit Exceeded"}""");

    private static async Task<string> Fails(Func<Task> act) => (await Assert.ThrowsAsync<CcException>(act)).ErrorId;

    private static Task DefineAsync(TestEngine test, int people, int batch = 50)
        => test.Engine.SetExportAsync(new ExportChange { Name = "E", Connection = "acme", ListId = test.ListId, Map = TestEngine.NameMap, Path = test.File("p.csv", People(people)), BatchSize = batch }, default);

    private static Task<Run> InvokeAsync(TestEngine test, Func<RunRequest, RunRequest>? change = null, CancellationToken ct = default)
    {
        var request = new RunRequest { ExportName = "E" };
        return test.Engine.InvokeAsync(change?.Invoke(request) ?? request, test.Watcher, ct);
    }

    private static Task<Run> ResumeAsync(TestEngine test, long id, bool sendInDoubt = false, bool verify = false)
        => test.Engine.ResumeAsync(new ResumeRequest { RunId = id, SendInDoubt = sendInDoubt, Verify = verify }, test.Watcher, default);

    /// <summary>A run that stands still, sealed, with nothing sent.</summary>
    private static async Task<Run> ParkedAsync(TestEngine test, int people = 90)
    {
        await DefineAsync(test, people);
        test.Simulator.State.AddFault(DayEnded);
        Run run = await InvokeAsync(test);
        Assert.Equal(RunStatus.WaitingForQuota, run.Status);
        test.Simulator.State.ClearFaults();
        await NextDayAsync(test);
        return run;
    }

    /// <summary>What the service said of the day is forgotten, as at 00:00 UTC.</summary>
    private static async Task NextDayAsync(TestEngine test)
    {
        await using var store = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={test.Home.StoreFile};Pooling=False");
        await store.OpenAsync();
        await using var command = store.CreateCommand();
        command.CommandText = "DELETE FROM CallDays";
        await command.ExecuteNonQueryAsync();
    }

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

    private static async Task<(RunStatus, long)> Numbers(Task<Run> run) => ((await run).Status, (await run).Accepted);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_run_at_work_is_ended_by_another_engine_and_counted(bool following)
    {
        await using TestEngine test = await TestEngine.StartAsync();
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

    [Theory]
    [InlineData(JobOutcome.Failed)]
    [InlineData(JobOutcome.TimedOut)]
    [InlineData(JobOutcome.Cancelled)]
    [InlineData(JobOutcome.PartialFailure)]
    public async Task What_a_failed_job_left_out_goes_once_more_and_only_that(JobOutcome outcome)
    {
        await using TestEngine test = await TestEngine.StartAsync();
        test.Simulator.State.PlanJobs(JobOutcome.Completed, outcome);
        Run run = await test.RunFileAsync(test.File("p.csv", People(130)), change: r => r with { BatchSize = 50 });
        Assert.Equal((RunStatus.Completed, 130L, 130L, 4), (run.Status, run.Sent, run.Accepted, run.Batches));
        Assert.Equal(130, test.Simulator.State.Contacts(test.ListId).Count);
        ActivityView[] imports = [.. test.Simulator.State.Activities().Where(a => a.Kind == Import)];
        Assert.Equal(4, imports.Length);
        // Half of a job that failed half-way was there already.
        int again = imports[^1].Rows, whole = imports[1].Rows;
        Assert.Equal(outcome == JobOutcome.PartialFailure ? whole / 2 : whole, again);
        Assert.Contains(test.Watcher.Warnings, w => w.Contains("once more", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_contact_on_the_list_with_other_names_is_not_taken_for_one_that_landed()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        test.Simulator.State.AddContact("person7@example.com", listIds: [test.ListId], fields: new Dictionary<string, string> { ["first_name"] = "Old", ["last_name"] = "Last7" });
        test.Simulator.State.AddContact("person8@example.com", listIds: [test.ListId], fields: new Dictionary<string, string> { ["first_name"] = "First8", ["last_name"] = "Last8" });
        test.Simulator.State.PlanJobs(JobOutcome.Failed);
        Run run = await test.RunFileAsync(test.File("p.csv", People(10)));
        Assert.Equal((RunStatus.Completed, 10L), (run.Status, run.Accepted));
        Assert.Equal([10, 9], test.Simulator.State.Activities().Where(a => a.Kind == Import).Select(a => a.Rows));
        Assert.Equal("First7", test.Simulator.State.Contacts(test.ListId).Single(c => c.Email == "person7@example.com").Fields["first_name"]);
    }

    [Fact]
    public async Task What_fails_twice_is_refused_by_name_with_the_services_reason()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        test.Simulator.State.PlanJobs(JobOutcome.PartialFailure, JobOutcome.Completed, JobOutcome.Failed);
        Run run = await test.RunFileAsync(test.File("p.csv", People(10)));
        Assert.Equal((RunStatus.CompletedWithErrors, 5L, 5L, 0L), (run.Status, run.Accepted, run.Refused, run.Unaccounted));
        List<Rejection> rejections = await test.RejectionsAsync(run.Id);
        Assert.Equal(5, rejections.Count);
        Assert.All(rejections, r => Assert.Equal(("JobFailedTwice", 1, "Refused"), (r.Reason, r.Count, r.Kind)));
        Assert.Equal(["K10", "K6", "K7", "K8", "K9"], rejections.Select(r => r.SourceKey!).Order(StringComparer.Ordinal));
        Assert.Contains("failed", rejections[0].Message, StringComparison.Ordinal);
        Assert.Equal(5, test.Simulator.State.Contacts(test.ListId).Count);
    }

    [Fact]
    public async Task A_job_that_never_ends_meets_a_deadline_and_is_settled_like_one_that_failed()
    {
        await using TestEngine test = await TestEngine.StartAsync(change: parts => parts with { Upload = parts.Upload with { JobDeadline = TimeSpan.FromSeconds(2) } });
        test.Simulator.State.PlanJobs(JobOutcome.Stuck);
        Run run = await test.RunFileAsync(test.File("p.csv", People(10)));
        Assert.Equal((RunStatus.Completed, 10L, 2), (run.Status, run.Accepted, run.Batches));
    }

    [Fact]
    public async Task A_list_that_cannot_be_read_back_leaves_them_unaccounted_for_until_it_can()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test, 10);
        test.Simulator.State.PlanJobs(JobOutcome.PartialFailure);
        test.Simulator.State.AddFault(Fault(FaultKind.Status, count: 100, path: "activities/contact_exports", status: 400, body: """[{"error_key":"contacts.api.validation.error","error_message":"no exports today"}]"""));
        Run run = await InvokeAsync(test);
        Assert.Equal((RunStatus.CompletedWithErrors, 0L, 10L), (run.Status, run.Accepted, run.Unaccounted));
        Assert.Equal(("ActivityFailed", 10), Assert.Single((await test.RejectionsAsync(run.Id)).Select(r => (r.Reason, r.Count))));
        Assert.NotEmpty(Directory.GetFileSystemEntries(test.Home.SpoolFolder));
        test.Simulator.State.ClearFaults();
        Run verified = await ResumeAsync(test, run.Id, verify: true);
        Assert.Equal((run.Id, RunStatus.CompletedWithErrors, 5L, 5L, 0L), (verified.Id, verified.Status, verified.Accepted, verified.Refused, verified.Unaccounted));
        Assert.Equal(["K10", "K6", "K7", "K8", "K9"], (await test.RejectionsAsync(run.Id)).Select(r => r.SourceKey!).Order(StringComparer.Ordinal));
        // The next run that goes through makes what was kept needless.
        Assert.Equal((RunStatus.Completed, 10L), await Numbers(InvokeAsync(test)));
        Assert.Empty(Directory.GetFileSystemEntries(test.Home.SpoolFolder));
        Assert.Equal("RunEnded", await Fails(() => ResumeAsync(test, run.Id, verify: true)));
    }

    [Fact]
    public async Task Reading_the_list_back_names_whom_the_service_did_not()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        test.Simulator.State.AddContact("person3@example.com", permission: "unsubscribed");
        test.Simulator.State.Set(s => (s.EmailMaxLength, s.ErrorLineCap) = (19, 1));
        Run run = await test.RunFileAsync(test.File("p.csv", People(12)), change: r => r with { Verify = true });
        Assert.Equal((RunStatus.CompletedWithErrors, 8L, 1L, 3L, 0L), (run.Status, run.Accepted, run.OptedOut, run.Refused, run.Unaccounted));
        Assert.Equal([("K10", "RefusedByService"), ("K11", "NotOnList"), ("K12", "NotOnList")],
            (await test.RejectionsAsync(run.Id)).Select(r => (r.SourceKey!, r.Reason)).Order());
        Assert.Empty(Directory.GetFileSystemEntries(test.Home.SpoolFolder));
    }

    [Fact]
    public async Task Reading_the_list_back_proves_what_absent_counters_did_not()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        test.Simulator.State.Set(s => s.CountersAbsent = true);
        Run run = await test.RunFileAsync(test.File("p.csv", People(5)), change: r => r with { Verify = true });
        Assert.Equal((RunStatus.Completed, 5L, 0L), (run.Status, run.Accepted, run.Unaccounted));
        Assert.Empty(await test.RejectionsAsync(run.Id));
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
    public async Task A_list_that_cannot_be_read_back_at_the_end_costs_the_run_nothing()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        test.Simulator.State.AddFault(Fault(FaultKind.Status, count: 100, path: "activities/contact_exports", status: 400, body: """[{"error_key":"contacts.api.validation.error","error_message":"no exports today"}]"""));
        Run run = await test.RunFileAsync(test.File("p.csv", People(10)), change: r => r with { Verify = true });
        Assert.Equal((RunStatus.Completed, 10L), (run.Status, run.Accepted));
        Assert.Contains(test.Watcher.Warnings, w => w.Contains("not read back", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Being_on_the_list_before_does_not_prove_that_a_lost_batch_arrived()
    {
        await using TestEngine test = await TestEngine.StartAsync(change: parts => parts with { Upload = parts.Upload with { DoubtDeadline = TimeSpan.FromSeconds(1) } });
        test.Simulator.State.AddContact("person1@example.com", listIds: [test.ListId], fields: new Dictionary<string, string> { ["first_name"] = "Old", ["last_name"] = "Last1" });
        test.Simulator.State.AddContact("person2@example.com", listIds: [test.ListId], fields: new Dictionary<string, string> { ["first_name"] = "First2", ["last_name"] = "Last2" });
        await DefineAsync(test, 5);
        test.Simulator.State.PlanJobs(JobOutcome.Stuck, JobOutcome.Completed);
        test.Simulator.State.AddFault(Fault(FaultKind.ProcessThenDrop));
        Run run = await InvokeAsync(test);
        Assert.Equal((RunStatus.CompletedWithErrors, 5L), (run.Status, run.Unaccounted));
        Run verified = await ResumeAsync(test, run.Id, verify: true);
        // One is there just as it was sent; one with an old name; three are not there.
        Assert.Equal((1L, 4L, 0L), (verified.Accepted, verified.Unaccounted, verified.Refused));
        Assert.Equal([("InDoubt", 1), ("NotOnList", 1), ("NotOnList", 1), ("NotOnList", 1)],
            (await test.RejectionsAsync(run.Id)).Select(r => (r.Reason, r.Count)).Order());
        test.Simulator.State.PlanJobs(JobOutcome.Completed);
        Run sent = await ResumeAsync(test, run.Id, sendInDoubt: true);
        Assert.Equal((RunStatus.Completed, 5L), (sent.Status, sent.Accepted));
    }

    [Fact]
    public async Task Fields_that_cannot_be_compared_go_once_more_with_a_failed_job()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        string field = test.Simulator.State.AddCustomField("Tier");
        test.Simulator.State.AddContact("person1@example.com", listIds: [test.ListId], fields: new Dictionary<string, string> { [field] = "old" });
        test.Simulator.State.PlanJobs(JobOutcome.Failed);
        Run run = await test.RunFileAsync(test.File("p.csv", "EMail,Tier\nperson1@example.com,new\nperson2@example.com,new\n"),
            new Dictionary<string, string> { ["email"] = "EMail", [field] = "Tier" });
        Assert.Equal((RunStatus.Completed, 2L), (run.Status, run.Accepted));
        Assert.Equal(["new", "new"], test.Simulator.State.Contacts(test.ListId).Select(c => c.Fields[field]));
    }

    [Fact]
    public async Task Names_that_were_not_sent_are_not_compared()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        // They are known with last names; the map sends first names only, and one has none.
        test.Simulator.State.AddContact("person1@example.com", listIds: [test.ListId], fields: new Dictionary<string, string> { ["first_name"] = "A", ["last_name"] = "Known" });
        test.Simulator.State.AddContact("person2@example.com", listIds: [test.ListId], fields: new Dictionary<string, string> { ["first_name"] = "Known", ["last_name"] = "Known" });
        test.Simulator.State.PlanJobs(JobOutcome.Failed);
        Run run = await test.RunFileAsync(test.File("p.csv", "EMail,FirstName\nperson1@example.com,A\nperson2@example.com,\nperson3@example.com,C\n"),
            new Dictionary<string, string> { ["email"] = "EMail", ["first_name"] = "FirstName" });
        Assert.Equal((RunStatus.Completed, 3L), (run.Status, run.Accepted));
        Assert.Equal([3, 1], test.Simulator.State.Activities().Where(a => a.Kind == Import).Select(a => a.Rows));
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
    public async Task Those_who_have_unsubscribed_are_told_from_those_who_are_missing()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        test.Simulator.State.AddContact("person3@example.com", permission: "unsubscribed");
        test.Simulator.State.Set(s => s.CountersAbsent = true);
        Run run = await test.RunFileAsync(test.File("p.csv", People(5)), change: r => r with { Verify = true });
        Assert.Equal((RunStatus.Completed, 4L, 1L, 0L), (run.Status, run.Accepted, run.OptedOut, run.Unaccounted));
    }

    [Fact]
    public async Task A_run_taken_over_from_a_runner_not_known_to_be_dead_waits_until_no_request_of_its_can_be_on_its_way()
    {
        await using TestEngine test = await TestEngine.StartAsync(change: parts => parts with
        {
            Wire = new CcExport.Engine.ConstantContact.WireContext(parts.Store.Connections, parts.Store.Calls, parts.Store.Leases, parts.Secrets, parts.Time)
            {
                Options = new CcExport.Engine.ConstantContact.WireOptions { ImportTimeout = TimeSpan.FromSeconds(4) },
            },
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
    public async Task A_lost_answer_to_a_job_that_failed_is_settled_by_the_list()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        test.Simulator.State.AddContact("person2@example.com", listIds: [test.ListId], fields: new Dictionary<string, string> { ["first_name"] = "First2", ["last_name"] = "Last2" });
        test.Simulator.State.PlanJobs(JobOutcome.Failed);
        test.Simulator.State.AddFault(Fault(FaultKind.ProcessThenDrop));
        Run run = await test.RunFileAsync(test.File("p.csv", People(10)));
        Assert.Equal((RunStatus.Completed, 10L, 2), (run.Status, run.Accepted, run.Batches));
        // The one who was there as sent does not go again.
        Assert.Equal([10, 9], test.Simulator.State.Activities().Where(a => a.Kind == Import).Select(a => a.Rows));
    }

    [Fact]
    public async Task What_goes_once_more_and_is_lost_on_the_way_is_not_refused_unsent()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        test.Simulator.State.PlanImports([JobOutcome.Failed]);
        // The first job fails. The batch with its contacts is cut off before it arrives, while that failed job is still in the window of the search.
        test.Simulator.State.AddFault(Fault(FaultKind.Drop, nth: 2));
        Run run = await test.RunFileAsync(test.File("p.csv", People(10)));
        Assert.Equal((RunStatus.Completed, 10L, 0L), (run.Status, run.Accepted, run.Refused));
        Assert.Equal(10, test.Simulator.State.Contacts(test.ListId).Count);
        // And the same with a failed job that nobody claims, so that only the list can tell.
        test.Simulator.State.PlanImports([JobOutcome.Failed]);
        test.Simulator.State.AddFault(Fault(FaultKind.ProcessThenDrop, nth: 1));
        test.Simulator.State.AddFault(Fault(FaultKind.Drop, nth: 2));
        run = await test.RunFileAsync(test.File("q.csv", People(30)));
        Assert.Equal((RunStatus.Completed, 30L, 0L), (run.Status, run.Accepted, run.Refused));
        Assert.Equal(30, test.Simulator.State.Contacts(test.ListId).Count);
    }
}
