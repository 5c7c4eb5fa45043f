using System.Globalization;
using CcExport.Engine.Exports;
using CcExport.Simulator;

namespace CcExport.Chaos;

/// <summary>The module as it is staged, in PowerShell as it is used, with every wait and bound of production; killed from outside.</summary>
/// <param name="shell">Its <c>pwsh.dll</c>: started by <c>dotnet</c> itself, so that the process that is killed is the one that works.</param>
/// <param name="manifest">The module's.</param>
/// <param name="people">The same in all runs.</param>
internal sealed class PwshHosts(string shell, string manifest, Population people) : IHosts
{
    private const string Import = "POST /v3/activities/contacts_json_import";
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);

    /// <summary>A full batch has more refused rows than the service's messages have by default, and the judge wants all the names.</summary>
    public SimulatorSwitches Switches { get; } = new() { ErrorLineCap = 5000 };
    public int? Batch => null;
    public int RowsOfBatch => Rows;

    public const int Rows = 39_999;

    public Population Populate(Workshop workshop, string export, RunPlan plan, Random chance)
    {
        workshop.Settle(people);
        return people;
    }

    public async Task<HostEnd> RunAsync(Workshop workshop, string export, RunPlan plan, PlannedKill? kill, Random chance)
    {
        Run? last = (await workshop.LookAsync(export)).Run;
        // By number only what can go on: a run that has not read everything begins anew by the export's name.
        bool resume = last is { CompletedAt: null } && Imports(workshop) > 0 && chance.Next(3) == 0;
        string command = resume ? string.Create(CultureInfo.InvariantCulture, $"Resume-CcRun {last!.Id}") : $"Invoke-CcExport {export}";
        string script = $$"""
            $ErrorActionPreference = 'Stop'
            try {
                Import-Module '{{manifest.Replace("'", "''", StringComparison.Ordinal)}}'
                $run = {{command}}{{(plan.Verify ? " -Verify" : "")}} -WarningAction Ignore -Confirm:$false
                $end = @{ Id = $run.Id; Status = [int] $run.Status; Message = $run.Message }
            }
            catch { $end = @{ Error = "$($_.FullyQualifiedErrorId)".Split(',')[0]; Message = "$_" } }
            [Console]::Out.WriteLine(($end | ConvertTo-Json -Compress))
            """;
        using HostProcess host = HostProcess.Start(
            [shell, "-NoProfile", "-NonInteractive", "-Command", script],
            new() { ["CCEXPORT_HOME"] = workshop.Home, ["POWERSHELL_TELEMETRY_OPTOUT"] = "1", ["POWERSHELL_UPDATECHECK"] = "Off", ["DOTNET_TC_CallCountingDelayMs"] = "100" });
        long before = Imports(workshop);
        return await host.ToItsEndAsync(kill is null ? null : async over =>
        {
            while (kill.Imports > 0 && Imports(workshop) - before < kill.Imports) await Task.Delay(Look, over);
            await Task.Delay(kill.After!.Value, over);
        });
    }

    private static long Imports(Workshop workshop) => workshop.Service.Statistics().ByRoute.GetValueOrDefault(Import);
}
