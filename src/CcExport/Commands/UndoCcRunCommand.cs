using System.Management.Automation;
using CcExport.Engine;
using CcExport.Engine.Exports;
using CcExport.Engine.Telemetry;
using CcExport.Pipeline;

namespace CcExport;

/// <summary>Puts a list back as it was before a run: who was put on it is taken off, and changed values are put back.</summary>
/// <remarks>
/// <para>
/// Before a run sends anything, the former values of its contacts are read and kept for 30 days, encrypted (-NoUndo of Invoke-CcExport and Set-CcExport keeps none). Undoing a run imports
/// those values again and takes off the list whom the run put there. It is a run of its own, with a balance, that can be resumed and stopped like any other. A run is undone once.
/// </para>
/// <para>
/// Left as they are, each with its reason (Get-CcRejection): people who have unsubscribed, who are not on the list any more, or whose values are not those that the run sent,
/// because somebody has changed them since. Contacts are never deleted from the account: whom the run brought there stays in it. A field that was empty before keeps its
/// value, since an import cannot empty one; that is noted.
/// </para>
/// <para>
/// The numbers: Read are the contacts of the undone run, Sent those whose old values are imported, Unchanged those without a value to put back, Suppressed those left as they
/// are. Removed, those taken off the list, is beside the balance: they are among Sent or Unchanged.
/// </para>
/// <para>With -WhatIf the list is read, it is said what would be done, and nothing is.</para>
/// </remarks>
/// <example><code>Undo-CcRun 12 -WhatIf</code><para>Says what undoing run 12 would do.</para></example>
/// <example><code>Get-CcRun -Export Customers -Last 1 | Undo-CcRun</code><para>Undoes the newest run of an export, after asking.</para></example>
/// <example><code>Undo-CcRun 12 -Confirm:$false | Get-CcRejection</code><para>Undoes run 12 without asking, and lists whom it left alone and why.</para></example>
[Cmdlet(VerbsCommon.Undo, "CcRun", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(Run))]
public sealed class UndoCcRunCommand : RunCmdlet
{
    private bool _whatIf;
    private RunLog? _log;

    /// <summary>Returns at once when the day's calls are used up, also at a prompt.</summary>
    [Parameter]
    public SwitchParameter NoQuotaWait { get; set; }

    /// <summary>Waits when another process runs the export, instead of an error.</summary>
    [Parameter]
    public SwitchParameter WaitForRunner { get; set; }

    /// <summary>
    /// A file to which is written what happens, an object of JSON a line; what is there already stays, and several processes may write to one. Without it the file that the
    /// environment variable CCEXPORT_LOG names. It holds no address. One that cannot be written is an error before anything is run.
    /// </summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? LogPath { get; set; }

    private protected override RunLog? Log => _log;

    /// <inheritdoc/>
    protected override void OnDispose()
    {
        base.OnDispose();
        _log?.Dispose();
    }

    // With -WhatIf the answer is known only after reading.
    private protected override string? Action => _whatIf ? null : "Undo it: take off the list whom it put there, and put changed values back";

    /// <inheritdoc/>
    protected override void OnBegin()
    {
        base.OnBegin();
        _log = Pipeline.Log.Open(this, LogPath, Post);
        _whatIf = MyInvocation.BoundParameters.TryGetValue("WhatIf", out object? given)
            ? LanguagePrimitives.IsTrue(given)
            : LanguagePrimitives.IsTrue(GetVariableValue("WhatIfPreference"));
    }

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        if (!_whatIf)
        {
            base.OnRecord();
            return;
        }
        foreach (long id in Id)
        {
            var watcher = new RunWatcher(Post, this, $"{MyInvocation.MyCommand?.Name}: run {id}", Log);
            try
            {
                UndoPreview preview = Await((engine, ct) => engine.PreviewUndoAsync(id, watcher, ct));
                ShouldProcess(Sentence(preview), "", "");
            }
            catch (CcException e) { WriteError(Errors.From(e, id)); }
            finally { watcher.Close(); }
        }
    }

    private protected override Task<Run> WorkAsync(CcEngine engine, long id, RunWatcher watcher, CancellationToken ct)
        => engine.UndoAsync(id, Attended.Waits(Host, NoQuotaWait, WaitForRunner), watcher, ct);

    private static string Sentence(UndoPreview preview)
        => $"Undoing run {preview.RunId} ({preview.Read:N0} contacts): taking {preview.WouldRemove:N0} off list '{preview.ListId}', putting the old values of {preview.WouldSend:N0} back."
            + $" Left as they are: {preview.Suppressed:N0}{(preview.Suppressed == 0 ? "" : $" ({string.Join(", ", preview.Reasons.Where(r => r.Key != "NotEmptied" && r.Key != "ValueLeftOut").Select(r => $"{r.Value:N0} {r.Key}"))})")}."
            + (preview.Noted == 0 ? "" : $" {preview.Noted:N0} value(s) cannot be put back, as a field cannot be emptied.");
}
