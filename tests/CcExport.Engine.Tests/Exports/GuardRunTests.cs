using CcExport.Engine.Exports;
using CcExport.Engine.Store;
using static CcExport.Engine.Tests.Exports.Trouble;

namespace CcExport.Engine.Tests.Exports;

/// <summary>The guard in real runs: nothing is sent, the reason is said, and what is forced stays on record.</summary>
public sealed class GuardRunTests
{
    private static int Imports(TestEngine test) => test.Simulator.State.Statistics().ByRoute.Where(r => r.Key.Contains(Import, StringComparison.Ordinal)).Sum(r => r.Value);

    private static async Task WriteAsync(TestEngine test, string text) => await File.WriteAllTextAsync((await test.Engine.GetExportsAsync(default))[0].Path!, text);

    private static async Task StopsAsync(TestEngine test, string what, Func<RunRequest, RunRequest>? change = null)
    {
        int before = Imports(test);
        Run run = await InvokeAsync(test, change);
        Assert.Equal((RunStatus.Failed, 0L), (run.Status, run.Sent));
        Assert.Contains(what, run.Message, StringComparison.Ordinal);
        Assert.Contains("Nothing was sent.", run.Message, StringComparison.Ordinal);
        Assert.Contains("-Force", run.Message, StringComparison.Ordinal);
        Assert.Equal(before, Imports(test));
        Run forced = await InvokeAsync(test, r => (change?.Invoke(r) ?? r) with { Force = true });
        Assert.Equal(RunStatus.Completed, forced.Status);
        Assert.Contains("overridden with -Force", forced.Message, StringComparison.Ordinal);
        Assert.Contains(what, forced.Message, StringComparison.Ordinal);
        Assert.Equal(forced.Message, (await test.Engine.GetRunAsync(forced.Id, default))!.Message);
        Assert.Contains(test.Watcher.Warnings, w => w.Contains("overridden", StringComparison.Ordinal) && w.Contains(what, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Too_many_invalid_profiles_stop_a_run()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test, 200);
        string people = People(200);
        for (int i = 1; i <= 20; i++) people = people.Replace($",person{i}@example.com", ",none", StringComparison.Ordinal);
        await WriteAsync(test, people);
        Run edge = await InvokeAsync(test);
        Assert.Equal((RunStatus.Completed, 20L, null), (edge.Status, edge.Invalid, edge.Message));
        await WriteAsync(test, people.Replace("person21@example.com", "none", StringComparison.Ordinal));
        await StopsAsync(test, "21 of the 200 profiles");
    }

    [Fact]
    public async Task A_source_that_is_empty_or_suddenly_smaller_stops_a_run()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test, 200);
        Assert.Null((await InvokeAsync(test)).Message);
        await WriteAsync(test, People(100));
        Assert.Equal(RunStatus.Completed, (await InvokeAsync(test)).Status);
        await WriteAsync(test, "CustomerId,FirstName,LastName,EMail\n");
        await StopsAsync(test, "No profile was read");
    }

    [Fact]
    public async Task Less_than_half_of_what_there_was_stops_a_run_of_no_export_too()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        Assert.Equal(RunStatus.Completed, (await test.RunFileAsync(test.File("a.csv", People(200)))).Status);
        Run run = await test.RunFileAsync(test.File("b.csv", People(99)));
        Assert.Equal(RunStatus.Failed, run.Status);
        Assert.Contains("Only 99 profiles", run.Message, StringComparison.Ordinal);
        // To another list that is no history.
        string other = (await test.Engine.GetListsAsync("acme", default)).Select(l => l.ListId).FirstOrDefault(l => l != test.ListId) ?? "";
        if (other.Length > 0) Assert.Equal(RunStatus.Completed, (await test.RunFileAsync(test.File("b.csv", People(99)), change: r => r with { ListId = other })).Status);
        Assert.Equal(RunStatus.Completed, (await test.RunFileAsync(test.File("b.csv", People(100)))).Status);
    }

    [Fact]
    public async Task A_list_that_would_grow_by_more_than_is_allowed_stops_a_run()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test, 100);
        Assert.Equal(RunStatus.Completed, (await InvokeAsync(test)).Status);
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", MaxGrowth = 0.5 }, default);
        await WriteAsync(test, People(151));
        await StopsAsync(test, "add 51 contacts to a list of 100");
        await WriteAsync(test, People(302));
        Run more = await InvokeAsync(test, r => r with { MaxGrowth = 1 });
        Assert.Equal((RunStatus.Completed, 302L), (more.Status, more.Accepted));
    }

    [Fact]
    public async Task Growth_is_learnt_from_three_runs()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test, 100);
        for (int i = 0; i < 3; i++) Assert.Equal(RunStatus.Completed, (await InvokeAsync(test)).Status);
        await WriteAsync(test, People(201));
        await StopsAsync(test, "add 101 contacts to a list of 100");
    }

    [Fact]
    public async Task What_was_forced_is_said_beside_what_else_the_run_has_to_say()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test, 200);
        Assert.Equal(RunStatus.Completed, (await InvokeAsync(test)).Status);
        await WriteAsync(test, People(50));
        test.Simulator.State.AddFault(DayEnded);
        Run parked = await InvokeAsync(test, r => r with { Force = true });
        Assert.Equal(RunStatus.WaitingForQuota, parked.Status);
        Assert.Contains("Only 50 profiles", parked.Message, StringComparison.Ordinal);
        test.Simulator.State.ClearFaults();
        await NextDayAsync(test);
        Run done = await ResumeAsync(test, parked.Id);
        Assert.Equal(RunStatus.Completed, done.Status);
        Assert.Contains("Only 50 profiles", done.Message, StringComparison.Ordinal);
    }
}
