using System.Management.Automation;
using CcExport.Completion;
using CcExport.Engine;
using CcExport.Engine.Exports;
using CcExport.Engine.Store;

namespace CcExport;

/// <summary>Gets one object for each profile of a run that was not accepted, with the reason and what to do about it.</summary>
/// <remarks>
/// <para>
/// A rejection names the row, the key of the profile in its source and the field, never the address. Where the service does not say which contacts of a batch it
/// refused, one object stands for several. A duplicate names the profile that was taken (WinnerSegment, WinnerRow, WinnerKey). Objects of the kind Noted are
/// profiles that were sent with a value cut or left out, or that have the address of a role.
/// </para>
/// <para>The reasons have ids that do not change, a sentence and a remedy. SourceKey joins them back to the source.</para>
/// </remarks>
/// <example><code>Get-CcRejection 12 | Group-Object Reason</code><para>Counts the reasons of run 12.</para></example>
/// <example><code>Get-CcRun -Last 1 | Get-CcRejection | Export-Csv ./rejected.csv</code><para>Keeps the rejections of the newest run in a file.</para></example>
/// <example><code>Get-CcRejection 12 -Reason Email* -Kind Invalid | Select-Object SourceKey, Message, Remedy</code><para>Lists whose address to mend.</para></example>
[Cmdlet(VerbsCommon.Get, "CcRejection")]
[OutputType(typeof(Rejection))]
public sealed class GetCcRejectionCommand : CcCmdlet
{
    private WildcardPattern[]? _reasons;

    /// <summary>Numbers of runs. Runs bind through the pipeline.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("Id")]
    public long[] RunId { get; set; } = [];

    /// <summary>Only rejections with one of these reason ids; wildcards are allowed.</summary>
    [Parameter]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(ReasonCompleter))]
    public string[]? Reason { get; set; }

    /// <summary>Only rejections of one of these kinds.</summary>
    [Parameter]
    [ValidateSet(nameof(RejectionKind.Invalid), nameof(RejectionKind.Duplicate), nameof(RejectionKind.Suppressed), nameof(RejectionKind.Refused),
        nameof(RejectionKind.Unaccounted), nameof(RejectionKind.Noted))]
    public string[]? Kind { get; set; }

    /// <inheritdoc/>
    protected override void OnBegin()
    {
        foreach (string reason in Reason ?? [])
        {
            // A pattern may well match none; a name that is none would look like a run without such rejections.
            if (WildcardPattern.ContainsWildcardCharacters(reason) || CcEngine.ReasonIds.Contains(reason, StringComparer.OrdinalIgnoreCase)) continue;
            throw new CcException("ReasonUnknown", CcErrorKind.InvalidArgument, $"There is no reason '{reason}'.", $"There are: {string.Join(", ", CcEngine.ReasonIds)}.") { Subject = reason };
        }
        _reasons = Reason is null or [] ? null : [.. Reason.Select(r => WildcardPattern.Get(r, WildcardOptions.IgnoreCase))];
    }

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
            foreach (Rejection rejection in Each((engine, ct) => engine.GetRejectionsAsync(id, ct)))
            {
                if (IsAsked(rejection)) WriteObject(rejection);
            }
        }
    }

    private bool IsAsked(Rejection rejection)
        => (Kind is null or [] || Kind.Contains(rejection.Kind, StringComparer.OrdinalIgnoreCase))
            && (_reasons is null || _reasons.Any(r => r.IsMatch(rejection.Reason)));
}
