using System.Security.Cryptography;
using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace CcExport.Engine.Identity.Wrapping;

/// <summary>
/// Wraps with a key that never leaves Key Vault: the secret is encrypted here (AES-256-GCM, bound to the ring's name for the key) under a key made for it, and
/// the vault wraps that one. Data Protection's own extension for Key Vault asks it synchronously, which cannot be ended by Ctrl+C.
/// </summary>
internal sealed class KeyVaultWrapper(KeyRingOptions options, string place, KeyVaultClient client) : IKeyWrapper
{
    private const string Form = "CcExport.KeyVault.v1";
    private const int KeySize = 32, NonceSize = 12, TagSize = 16;

    public KeyRingWrapping Kind => KeyRingWrapping.KeyVault;

    public string? Named => options.KeyVault is [var first, ..] ? first.ToString() : null;

    public bool Made(XElement wrapped) => (string?)wrapped.Attribute(KeyXml.DecryptorType) == Form;

    public string NameIn(XElement wrapped) => (string?)wrapped.Element("keyVault")?.Attribute("key") ?? "unknown";

    // Without a version any will do: which is the newest only the vault knows.
    public Task<bool> IsFirstAsync(string by, CancellationToken ct)
        => Task.FromResult(options.KeyVault is [var first, ..] && KeyVaultKeyId.TryParse(by) is { } key && key.IsSameKey(first) && (first.Version is null || first.Version == key.Version));

    public async Task<XElement> WrapAsync(XElement secret, string keyId, CancellationToken ct)
    {
        byte[] key = RandomNumberGenerator.GetBytes(KeySize), plain = Encoding.UTF8.GetBytes(secret.ToString(SaveOptions.DisableFormatting));
        try
        {
            (KeyVaultKeyId by, byte[] wrapped) = await client.WrapAsync(options.KeyVault[0], key, ct).ConfigureAwait(false);
            byte[] nonce = RandomNumberGenerator.GetBytes(NonceSize), tag = new byte[TagSize], content = new byte[plain.Length];
            using var aes = new AesGcm(key, TagSize);
            aes.Encrypt(nonce, plain, content, tag, Encoding.UTF8.GetBytes(keyId));
            return KeyXml.NewWrapped(Form, new XElement("keyVault", new XAttribute("key", by.ToString()), new XAttribute("algorithm", KeyVaultClient.Algorithm),
                Bytes("wrapped", wrapped), Bytes("nonce", nonce), Bytes("tag", tag), Bytes("content", content)));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
            CryptographicOperations.ZeroMemory(plain);
        }
    }

    public async Task<XElement> UnwrapAsync(XElement wrapped, string keyId, CancellationToken ct)
    {
        string name = NameIn(wrapped);
        // Only a key that is named is asked: a file that somebody put there must not send our token wherever it likes.
        if (KeyVaultKeyId.TryParse(name) is not { } by || !options.KeyVault.Any(by.IsSameKey))
        {
            throw new CcException("KeyRingUnreadable", CcErrorKind.Storage, $"The key ring '{place}' is wrapped by the Key Vault key {name}, which is not named here.",
                $"Name that key in {KeyRingOptions.KeyVaultVariable} (after the new one, separated by ';', if it was replaced).")
            { Subject = place };
        }
        byte[]? key = null, plain = null;
        try
        {
            XElement content = wrapped.Element("keyVault")!;
            byte[] nonce = Bytes(content, "nonce"), tag = Bytes(content, "tag"), cipher = Bytes(content, "content");
            key = await client.UnwrapAsync(by, Bytes(content, "wrapped"), ct).ConfigureAwait(false);
            plain = new byte[cipher.Length];
            using var aes = new AesGcm(key, TagSize);
            aes.Decrypt(nonce, cipher, tag, plain, Encoding.UTF8.GetBytes(keyId));
            return XElement.Parse(Encoding.UTF8.GetString(plain));
        }
        catch (Exception e) when (e is CryptographicException or FormatException or ArgumentException or XmlException)
        {
            throw new CcException("KeyRingUnreadable", CcErrorKind.Storage, $"A key in '{place}' was changed after it was wrapped, or is damaged.", "Restore the key ring from a backup.", e) { Subject = place };
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
            CryptographicOperations.ZeroMemory(plain);
        }
    }

    private static XElement Bytes(string name, byte[] value) => new(name, Convert.ToBase64String(value));

    private static byte[] Bytes(XElement content, string name) => Convert.FromBase64String((string?)content.Element(name) ?? "");
}
