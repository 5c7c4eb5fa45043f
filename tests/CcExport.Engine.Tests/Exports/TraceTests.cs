using CcExport.Engine.Exports;
using CcExport.Engine.Fingerprints;
using CcExport.Engine.Mapping;
using CcExport.Engine.Store;
using CcExport.Simulator;
using static CcExport.Engine.Tests.Exports.Trouble;

namespace CcExport.Engine.Tests.Exports;

/// <summary>Of each address it can be said what became of it in every run, and why.</summary>
public sealed class TraceTests
{
    private static async Task<TracedRun> OnlyAsync(TestEngine test, string email) => Assert.Single((await test.Engine.TraceContactAsync(email, null, null, default)).Runs);

    [Fact]
    public async Task Each_fate_is_told_with_its_reason()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test, 0);
        string path = (await test.Engine.GetExportsAsync(default))[0].Path!;
        File.WriteAllText(path, People(120) + "D1,A,B,PERSON2@example.com\nI1,A,B,not@an@address\nI2,A,B,\n");
        await test.Engine.AddSuppressionAsync(["person5@example.com"], "me", null, default);
        Run run = await InvokeAsync(test);
        Assert.Equal(RunStatus.Completed, run.Status);

        TracedRun sent = await OnlyAsync(test, " Person1@Example.com");
        Assert.Equal((TraceFate.Accepted, "E", "p", 1L, 1, null), (sent.Fate, sent.Export, sent.Segment, sent.Row, sent.Batch, sent.Reason));
        Assert.Equal((true, true), (sent.IsOnList, sent.IsAsSent));
        Assert.NotNull(sent.ActivityId);
        Assert.Equal(3, (await OnlyAsync(test, "person119@example.com")).Batch);
        IReadOnlyList<TracedRun> twice = (await test.Engine.TraceContactAsync("person2@example.com", null, null, default)).Runs;
        Assert.Equal([(TraceFate.Duplicate, 121L, Reasons.Duplicate), (TraceFate.Accepted, 2L, null)], twice.Select(r => (r.Fate, r.Row, r.Reason)));
        TracedRun held = await OnlyAsync(test, "person5@example.com");
        Assert.Equal((TraceFate.Suppressed, Reasons.SuppressionList, 5L, null, false), (held.Fate, held.Reason, held.Row, held.Batch, held.IsOnList));
        TracedRun wrong = await OnlyAsync(test, "NOT@an@address");
        Assert.Equal((TraceFate.Invalid, Reasons.EmailMalformed, 122L), (wrong.Fate, wrong.Reason, wrong.Row));
        Assert.Empty((await test.Engine.TraceContactAsync("stranger@example.com", null, null, default)).Runs);
        Assert.Equal("EmailInvalid", await Fails(() => test.Engine.TraceContactAsync(" ", null, null, default)));

        // What changed since, and who left.
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", Mode = ExportMode.Changed }, default);
        test.Simulator.State.EditContact("person1@example.com", new Dictionary<string, string> { ["first_name"] = "Other" });
        test.Simulator.State.LeaveList("person7@example.com", test.ListId);
        await InvokeAsync(test);
        IReadOnlyList<TracedRun> again = (await test.Engine.TraceContactAsync("person1@example.com", "acme", "E", default)).Runs;
        Assert.Equal([(TraceFate.Unchanged, false), (TraceFate.Accepted, false)], again.Select(r => (r.Fate, r.IsAsSent!.Value)));
        ContactTrace left = await test.Engine.TraceContactAsync("person7@example.com", null, null, default);
        Assert.Equal((TraceFate.Suppressed, Reasons.LeftList, false), (left.Runs[0].Fate, left.Runs[0].Reason, left.Runs[0].IsOnList));
        TracedMemory memory = Assert.Single(Assert.Single(left.Accounts).Memory);
        // Once seen to have left she is not the export's any more: should she come back, that is her own doing.
        Assert.Equal(("E", true, false, false), (memory.Export, memory.Confirmed, memory.Present, memory.Owned));
        test.Simulator.State.Unsubscribe("person8@example.com");
        TracedAccount gone = Assert.Single((await test.Engine.TraceContactAsync("person8@example.com", null, null, default)).Accounts);
        Assert.Equal((true, "unsubscribed", true), (gone.Exists, gone.Permission, gone.OptedOutAt is not null));
    }

    [Fact]
    public async Task Of_a_batch_that_was_refused_everybody_is_told_so()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test, 100);
        test.Simulator.State.AddFault(Fault(FaultKind.Status, status: 400, body: """[{"error_key":"contacts.api.validation.error","error_message":"person1@example.com is odd"}]"""));
        Run run = await InvokeAsync(test);
        Assert.Equal(RunStatus.CompletedWithErrors, run.Status);
        List<TracedRun> all = [];
        for (int i = 1; i <= 100; i++) all.Add(await OnlyAsync(test, $"person{i}@example.com"));
        Assert.Equal(run.Refused, all.Count(r => r is { Fate: TraceFate.Refused, Reason: Reasons.BatchRefused }));
        Assert.Equal(run.Accepted, all.Count(r => r is { Fate: TraceFate.Accepted, Reason: null, IsAsSent: true }));
    }

    [Fact]
    public async Task A_run_that_waits_is_seen_in_its_spool_and_an_old_one_is_not_kept()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        Run run = await ParkedAsync(test);
        TracedRun waiting = await OnlyAsync(test, "person60@example.com");
        Assert.Equal((TraceFate.Waiting, 2, null, null), (waiting.Fate, waiting.Batch, waiting.IsAsSent, waiting.ActivityId));
        Assert.Equal((RunStatus.Completed, 90L), await Numbers(InvokeAsync(test)));
        Assert.Equal(TraceFate.Accepted, (await OnlyAsync(test, "person60@example.com")).Fate);
        TraceFile.Delete(test.Home, run.Id);
        Assert.Empty(TraceFile.Runs(test.Home));
        Assert.Empty((await test.Engine.TraceContactAsync("person60@example.com", null, null, default)).Runs);
    }

    [Fact]
    public async Task A_file_that_was_cut_or_changed_is_noticed()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test, 30);
        Run run = await InvokeAsync(test);
        string path = TraceFile.PathOf(test.Home, run.Id, TracePart.Sent);
        byte[] whole = await File.ReadAllBytesAsync(path);
        await File.WriteAllBytesAsync(path, whole[..^32]);
        Assert.Equal("TraceDamaged", await Fails(() => test.Engine.TraceContactAsync("person1@example.com", null, null, default)));
        whole[^100] ^= 1;
        await File.WriteAllBytesAsync(path, whole);
        Assert.Equal("TraceDamaged", await Fails(() => test.Engine.TraceContactAsync("person1@example.com", null, null, default)));
    }

    [Fact]
    public async Task An_account_that_cannot_be_asked_hides_nothing_else()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test, 5);
        await InvokeAsync(test);
        test.Simulator.State.AddFault(Fault(FaultKind.Status, count: 100, path: "contacts", status: 403, body: """[{"error_key":"x","error_message":"no"}]"""));
        ContactTrace trace = await test.Engine.TraceContactAsync("person1@example.com", null, null, default);
        TracedAccount account = Assert.Single(trace.Accounts);
        Assert.Null(account.Exists);
        Assert.NotNull(account.Message);
        Assert.Null(Assert.Single(trace.Runs).IsOnList);
        Assert.Single(account.Memory);
    }
}
