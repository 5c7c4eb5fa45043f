using System.Management.Automation;
using CcExport.Completion;
using CcExport.Engine;
using CcExport.Engine.Exports;

namespace CcExport;

/// <summary>Switches the schedule of an export off; it can be run by its name all the same.</summary>
/// <remarks>The schedule is kept, and Enable-CcExport switches it on again. To take it away, use Set-CcExport -Schedule ''.</remarks>
/// <example><code>Disable-CcExport Customers</code><para>Switches one off.</para></example>
/// <example><code>Get-CcExport | Disable-CcExport -PassThru</code><para>Switches all off, and shows them.</para></example>
[Cmdlet(VerbsLifecycle.Disable, "CcExport", SupportsShouldProcess = true)]
[OutputType(typeof(Export))]
public sealed class DisableCcExportCommand : CcCmdlet
{
    /// <summary>Names of the exports.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(ExportCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>Returns the exports.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        foreach (string name in Name)
        {
            if (!ShouldProcess(name, "Switch the schedule off")) continue;
            try
            {
                Export export = Await((engine, ct) => engine.EnableExportAsync(name, false, ct));
                if (PassThru) WriteObject(export);
            }
            catch (CcException e) { WriteError(Errors.From(e, name)); }
        }
    }
}
