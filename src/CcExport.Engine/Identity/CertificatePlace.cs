using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace CcExport.Engine.Identity;

/// <summary>Where somebody keeps a certificate with its private key: a file, or a personal store of this user or this machine.</summary>
internal sealed record CertificatePlace
{
    /// <summary>A PFX or PEM file.</summary>
    public string? Path { get; init; }
    /// <summary>Hexadecimal, as the stores know it.</summary>
    public string? Thumbprint { get; init; }
    /// <summary>How another one is named, for remedies: "name another one with …".</summary>
    public required string HowToName { get; init; }
    /// <summary>How the password of a file is given, for remedies: "with …".</summary>
    public required string HowToGivePassword { get; init; }

    /// <summary>As people know it.</summary>
    public string Name => Path ?? Thumbprint!;

    /// <summary>
    /// Reads it anew. An RSA key is asked for: <c>CertificateNotFound</c>, <c>CertificateUnreadable</c>, <c>CertificateUnusable</c>. Whether its time is over is not asked here.
    /// </summary>
    public async Task<X509Certificate2> LoadAsync(string? password, CancellationToken ct)
    {
        X509Certificate2 certificate = Path is { } path ? Parse(await ReadAsync(path, ct).ConfigureAwait(false), password) : Find(Thumbprint!);
        using RSA? key = PrivateKeyOf(certificate);
        if (key is not null) return certificate;
        certificate.Dispose();
        throw new CcException("CertificateUnusable", CcErrorKind.InvalidArgument, $"The certificate '{Name}' has no RSA private key that this user may use.",
            "Give a PFX or PEM file that holds the private key too, or let this user read the key in the store.")
        { Subject = Name };
    }

    private static RSA? PrivateKeyOf(X509Certificate2 certificate)
    {
        try
        {
            return certificate.HasPrivateKey ? certificate.GetRSAPrivateKey() : null;
        }
        catch (CryptographicException)
        {
            // In the store, and for other users only.
            return null;
        }
    }

    private async Task<byte[]> ReadAsync(string path, CancellationToken ct)
    {
        try
        {
            return await File.ReadAllBytesAsync(path, ct).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw NotFound(e is UnauthorizedAccessException ? "cannot be read by this user" : "is not there, or cannot be read", e);
        }
    }

    private X509Certificate2 Parse(byte[] bytes, string? password)
    {
        try
        {
            string text = Encoding.ASCII.GetString(bytes);
            if (text.Contains("-----BEGIN ", StringComparison.Ordinal))
            {
                return text.Contains("-----BEGIN ENCRYPTED PRIVATE KEY-----", StringComparison.Ordinal)
                    ? X509Certificate2.CreateFromEncryptedPem(text, text, password ?? "") : X509Certificate2.CreateFromPem(text, text);
            }
            // In memory only, where the system can: a key on disk would outlive us.
            return new X509Certificate2(bytes, password, OperatingSystem.IsMacOS() ? X509KeyStorageFlags.DefaultKeySet : X509KeyStorageFlags.EphemeralKeySet);
        }
        catch (CryptographicException)
        {
            throw new CcException("CertificateUnreadable", CcErrorKind.InvalidArgument, $"'{Name}' is no PFX or PEM file with a private key, or the password is wrong.",
                $"Check the file, and give its password with {HowToGivePassword}.")
            { Subject = Name };
        }
        finally { CryptographicOperations.ZeroMemory(bytes); }
    }

    private X509Certificate2 Find(string thumbprint)
    {
        foreach (StoreLocation location in new[] { StoreLocation.CurrentUser, StoreLocation.LocalMachine })
        {
            try
            {
                using var store = new X509Store(StoreName.My, location);
                store.Open(OpenFlags.ReadOnly | OpenFlags.OpenExistingOnly);
                if (store.Certificates.Find(X509FindType.FindByThumbprint, thumbprint, validOnly: false) is [var found, ..]) return found;
            }
            catch (CryptographicException)
            {
                // Not every system has both stores.
            }
        }
        throw NotFound("is in neither of the personal stores of this user and this machine", null);
    }

    private CcException NotFound(string what, Exception? inner) => new("CertificateNotFound", CcErrorKind.NotFound,
        $"The certificate '{Name}' {what}.", $"Put it back, or name another one with {HowToName}.", inner)
    { Subject = Name };
}
