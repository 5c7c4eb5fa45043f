using System.Management.Automation;
using CcExport.Completion;
using CcExport.Engine;
using CcExport.Engine.Exports;

namespace CcExport;

/// <summary>Asks Constant Contact whether exports can run over a connection.</summary>
/// <remarks>
/// Signs in with the kept tokens and reads the privileges of the signed-in user, the account's contact counts and the calls used today. What is
/// wrong is a finding with the next step, also that the account it runs as cannot read the key ring; the cmdlet fails only for a connection that does not exist. Before
/// a schedule is trusted, run it as the service account.
/// </remarks>
/// <example><code>Test-CcConnection</code><para>Checks all connections.</para></example>
/// <example><code>(Test-CcConnection Newsletter).Findings</code><para>Shows in sentences what there is to know about one connection.</para></example>
[Cmdlet(VerbsDiagnostic.Test, "CcConnection")]
[OutputType(typeof(ConnectionHealth))]
public sealed class TestCcConnectionCommand : CcCmdlet
{
    /// <summary>Names of connections; wildcards are allowed. Without it all are checked.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(ConnectionCompleter))]
    public string[]? Name { get; set; }

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        string[] patterns = Name is null or [] ? ["*"] : Name;
        foreach (string pattern in patterns)
        {
            IEnumerable<string> names = [pattern];
            if (WildcardPattern.ContainsWildcardCharacters(pattern))
            {
                WildcardPattern wildcard = WildcardPattern.Get(pattern, WildcardOptions.IgnoreCase);
                names = Await((engine, ct) => engine.GetConnectionsAsync(ct)).Select(c => c.Name).Where(wildcard.IsMatch);
            }
            foreach (string name in names)
            {
                try { WriteObject(Await((engine, ct) => engine.TestConnectionAsync(name, ct))); }
                catch (CcException e) { WriteError(Errors.From(e, name)); }
            }
        }
    }
}
