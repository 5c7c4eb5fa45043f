using System.Management.Automation;
using CcExport.Engine;
using CcExport.Engine.Exports;
using CcExport.Engine.Store;
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
/// A run that was stopped or killed is Interrupted, and invoking the export again goes on where it stopped. A run that could not go to its end is
/// returned with the status Failed, followed by the error RunFailed; one that stopped half-way and can go on, by the error RunInterrupted.
/// </para>
/// </remarks>
/// <example><code>Invoke-CcExport Customers</code><para>Runs a stored export.</para></example>
/// <example><code>Invoke-CcExport -Path ./customers.csv -Connection Newsletter -ListId $list.ListId -Map @{ email = 'EMail'; first_name = 'FirstName' }</code><para>Exports a file without storing an export. This is the fastest way.</para></example>
/// <example><code>Import-Csv ./customers.csv | Where-Object Country -eq 'DE' | Invoke-CcExport -Connection Newsletter -ListId $list.ListId -Map @{ email = 'EMail' }</code><para>Exports objects, of whatever shape and origin.</para></example>
/// <example><code>Invoke-CcExport Customers -WhatIf</code><para>Says what would be sent.</para></example>
/// <example><code>Invoke-CcExport Customers | Get-CcRejection | Export-Csv ./rejected.csv</code><para>Keeps a reason for each profile that was not accepted.</para></example>
[Cmdlet(VerbsLifecycle.Invoke, "CcExport", SupportsShouldProcess = true, DefaultParameterSetName = NameSet)]
[OutputType(typeof(Run))]
public sealed class InvokeCcExportCommand : ExportCmdlet
{
    private bool _whatIf;

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
            : await engine.InvokeAsync(request, watcher, ct).ConfigureAwait(false);

    private protected override void Report(RunRequest request, object result)
    {
        if (result is Preview preview)
        {
            ShouldProcess(Sentence(request, preview), "", "");
            return;
        }
        var run = (Run)result;
        WriteObject(run);
        switch (run.Status)
        {
            case RunStatus.Failed:
                WriteError(Errors.RunFailed(run.Id, run.Message, run));
                break;
            case RunStatus.Interrupted:
                WriteError(Errors.RunInterrupted(run.Id, run.Message, run));
                break;
            case RunStatus.WaitingForQuota:
                WriteWarning($"Run {run.Id} waits for the next day's calls: {run.Message}");
                break;
            case RunStatus.CompletedWithErrors:
                WriteWarning($"Run {run.Id}: {run.Refused:N0} contacts were refused and {run.Unaccounted:N0} are unaccounted for. 'Get-CcRejection -RunId {run.Id}' lists them.");
                break;
        }
    }

    private static string Sentence(RunRequest request, Preview preview)
        => $"Sending {preview.WouldSend:N0} of {preview.Read:N0} profiles of {Describe(request)}"
            + (request.ExportName is null ? "" : $" to list '{preview.ListId}'")
            + $" in {preview.Batches:N0} import request{(preview.Batches == 1 ? "" : "s")} ({preview.Bytes:N0} bytes)."
            + $" Not sent: {preview.Invalid:N0} invalid, {preview.Duplicate:N0} duplicate, {preview.Suppressed:N0} suppressed, {preview.Unchanged:N0} unchanged.";
}
