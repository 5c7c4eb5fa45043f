using CcExport.Engine.Exports;
using CcExport.Engine.Store;
using CcExport.Simulator;
using static CcExport.Engine.Tests.Exports.Trouble;

namespace CcExport.Engine.Tests.Exports;

/// <summary>What failed is settled by what the list holds, and the list is read back when asked: over real HTTP.</summary>
public sealed class SettlingTests
{
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
        test.Simulator.State.PlanImports(JobOutcome.Failed);
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
    public async Task Those_who_have_unsubscribed_are_told_from_those_who_are_missing()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        test.Simulator.State.AddContact("person3@example.com", permission: "unsubscribed");
        test.Simulator.State.Set(s => s.CountersAbsent = true);
        Run run = await test.RunFileAsync(test.File("p.csv", People(5)), change: r => r with { Verify = true });
        Assert.Equal((RunStatus.Completed, 4L, 1L, 0L), (run.Status, run.Accepted, run.OptedOut, run.Unaccounted));
    }

    [Fact]
    public async Task A_lost_answer_to_a_job_that_failed_is_settled_by_the_list()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        test.Simulator.State.AddContact("person2@example.com", listIds: [test.ListId], fields: new Dictionary<string, string> { ["first_name"] = "First2", ["last_name"] = "Last2" });
        test.Simulator.State.PlanImports(JobOutcome.Failed);
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

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_runner_that_lost_its_lease_while_it_read_the_list_settles_and_verifies_nothing(bool verify)
    {
        await using TestEngine test = await TestEngine.StartAsync(change: parts => parts with { RunLease = new LeaseTimes { Life = TimeSpan.FromSeconds(2), Beat = TimeSpan.FromHours(1) } });
        await DefineAsync(test, 10);
        if (verify) test.Simulator.State.Set(s => s.CountersAbsent = true);
        else test.Simulator.State.PlanImports(JobOutcome.Failed);
        test.Simulator.State.Set(s => s.JobDurationMs = 3500);
        Task<Run> running = InvokeAsync(test, r => r with { Verify = verify });
        for (int i = 0; i < 1500 && test.Simulator.State.Activities().All(a => a.Kind == Import); i++) await Task.Delay(10);
        // Nobody gives it a sign of life, so another may take it while the export of the list is made.
        var other = new LeaseOwner(Guid.NewGuid(), "elsewhere", 1, 1, "run");
        for (int i = 0; i < 500; i++)
        {
            DateTimeOffset now = DateTimeOffset.UtcNow;
            if ((await test.Store.Leases.TryTakeAsync("export/E", other, now, now.AddMinutes(5), default)).Taken) break;
            await Task.Delay(10);
        }
        Assert.Equal("LeaseLost", await Fails(() => running));
        BatchRecord batch = Assert.Single(await test.Store.Runs.GetBatchesAsync(1, default));
        // As it was before the list was read.
        Assert.Equal(verify ? (BatchState.Finished, 10) : (BatchState.Sent, 0), (batch.State, batch.Outcome?.Unaccounted ?? 0));
        Assert.Single(test.Simulator.State.Activities(), a => a.Kind == Import);
        Assert.Equal(verify ? ["Unaccounted"] : Array.Empty<string>(), (await test.RejectionsAsync(1)).Select(r => r.Reason));
    }
}
