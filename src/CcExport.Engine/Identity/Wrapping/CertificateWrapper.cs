using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Xml;
using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.XmlEncryption;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace CcExport.Engine.Identity.Wrapping;

/// <summary>Wraps with a certificate, in the form that Data Protection itself has for it (XML Encryption).</summary>
internal sealed class CertificateWrapper(KeyRingOptions options, string place, TimeProvider time) : IKeyWrapper, IDisposable
{
    private static readonly XName Certificate = XNamespace.Get("http://www.w3.org/2000/09/xmldsig#") + "X509Certificate";

    private readonly Dictionary<CertificatePlace, X509Certificate2> _loaded = [];
    private readonly Dictionary<CertificatePlace, CcException> _faults = [];
    private ServiceProvider? _services;

    public KeyRingWrapping Kind => KeyRingWrapping.Certificate;

    public string? Named => options.Certificates is [var first, ..] ? first.Name : null;

    public bool Made(XElement wrapped) => ((string?)wrapped.Attribute(KeyXml.DecryptorType))?.StartsWith(typeof(EncryptedXmlDecryptor).FullName!, StringComparison.Ordinal) == true;

    public string NameIn(XElement wrapped)
    {
        try
        {
            if (wrapped.Descendants(Certificate).FirstOrDefault() is { } text)
            {
                using var certificate = new X509Certificate2(Convert.FromBase64String(text.Value));
                return certificate.Thumbprint;
            }
        }
        catch (Exception e) when (e is FormatException or CryptographicException)
        {
            // Damaged there; it may be readable all the same.
        }
        return "unknown";
    }

    public async Task<bool> IsFirstAsync(string by, CancellationToken ct)
        => options.Certificates is [var first, ..] && (await LoadAsync(first, ct).ConfigureAwait(false))?.Thumbprint == by;

    public async Task<XElement> WrapAsync(XElement secret, string keyId, CancellationToken ct)
    {
        CertificatePlace first = options.Certificates[0];
        X509Certificate2 certificate = await LoadAsync(first, ct).ConfigureAwait(false) ?? throw _faults[first];
        if (certificate.NotAfter.ToUniversalTime() <= time.GetUtcNow())
        {
            throw new CcException("CertificateExpired", CcErrorKind.InvalidArgument, FormattableString.Invariant($"The certificate '{first.Name}' was good until {certificate.NotAfter:yyyy-MM-dd}."),
                $"Name a new one first in {KeyRingOptions.CertificateVariable}, and this one after it, separated by ';': it goes on unwrapping what it wrapped.")
            { Subject = first.Name };
        }
        EncryptedXmlInfo info = new CertificateXmlEncryptor(certificate, NullLoggerFactory.Instance).Encrypt(secret);
        return KeyXml.NewWrapped(info.DecryptorType.AssemblyQualifiedName!, info.EncryptedElement);
    }

    public async Task<XElement> UnwrapAsync(XElement wrapped, string keyId, CancellationToken ct)
    {
        if (_services is null)
        {
            List<X509Certificate2> certificates = [];
            foreach (CertificatePlace known in options.Certificates)
            {
                if (await LoadAsync(known, ct).ConfigureAwait(false) is { } certificate) certificates.Add(certificate);
            }
            var services = new ServiceCollection();
            services.AddDataProtection().UnprotectKeysWithAnyCertificate([.. certificates]);
            _services = services.BuildServiceProvider();
        }
        try
        {
            // Beside those that are named the library tries the personal stores of this user and this machine.
            return new EncryptedXmlDecryptor(_services).Decrypt(wrapped.Elements().First());
        }
        catch (Exception e) when (e is CryptographicException or XmlException or FormatException or InvalidOperationException or NotSupportedException)
        {
            string needed = NameIn(wrapped);
            // The one that is needed may be named and not be there: that is what to put right.
            CcException? fault = _faults.FirstOrDefault(f => f.Key.Thumbprint is null || f.Key.Thumbprint == needed).Value;
            throw fault ?? new CcException("KeyRingUnreadable", CcErrorKind.Storage,
                $"The key ring '{place}' is wrapped by the certificate {needed}, with whose private key this user cannot read it here.",
                $"Name that certificate in {KeyRingOptions.CertificateVariable} (after the new one, separated by ';', if it was replaced), and let this user read its private key.", e)
            { Subject = place };
        }
    }

    public void Dispose()
    {
        _services?.Dispose();
        foreach (X509Certificate2 certificate in _loaded.Values) certificate.Dispose();
    }

    private async Task<X509Certificate2?> LoadAsync(CertificatePlace known, CancellationToken ct)
    {
        if (_loaded.TryGetValue(known, out X509Certificate2? certificate)) return certificate;
        try
        {
            return _loaded[known] = await known.LoadAsync(options.CertificatePassword, ct).ConfigureAwait(false);
        }
        catch (CcException e)
        {
            _faults[known] = e;
            return null;
        }
    }
}
