using System.Management.Automation;
using CcExport.Completion;
using CcExport.Engine;
using CcExport.Engine.Exports;
using CcExport.Pipeline;

namespace CcExport;

/// <summary>Removes a connection, destroys its tokens, and removes its export user.</summary>
/// <remarks>
/// <para>
/// A connection that exports use is not removed; the error lists them. With -DetachExport they stay without a connection: they are not due and cannot be run until
/// Set-CcExport -Connection attaches them to another one. With -RemoveExport they are removed as well, and their runs stay.
/// </para>
/// <para>
/// A run in progress over the connection, in whatever process, ends as Canceled before its next request to import; what the service has taken by then is counted. Plans over it
/// are discarded.
/// </para>
/// <para>
/// Removing revokes nothing at Constant Contact, whose API has no call for that: the application stays authorised there until somebody takes its access away in the settings of
/// the account, or of the application in the developer portal.
/// </para>
/// </remarks>
/// <example><code>Remove-CcConnection Newsletter</code><para>Removes one connection that no export uses.</para></example>
/// <example><code>Remove-CcConnection Newsletter -DetachExport; Get-CcExport | Where-Object Connection -eq $null | Set-CcExport -Connection 'Newsletter EU'</code><para>Removes one, and attaches its exports to another.</para></example>
/// <example><code>Get-CcConnection Test* | Remove-CcConnection -RemoveExport -WhatIf</code><para>Shows which connections would be removed.</para></example>
[Cmdlet(VerbsCommon.Remove, "CcConnection", SupportsShouldProcess = true, DefaultParameterSetName = RefuseSet)]
[OutputType(typeof(void))]
public sealed class RemoveCcConnectionCommand : CcCmdlet
{
    private const string RefuseSet = "Unused";
    private const string DetachSet = "DetachExport";
    private const string RemoveSet = "RemoveExport";

    /// <summary>Names of the connections.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(ConnectionCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>Keeps the exports that use the connection, without one.</summary>
    [Parameter(Mandatory = true, ParameterSetName = DetachSet)]
    public SwitchParameter DetachExport { get; set; }

    /// <summary>Removes the exports that use the connection.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RemoveSet)]
    public SwitchParameter RemoveExport { get; set; }

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        ExportFate fate = DetachExport ? ExportFate.Detach : RemoveExport ? ExportFate.Remove : ExportFate.Refuse;
        string action = fate switch
        {
            ExportFate.Detach => "Remove the connection and leave its exports without one",
            ExportFate.Remove => "Remove the connection and the exports that use it",
            _ => "Remove the connection",
        };
        foreach (string name in Name)
        {
            if (!ShouldProcess(name, action)) continue;
            var watcher = new RunWatcher(Post, this, $"{MyInvocation.MyCommand?.Name}: {name}");
            try
            {
                Await((engine, ct) => engine.RemoveConnectionAsync(name, fate, watcher, ct));
                watcher.Close();
                WriteWarning($"'{name}' is removed here. At Constant Contact its application is still authorised: take that away in the account's settings, where applications with access are listed.");
            }
            catch (CcException e)
            {
                watcher.Close();
                WriteError(Errors.From(e, name));
            }
        }
    }
}
