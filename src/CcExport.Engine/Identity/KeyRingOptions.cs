using Azure.Core;
using CcExport.Engine.Identity.Entra;

namespace CcExport.Engine.Identity;

/// <summary>What opening a key ring needs to be told: what wraps its keys, if anything does, and what else may unwrap them.</summary>
internal sealed record KeyRingOptions
{
    public const string CertificateVariable = "CCEXPORT_KEYRING_CERTIFICATE";
    public const string PasswordVariable = "CCEXPORT_KEYRING_CERTIFICATE_PASSWORD";
    public const string KeyVaultVariable = "CCEXPORT_KEYRING_KEYVAULT";

    /// <summary>The first wraps, all unwrap. Where keys of Key Vault are named too, those wrap, unless it is said otherwise.</summary>
    public IReadOnlyList<CertificatePlace> Certificates { get; init; } = [];
    /// <summary>Of those certificates that are files with a password.</summary>
    public string? CertificatePassword { get; init; }
    /// <summary>The first wraps, all unwrap.</summary>
    public IReadOnlyList<KeyVaultKeyId> KeyVault { get; init; } = [];
    /// <summary>An unwrapped ring is neither made nor opened: <c>KeyRingUnwrapped</c>.</summary>
    public bool MustBeWrapped { get; init; }

    /// <summary>The network of Key Vault; null: the machine's. Tests give their own.</summary>
    public HttpMessageHandler? Network { get; init; }
    /// <summary>Who asks Key Vault; null: whoever this machine or its user is to Azure.</summary>
    public TokenCredential? Credential { get; init; }
    /// <summary>Tries and waits at Key Vault; short in tests.</summary>
    public EntraOptions Waits { get; init; } = new() { Tries = 3 };

    /// <summary>What wraps a key that is made now.</summary>
    public KeyRingWrapping Wrapping => KeyVault.Count > 0 ? KeyRingWrapping.KeyVault : Certificates.Count > 0 ? KeyRingWrapping.Certificate : KeyRingWrapping.None;

    /// <summary>As the user chose: <c>KeyRingSettingUnsuitable</c> when a variable says something else than it may.</summary>
    public static KeyRingOptions FromEnvironment(Func<string, string?>? environment = null)
    {
        Func<string, string?> read = environment ?? Environment.GetEnvironmentVariable;
        return new KeyRingOptions
        {
            Certificates = [.. Split(read(CertificateVariable)).Select(Place)],
            CertificatePassword = read(PasswordVariable) is { Length: > 0 } password ? password : null,
            KeyVault = [.. Split(read(KeyVaultVariable)).Select(Key)],
        };
    }

    /// <summary>It holds a password.</summary>
    public override string ToString() => $"KeyRingOptions {Wrapping}";

    private static string[] Split(string? value) => value?.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];

    private static CertificatePlace Place(string entry)
    {
        // As certificate managers show it, with spaces, and with the mark that copying from them brings along.
        string hex = entry.Replace(" ", "", StringComparison.Ordinal).Trim('\u200e');
        bool isThumbprint = hex.Length == 40 && hex.All(char.IsAsciiHexDigit);
        return new CertificatePlace
        {
            Thumbprint = isThumbprint ? hex.ToUpperInvariant() : null,
            Path = isThumbprint ? null : Path.GetFullPath(entry),
            HowToName = CertificateVariable,
            HowToGivePassword = PasswordVariable,
        };
    }

    private static KeyVaultKeyId Key(string entry) => KeyVaultKeyId.TryParse(entry) ?? throw new CcException("KeyRingSettingUnsuitable", CcErrorKind.InvalidArgument,
        $"{KeyVaultVariable} holds something that is no identifier of a Key Vault key.", "It is the address of a key: https://name.vault.azure.net/keys/key, with or without /version. Several are separated by ';'.")
    { Subject = KeyVaultVariable };
}
