using System.Management.Automation;
using CcExport.Completion;
using CcExport.Engine;

namespace CcExport;

/// <summary>Removes a connection and destroys its tokens.</summary>
/// <remarks>A connection that exports use is not removed; the error lists them. The authorisation itself is taken back in the account's settings at Constant Contact.</remarks>
/// <example><code>Remove-CcConnection Newsletter</code><para>Removes one connection.</para></example>
/// <example><code>Get-CcConnection Test* | Remove-CcConnection -WhatIf</code><para>Shows which connections would be removed.</para></example>
[Cmdlet(VerbsCommon.Remove, "CcConnection", SupportsShouldProcess = true)]
[OutputType(typeof(void))]
public sealed class RemoveCcConnectionCommand : CcCmdlet
{
    /// <summary>Names of the connections.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(ConnectionCompleter))]
    public string[] Name { get; set; } = [];

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        foreach (string name in Name)
        {
            if (!ShouldProcess(name, "Remove the connection")) continue;
            try { Await((engine, ct) => engine.RemoveConnectionAsync(name, ct)); }
            catch (CcException e) { WriteError(Errors.From(e, name)); }
        }
    }
}
