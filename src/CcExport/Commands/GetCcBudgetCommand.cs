using System.Management.Automation;
using CcExport.Completion;
using CcExport.Engine;
using CcExport.Engine.Exports;

namespace CcExport;

/// <summary>Gets the calls that are used and left today.</summary>
/// <remarks>Constant Contact allows 10,000 calls a UTC day and 4 a second on one API key. Every process that uses this store counts in the same ledger; calls of other tools on the same key are not seen.</remarks>
/// <example><code>Get-CcBudget</code><para>Shows the calls of each API key.</para></example>
/// <example><code>(Get-CcBudget Newsletter).ContactsLeft</code><para>Shows how many contacts still fit today.</para></example>
[Cmdlet(VerbsCommon.Get, "CcBudget")]
[OutputType(typeof(Budget))]
public sealed class GetCcBudgetCommand : CcCmdlet
{
    /// <summary>Names of connections. Without it each API key is shown.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(ConnectionCompleter))]
    public string[]? Connection { get; set; }

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        string?[] connections = Connection is { Length: > 0 } ? [.. Connection] : [null];
        foreach (string? connection in connections)
        {
            try { WriteObject(Await((engine, ct) => engine.GetBudgetsAsync(connection, ct)), enumerateCollection: true); }
            catch (CcException e) { WriteError(Errors.From(e, connection)); }
        }
    }
}
