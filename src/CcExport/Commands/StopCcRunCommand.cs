using System.Management.Automation;
using CcExport.Engine;
using CcExport.Engine.Exports;
using CcExport.Pipeline;

namespace CcExport;

/// <summary>Ends a run for good, whichever process runs it, and returns it with its final numbers.</summary>
/// <remarks>
/// <para>
/// Nothing more is sent. What the service has taken by then is counted; batches whose job had not ended are unaccounted for, and those not sent are refused.
/// The status is Canceled, and the run cannot go on. To stop a run that should go on later, press Ctrl+C where it runs.
/// </para>
/// <para>
/// The process that runs it ends it within some seconds. Where there is no such process any more, it is ended here. Contacts that were sent stay on the list.
/// </para>
/// </remarks>
/// <example><code>Stop-CcRun 12</code><para>Ends run 12.</para></example>
/// <example><code>Get-CcRun -Export Customers -Last 1 | Stop-CcRun</code><para>Ends the newest run of an export.</para></example>
[Cmdlet(VerbsLifecycle.Stop, "CcRun", SupportsShouldProcess = true)]
[OutputType(typeof(Run))]
public sealed class StopCcRunCommand : RunCmdlet
{
    private protected override string Action => "End it for good";

    private protected override Task<Run> WorkAsync(CcEngine engine, long id, RunWatcher watcher, CancellationToken ct) => engine.StopAsync(id, watcher, ct);

    // That it was ended is what was asked for.
    private protected override void Comment(Run run)
    {
    }
}
