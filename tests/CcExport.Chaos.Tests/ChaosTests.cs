using System.Globalization;
using Xunit.Abstractions;

namespace CcExport.Chaos.Tests;

/// <summary>The chaos of <c>build.ps1 chaos</c>, small and with a fixed seed. What it prints on failure repeats the run.</summary>
public sealed class ChaosTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Runs_killed_at_any_step_lose_nobody_and_send_nobody_twice()
    {
        using var log = new StringWriter(CultureInfo.InvariantCulture);
        Tally tally = await ChaosCommand.RunAsync(
            new ChaosOptions { Runs = 30, Seed = 2026, Parallel = 8, Profiles = 1000, Batch = 200, MostKills = 2 }, log);
        output.WriteLine(log.ToString());
        Assert.True(tally.IsClean, log.ToString());
        // A chaos in which nobody dies proves nothing.
        Assert.InRange(tally.Kills, 30, 60);
    }
}

/// <summary>Processes that want the same at the same time.</summary>
public sealed class RaceTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Of_sixteen_processes_one_runs_the_export_and_all_keep_the_limit()
    {
        using var log = new StringWriter(CultureInfo.InvariantCulture);
        IReadOnlyList<string> findings = await RaceCommand.RunAsync(log);
        output.WriteLine(log.ToString());
        Assert.Empty(findings);
    }
}

/// <summary>A process that sleeps past its lease.</summary>
public sealed class WakeTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_host_that_wakes_after_its_lease_lapsed_sends_and_writes_nothing()
    {
        using var log = new StringWriter(CultureInfo.InvariantCulture);
        IReadOnlyList<string> findings = await WakeCommand.RunAsync(log);
        output.WriteLine(log.ToString());
        Assert.Empty(findings);
    }
}
