using System.Management.Automation;
using CcExport.Completion;
using CcExport.Engine.ConstantContact;

namespace CcExport;

/// <summary>Gets the lists of a Constant Contact account.</summary>
/// <remarks>The lists that were seen are remembered, so that -ListId can be completed without asking the network again.</remarks>
/// <example><code>Get-CcList Newsletter</code><para>Shows the lists of the account behind the connection Newsletter.</para></example>
/// <example><code>Get-CcConnection | Get-CcList -Name Cust*</code><para>Finds lists by name in all connected accounts.</para></example>
[Cmdlet(VerbsCommon.Get, "CcList")]
[OutputType(typeof(ContactList))]
public sealed class GetCcListCommand : CcCmdlet
{
    /// <summary>The connection to the account.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(ConnectionCompleter))]
    public string Connection { get; set; } = "";

    /// <summary>Names of lists; wildcards are allowed. Without it all are returned.</summary>
    [Parameter(Position = 1)]
    [SupportsWildcards]
    public string[]? Name { get; set; }

    /// <inheritdoc/>
    protected override void OnRecord()
        => Names.Write(this, Await((engine, ct) => engine.GetListsAsync(Connection, ct)), Name, l => l.Name,
            name => Errors.NotFound("list", "ListNotFound", name, $"Get-CcList -Connection '{Connection}'"));
}
