using System.Management.Automation;
using CcExport.Completion;
using CcExport.Engine.Exports;

namespace CcExport;

/// <summary>Gets the exports that are defined here, with how their last run ended.</summary>
/// <remarks>An export binds to Invoke-CcExport, Test-CcExport, Get-CcRun, Set-CcExport and Remove-CcExport through the pipeline.</remarks>
/// <example><code>Get-CcExport</code><para>Lists all exports.</para></example>
/// <example><code>Get-CcExport Cust* | Invoke-CcExport</code><para>Runs some exports, one after the other.</para></example>
[Cmdlet(VerbsCommon.Get, "CcExport")]
[OutputType(typeof(Export))]
public sealed class GetCcExportCommand : CcCmdlet
{
    /// <summary>Names of exports; wildcards are allowed. Without it all are returned.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(ExportCompleter))]
    public string[]? Name { get; set; }

    /// <inheritdoc/>
    protected override void OnRecord()
        => Names.Write(this, Await((engine, ct) => engine.GetExportsAsync(ct)), Name, e => e.Name,
            name => Errors.NotFound("export", "ExportNotFound", name, "Get-CcExport"));
}
