using System.Security.Cryptography;
using System.Text.Json;
using CcExport.Engine.Identity;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>What opens a source, apart from its definition and protected by the key ring.</summary>
internal sealed record SourceSecrets(string? SubscriptionKey, string? SasToken, string? AccountKey)
{
    public override string ToString() => nameof(SourceSecrets);

    private static string Purpose(string name) => "source/" + NameKey.Of(name);

    /// <summary>Null where there is nothing to protect.</summary>
    public static byte[]? Protect(ISecretBox box, string name, SourceReference reference)
    {
        if (reference is { SubscriptionKey: null, SasToken: null, AccountKey: null }) return null;
        byte[] plain = JsonSerializer.SerializeToUtf8Bytes(new SourceSecrets(reference.SubscriptionKey, reference.SasToken, reference.AccountKey), DefinitionJson.Default.SourceSecrets);
        try { return box.Protect(Purpose(name), plain); }
        finally { CryptographicOperations.ZeroMemory(plain); }
    }

    /// <summary>The reference with its secrets.</summary>
    public static SourceReference Unprotect(ISecretBox box, string name, byte[]? secrets, SourceReference reference)
    {
        if (secrets is null) return reference;
        byte[] plain = box.Unprotect(Purpose(name), secrets);
        try
        {
            SourceSecrets read = JsonSerializer.Deserialize(plain, DefinitionJson.Default.SourceSecrets)!;
            return reference with { SubscriptionKey = read.SubscriptionKey, SasToken = read.SasToken, AccountKey = read.AccountKey };
        }
        catch (JsonException)
        {
            // Without the inner exception: it may quote what it could not read.
            throw new CcException("SecretUnreadable", CcErrorKind.Storage, "The stored secrets of this source are of a form that this version does not know.",
                "Remove the source and make it again with New-CcSource.")
            { Subject = name };
        }
        finally { CryptographicOperations.ZeroMemory(plain); }
    }
}
