using System.Management.Automation;
using CcExport.Completion;
using CcExport.Engine.Exports;

namespace CcExport;

/// <summary>Gets the runs that were made here, newest first.</summary>
/// <remarks>The table shows the main numbers; Format-List shows the whole balance of a run.</remarks>
/// <example><code>Get-CcRun -Last 5</code><para>Shows the five newest runs.</para></example>
/// <example><code>Get-CcExport Customers | Get-CcRun -Last 1 | Format-List</code><para>Shows the whole balance of an export's newest run.</para></example>
[Cmdlet(VerbsCommon.Get, "CcRun")]
[OutputType(typeof(Run))]
public sealed class GetCcRunCommand : CcCmdlet
{
    /// <summary>Numbers of runs.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    public long[]? Id { get; set; }

    /// <summary>Names of exports; wildcards are allowed. Without it the runs of all exports are returned, and those of piped objects.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(ExportCompleter))]
    public string[]? Export { get; set; }

    /// <summary>How many of the newest runs, of each export where exports are named.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int? Last { get; set; }

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        string[] exports = [.. (Export ?? []).Where(name => !string.IsNullOrEmpty(name))];   // a piped run of no export binds an empty one
        if (Id is { Length: > 0 })
        {
            foreach (long id in Id) WriteOne(id);
        }
        else if (exports.Length > 0)
        {
            foreach (string export in exports) WriteThoseOf(export);
        }
        else
        {
            foreach (Run run in Await((engine, ct) => engine.GetRunsAsync(null, Last, ct))) WriteObject(run);
        }
    }

    private void WriteOne(long id)
    {
        if (Await((engine, ct) => engine.GetRunAsync(id, ct)) is { } run) WriteObject(run);
        else WriteError(Errors.RunNotFound(id));
    }

    private void WriteThoseOf(string export)
    {
        if (WildcardPattern.ContainsWildcardCharacters(export))
        {
            WildcardPattern pattern = WildcardPattern.Get(export, WildcardOptions.IgnoreCase);
            IEnumerable<Run> matching = Await((engine, ct) => engine.GetRunsAsync(null, null, ct)).Where(run => run.Export is not null && pattern.IsMatch(run.Export));
            foreach (Run run in matching.GroupBy(run => run.Export, StringComparer.OrdinalIgnoreCase).SelectMany(runs => runs.Take(Last ?? int.MaxValue)))
                WriteObject(run);
            return;
        }
        IReadOnlyList<Run> found = Await((engine, ct) => engine.GetRunsAsync(export, Last, ct));
        foreach (Run run in found) WriteObject(run);
        // An export that was removed keeps its runs; one that has none must at least exist.
        if (found.Count == 0 && !Await((engine, ct) => engine.GetExportsAsync(ct)).Any(e => e.Name.Equals(export, StringComparison.OrdinalIgnoreCase)))
            WriteError(Errors.NotFound("export", "ExportNotFound", export, "Get-CcExport"));
    }
}
