using System.Security.Cryptography;
using System.Text.Json;

namespace CcExport.Engine.Identity.Entra;

/// <summary>What an export user keeps secret, protected as one piece.</summary>
internal sealed record EntraSecrets
{
    public string? ClientSecret { get; init; }
    public string? CertificatePassword { get; init; }
    /// <summary>The library's token cache as it writes it; null while there is none.</summary>
    public byte[]? Cache { get; init; }

    /// <summary>Binds the secrets to their connection: another one's can't stand in for them.</summary>
    private static string Purpose(Guid connectionId) => "export-user/" + connectionId.ToString("D");

    public byte[] Protect(ISecretBox box, Guid connectionId)
    {
        byte[] plain = JsonSerializer.SerializeToUtf8Bytes(this, EntraJson.Default.EntraSecrets);
        try { return box.Protect(Purpose(connectionId), plain); }
        finally { CryptographicOperations.ZeroMemory(plain); }
    }

    public static EntraSecrets Unprotect(ISecretBox box, Guid connectionId, byte[] secrets)
    {
        byte[] plain = box.Unprotect(Purpose(connectionId), secrets);
        try
        {
            return JsonSerializer.Deserialize(plain, EntraJson.Default.EntraSecrets) ?? throw new JsonException();
        }
        catch (JsonException)
        {
            // Without the inner exception: it may quote what it could not read.
            throw new CcException("SecretUnreadable", CcErrorKind.Storage, "The stored secrets of this export user are of a form that this version does not know.",
                "Sign in again with Add-CcExportUser.");
        }
        finally { CryptographicOperations.ZeroMemory(plain); }
    }

    public override string ToString() => "(export user's secrets)";
}
