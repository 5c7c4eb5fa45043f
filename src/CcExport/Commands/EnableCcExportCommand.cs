using System.Management.Automation;
using CcExport.Completion;
using CcExport.Engine;
using CcExport.Engine.Exports;

namespace CcExport;

/// <summary>Switches the schedule of an export on.</summary>
/// <remarks>From now on Invoke-CcExport -Due runs it when it is due. Times that went by while it was off are not made up for.</remarks>
/// <example><code>Enable-CcExport Customers</code><para>Switches one on.</para></example>
/// <example><code>Get-CcExport | Enable-CcExport -PassThru</code><para>Switches all on, and shows them.</para></example>
[Cmdlet(VerbsLifecycle.Enable, "CcExport", SupportsShouldProcess = true)]
[OutputType(typeof(Export))]
public sealed class EnableCcExportCommand : CcCmdlet
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
            if (!ShouldProcess(name, "Switch the schedule on")) continue;
            try
            {
                Export export = Await((engine, ct) => engine.EnableExportAsync(name, true, ct));
                if (PassThru) WriteObject(export);
            }
            catch (CcException e) { WriteError(Errors.From(e, name)); }
        }
    }
}
