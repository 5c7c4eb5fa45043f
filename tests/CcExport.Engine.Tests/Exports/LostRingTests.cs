using System.Collections.Concurrent;
using System.Text.Json;
using CcExport.Engine.Exports;
using CcExport.Engine.Identity;
using CcExport.Engine.Telemetry;
using CcExport.Engine.Tests.ConstantContact.Support;
using static CcExport.Engine.Tests.Exports.Trouble;

namespace CcExport.Engine.Tests.Exports;

/// <summary>A key ring that cannot be opened keeps an export from running: a failure like any other, told and announced.</summary>
public sealed class LostRingTests : IAsyncLifetime
{
    private const string Route = "POST /hook";

    private readonly ScriptedServer _hook = new();
    private readonly Told _told = new();
    private TestEngine _test = null!;

    public async Task InitializeAsync()
    {
        _hook.Always(Route, new Reply(200));
        _test = await TestEngine.StartAsync();
        await DefineAsync(_test, 10);
        await _test.Engine.SetExportAsync(new ExportChange { Name = "E", OnFailure = _hook.Origin + "/hook", Schedule = "AfterRefresh", TimeZone = "Etc/UTC" }, default);
    }

    public async Task DisposeAsync()
    {
        await _test.DisposeAsync();
        await _hook.DisposeAsync();
    }

    /// <summary>Another process on the same home, which has not opened the ring yet.</summary>
    private Task<CcEngine> ReopenAsync(Func<KeyRingOptions> ring)
        => CcEngine.OpenAsync(_test.Home, TimeProvider.System, parts => parts with { KeyRing = ring, WebhookPause = TimeSpan.FromMilliseconds(10) }, default);

    private static CcException Refused() => new("CertificateNotFound", CcErrorKind.NotFound, "The certificate is not there.", "Bring it here.");

    [Theory]
    [InlineData("Invoke")]
    [InlineData("Plan")]
    [InlineData("Resume")]
    [InlineData("Undo")]
    [InlineData("FindDue")]
    [InlineData("InvokeDue")]
    [InlineData("InvokeScheduled")]
    public async Task It_is_told_of_each_command_that_needs_it(string command)
    {
        foreach (string key in Directory.GetFiles(_test.Home.KeyRingFolder)) File.Delete(key);
        await using CcEngine engine = await ReopenAsync(() => new KeyRingOptions());
        var request = new RunRequest { ExportName = "E" };
        async Task DueAsync()
        {
            DueClaim claim = (await engine.ClaimDueAsync([("E", DateTimeOffset.MaxValue)], default))!;
            await using (claim) await engine.InvokeDueAsync(claim, request, _told, default);
        }
        Func<Task> act = command switch
        {
            "Invoke" => () => engine.InvokeAsync(request, _told, default),
            "Plan" => () => engine.PlanAsync(request, _told, default),
            "Resume" => () => engine.ResumeAsync(new ResumeRequest { RunId = 1 }, _told, default),
            "Undo" => () => engine.UndoAsync(1, new RunWaits(), _told, default),
            "FindDue" => () => engine.FindDueAsync("E", _told, default),
            "InvokeDue" => DueAsync,
            _ => () => engine.InvokeScheduledAsync(request, _told, default),
        };
        Assert.Equal("KeyRingMissing", await Fails(act));
        RunEvent failed = Assert.Single(_told.Events, e => e.Id == RunEvents.Failed);
        Assert.Equal(("KeyRingMissing", RunEventLevel.Error), (failed.ErrorId, failed.Level));
        Assert.Equal((command is "Resume" or "Undo") ? null : "E", failed.Export);
    }

    /// <summary>The webhook's own address is under the ring: it is heard of as soon as that opens.</summary>
    [Fact]
    public async Task It_is_announced_by_the_ring_that_opens_the_second_time()
    {
        int opened = 0;
        await using CcEngine engine = await ReopenAsync(() => ++opened == 1 ? throw Refused() : new KeyRingOptions());
        Assert.Equal("CertificateNotFound", await Fails(() => engine.InvokeAsync(new RunRequest { ExportName = "E" }, _told, default)));
        RunEvent failed = Assert.Single(_told.Events, e => e.Id == RunEvents.Failed);
        Assert.Equal(("E", "CertificateNotFound"), (failed.Export, failed.ErrorId));
        JsonElement notice = JsonDocument.Parse(Assert.Single(_hook.To(Route)).Text).RootElement;
        Assert.Equal(("E", "NotRun", "CertificateNotFound"), (notice.GetProperty("export").GetString(), notice.GetProperty("status").GetString(), notice.GetProperty("errorId").GetString()));
        Assert.Empty(_told.Warnings);
    }

    [Fact]
    public async Task That_it_cannot_be_announced_while_the_ring_is_closed_is_a_warning()
    {
        await using CcEngine engine = await ReopenAsync(() => throw Refused());
        Assert.Equal("CertificateNotFound", await Fails(() => engine.InvokeScheduledAsync(new RunRequest { ExportName = "E" }, _told, default)));
        Assert.Contains("could not be announced", Assert.Single(_told.Warnings), StringComparison.Ordinal);
        Assert.Empty(_hook.To(Route));
    }

    private sealed class Told : IRunObserver
    {
        public ConcurrentQueue<RunEvent> Events { get; } = new();

        public ConcurrentQueue<string> Warnings { get; } = new();

        public void Progress(RunProgress progress)
        {
        }

        public void Warning(string message) => Warnings.Enqueue(message);

        public void Verbose(string message)
        {
        }

        public void Event(RunEvent what) => Events.Enqueue(what);
    }
}
