using System.Management.Automation;
using CcExport.Engine;
using CcExport.Engine.Exports;
using CcExport.Pipeline;

namespace CcExport;

/// <summary>Exports profiles to a Constant Contact list, and returns the run with numbers that add up.</summary>
/// <remarks>
/// <para>
/// Reads, maps and checks all profiles first, then sends them in as few import requests as the service allows, follows its jobs to their end and
/// closes the balance: Read = Invalid + Duplicate + Suppressed + Unchanged + Sent, and Sent = Accepted + OptedOut + Refused + Unaccounted.
/// </para>
/// <para>
/// The profiles come from a stored export (-Name), from a file or folder (-Path), or through the pipeline; all piped objects are taken before the first
/// import leaves. With -WhatIf everything is read and mapped, it is said what would be sent, and nothing is.
/// </para>
/// <para>
/// A run that was stopped or killed is Interrupted. Invoking the export again, or Resume-CcRun, finishes that run and returns it; no new one is
/// started (-Fresh gives it up and starts anew). A run that could not go to its end is returned with the status Failed, followed by the error
/// RunFailed; one that stopped half-way and can go on, by the error RunInterrupted.
/// </para>
/// </remarks>
/// <example><code>Invoke-CcExport Customers</code><para>Runs a stored export.</para></example>
/// <example><code>Invoke-CcExport -Path ./customers.csv -Connection Newsletter -ListId $list.ListId -Map @{ email = 'EMail'; first_name = 'FirstName' }</code><para>Exports a file without storing an export. This is the fastest way.</para></example>
/// <example><code>Import-Csv ./customers.csv | Where-Object Country -eq 'DE' | Invoke-CcExport -Connection Newsletter -ListId $list.ListId -Map @{ email = 'EMail' }</code><para>Exports objects, of whatever shape and origin.</para></example>
/// <example><code>Invoke-CcExport Customers -Verify -NoQuotaWait -WaitForRunner</code><para>For a schedule: waits for a run that goes on elsewhere, never for the next day, and reads the list back.</para></example>
/// <example><code>Invoke-CcExport Customers -WhatIf</code><para>Says what would be sent.</para></example>
/// <example><code>Invoke-CcExport Customers | Get-CcRejection | Export-Csv ./rejected.csv</code><para>Keeps a reason for each profile that was not accepted.</para></example>
[Cmdlet(VerbsLifecycle.Invoke, "CcExport", SupportsShouldProcess = true, DefaultParameterSetName = NameSet)]
[OutputType(typeof(Run))]
public sealed class InvokeCcExportCommand : ExportCmdlet
{
    private bool _whatIf;

    /// <summary>Gives up an earlier run that is not at its end, with its numbers as they are, instead of finishing it.</summary>
    [Parameter]
    public SwitchParameter Fresh { get; set; }

    /// <summary>Reads the list back at the end and names every contact that is not on it. Takes some five more calls.</summary>
    [Parameter]
    public SwitchParameter Verify { get; set; }

    /// <summary>Returns at once when the day's calls are used up. Without it, that is so only where nobody sits before the session; at a prompt the run waits, with a countdown.</summary>
    [Parameter]
    public SwitchParameter NoQuotaWait { get; set; }

    /// <summary>Waits when another process runs the same export, instead of an error.</summary>
    [Parameter]
    public SwitchParameter WaitForRunner { get; set; }

    /// <summary>The days for which this run and its rejections are kept, counted from its end; 90 by default. A stored export has its own number.</summary>
    [Parameter(ParameterSetName = PipedSet)]
    [Parameter(ParameterSetName = PathSet)]
    [ValidateRange(1, 3_650)]
    public int? KeepDays { get; set; }

    /// <inheritdoc/>
    protected override void OnBegin()
    {
        base.OnBegin();
        _whatIf = MyInvocation.BoundParameters.TryGetValue("WhatIf", out object? given)
            ? LanguagePrimitives.IsTrue(given)
            : LanguagePrimitives.IsTrue(GetVariableValue("WhatIfPreference"));
    }

    private protected override RunRequest AdHoc() => base.AdHoc() with { KeepDays = KeepDays };

    // With -WhatIf the answer is known only after reading: Report gives it.
    private protected override bool Approve(RunRequest request) => _whatIf || ShouldProcess(Describe(request), "Export to Constant Contact");

    private protected override async Task<object> WorkAsync(CcEngine engine, RunRequest request, RunWatcher watcher, CancellationToken ct)
        => _whatIf
            ? await engine.PreviewAsync(request, first: null, maxRejections: 0, watcher, ct).ConfigureAwait(false)
            : await engine.InvokeAsync(request with
            {
                Fresh = Fresh,
                Verify = Verify,
                Waits = new RunWaits { ForQuota = !NoQuotaWait && Attended.By(Host), ForRunner = WaitForRunner },
            }, watcher, ct).ConfigureAwait(false);

    private protected override void Report(RunRequest request, object result)
    {
        if (result is Preview preview)
        {
            ShouldProcess(Sentence(request, preview), "", "");
            return;
        }
        var run = (Run)result;
        WriteObject(run);
        RunOutcome.Comment(this, run);
    }

    private static string Sentence(RunRequest request, Preview preview)
        => $"Sending {preview.WouldSend:N0} of {preview.Read:N0} profiles of {Describe(request)}"
            + (request.ExportName is null ? "" : $" to list '{preview.ListId}'")
            + $" in {preview.Batches:N0} import request{(preview.Batches == 1 ? "" : "s")} ({preview.Bytes:N0} bytes)."
            + $" Not sent: {preview.Invalid:N0} invalid, {preview.Duplicate:N0} duplicate, {preview.Suppressed:N0} suppressed, {preview.Unchanged:N0} unchanged.";
}
