using System.Globalization;
using Xunit.Abstractions;

namespace CcExport.Chaos.Tests;

/// <summary>The fleet of <c>build.ps1 fleet</c>, small.</summary>
public sealed class FleetTests(ITestOutputHelper output)
{
    [FleetFact]
    public async Task Runners_that_die_share_what_is_due_and_each_export_runs_once()
    {
        using var log = new StringWriter(CultureInfo.InvariantCulture);
        bool exact = await FleetCommand.RunAsync(
            new FleetOptions { Exports = 12, Profiles = 40, Keys = 3, Runners = 3, KillEvery = 2.5, MostKills = 3, Seed = 2026, Quick = true }, FleetFactAttribute.Server, log);
        output.WriteLine(log.ToString());
        Assert.True(exact, log.ToString());
    }
}

/// <summary>A test that needs a PostgreSQL server: <c>build.ps1 test</c> starts one and names it in <c>CCEXPORT_TEST_POSTGRES</c>.</summary>
public sealed class FleetFactAttribute : FactAttribute
{
    public static string Server { get; } = Environment.GetEnvironmentVariable("CCEXPORT_TEST_POSTGRES") ?? "";

    public FleetFactAttribute()
    {
        if (Server.Length == 0) Skip = "skipped: needs a PostgreSQL server (build.ps1 test starts one where initdb is installed)";
    }
}
