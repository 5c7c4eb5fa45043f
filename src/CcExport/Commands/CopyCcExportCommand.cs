using System.Management.Automation;
using CcExport.Completion;
using CcExport.Engine;
using CcExport.Engine.Exports;

namespace CcExport;

/// <summary>Makes another export of the same definition, with its schedule off.</summary>
/// <remarks>Runs, and what they remember of the list, stay the first one's. Change the copy with Set-CcExport and switch its schedule on with Enable-CcExport.</remarks>
/// <example><code>Copy-CcExport Customers -NewName Prospects</code><para>Makes the export Prospects from the export Customers.</para></example>
/// <example><code>Copy-CcExport Customers Prospects -PassThru | Set-CcExport -Segment Prospects</code><para>Makes a copy, and lets it read another segment.</para></example>
[Cmdlet(VerbsCommon.Copy, "CcExport", SupportsShouldProcess = true)]
[OutputType(typeof(Export))]
public sealed class CopyCcExportCommand : CcCmdlet
{
    /// <summary>The export to copy.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(ExportCompleter))]
    public string Name { get; set; } = "";

    /// <summary>The name of the copy.</summary>
    [Parameter(Mandatory = true, Position = 1)]
    [ValidateNotNullOrEmpty]
    public string NewName { get; set; } = "";

    /// <summary>Returns the copy.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        if (!ShouldProcess(Name, $"Copy the export to '{NewName}'")) return;
        try
        {
            Export copy = Await((engine, ct) => engine.CopyExportAsync(Name, NewName, ct));
            if (PassThru) WriteObject(copy);
        }
        catch (CcException e) { WriteError(Errors.From(e, Name)); }
    }
}
