using CcExport.Engine.ConstantContact;
using CcExport.Engine.Exports;
using CcExport.Engine.Store;
using static CcExport.Engine.Tests.Exports.Trouble;

namespace CcExport.Engine.Tests.Exports;

/// <summary>Connections are renamed, signed in again and removed, and what hangs on them is neither lost nor left running.</summary>
public sealed class ConnectionKeeperTests
{
    private static Task<Export> DefineAsync(TestEngine test, string name = "E") => test.Engine.SetExportAsync(new ExportChange
    {
        Name = name,
        Connection = "acme",
        ListId = test.ListId,
        Map = TestEngine.NameMap,
        Path = test.File("p.csv", People(140)),
        BatchSize = 50,
        Schedule = "Daily 06:00",
        TimeZone = "Etc/UTC",
    }, default);

    private static Task<Run> InvokeAsync(TestEngine test) => test.Engine.InvokeAsync(new RunRequest { ExportName = "E" }, test.Watcher, default);

    private static Task RemoveAsync(TestEngine test, ExportFate fate) => test.Engine.RemoveConnectionAsync("acme", fate, test.Watcher, default);

    [Fact]
    public async Task Detached_exports_stay_are_not_due_say_why_they_do_not_run_and_are_attached_again()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test);
        CcException used = await Assert.ThrowsAsync<CcException>(() => RemoveAsync(test, ExportFate.Refuse));
        Assert.Equal("ConnectionInUse", used.ErrorId);
        Assert.Contains(": E.", used.Message, StringComparison.Ordinal);

        await RemoveAsync(test, ExportFate.Detach);
        Assert.Empty(await test.Engine.GetConnectionsAsync(default));
        Export left = Assert.Single(await test.Engine.GetExportsAsync(default));
        Assert.Equal((null, null, "Daily 06:00"), (left.Connection, left.NextRun, left.Schedule));
        Assert.Empty(await test.Engine.GetScheduledAsync(default));
        Assert.Equal("ConnectionMissing", (await Assert.ThrowsAsync<CcException>(() => InvokeAsync(test))).ErrorId);

        await test.ConnectAgainAsync("other");
        Export again = await test.Engine.SetExportAsync(new ExportChange { Name = "E", Connection = "other" }, default);
        Assert.Equal("other", again.Connection);
        Assert.NotNull(again.NextRun);
        Assert.Equal(RunStatus.Completed, (await InvokeAsync(test)).Status);
    }

    [Fact]
    public async Task Exports_are_removed_with_their_connection_if_asked()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test);
        await InvokeAsync(test);
        await RemoveAsync(test, ExportFate.Remove);
        Assert.Empty(await test.Engine.GetExportsAsync(default));
        Assert.Single(await test.Engine.GetRunsAsync("E", null, default));
    }

    [Fact]
    public async Task A_run_in_progress_ends_as_canceled_before_its_next_send()
    {
        JournalTap? tap = null;
        await using TestEngine test = await TestEngine.StartAsync(change: parts => parts with
        {
            Store = tap = new JournalTap(parts.Store),
            Upload = new CcExport.Engine.Upload.UploadOptions { Concurrency = 1, FirstPoll = TimeSpan.FromMilliseconds(50), LookInterval = TimeSpan.FromMilliseconds(300) },
        });
        await DefineAsync(test);
        Task? removing = null;
        tap!.After = async (step, _) =>
        {
            if (step != "SentAsync" || removing is not null) return;
            removing = Task.Run(() => RemoveAsync(test, ExportFate.Detach));
            while (!await test.Store.Runs.IsStopRequestedAsync(1, default)) await Task.Delay(5);
        };
        Run run = await InvokeAsync(test);
        await removing!.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal((RunStatus.Canceled, 1), (run.Status, test.Simulator.State.Activities().Count));
        Assert.Equal(run.Sent, run.Accepted + run.OptedOut + run.Refused + run.Unaccounted);
        Assert.Empty(await test.Engine.GetConnectionsAsync(default));
    }

    [Fact]
    public async Task Plans_over_it_are_discarded()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test);
        Plan plan = await test.Engine.PlanAsync(new RunRequest { ExportName = "E" }, test.Watcher, default);
        await RemoveAsync(test, ExportFate.Detach);
        Assert.Equal(RunStatus.Canceled, (await test.Engine.GetRunAsync(plan.Id, default))!.Status);
    }

    [Fact]
    public async Task A_renamed_connection_keeps_its_exports_and_settings_change_one_by_one()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test);
        Connection changed = await SetAsync(test, new ConnectionChange { Name = "ACME", NewName = "Acme EU", ContactLimit = 5000, AllowContributor = true });
        Assert.Equal(("Acme EU", 5000, true), (changed.Name, changed.ContactLimit, changed.AllowContributor));
        Assert.Equal("Acme EU", Assert.Single(await test.Engine.GetExportsAsync(default)).Connection);
        Assert.Equal(RunStatus.Completed, (await InvokeAsync(test)).Status);
        changed = await SetAsync(test, new ConnectionChange { Name = "Acme EU", ContactLimit = 0 });
        Assert.Equal((null, true), (changed.ContactLimit, changed.AllowContributor));

        await test.ConnectAgainAsync("other");
        Assert.Equal("NameTaken", (await Assert.ThrowsAsync<CcException>(() => SetAsync(test, new ConnectionChange { Name = "other", NewName = "acme eu" }))).ErrorId);
        Assert.Equal("OTHER", (await SetAsync(test, new ConnectionChange { Name = "other", NewName = "OTHER" })).Name);
    }

    [Fact]
    public async Task Signed_in_again_it_works_keeps_its_consent_and_warns_of_another_account()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test);
        Connection before = Assert.Single(await test.Engine.GetConnectionsAsync(default));
        test.Simulator.State.RevokeRefreshTokens();
        test.Simulator.State.ExpireAccessTokens();
        await Assert.ThrowsAsync<CcException>(() => InvokeAsync(test));
        Assert.Equal("SignInAgain", Assert.Single(await test.Engine.GetConnectionsAsync(default)).State);

        Connection after = await SetAsync(test, Again(test));
        Assert.Equal(("Ready", before.ConsentedBy, before.ConsentedAt), (after.State, after.ConsentedBy, after.ConsentedAt));
        Assert.Empty(test.Watcher.Warnings);
        Assert.Equal(RunStatus.Completed, (await InvokeAsync(test)).Status);

        ConnectionRecord record = (await test.Store.Connections.FindAsync("acme", default))!;
        await test.Store.Connections.UpdateAsync(record with { AccountId = "elsewhere" }, default);
        await SetAsync(test, Again(test));
        Assert.Contains("another account", Assert.Single(test.Watcher.Warnings), StringComparison.Ordinal);
        Assert.Equal(record.AccountId, (await test.Store.Connections.FindAsync("acme", default))!.AccountId);
    }

    [Fact]
    public async Task A_run_that_began_on_one_account_does_not_go_on_on_another()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test);
        using var stop = new CancellationTokenSource();
        test.Simulator.State.PlanJobs(CcExport.Simulator.JobOutcome.Stuck);
        Task<Run> running = test.Engine.InvokeAsync(new RunRequest { ExportName = "E" }, test.Watcher, stop.Token);
        while (test.Simulator.State.Activities().Count == 0) await Task.Delay(10);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        ConnectionRecord record = (await test.Store.Connections.FindAsync("acme", default))!;
        await test.Store.Connections.UpdateAsync(record with { AccountId = "elsewhere" }, default);
        Assert.Equal("RunOfOtherAccount", (await Assert.ThrowsAsync<CcException>(() => InvokeAsync(test))).ErrorId);
    }

    [Fact]
    public async Task A_list_is_made_once()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        ContactList made = await test.Engine.AddListAsync("acme", " Prospects ", "Of a test", default);
        Assert.Equal("Prospects", made.Name);
        Assert.Contains(await test.Engine.GetListsAsync("acme", default), l => l.ListId == made.ListId);
        CcException taken = await Assert.ThrowsAsync<CcException>(() => test.Engine.AddListAsync("acme", "PROSPECTS", null, default));
        Assert.Equal("ListNameTaken", taken.ErrorId);
        Assert.Contains(made.ListId, taken.Message, StringComparison.Ordinal);
        Assert.Equal("ListNameUnsuitable", (await Assert.ThrowsAsync<CcException>(() => test.Engine.AddListAsync("acme", " ", null, default))).ErrorId);
    }

    private static Task<Connection> SetAsync(TestEngine test, ConnectionChange change) => test.Engine.SetConnectionAsync(change, TestEngine.Prompt, test.Watcher, default);

    private static ConnectionChange Again(TestEngine test) => new()
    {
        Name = "acme",
        SignIn = new NewSignIn { Method = SignInMethod.RefreshToken, RefreshToken = test.Simulator.State.IssueRefreshToken() },
    };
}
