using System.Text.RegularExpressions;

namespace CcExport.Engine.Identity;

/// <summary>A key of a Key Vault or a managed HSM, by its address.</summary>
/// <param name="Vault">Scheme, host and port; nothing after them.</param>
/// <param name="Version">Null: the newest.</param>
internal sealed partial record KeyVaultKeyId(Uri Vault, string Name, string? Version)
{
    /// <summary>Null when it is no such address. It must be https: what it is asked with is a token.</summary>
    public static KeyVaultKeyId? TryParse(string text)
        => Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && uri.Scheme == Uri.UriSchemeHttps && uri.UserInfo.Length == 0 && uri.Query.Length == 0 && uri.Fragment.Length == 0
            && Form().Match(uri.AbsolutePath) is { Success: true } match
            ? new KeyVaultKeyId(new Uri(uri.GetLeftPart(UriPartial.Authority)), match.Groups[1].Value, match.Groups[2].Success ? match.Groups[2].Value : null) : null;

    /// <summary>Whether it is the same key, in whatever version.</summary>
    public bool IsSameKey(KeyVaultKeyId other) => Vault == other.Vault && Name.Equals(other.Name, StringComparison.OrdinalIgnoreCase);

    /// <summary>The address.</summary>
    public override string ToString() => $"{Vault.GetLeftPart(UriPartial.Authority)}/keys/{Name}{(Version is null ? "" : "/" + Version)}";

    [GeneratedRegex("^/keys/([0-9A-Za-z-]{1,127})(?:/([0-9A-Za-z]{1,64}))?/?$", RegexOptions.CultureInvariant)]
    private static partial Regex Form();
}
