using System.Management.Automation;
using CcExport.Completion;
using CcExport.Engine;
using CcExport.Engine.Profiles;

namespace CcExport;

/// <summary>Tests whether a source can be read, and by whom.</summary>
/// <remarks>Opens the source as an export would, asks it for its segments and one of them for its columns, and reads no profile. What is wrong is answered, not thrown.</remarks>
/// <example><code>Test-CcSource Unified -Connection Newsletter</code><para>Tests a Dataverse environment with the export user of a connection.</para></example>
/// <example><code>Get-CcSource | Test-CcSource | Where-Object -not Healthy</code><para>Lists the sources that cannot be read.</para></example>
[Cmdlet(VerbsDiagnostic.Test, "CcSource")]
[OutputType(typeof(SourceHealth))]
public sealed class TestCcSourceCommand : CcCmdlet
{
    /// <summary>Names of the sources.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(SourceCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>The connection whose export user reads. Without it the only one there is.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ConnectionCompleter))]
    public string? Connection { get; set; }

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        foreach (string name in Name)
        {
            try { WriteObject(Await((engine, ct) => engine.TestSourceAsync(name, Connection, ct))); }
            catch (CcException e) { WriteError(Errors.From(e, name)); }
        }
    }
}
