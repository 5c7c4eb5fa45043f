using System.Management.Automation;
using CcExport.Completion;
using CcExport.Engine.Exports;

namespace CcExport;

/// <summary>Gets the Microsoft Entra identities with which connections' exports read segments.</summary>
/// <remarks>The state is what was last seen: SignInAgain after a refusal that a person has to put right. Secrets and tokens are never shown, and nothing goes over the network; Test-CcSource asks.</remarks>
/// <example><code>Get-CcExportUser</code><para>Lists all.</para></example>
/// <example><code>Get-CcExportUser Newsletter | Format-List</code><para>Shows that of one connection.</para></example>
[Cmdlet(VerbsCommon.Get, "CcExportUser")]
[OutputType(typeof(ExportUser))]
public sealed class GetCcExportUserCommand : CcCmdlet
{
    /// <summary>Names of connections; wildcards are allowed. Without it all are returned.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("Name")]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(ConnectionCompleter))]
    public string[]? Connection { get; set; }

    /// <inheritdoc/>
    protected override void OnRecord()
        => Names.Write(this, Await((engine, ct) => engine.GetExportUsersAsync(null, ct)), Connection, u => u.Connection,
            name => Errors.New("ExportUserNotFound", ErrorCategory.ObjectNotFound, $"The connection '{name}' has no export user, or there is no such connection.", "Get-CcExportUser shows those that exist.", name));
}
