using System.Management.Automation;
using CcExport.Engine.Identity;

namespace CcExport;

/// <summary>Shows how the key ring is wrapped, where it lies, and whether this account can read it.</summary>
/// <remarks>
/// The key ring protects tokens, client secrets and the spools of runs. What wraps it is chosen by the environment variables CCEXPORT_KEYRING_CERTIFICATE and
/// CCEXPORT_KEYRING_KEYVAULT. Nothing is changed. A ring that Key Vault wraps is asked for there.
/// </remarks>
/// <example><code>Get-CcKeyRing</code><para>Shows the key ring.</para></example>
/// <example><code>(Get-CcKeyRing).Findings</code><para>Says in sentences what there is to know and to do.</para></example>
[Cmdlet(VerbsCommon.Get, "CcKeyRing")]
[OutputType(typeof(KeyRingState))]
public sealed class GetCcKeyRingCommand : CcCmdlet
{
    /// <inheritdoc/>
    protected override void OnEnd() => WriteObject(Await((engine, ct) => engine.GetKeyRingAsync(ct)));
}
