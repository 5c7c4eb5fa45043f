using System.Globalization;
using System.Text.Json;
using CcExport.Engine.Exports;
using CcExport.Engine.Store;
using CcExport.Engine.Telemetry;
using CcExport.Engine.Tests.Exports;
using CcExport.Simulator;
using static CcExport.Engine.Tests.Exports.Trouble;

namespace CcExport.Engine.Tests.Telemetry;

/// <summary>The log: whole lines whoever writes, and what they hold.</summary>
public sealed class RunLogTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ccexport-log-").FullName;

    private string LogFile => Path.Combine(_folder, "run.jsonl");

    public void Dispose() => Directory.Delete(_folder, true);

    private static void NeverWarns(string message) => Assert.Fail(message);

    private List<JsonElement> Lines() => [.. File.ReadAllLines(LogFile).Select(l => JsonDocument.Parse(l).RootElement)];

    private static string Text(JsonElement line, string name) => line.TryGetProperty(name, out JsonElement value) ? value.ToString() : "";

    /// <summary>Each opens the file for itself, as processes do; several processes are in Watch.Tests.ps1.</summary>
    [Fact]
    public async Task Lines_of_several_who_write_at_once_are_whole_and_all_there()
    {
        const int Writers = 8, Each = 500;
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(w => Task.Run(() =>
        {
            using RunLog log = RunLog.Open(LogFile, NeverWarns);
            for (int i = 0; i < Each; i++) log.Write(new RunEvent("Warning", RunEventLevel.Warning) { Export = $"W{w}", Run = i, Message = new string((char)('a' + w), 10 + (i % 700)) });
        })));
        List<JsonElement> lines = Lines();
        Assert.Equal(Writers * Each, lines.Count);
        Assert.Equal(Writers * Each, lines.Select(l => $"{Text(l, "export")}/{Text(l, "run")}").Distinct().Count());
    }

    [Fact]
    public void A_new_file_is_its_owners_alone_and_what_is_there_stays()
    {
        using (RunLog log = RunLog.Open(LogFile, NeverWarns)) log.Write(new RunEvent("Detail") { Message = "Zoë \"quoted\"\nand broken" });
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(LogFile));
        using (RunLog log = RunLog.Open(LogFile, NeverWarns)) log.Write(new RunEvent("Detail"));
        Assert.Equal(["Zoë \"quoted\"\nand broken", ""], Lines().Select(l => Text(l, "message")));
        Assert.Contains("Zoë", File.ReadAllText(LogFile), StringComparison.Ordinal);
    }

    [Fact]
    public void One_that_cannot_be_written_is_an_error_at_once()
    {
        foreach (string path in new[] { Path.Combine(_folder, "no", "such", "folder.jsonl"), _folder })
            Assert.Equal("LogNotWritable", Assert.Throws<CcException>(() => RunLog.Open(path, NeverWarns)).ErrorId);
    }

    [Fact]
    public void One_that_fails_later_is_said_once_and_breaks_nothing()
    {
        if (!File.Exists("/dev/full")) return;
        List<string> said = [];
        using RunLog log = RunLog.Open("/dev/full", said.Add);
        log.Write(new RunEvent("Detail"));
        log.Write(new RunEvent("Detail"));
        Assert.Contains("/dev/full", Assert.Single(said), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_is_told_from_its_begin_to_its_balance()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test, 60);
        using RunLog log = RunLog.Open(LogFile, NeverWarns);
        var observer = new Logging(log);
        test.Simulator.State.AddFault(Fault(FaultKind.Status, nth: 1, count: 1, path: "contact_lists", status: 503));
        Run run = await test.Engine.InvokeAsync(new RunRequest { ExportName = "E" }, observer, default);
        List<JsonElement> lines = Lines();
        JsonElement begun = Assert.Single(lines, l => Text(l, "event") == "RunBegun");
        Assert.Equal((run.Id.ToString(CultureInfo.InvariantCulture), "E", "acme", "OnDemand", "info"), (Text(begun, "run"), Text(begun, "export"), Text(begun, "connection"), Text(begun, "trigger"), Text(begun, "level")));
        JsonElement repeated = Assert.Single(lines, l => Text(l, "event") == "RequestRepeated");
        Assert.Equal(("/contact_lists/{id}", "503", "1", "acme"), (Text(repeated, "route"), Text(repeated, "status"), Text(repeated, "attempt"), Text(repeated, "connection")));
        JsonElement ended = Assert.Single(lines, l => Text(l, "event") == "RunEnded");
        Assert.Equal(("Completed", 60, 60, 0, run.Requests), (Text(ended, "status"), ended.GetProperty("read").GetInt64(), ended.GetProperty("accepted").GetInt64(), ended.GetProperty("unaccounted").GetInt64(), ended.GetProperty("requests").GetInt32()));
        Assert.True(lines.IndexOf(begun) < lines.IndexOf(ended));
        Assert.Contains(lines, l => Text(l, "stage") == "send" && Text(l, "run").Length > 0);
        Assert.All(lines, l => Assert.True(DateTimeOffset.Parse(Text(l, "time"), CultureInfo.InvariantCulture) > run.StartedAt.AddMinutes(-1) && Text(l, "time").EndsWith('Z')));

        // One that takes it over, and one that fails before there is a run.
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        await test.Store.Leases.TryTakeAsync("export/E", new LeaseOwner(Guid.NewGuid(), ProcessTable.Machine, int.MaxValue, 1, "run"), now, now.AddMinutes(1), default);
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", Map = new Dictionary<string, string> { ["email"] = "NoSuchColumn" } }, default);
        await Fails(() => test.Engine.InvokeAsync(new RunRequest { ExportName = "E" }, observer, default));
        lines = Lines();
        Assert.Equal("True", Text(Assert.Single(lines, l => Text(l, "event") == "LeaseTakenOver"), "holderIsDead"));
        JsonElement failed = Assert.Single(lines, l => Text(l, "event") == "Failed");
        Assert.Equal(("ColumnNotFound", "error", "E", ""), (Text(failed, "errorId"), Text(failed, "level"), Text(failed, "export"), Text(failed, "run")));
    }

    [Fact]
    public async Task What_a_schedule_decides_is_told()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test, 5);
        using RunLog log = RunLog.Open(LogFile, NeverWarns);
        var observer = new Logging(log);
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", Schedule = "0 0 1 1 *", TimeZone = "Etc/UTC" }, default);
        Assert.Null(await test.Engine.FindDueAsync("E", observer, default));
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", Schedule = "AfterRefresh" }, default);
        DueClaim claim = (await test.Engine.ClaimDueAsync([("E", DateTimeOffset.MaxValue)], default))!;
        await using (claim)
        {
            // One that runs it by hand is not waited for.
            DateTimeOffset now = TimeProvider.System.GetUtcNow();
            var elsewhere = new LeaseOwner(Guid.NewGuid(), "elsewhere", 1, 1, "run");
            await test.Store.Leases.TryTakeAsync("export/E", elsewhere, now, now.AddMinutes(1), default);
            Assert.Null(await test.Engine.InvokeDueAsync(claim, new RunRequest { ExportName = "E" }, observer, default));
            await test.Store.Leases.ReleaseAsync("export/E", elsewhere, default);
            Assert.NotNull(await test.Engine.InvokeDueAsync(claim, new RunRequest { ExportName = "E" }, observer, default));
        }
        Assert.Equal(["ScheduleNotDue", "ScheduleDue", "ScheduleWaits", "ScheduleDue"], Lines().Select(l => Text(l, "event")).Where(e => e.StartsWith("Schedule", StringComparison.Ordinal)));
    }
}

/// <summary>Writes all to a log, as the cmdlets do.</summary>
internal sealed class Logging(RunLog log) : IRunObserver
{
    public void Progress(RunProgress progress)
    {
    }

    public void Warning(string message) => log.Message(RunEventLevel.Warning, message);

    public void Verbose(string message) => log.Message(RunEventLevel.Debug, message);

    public void Event(RunEvent what) => log.Write(what);
}
