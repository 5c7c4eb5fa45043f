using System.Management.Automation;
using CcExport.Engine;
using CcExport.Engine.Exports;
using CcExport.Pipeline;

namespace CcExport;

/// <summary>Removes all that CcExport keeps of a person, leaves a proof without the address, and never sends that address again.</summary>
/// <remarks>
/// <para>
/// Removed are the person's fingerprints in every export's memory, her records in the traces of all runs, the rejections of her rows, her contact in batches that are
/// still kept, and what she was before runs (a run is undone without her). A plan that holds her is given up. The address goes on the stored suppression list with the reason Erased. The proof says what was removed and how much; Get-CcErasure lists it.
/// </para>
/// <para>
/// The contact in Constant Contact itself is not touched: delete it there. Nor are the files that exports read. While an export runs, nothing is done and the error is
/// RunInProgress. Repeating it is safe.
/// </para>
/// </remarks>
/// <example><code>Remove-CcContactData jane@example.com</code><para>Asks, and removes.</para></example>
/// <example><code>Remove-CcContactData jane@example.com -Confirm:$false | Export-Csv ./erasures.csv -Append</code><para>In a script, which keeps the proof.</para></example>
[Cmdlet(VerbsCommon.Remove, "CcContactData", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(ContactErasure))]
public sealed class RemoveCcContactDataCommand : CcCmdlet
{
    /// <summary>The addresses of the people.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string[] Email { get; set; } = [];

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        foreach (string email in Email)
        {
            // No address is shown in the question: it would stand in a transcript.
            if (!ShouldProcess("1 person", "Remove all data kept of the person, and never send the address again")) continue;
            var watcher = new RunWatcher(Post, this, MyInvocation.MyCommand.Name);
            try { WriteObject(Await((engine, ct) => engine.RemoveContactDataAsync(email, $"{Environment.UserName}@{Environment.MachineName}", watcher, ct))); }
            catch (CcException e) { WriteError(Errors.From(e)); }
            finally { watcher.Close(); }
        }
    }
}
