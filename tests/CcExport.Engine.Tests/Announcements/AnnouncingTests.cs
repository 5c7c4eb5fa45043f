using System.Text.Json;
using CcExport.Engine.Announcements;
using CcExport.Engine.Exports;
using CcExport.Engine.Store;
using CcExport.Engine.Tests.ConstantContact.Support;
using CcExport.Engine.Tests.Exports;
using CcExport.Simulator;
using static CcExport.Engine.Tests.Exports.Trouble;

namespace CcExport.Engine.Tests.Announcements;

/// <summary>Which failures are announced, how often, and that the address stays a secret.</summary>
public sealed class AnnouncingTests : IAsyncLifetime
{
    private const string Route = "POST /services/T0/B0/s3cr3t";

    private readonly ScriptedServer _hook = new();
    private TestEngine _test = null!;

    private string Address => _hook.Origin + "/services/T0/B0/s3cr3t";

    public async Task InitializeAsync()
    {
        _test = await TestEngine.StartAsync(change: p => p with { WebhookPause = TimeSpan.FromMilliseconds(10) });
        _hook.Always(Route, new Reply(200));
        await DefineAsync(_test, 60);
        await _test.Engine.SetExportAsync(new ExportChange { Name = "E", OnFailure = Address, Schedule = "AfterRefresh", TimeZone = "Etc/UTC" }, default);
    }

    public async Task DisposeAsync()
    {
        await _test.DisposeAsync();
        await _hook.DisposeAsync();
    }

    private JsonElement[] Heard() => [.. _hook.To(Route).Select(r => JsonDocument.Parse(r.Text).RootElement)];

    private static string Text(JsonElement notice, string name) => notice.GetProperty(name).ToString();

    private async Task<Run?> DueAsync()
    {
        DueClaim claim = (await _test.Engine.ClaimDueAsync([("E", DateTimeOffset.MaxValue)], default))!;
        await using (claim) return await _test.Engine.InvokeDueAsync(claim, new RunRequest { ExportName = "E" }, _test.Watcher, default);
    }

    private Task ChangeAsync(Func<ExportChange, ExportChange> change) => _test.Engine.SetExportAsync(change(new ExportChange { Name = "E" }), default);

    /// <summary>The path of the source, with so many people and so many who have no address.</summary>
    private Task WriteAsync(int people, int broken)
        => ChangeAsync(c => c with { Path = _test.File("p.csv", People(people) + string.Concat(Enumerable.Range(0, broken).Select(i => $"B{i},A,B,none\n"))) });

    [Fact]
    public async Task A_run_that_failed_is_announced_once_until_one_has_gone_well()
    {
        await WriteAsync(10, 300);
        Run run = await InvokeAsync(_test);
        Assert.Equal(RunStatus.Failed, run.Status);
        JsonElement notice = Assert.Single(Heard());
        Assert.Equal(("E", "acme", run.Id, "Failed", "ExportFailed"), (Text(notice, "export"), Text(notice, "connection"), notice.GetProperty("run").GetInt64(), Text(notice, "status"), Text(notice, "event")));
        Assert.StartsWith("Guard", Text(notice, "errorId"), StringComparison.Ordinal);
        Assert.NotEmpty(Text(notice, "remedy"));
        Assert.DoesNotContain(Text(notice, "remedy"), Text(notice, "message"), StringComparison.Ordinal);

        await InvokeAsync(_test);
        Assert.Single(Heard());

        // Another failure is another thing to say; the first is still known.
        await ChangeAsync(c => c with { Map = new Dictionary<string, string> { ["email"] = "NoSuchColumn" } });
        Assert.Equal("ColumnNotFound", await Fails(() => InvokeAsync(_test)));
        await Fails(() => InvokeAsync(_test));
        Assert.Equal(("NotRun", "ColumnNotFound", JsonValueKind.Null), (Text(Heard()[1], "status"), Text(Heard()[1], "errorId"), Heard()[1].GetProperty("run").ValueKind));
        await ChangeAsync(c => c with { Map = TestEngine.NameMap });
        await InvokeAsync(_test);
        Assert.Equal(2, Heard().Length);

        await WriteAsync(10, 0);
        Assert.Equal(RunStatus.Completed, (await InvokeAsync(_test)).Status);
        await WriteAsync(10, 300);
        await InvokeAsync(_test);
        Assert.Equal(3, Heard().Length);
    }

    [Fact]
    public async Task What_is_tried_again_by_itself_is_not_announced_and_what_waits_for_a_person_is()
    {
        _test.Simulator.State.AddFault(DayEnded);
        Assert.Equal(RunStatus.WaitingForQuota, (await InvokeAsync(_test)).Status);
        _test.Simulator.State.ClearFaults();
        await NextDayAsync(_test);
        Assert.Empty(Heard());

        // Signing in is a person's: the run stands still for it, sealed.
        _test.Simulator.State.AddFault(Fault(FaultKind.Status, count: 100, status: 401));
        _test.Simulator.State.RevokeRefreshTokens();
        Run run = await InvokeAsync(_test);
        Assert.Equal(RunStatus.Interrupted, run.Status);
        JsonElement notice = Assert.Single(Heard());
        Assert.Equal(("Interrupted", run.Id), (Text(notice, "status"), notice.GetProperty("run").GetInt64()));
        await InvokeAsync(_test);
        await ResumeAsync(_test, run.Id);
        Assert.Single(Heard());
    }

    [Fact]
    public async Task A_schedule_announces_once_whatever_the_way_and_a_busy_export_is_no_failure()
    {
        await ChangeAsync(c => c with { Map = new Dictionary<string, string> { ["email"] = "NoSuchColumn" } });
        Assert.NotNull(await _test.Engine.FindDueAsync("E", _test.Watcher, default));
        await Fails(() => DueAsync());
        Assert.Single(Heard());

        // The source of a refresh schedule is gone: asked at each look, and said once.
        await ChangeAsync(c => c with { Path = Path.Combine(Path.GetTempPath(), "ccexport-no-such-file.csv") });
        string first = await Fails(() => _test.Engine.FindDueAsync("E", _test.Watcher, default));
        Assert.Equal(first, await Fails(() => DueAsync()));
        Assert.Equal([first], Heard()[1..].Select(n => Text(n, "errorId")));

        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        await _test.Store.Leases.TryTakeAsync("export/E", new LeaseOwner(Guid.NewGuid(), "elsewhere", 1, 1, "run"), now, now.AddMinutes(1), default);
        Assert.Equal("RunInProgress", await Fails(() => InvokeAsync(_test)));
        Assert.Equal(2, Heard().Length);
    }

    [Fact]
    public async Task A_webhook_that_fails_is_a_warning_and_the_next_failure_tries_again()
    {
        _hook.Script(Route, new Reply(500), new Reply(500));
        await WriteAsync(10, 300);
        Run run = await InvokeAsync(_test);
        Assert.Equal(RunStatus.Failed, run.Status);
        string warning = Assert.Single(_test.Watcher.Warnings, w => w.Contains("announced", StringComparison.Ordinal));
        Assert.Contains("HTTP 500", warning, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cr3t", warning, StringComparison.Ordinal);
        await InvokeAsync(_test);
        Assert.Equal(3, Heard().Length);
        await InvokeAsync(_test);
        Assert.Equal(3, Heard().Length);
    }

    [Fact]
    public async Task Plans_and_previews_announce_nothing()
    {
        await ChangeAsync(c => c with { Map = new Dictionary<string, string> { ["email"] = "NoSuchColumn" } });
        await Fails(() => _test.Engine.PlanAsync(new RunRequest { ExportName = "E" }, _test.Watcher, default));
        await Fails(() => _test.Engine.PreviewAsync(new RunRequest { ExportName = "E" }, null, 0, _test.Watcher, default));
        Assert.Empty(Heard());
    }

    [Fact]
    public async Task The_address_is_shown_nowhere_and_kept_encrypted()
    {
        Export seen = (await _test.Engine.GetExportsAsync(default)).Single();
        Assert.Equal((_hook.Origin + "/***", NoticeShape.Auto), (seen.OnFailure, seen.OnFailureShape));
        await WriteAsync(10, 300);
        await InvokeAsync(_test);
        string configuration = await _test.Engine.WriteConfigurationAsync(default);
        Assert.DoesNotContain("s3cr3t", configuration, StringComparison.Ordinal);
        Assert.Contains($"\"onFailure\": \"{_hook.Origin}/***\"", configuration, StringComparison.Ordinal);
        foreach (string file in Directory.GetFiles(_test.Home.Root, "*", SearchOption.AllDirectories))
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var all = new MemoryStream();
            await stream.CopyToAsync(all);
            Assert.True(all.ToArray().AsSpan().IndexOf("s3cr3t"u8) < 0, file);
        }
    }

    [Fact]
    public async Task It_is_kept_changed_copied_and_taken_away()
    {
        await ChangeAsync(c => c with { OnFailureShape = NoticeShape.Slack, KeepDays = 5 });
        await ChangeAsync(c => c with { OnFailure = _hook.Origin + "/***" });
        await _test.Engine.CopyExportAsync("E", "Copy", default);
        await WriteAsync(10, 300);
        await InvokeAsync(_test);
        Assert.Contains("of 'E' failed", Text(Assert.Single(Heard()), "text"), StringComparison.Ordinal);
        await _test.Engine.SetExportAsync(new ExportChange { Name = "Copy", Map = new Dictionary<string, string> { ["email"] = "NoSuchColumn" } }, default);
        await Fails(() => _test.Engine.InvokeAsync(new RunRequest { ExportName = "Copy" }, _test.Watcher, default));
        Assert.Contains("'Copy' could not be run", Text(Heard()[1], "text"), StringComparison.Ordinal);

        // Another address has heard of nothing yet.
        await ChangeAsync(c => c with { OnFailure = Address });
        await InvokeAsync(_test);
        Assert.Equal(3, Heard().Length);

        await ChangeAsync(c => c with { OnFailure = "" });
        Assert.Null((await _test.Engine.GetExportsAsync(default)).Single(e => e.Name == "E").OnFailure);
        await ChangeAsync(c => c with { Map = new Dictionary<string, string> { ["email"] = "NoSuchColumn" } });
        await Fails(() => InvokeAsync(_test));
        Assert.Equal(3, Heard().Length);
        Assert.Equal("OnFailureMissing", await Fails(() => ChangeAsync(c => c with { OnFailureShape = NoticeShape.Teams })));
        Assert.Equal("OnFailureNeedsAddress", await Fails(() => ChangeAsync(c => c with { OnFailure = "https://hooks.slack.com/***" })));
    }

    [Fact]
    public async Task A_configuration_keeps_it_where_it_is_known_and_asks_for_it_elsewhere()
    {
        string text = await _test.Engine.WriteConfigurationAsync(default);
        Assert.Empty(await CompareAsync(text));

        // Changed in something else: the webhook stays.
        string other = text.Replace("\"batchSize\": 50", "\"batchSize\": 40", StringComparison.Ordinal);
        await _test.Engine.ApplyConfigurationAsync(Assert.Single(await CompareAsync(other)), default);
        Assert.Empty(await CompareAsync(other));
        await ChangeAsync(c => c with { Map = new Dictionary<string, string> { ["email"] = "NoSuchColumn" } });
        await Fails(() => InvokeAsync(_test));
        Assert.Single(Heard());

        await _test.Engine.RemoveExportAsync("E", default);
        Assert.Equal("OnFailureNeedsAddress", await Fails(async () => await _test.Engine.ApplyConfigurationAsync(Assert.Single(await CompareAsync(text)), default)));
        Assert.Equal((null, 50), ((await _test.Engine.GetExportsAsync(default)).Single().OnFailure, (await _test.Engine.GetExportsAsync(default)).Single().BatchSize));
        Assert.Equal([$"onFailure: (none) -> {_hook.Origin}/***"], Assert.Single(await CompareAsync(text)).Differences);

        string whole = text.Replace("/***", "/services/T0/B0/s3cr3t", StringComparison.Ordinal);
        CcException e = await Assert.ThrowsAsync<CcException>(() => CompareAsync(whole));
        Assert.Equal("ConfigurationInvalid", e.ErrorId);
        Assert.DoesNotContain("s3cr3t", e.ToString(), StringComparison.Ordinal);
    }

    private Task<IReadOnlyList<ConfigurationChange>> CompareAsync(string text) => _test.Engine.CompareConfigurationAsync(text, Path.GetTempPath(), false, default);
}
