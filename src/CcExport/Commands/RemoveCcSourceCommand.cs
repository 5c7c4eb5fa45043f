using System.Management.Automation;
using CcExport.Completion;
using CcExport.Engine;

namespace CcExport;

/// <summary>Removes the name of a source; its files stay.</summary>
/// <remarks>A source that exports read is not removed; the error lists them.</remarks>
/// <example><code>Remove-CcSource Insights</code><para>Removes one source.</para></example>
/// <example><code>Get-CcSource Test* | Remove-CcSource -WhatIf</code><para>Shows which sources would be removed.</para></example>
[Cmdlet(VerbsCommon.Remove, "CcSource", SupportsShouldProcess = true)]
[OutputType(typeof(void))]
public sealed class RemoveCcSourceCommand : CcCmdlet
{
    /// <summary>Names of the sources.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(SourceCompleter))]
    public string[] Name { get; set; } = [];

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        foreach (string name in Name)
        {
            if (!ShouldProcess(name, "Remove the source")) continue;
            try { Await((engine, ct) => engine.RemoveSourceAsync(name, ct)); }
            catch (CcException e) { WriteError(Errors.From(e, name)); }
        }
    }
}
