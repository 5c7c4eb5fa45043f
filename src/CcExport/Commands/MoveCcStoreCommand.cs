using System.Management.Automation;
using CcExport.Engine;
using CcExport.Engine.Exports;

namespace CcExport;

/// <summary>Moves the store between a home of this machine and a PostgreSQL database that several machines share.</summary>
/// <remarks>
/// <para>
/// Connections, sources, exports, the whole history of runs, suppressions and the key ring go along; run numbers stay as they are. The home's files (spools, rejections,
/// fingerprints) stay where they are: after -FromHome, CCEXPORT_HOME of every machine must name that same folder, and CCEXPORT_STORE the database.
/// </para>
/// <para>
/// The key ring is wrapped anew: in a database it must be, by the certificate or the key of Key Vault that the environment names (Get-CcKeyRing). No run may go on meanwhile;
/// what is left behind is closed, so that nobody goes on writing there. A move that is broken off is done anew by the same command.
/// </para>
/// </remarks>
/// <example><code>$env:CCEXPORT_STORE = $connectionString; Move-CcStore -FromHome</code><para>Brings this home's store to the database.</para></example>
/// <example><code>Move-CcStore -ToHome</code><para>Brings it back. Clear CCEXPORT_STORE afterwards.</para></example>
[Cmdlet(VerbsCommon.Move, "CcStore", SupportsShouldProcess = true)]
[OutputType(typeof(StoreMove))]
public sealed class MoveCcStoreCommand : CcCmdlet
{
    /// <summary>From the home to the database that CCEXPORT_STORE names, which must be empty.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "FromHome")]
    public SwitchParameter FromHome { get; set; }

    /// <summary>From that database to the home.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "ToHome")]
    public SwitchParameter ToHome { get; set; }

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        if (!(FromHome || ToHome)) return;   // -FromHome:$false
        if (!ShouldProcess(CcEngine.HomeFolder, FromHome ? "Move this home's store to PostgreSQL, and close it here" : "Move the store from PostgreSQL to this home, and close it there")) return;
        WriteObject(Await(Start(ct => FromHome ? CcEngine.MoveFromHomeAsync(ct) : CcEngine.MoveToHomeAsync(ct))));
    }
}
