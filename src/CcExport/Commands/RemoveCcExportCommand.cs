using System.Management.Automation;
using CcExport.Completion;
using CcExport.Engine;

namespace CcExport;

/// <summary>Removes an export; its runs and their rejections stay.</summary>
/// <remarks>Contacts that were exported stay on their list.</remarks>
/// <example><code>Remove-CcExport Customers</code><para>Removes one export.</para></example>
/// <example><code>Get-CcExport Test* | Remove-CcExport -Confirm</code><para>Asks for each whether to remove it.</para></example>
[Cmdlet(VerbsCommon.Remove, "CcExport", SupportsShouldProcess = true)]
[OutputType(typeof(void))]
public sealed class RemoveCcExportCommand : CcCmdlet
{
    /// <summary>Names of the exports.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(ExportCompleter))]
    public string[] Name { get; set; } = [];

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        foreach (string name in Name)
        {
            if (!ShouldProcess(name, "Remove the export")) continue;
            try { Await((engine, ct) => engine.RemoveExportAsync(name, ct)); }
            catch (CcException e) { WriteError(Errors.From(e, name)); }
        }
    }
}
