using CcExport.Engine.Exports;
using CcExport.Engine.Store;
using CcExport.Simulator;

namespace CcExport.Engine.Tests.Exports;

/// <summary>A process that was stopped for longer than its lease lives: another has the run, and this one neither sends nor writes.</summary>
public sealed class LostLeaseTests
{
    [Fact]
    public async Task A_run_that_was_taken_over_while_it_followed_its_jobs_is_not_written_to()
    {
        IStore? store = null;
        await using TestEngine test = await TestEngine.StartAsync(change: parts => Short(parts, out store));
        string path = test.File("p.csv", "EMail,FirstName,LastName\nada@example.com,Ada,L\nvery.long.name@example.com,B,C\n");
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", Connection = "acme", ListId = test.ListId, Map = TestEngine.NameMap, Path = path }, default);
        test.Simulator.State.Set(s => s.EmailMaxLength = 19);
        test.Simulator.State.PlanJobs(JobOutcome.Stuck);
        Task<Run> running = test.Engine.InvokeAsync(new RunRequest { ExportName = "E" }, test.Watcher, default);
        while (test.Simulator.State.Activities().Count == 0) await Task.Delay(10);
        await TakeAsync(store!);
        test.Simulator.State.EndJob(test.Simulator.State.Activities()[0].Id, JobOutcome.Completed);

        Assert.Equal("LeaseLost", (await Assert.ThrowsAsync<CcException>(() => running)).ErrorId);
        Run left = Assert.Single(await test.Engine.GetRunsAsync("E", null, default));
        Assert.Equal(RunStatus.Running, left.Status);
        Assert.Empty(await test.RejectionsAsync(left.Id));
    }

    [Fact]
    public async Task Stopping_a_run_that_was_taken_over_does_not_call_it_interrupted()
    {
        IStore? store = null;
        await using TestEngine test = await TestEngine.StartAsync(change: parts => Short(parts, out store));
        string path = test.File("p.csv", "EMail,FirstName,LastName\nada@example.com,Ada,L\n");
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", Connection = "acme", ListId = test.ListId, Map = TestEngine.NameMap, Path = path }, default);
        test.Simulator.State.PlanJobs(JobOutcome.Stuck);
        using var stop = new CancellationTokenSource();
        Task<Run> running = test.Engine.InvokeAsync(new RunRequest { ExportName = "E" }, test.Watcher, stop.Token);
        while (test.Simulator.State.Activities().Count == 0) await Task.Delay(10);
        await TakeAsync(store!);
        await stop.CancelAsync();

        Assert.Equal("LeaseLost", (await Assert.ThrowsAsync<CcException>(() => running)).ErrorId);
        Assert.Equal(RunStatus.Running, Assert.Single(await test.Engine.GetRunsAsync("E", null, default)).Status);
    }

    private static EngineParts Short(EngineParts parts, out IStore store)
    {
        store = parts.Store;
        return parts with { RunLease = new LeaseTimes { Life = TimeSpan.FromMilliseconds(400), Beat = TimeSpan.FromMilliseconds(50) } };
    }

    /// <summary>As another machine does that finds the lease lapsed; then waits until the old holder's last renewal has run out.</summary>
    private static async Task TakeAsync(IStore store)
    {
        var other = new LeaseOwner(Guid.NewGuid(), "elsewhere", 1, 1, "run");
        DateTimeOffset later = TimeProvider.System.GetUtcNow().AddMinutes(5);
        Assert.True((await store.Leases.TryTakeAsync("export/E", other, later, later.AddMinutes(5), default)).Taken);
        await Task.Delay(500);
    }
}
