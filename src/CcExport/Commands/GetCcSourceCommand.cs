using System.Management.Automation;
using CcExport.Completion;
using CcExport.Engine.Profiles;

namespace CcExport;

/// <summary>Gets the named sources of customer profiles.</summary>
/// <remarks>A source is where segments are read. Get-CcSegment shows what is in one.</remarks>
/// <example><code>Get-CcSource</code><para>Lists all sources.</para></example>
/// <example><code>Get-CcSource Insights | Get-CcSegment</code><para>Shows the segments of one source.</para></example>
[Cmdlet(VerbsCommon.Get, "CcSource")]
[OutputType(typeof(ProfileSource))]
public sealed class GetCcSourceCommand : CcCmdlet
{
    /// <summary>Names of sources; wildcards are allowed. Without it all are returned.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(SourceCompleter))]
    public string[]? Name { get; set; }

    /// <inheritdoc/>
    protected override void OnRecord()
        => Names.Write(this, Await((engine, ct) => engine.GetSourcesAsync(ct)), Name, s => s.Name,
            name => Errors.NotFound("source", "SourceNotFound", name, "Get-CcSource"));
}
