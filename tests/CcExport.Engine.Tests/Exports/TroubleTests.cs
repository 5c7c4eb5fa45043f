using System.Globalization;
using System.Text;
using CcExport.Engine.Exports;
using CcExport.Engine.Store;
using CcExport.Simulator;
using static CcExport.Engine.Tests.Exports.Trouble;

namespace CcExport.Engine.Tests.Exports;

/// <summary>A service in trouble, over real HTTP: lost answers, refusals, limits, ended sign-ins. Nothing lost, nothing twice, every number true.</summary>
public sealed class TroubleTests
{
    [Theory]
    [InlineData(FaultKind.ProcessThenDrop)]
    [InlineData(FaultKind.ProcessThenStatus)]
    [InlineData(FaultKind.Drop)]
    [InlineData(FaultKind.Status)]
    [InlineData(FaultKind.Html)]
    public async Task A_lost_answer_is_looked_for_and_no_batch_goes_twice(FaultKind kind)
    {
        await using TestEngine test = await TestEngine.StartAsync();
        test.Simulator.State.AddFault(Fault(kind, nth: 2, status: 503));
        Run run = await test.RunFileAsync(test.File("p.csv", People(130)), change: r => r with { BatchSize = 50 });
        Assert.Equal((RunStatus.Completed, 130L, 130L, 3), (run.Status, run.Sent, run.Accepted, run.Batches));
        Assert.Equal(130, test.Simulator.State.Contacts(test.ListId).Count);
        // The service has each batch once: as many jobs as batches, whatever was lost on the way.
        Assert.Equal(3, test.Simulator.State.Activities().Count);
    }

    [Fact]
    public async Task Throttled_calls_are_no_failures()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        test.Simulator.State.ThrottleNext(3);
        Run run = await test.RunFileAsync(test.File("p.csv", People(20)));
        Assert.Equal((RunStatus.Completed, 20L), (run.Status, run.Accepted));
    }

    [Fact]
    public async Task People_who_opted_out_are_counted_apart_and_refused_profiles_are_named()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        test.Simulator.State.AddContact("person3@example.com", permission: "unsubscribed");
        // The service is stricter than we are: it takes no address over 19 characters here.
        test.Simulator.State.Set(s => s.EmailMaxLength = 19);
        Run run = await test.RunFileAsync(test.File("p.csv", People(12)));
        Assert.Equal((RunStatus.CompletedWithErrors, 12L, 8L, 1L, 3L), (run.Status, run.Sent, run.Accepted, run.OptedOut, run.Refused));
        Assert.Equal(
            [(10L, "K10", "RefusedByService"), (11L, "K11", "RefusedByService"), (12L, "K12", "RefusedByService")],
            (await test.RejectionsAsync(run.Id)).Select(r => (r.Row, r.SourceKey!, r.Reason)));
        Assert.Contains($"Get-CcRejection -RunId {run.Id}", run.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refusals_that_nobody_names_are_one_object_with_their_number()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        test.Simulator.State.Set(s => (s.EmailMaxLength, s.ErrorLineCap) = (19, 1));
        Run run = await test.RunFileAsync(test.File("p.csv", People(12)));
        Assert.Equal([("RefusedByService", 1), ("RefusedUnnamed", 2)], (await test.RejectionsAsync(run.Id)).Select(r => (r.Reason, r.Count)));
        Assert.Equal(3, run.Refused);
    }

    [Fact]
    public async Task Absent_counters_prove_nothing()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        test.Simulator.State.Set(s => s.CountersAbsent = true);
        Run run = await test.RunFileAsync(test.File("p.csv", People(5)));
        Assert.Equal((RunStatus.CompletedWithErrors, 0L, 5L), (run.Status, run.Accepted, run.Unaccounted));
    }

    [Fact]
    public async Task A_batch_that_the_service_refuses_costs_its_own_contacts_only()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        test.Simulator.State.AddFault(Fault(FaultKind.Status, status: 400, body: """[{"error_key":"contacts.api.validation.error","error_message":"no"}]"""));
        Run run = await test.RunFileAsync(test.File("p.csv", People(90)), change: r => r with { BatchSize = 50 });
        Assert.Equal((RunStatus.CompletedWithErrors, 90L), (run.Status, run.Accepted + run.Refused));
        Assert.Equal(("BatchRefused", (int)run.Refused), Assert.Single((await test.RejectionsAsync(run.Id)).Select(r => (r.Reason, r.Count))));
    }

    [Fact]
    public async Task A_plan_that_is_full_ends_the_run_and_is_explained()
    {
        // At the real pace: all six would be taken before the first job is over and the plan full.
        await using TestEngine test = await TestEngine.StartAsync(realLimit: true);
        test.Simulator.State.Set(s => s.ContactLimit = 60);
        Run run = await test.RunFileAsync(test.File("p.csv", People(300)), change: r => r with { BatchSize = 50 });
        Assert.Equal(RunStatus.Failed, run.Status);
        Assert.Equal(300, run.Accepted + run.Refused);
        Assert.Contains("contact", run.Message, StringComparison.OrdinalIgnoreCase);
        Assert.Contains((await test.RejectionsAsync(run.Id)).Select(r => r.Reason), r => r == "NotSent");
    }

    [Fact]
    public async Task A_run_that_must_end_still_looks_for_the_answer_it_lost()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        test.Simulator.State.AddFault(Fault(FaultKind.ProcessThenDrop));
        test.Simulator.State.AddFault(Fault(FaultKind.Status, nth: 1, count: 100, status: 403, body: """[{"error_key":"access_denied","error_message":"The account has reached the contact limit of its plan."}]"""));
        Run run = await test.RunFileAsync(test.File("p.csv", People(300)), change: r => r with { BatchSize = 50 });
        Assert.Equal((RunStatus.Failed, 0L), (run.Status, run.Unaccounted));
        Assert.Equal(test.Simulator.State.Contacts(test.ListId).Count, run.Accepted);
        Assert.InRange(run.Accepted, 30, 50);
        Assert.Equal(300, run.Accepted + run.Refused);
    }

    [Fact]
    public async Task A_contract_that_would_be_passed_stops_the_run_before_it_sends()
    {
        await using TestEngine test = await TestEngine.StartAsync(connect: false);
        await test.ConnectAsync("acme", contactLimit: 25);
        test.Simulator.State.AddContact("known@example.com");
        Run run = await test.RunFileAsync(test.File("p.csv", People(25)));
        Assert.Equal((RunStatus.Failed, 0L), (run.Status, run.Sent));
        Assert.Contains("25", run.Message, StringComparison.Ordinal);
        Assert.Empty(test.Simulator.State.Activities());
        run = await test.RunFileAsync(test.File("p.csv", People(24)));
        Assert.Equal((RunStatus.Completed, 24L), (run.Status, run.Accepted));
        // The same people again add nobody.
        run = await test.RunFileAsync(test.File("p.csv", People(24)));
        Assert.Equal(RunStatus.Completed, run.Status);
    }

    [Fact]
    public async Task Too_many_profiles_stop_the_run_before_it_sends()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        Run run = await test.RunFileAsync(test.File("p.csv", People(11)), change: r => r with { MaxProfiles = 10 });
        Assert.Equal((RunStatus.Failed, 0L), (run.Status, run.Sent));
        Assert.Contains("-MaxProfiles", run.Message, StringComparison.Ordinal);
        Assert.Empty(test.Simulator.State.Activities());
        Assert.Equal(10, (await test.RunFileAsync(test.File("q.csv", People(10)), change: r => r with { MaxProfiles = 10 })).Accepted);
    }

    [Fact]
    public async Task Lists_that_are_gone_and_rights_that_lack_are_errors_before_a_run_exists()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        string path = test.File("p.csv", People(1));
        string id = await Fails(() => test.RunFileAsync(path, change: r => r with { ListId = Guid.Empty.ToString() }));
        Assert.Equal("ListNotFound", id);
        test.Simulator.State.Set(s => s.Privileges = ["contacts:read", "contacts:lists:read"]);
        Assert.Equal("PrivilegeMissing", await Fails(() => test.RunFileAsync(path)));
        test.Simulator.State.Set(s => s.Privileges = SimulatorSwitches.AccountManager);
        test.Simulator.State.SetCallsToday(0);
        Assert.Equal("ColumnNotFound", await Fails(() => test.RunFileAsync(path, new Dictionary<string, string> { ["email"] = "Mail" })));
        Assert.Empty(await test.Engine.GetRunsAsync(null, null, default));
    }

    private static async Task UntilAsync(Func<bool> seen)
    {
        for (int i = 0; i < 3000 && !seen(); i++) await Task.Delay(10);
        Assert.True(seen());
    }

    [Fact]
    public async Task A_sign_in_that_ended_parks_a_sealed_run_and_signing_in_again_lets_it_go_on()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        string path = test.File("p.csv", People(90));
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", Connection = "acme", ListId = test.ListId, Map = TestEngine.NameMap, Path = path, BatchSize = 50 }, default);
        test.Simulator.State.AddFault(new FaultRule
        {
            Match = new FaultMatch { Path = Import, Nth = 1 },
            Effect = new FaultEffect { Kind = FaultKind.Status, Status = 401, Body = """{"error_key":"unauthorized","error_message":"Unauthorized"}""" },
        });
        test.Simulator.State.RevokeRefreshTokens();
        Run run = await test.Engine.InvokeAsync(new RunRequest { ExportName = "E" }, test.Watcher, default);
        Assert.Equal(RunStatus.Interrupted, run.Status);
        Assert.Null(run.CompletedAt);

        // The source may change or go meanwhile: what was sealed is what goes.
        System.IO.File.Delete(path);
        await test.ConnectAgainAsync("acme2");
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", Connection = "acme2" }, default);
        Run more = await test.Engine.InvokeAsync(new RunRequest { ExportName = "E" }, test.Watcher, default);
        Assert.Equal((run.Id, RunStatus.Completed, 90L), (more.Id, more.Status, more.Accepted));
        Assert.Contains(test.Watcher.Warnings, w => w.Contains("did not come to its end", StringComparison.Ordinal));
        Assert.Equal(90, test.Simulator.State.Contacts(test.ListId).Count);
    }

    [Fact]
    public async Task Quota_parks_the_run_and_a_later_invocation_goes_on()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        string path = test.File("p.csv", People(140));
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", Connection = "acme", ListId = test.ListId, Map = TestEngine.NameMap, Path = path, BatchSize = 50 }, default);
        test.Simulator.State.AddFault(Fault(FaultKind.Status, nth: 2, count: 100, status: 429, body: """{"error_key":"quota_exceeded","error_message":"Limit Exceeded"}"""));
        Run run = await test.Engine.InvokeAsync(new RunRequest { ExportName = "E" }, test.Watcher, default);
        Assert.Equal(RunStatus.WaitingForQuota, run.Status);
        Assert.Contains("UTC", run.Message, StringComparison.Ordinal);
        // Until midnight nothing is asked of the service any more.
        long calls = test.Simulator.State.Statistics().Total;
        Run again = await test.Engine.InvokeAsync(new RunRequest { ExportName = "E" }, test.Watcher, default);
        Assert.Equal((run.Id, RunStatus.WaitingForQuota, calls), (again.Id, again.Status, test.Simulator.State.Statistics().Total));
    }

    [Fact]
    public async Task Stopping_leaves_a_sealed_run_that_goes_on()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        string path = test.File("p.csv", People(140));
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", Connection = "acme", ListId = test.ListId, Map = TestEngine.NameMap, Path = path, BatchSize = 50 }, default);
        test.Simulator.State.PlanJobs(JobOutcome.Stuck, JobOutcome.Stuck, JobOutcome.Stuck);
        using var stop = new CancellationTokenSource();
        Task<Run> begun = test.Engine.InvokeAsync(new RunRequest { ExportName = "E" }, test.Watcher, stop.Token);
        await UntilAsync(() => test.Simulator.State.Activities().Count == 3);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => begun);
        Run stopped = Assert.Single(await test.Engine.GetRunsAsync("E", null, default));
        Assert.Equal(RunStatus.Interrupted, stopped.Status);
        foreach (ActivityView job in test.Simulator.State.Activities()) test.Simulator.State.EndJob(job.Id, JobOutcome.Completed);
        Run run = await test.Engine.InvokeAsync(new RunRequest { ExportName = "E" }, test.Watcher, default);
        Assert.Equal((stopped.Id, RunStatus.Completed, 140L), (run.Id, run.Status, run.Accepted));
        Assert.Equal(run.Batches, test.Simulator.State.Activities().Count);
    }

    [Fact]
    public async Task A_service_that_is_down_while_jobs_are_followed_parks_the_run_and_rejections_come_once()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        string path = test.File("p.csv", People(140));
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", Connection = "acme", ListId = test.ListId, Map = TestEngine.NameMap, Path = path, BatchSize = 50 }, default);
        test.Simulator.State.AddFault(Fault(FaultKind.Status, nth: 2, status: 400, body: """[{"error_key":"contacts.api.validation.error","error_message":"no such list"}]"""));
        test.Simulator.State.AddFault(new FaultRule { Match = new FaultMatch { Path = "v3/activities", Method = "GET", Nth = 1, Count = 1000 }, Effect = new FaultEffect { Kind = FaultKind.Html, Status = 400 } });
        Run run = await test.Engine.InvokeAsync(new RunRequest { ExportName = "E" }, test.Watcher, default);
        Assert.Equal(RunStatus.Interrupted, run.Status);
        Assert.InRange(run.Requests, 4, 20);
        test.Simulator.State.ClearFaults();
        Run more = await test.Engine.InvokeAsync(new RunRequest { ExportName = "E" }, test.Watcher, default);
        Assert.Equal((run.Id, RunStatus.CompletedWithErrors, 140L), (more.Id, more.Status, more.Accepted + more.Refused));
        Rejection refused = Assert.Single(await test.RejectionsAsync(run.Id));
        Assert.Equal(("BatchRefused", more.Refused), (refused.Reason, (long)refused.Count));
        Assert.Contains("no such list", refused.Message, StringComparison.Ordinal);
        Assert.True(more.Requests > run.Requests);
    }

    [Fact]
    public async Task A_run_never_goes_on_over_another_account()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await using var other = await SimulatorHost.StartAsync(new SimulatorOptions { Seed = 99 });
        string path = test.File("p.csv", People(90));
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", Connection = "acme", ListId = test.ListId, Map = TestEngine.NameMap, Path = path, BatchSize = 50 }, default);
        test.Simulator.State.AddFault(Fault(FaultKind.Status, nth: 1, count: 100, status: 429, body: """{"error_key":"quota_exceeded","error_message":"Limit Exceeded"}"""));
        await test.Engine.InvokeAsync(new RunRequest { ExportName = "E" }, test.Watcher, default);
        await test.Engine.AddConnectionAsync(TestEngine.Request(other, "other"), TestEngine.Prompt, default);
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", Connection = "other" }, default);
        Assert.Equal("RunOfOtherAccount", await Fails(() => test.Engine.InvokeAsync(new RunRequest { ExportName = "E" }, test.Watcher, default)));
        Assert.Empty(other.State.Activities());
    }

    [Fact]
    public async Task A_second_runner_of_one_export_is_told_who_has_it()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", Connection = "acme", ListId = test.ListId, Map = TestEngine.NameMap, Path = test.File("p.csv", People(10)) }, default);
        test.Simulator.State.Set(s => s.ReplyDelayMs = 500);
        long calls = test.Simulator.State.Statistics().Total;
        Task<Run> first = test.Engine.InvokeAsync(new RunRequest { ExportName = "E" }, test.Watcher, default);
        // Its first call leaves under the lease.
        await UntilAsync(() => test.Simulator.State.Statistics().Total > calls);
        CcException e = await Assert.ThrowsAsync<CcException>(() => test.Engine.InvokeAsync(new RunRequest { ExportName = "E" }, test.Watcher, default));
        Assert.Equal("RunInProgress", e.ErrorId);
        Assert.Contains(Environment.ProcessId.ToString(CultureInfo.InvariantCulture), e.Message, StringComparison.Ordinal);
        Assert.Equal(RunStatus.Completed, (await first).Status);
    }

    [Fact]
    public async Task Nothing_of_a_person_or_a_secret_is_left_in_the_home_in_clear_text()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        test.Simulator.State.Set(s => s.EmailMaxLength = 19);
        Run run = await test.RunFileAsync(test.File("p.csv", People(12) + "K99,X,Y,canary-malformed@\nK98,X,Y,PERSON1@example.com\n"));
        Assert.Equal((14L, 1L, 1L, 3L), (run.Read, run.Invalid, run.Duplicate, run.Refused));
        foreach (string file in Directory.GetFiles(test.Home.Root, "*", SearchOption.AllDirectories))
        {
            string text = Encoding.Latin1.GetString(await System.IO.File.ReadAllBytesAsync(file));
            Assert.DoesNotContain("@example.com", text, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("canary", text, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain(test.Simulator.RefreshToken, text, StringComparison.Ordinal);
        }
        Assert.Empty(Directory.GetFileSystemEntries(test.Home.SpoolFolder));
    }
}
