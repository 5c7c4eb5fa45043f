using System.Globalization;
using Xunit.Abstractions;

namespace CcExport.Chaos.Tests;

/// <summary>
/// The chaos of <c>build.ps1 chaos</c>, small and with a fixed seed. What it prints on failure repeats the run. One class, so that the
/// processes of one test do not slow down those of another.
/// </summary>
public sealed class ChaosTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Runs_killed_at_any_step_lose_nobody_and_send_nobody_twice()
    {
        using var log = new StringWriter(CultureInfo.InvariantCulture);
        Tally tally = await ChaosCommand.RunAsync(new ChaosOptions { Runs = 30, Seed = 2026, Parallel = 8, Profiles = 1500, Batch = 250 }, log);
        output.WriteLine(log.ToString());
        Assert.True(tally.IsClean, log.ToString());
        Assert.InRange(tally.Kills, 30, 200);
    }

    [Fact]
    public async Task Of_sixteen_processes_one_runs_the_export_and_all_keep_the_limit()
    {
        using var log = new StringWriter(CultureInfo.InvariantCulture);
        Assert.True((await RaceCommand.RunAsync(log)).Count == 0, log.ToString());
        output.WriteLine(log.ToString());
    }

    [Fact]
    public async Task A_host_that_wakes_after_its_lease_lapsed_sends_and_writes_nothing()
    {
        using var log = new StringWriter(CultureInfo.InvariantCulture);
        Assert.True((await WakeCommand.RunAsync(log)).Count == 0, log.ToString());
        output.WriteLine(log.ToString());
    }
}
