using System.Management.Automation;
using CcExport.Engine;
using CcExport.Engine.Exports;

namespace CcExport;

/// <summary>Gets the stored suppression list: when, by whom and why each entry was made, or whether an address is on it.</summary>
/// <remarks>The list holds no addresses, so it cannot show any; with -Email it says whether that address is on it.</remarks>
/// <example><code>Get-CcSuppression | Group-Object AddedBy</code><para>Who suppressed how many.</para></example>
/// <example><code>(Get-CcSuppression -Email jane@example.com).IsSuppressed</code><para>Whether an address is never sent.</para></example>
[Cmdlet(VerbsCommon.Get, "CcSuppression")]
[OutputType(typeof(Suppression))]
public sealed class GetCcSuppressionCommand : CcCmdlet
{
    /// <summary>Addresses to look up. Without it the whole list is shown.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string[] Email { get; set; } = [];

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        if (!MyInvocation.BoundParameters.ContainsKey(nameof(Email)))
        {
            WriteObject(Await((engine, ct) => engine.GetSuppressionsAsync(ct)), enumerateCollection: true);
            return;
        }
        foreach (string email in Email)
        {
            try { WriteObject(Await((engine, ct) => engine.GetSuppressionAsync(email, ct))); }
            catch (CcException e) { WriteError(Errors.From(e)); }
        }
    }
}
