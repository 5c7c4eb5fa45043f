using System.Management.Automation;
using CcExport.Completion;
using CcExport.Engine;

namespace CcExport;

/// <summary>Removes the export user of a connection and destroys its tokens.</summary>
/// <remarks>Exports of that connection can no longer read what is read as an export user; a run that is reading with it ends within a minute (ExportUserChanged), unless it is waiting for the service just then: in that case before it reads on. The application and its rights in Microsoft Entra stay.</remarks>
/// <example><code>Remove-CcExportUser Newsletter</code><para>Removes that of one connection.</para></example>
/// <example><code>Get-CcExportUser | Where-Object State -eq SignInAgain | Remove-CcExportUser -WhatIf</code><para>Shows which would be removed.</para></example>
[Cmdlet(VerbsCommon.Remove, "CcExportUser", SupportsShouldProcess = true)]
[OutputType(typeof(void))]
public sealed class RemoveCcExportUserCommand : CcCmdlet
{
    /// <summary>Names of the connections.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("Name")]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(ConnectionCompleter))]
    public string[] Connection { get; set; } = [];

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        foreach (string name in Connection)
        {
            if (!ShouldProcess(name, "Remove the export user")) continue;
            try { Await((engine, ct) => engine.RemoveExportUserAsync(name, ct)); }
            catch (CcException e) { WriteError(Errors.From(e, name)); }
        }
    }
}
