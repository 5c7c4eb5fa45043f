using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using CcExport.Engine.Exports;
using CcExport.Engine.Telemetry;
using CcExport.Engine.Tests.Exports;
using CcExport.Simulator;
using static CcExport.Engine.Tests.Exports.Trouble;
using Activity = System.Diagnostics.Activity;
using Routes = CcExport.Engine.ConstantContact.Routes;

namespace CcExport.Engine.Tests.Telemetry;

/// <summary>What the engine tells whoever listens, and that the documents say the same.</summary>
public sealed partial class SignalTests
{
    private static string Docs([CallerFilePath] string here = "") => File.ReadAllText(Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../../docs/observability.md")));

    /// <summary>The rows of the table whose head begins with a word.</summary>
    private static List<string[]> Table(string head)
    {
        string[] lines = Docs().ReplaceLineEndings("\n").Split('\n');
        int at = Array.FindIndex(lines, l => l.StartsWith($"| {head} |", StringComparison.Ordinal));
        Assert.True(at >= 0, $"There is no table '{head}'.");
        return [.. lines[(at + 2)..].TakeWhile(l => l.StartsWith('|')).Select(l => l.Trim('|').Split('|').Select(c => c.Trim()).ToArray())];
    }

    private static string[] Words(string cell) => [.. Word().Matches(cell).Select(m => m.Groups[1].Value)];

    private static async Task<TestEngine> StartAsync(string name, Func<EngineParts, EngineParts>? change = null)
    {
        TestEngine test = await TestEngine.StartAsync(change: change);
        await test.Engine.SetExportAsync(new ExportChange
        {
            Name = name,
            Connection = "acme",
            ListId = test.ListId,
            Map = TestEngine.NameMap,
            Path = test.File("p.csv", People(60) + "K61,A,B,none\nK62,A,B,person1@example.com\n"),
            BatchSize = 25,
        }, default);
        return test;
    }

    [Fact]
    public void The_documents_list_the_instruments_that_there_are()
    {
        using var heard = new Listening();
        RuntimeHelpers.RunClassConstructor(typeof(Signals).TypeHandle);
        string[] declared = [.. heard.Instruments.Select(i => $"`{i.Name}` {Kind(i)} `{i.Unit}` {i.Description}").Order(StringComparer.Ordinal)];
        Assert.NotEmpty(declared);
        Assert.Equal(declared, Table("instrument").Select(r => $"{r[0]} {r[1]} {r[2]} {r[3]}").Order(StringComparer.Ordinal));

        static string Kind(Instrument instrument) => instrument.GetType().Name.Split('`')[0];
    }

    [Fact]
    public void The_documents_list_the_events_that_there_are()
        => Assert.Equal(typeof(RunEvents).GetFields().Select(f => (string)f.GetRawConstantValue()!).Order(StringComparer.Ordinal), Table("event").Select(r => r[0].Trim('`')).Order(StringComparer.Ordinal));

    [Fact]
    public async Task A_run_is_a_span_with_its_stages_and_requests_and_counts_once()
    {
        using var heard = new Listening();
        await using TestEngine test = await StartAsync("Spans");
        test.Simulator.State.AddFault(Fault(FaultKind.Status, nth: 1, count: 1, path: "contact_lists", status: 503));
        Run run = await test.Engine.InvokeAsync(new RunRequest { ExportName = "Spans", Verify = true }, test.Watcher, default);

        Activity root = Assert.Single(heard.Spans, s => s.OperationName == "ccexport.run" && Equals(s.GetTagItem("ccexport.export"), "Spans"));
        Assert.Equal(("acme", run.Id, "Completed"), ((string?)root.GetTagItem("ccexport.connection"), (long?)root.GetTagItem("ccexport.run") ?? 0, (string?)root.GetTagItem("ccexport.status")));
        Activity[] trace = [.. heard.Spans.Where(s => s.TraceId == root.TraceId && s != root)];
        Activity[] stages = [.. trace.Where(s => s.OperationName != "ccexport.request")];
        Assert.Equal(["preflight", "read", "send", "follow", "verify", "close"], stages.Select(s => s.OperationName["ccexport.".Length..]).Except(["look", "keep"]));
        Assert.All(stages, s => Assert.Equal(root.SpanId, s.ParentSpanId));
        // One after another, and none outlives the run.
        Assert.All(stages.Zip(stages.Skip(1)), pair => Assert.True(pair.First.StartTimeUtc + pair.First.Duration <= pair.Second.StartTimeUtc + TimeSpan.FromMilliseconds(1)));
        Activity[] requests = [.. trace.Where(s => s.OperationName == "ccexport.request")];
        Assert.Equal(run.Requests, requests.Length);
        Assert.All(requests, s => Assert.Contains(stages, stage => stage.SpanId == s.ParentSpanId));
        Assert.Equal(3, requests.Count(s => Equals(s.GetTagItem("url.template"), "/activities/contacts_json_import") && stages.Single(x => x.SpanId == s.ParentSpanId).OperationName == "ccexport.send"));
        Assert.Contains(requests, s => Equals(s.GetTagItem("http.response.status_code"), 503) && Equals(s.GetTagItem("ccexport.attempt"), 1) && s.Status == ActivityStatusCode.Error);
        Assert.Contains(requests, s => Equals(s.GetTagItem("ccexport.attempt"), 2) && s.Status != ActivityStatusCode.Error);
        Assert.DoesNotContain(requests, s => ((string)s.GetTagItem("url.template")!).Contains(test.ListId, StringComparison.Ordinal));

        Assert.Equal(1, heard.Sum("ccexport.runs", "Spans"));
        Assert.Equal(run.Duration!.Value.TotalSeconds, heard.Sum("ccexport.run.duration", "Spans", "ccexport.status", "Completed"), 3);
        foreach ((string fate, long number) in new[] { ("read", run.Read), ("invalid", run.Invalid), ("duplicate", run.Duplicate), ("accepted", run.Accepted), ("refused", 0L) })
            Assert.Equal(number, heard.Sum("ccexport.profiles", "Spans", "ccexport.fate", fate));
        Assert.Equal((62L, 1L, 1L, 60L), (run.Read, run.Invalid, run.Duplicate, run.Accepted));
        Assert.Contains(heard.Measured, m => m.Name == "ccexport.budget.wait");

        // What is measured has the tags that the documents name, and no others.
        Dictionary<string, string[]> documented = Table("instrument").ToDictionary(r => r[0].Trim('`'), r => Words(r[4]));
        Assert.All(heard.Measured, m => Assert.Equal(documented[m.Name].Order(), m.Tags.Select(t => t.Key).Order()));
        List<string[]> rows = Table("span");
        Dictionary<string, string[]> spans = rows.ToDictionary(r => r[0].Trim('`'), r => r[2] == "the same" ? Words(rows[1][2]) : Words(r[2]));
        Assert.All(heard.Spans, s => Assert.Empty(s.TagObjects.Select(t => t.Key).Except(spans[s.OperationName])));
    }

    [Fact]
    public async Task A_run_that_stands_still_is_said_and_its_profiles_count_once_at_its_end()
    {
        using var heard = new Listening();
        await using TestEngine test = await StartAsync("Parked");
        test.Simulator.State.AddFault(DayEnded);
        Run run = await test.Engine.InvokeAsync(new RunRequest { ExportName = "Parked" }, test.Watcher, default);
        Assert.Equal(1, heard.Sum("ccexport.runs", "Parked", "ccexport.status", "WaitingForQuota"));
        Assert.Equal(0, heard.Sum("ccexport.profiles", "Parked"));
        Assert.Contains(heard.Spans, s => Equals(s.GetTagItem("ccexport.export"), "Parked") && Equals(s.GetTagItem("error.type"), "QuotaExceeded"));
        test.Simulator.State.ClearFaults();
        await NextDayAsync(test);
        await test.Engine.ResumeAsync(new ResumeRequest { RunId = run.Id }, test.Watcher, default);
        Assert.Equal(1, heard.Sum("ccexport.runs", "Parked", "ccexport.status", "Completed"));
        Assert.Equal(60, heard.Sum("ccexport.profiles", "Parked", "ccexport.fate", "accepted"));
    }

    [Fact]
    public void A_route_has_no_id_and_no_address()
    {
        var root = new Uri("https://api.example/v3");
        Assert.Equal("/contact_lists/{id}", Routes.Of(root, new Uri("https://api.example/v3/contact_lists/5b6f-anne?include=all")));
        Assert.Equal("/contacts", Routes.Of(root, new Uri("https://api.example/v3/contacts?email=anne%40example.com")));
        Assert.Equal("/activities/contacts_json_import", Routes.Of(root, new Uri("https://api.example/v3/activities/contacts_json_import")));
        Assert.Equal("/{id}/{id}/contacts", Routes.Of(root, new Uri("https://api.example/other/anne@example.com/contacts")));
    }

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Word();
}
