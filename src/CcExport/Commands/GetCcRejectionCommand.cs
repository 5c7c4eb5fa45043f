using System.Management.Automation;
using CcExport.Engine.Exports;

namespace CcExport;

/// <summary>Gets one object for each profile of a run that was not accepted, with the reason and what to do about it.</summary>
/// <remarks>
/// A rejection names the row, the key of the profile in its source and the field, never the address. Where the service does not say which contacts of a batch it
/// refused, one object stands for several. Objects of the kind Note are profiles that were sent with a value cut or left out.
/// </remarks>
/// <example><code>Get-CcRejection 12 | Group-Object Reason</code><para>Counts the reasons of run 12.</para></example>
/// <example><code>Get-CcRun -Last 1 | Get-CcRejection | Export-Csv ./rejected.csv</code><para>Keeps the rejections of the newest run in a file.</para></example>
[Cmdlet(VerbsCommon.Get, "CcRejection")]
[OutputType(typeof(Rejection))]
public sealed class GetCcRejectionCommand : CcCmdlet
{
    /// <summary>Numbers of runs. Runs bind through the pipeline.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("Id")]
    public long[] RunId { get; set; } = [];

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        foreach (long id in RunId)
        {
            if (Await((engine, ct) => engine.GetRunAsync(id, ct)) is null)
            {
                WriteError(Errors.RunNotFound(id));
                continue;
            }
            foreach (Rejection rejection in Each((engine, ct) => engine.GetRejectionsAsync(id, ct))) WriteObject(rejection);
        }
    }
}
