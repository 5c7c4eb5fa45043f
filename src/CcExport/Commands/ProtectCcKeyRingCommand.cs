using System.Management.Automation;
using CcExport.Engine;
using CcExport.Engine.Identity;

namespace CcExport;

/// <summary>Wraps the keys of the key ring with the certificate or the Key Vault key that the environment names.</summary>
/// <remarks>
/// <para>
/// CCEXPORT_KEYRING_CERTIFICATE holds a thumbprint in the personal store of the user or the machine, or the path of a PFX or PEM file (the password of a PFX in
/// CCEXPORT_KEYRING_CERTIFICATE_PASSWORD). CCEXPORT_KEYRING_KEYVAULT holds the address of a key, https://name.vault.azure.net/keys/key. Several are separated by
/// semicolons: the first wraps, all unwrap. To roll a certificate over, put the new one first and run this.
/// </para>
/// <para>
/// The keys themselves stay, and so does everything they protect. Nothing is written unless all keys can be read, as they were and as they are to be. Every account
/// that uses the store needs the same variables from then on. Old copies of an unwrapped ring, in backups, stay unwrapped.
/// </para>
/// </remarks>
/// <example><code>$env:CCEXPORT_KEYRING_CERTIFICATE = '/etc/ccexport/ring.pfx'; Protect-CcKeyRing</code><para>Wraps the ring with a certificate.</para></example>
/// <example><code>$env:CCEXPORT_KEYRING_CERTIFICATE = "$new;$old"; Protect-CcKeyRing</code><para>Rolls the certificate over.</para></example>
/// <example><code>Protect-CcKeyRing -WhatIf</code><para>Says what would be done.</para></example>
/// <example><code>Protect-CcKeyRing -Unwrapped</code><para>Goes back to an unwrapped ring, after asking.</para></example>
[Cmdlet(VerbsSecurity.Protect, "CcKeyRing", SupportsShouldProcess = true, DefaultParameterSetName = "Wrap")]
[OutputType(typeof(KeyRingState))]
public sealed class ProtectCcKeyRingCommand : CcCmdlet
{
    /// <summary>Which of them, where the environment names both a certificate and a Key Vault key: Certificate or KeyVault. Without it: KeyVault.</summary>
    [Parameter(ParameterSetName = "Wrap")]
    [ValidateSet("Certificate", "KeyVault")]
    public string? With { get; set; }

    /// <summary>Takes the wrapping off, after asking: whoever can read the files can then read all secrets. Only for a home's own files.</summary>
    [Parameter(ParameterSetName = "Unwrap", Mandatory = true)]
    public SwitchParameter Unwrapped { get; set; }

    /// <summary>Does not ask before taking the wrapping off.</summary>
    [Parameter(ParameterSetName = "Unwrap")]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override void OnEnd()
    {
        KeyRingWrapping? with = Unwrapped ? KeyRingWrapping.None : With is null ? null : Enum.Parse<KeyRingWrapping>(With, ignoreCase: true);
        KeyRingState now = Await((engine, ct) => engine.GetKeyRingAsync(ct));
        string action = Unwrapped ? "Unwrap" : $"Wrap with {Await((engine, ct) => Task.FromResult(engine.DescribeKeyRingWrapping(with)))}";
        if (!ShouldProcess($"key ring '{now.Place}' ({now.Keys} {(now.Keys == 1 ? "key" : "keys")})", action) || !MayUnwrap(now)) return;
        WriteObject(Await((engine, ct) => engine.ProtectKeyRingAsync(with, ct)));
    }

    private bool MayUnwrap(KeyRingState now)
    {
        // What -Confirm asked already, or was told not to ask, is not asked again.
        if (!Unwrapped || Force || MyInvocation.BoundParameters.ContainsKey("Confirm")) return true;
        return AskPerson($"The keys would lie unwrapped in '{now.Place}': whoever can read it could read all secrets of this store. Go on?", "Unwrap the key ring", NobodyToAsk);
    }

    private static CcException NobodyToAsk(Exception? cause) => new("ConfirmationRequired", CcErrorKind.InvalidArgument, "-Unwrapped lays the keys open, and there is nobody to ask.",
        "Add -Force if that is what you want.", cause);
}
