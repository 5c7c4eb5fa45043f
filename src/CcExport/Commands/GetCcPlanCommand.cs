using System.Management.Automation;
using CcExport.Engine;
using CcExport.Engine.Exports;
using CcExport.Pipeline;

namespace CcExport;

/// <summary>Makes a plan of an export: what it will do, what that costs and when it is done. Sends nothing.</summary>
/// <remarks>
/// <para>
/// Reads, maps and seals all profiles as a run does, looks at the list, and says who is new there, who is updated, who is unchanged, invalid, a duplicate or
/// suppressed, who has left it, and what the guard finds. It asks the service only to look.
/// </para>
/// <para>
/// Invoke-CcExport -Plan runs exactly that, from what is sealed: within a day, and if neither the export nor the list has changed. A newer plan of the same export
/// takes its place; Stop-CcRun discards it, and Get-CcRun shows it as Queued until then. Its contacts lie encrypted on this machine for that time.
/// </para>
/// </remarks>
/// <example><code>Get-CcPlan Customers</code><para>Shows what an export would do.</para></example>
/// <example><code>$plan = Get-CcPlan Customers; $plan | Format-List; $plan | Invoke-CcExport</code><para>Looks at all of it, and then does just that.</para></example>
/// <example><code>Get-CcPlan Customers | Where-Object { -not $_.Warnings } | Invoke-CcExport</code><para>Runs an export only when there is nothing to warn of.</para></example>
[Cmdlet(VerbsCommon.Get, "CcPlan", DefaultParameterSetName = NameSet)]
[OutputType(typeof(Plan))]
public sealed class GetCcPlanCommand : SendingExportCmdlet
{
    private protected override bool Approve(RunRequest request) => true;

    private protected override async Task<object> WorkAsync(CcEngine engine, RunRequest request, RunWatcher watcher, CancellationToken ct)
        => await engine.PlanAsync(With(request), watcher, ct).ConfigureAwait(false);

    private protected override void Report(RunRequest request, object result)
    {
        var plan = (Plan)result;
        WriteObject(plan);
        foreach (string warning in plan.Warnings) WriteWarning($"Plan {plan.Id}: {warning}");
    }
}
