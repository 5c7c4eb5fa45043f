using System.Management.Automation;
using CcExport.Completion;
using CcExport.Engine.Exports;

namespace CcExport;

/// <summary>Gets the Constant Contact connections that are kept here.</summary>
/// <remarks>
/// A connection is an authorised Constant Contact account: who agreed to the data privacy statement and when, where the API is, and until when
/// the sign-in is good. Its tokens are never shown. Nothing goes over the network; Test-CcConnection asks the service.
/// </remarks>
/// <example><code>Get-CcConnection</code><para>Lists all connections.</para></example>
/// <example><code>Get-CcConnection Newsletter | Format-List</code><para>Shows one connection with its consent record.</para></example>
[Cmdlet(VerbsCommon.Get, "CcConnection")]
[OutputType(typeof(Connection))]
public sealed class GetCcConnectionCommand : CcCmdlet
{
    /// <summary>Names of connections; wildcards are allowed. Without it all are returned.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(ConnectionCompleter))]
    public string[]? Name { get; set; }

    /// <inheritdoc/>
    protected override void OnRecord()
        => Names.Write(this, Await((engine, ct) => engine.GetConnectionsAsync(ct)), Name, c => c.Name,
            name => Errors.NotFound("connection", "ConnectionNotFound", name, "Get-CcConnection"));
}
