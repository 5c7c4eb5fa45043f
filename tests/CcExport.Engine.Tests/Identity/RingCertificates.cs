using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CcExport.Engine.Identity;
using CcExport.Engine.Tests.Store;

namespace CcExport.Engine.Tests.Identity;

/// <summary>Certificates that people would name, in files.</summary>
internal static class RingCertificates
{
    public const string Password = "a word to the file";

    /// <summary>A new one in a PFX file.</summary>
    public static CertificatePlace Pfx(TempHome temp, string name = "ring.pfx", string? password = null, int days = 30)
    {
        using X509Certificate2 made = Make(days);
        return Place(Write(temp, name, made.Export(X509ContentType.Pfx, password)));
    }

    public static CertificatePlace Pem(TempHome temp, bool withKey = true)
    {
        using X509Certificate2 made = Make(30);
        string text = made.ExportCertificatePem() + (withKey ? "\n" + made.GetRSAPrivateKey()!.ExportPkcs8PrivateKeyPem() : "");
        return Place(Write(temp, "ring.pem", System.Text.Encoding.ASCII.GetBytes(text)));
    }

    /// <summary>A PFX file as one gets it who exports without the private key.</summary>
    public static CertificatePlace WithoutKey(TempHome temp)
    {
        using X509Certificate2 made = Make(30), open = X509CertificateLoader.LoadCertificate(made.Export(X509ContentType.Cert));
        return Place(Write(temp, "open.pfx", open.Export(X509ContentType.Pfx)));
    }

    public static CertificatePlace Place(string path) => new() { Path = path, HowToName = KeyRingOptions.CertificateVariable, HowToGivePassword = KeyRingOptions.PasswordVariable };

    public static async Task<string> ThumbprintAsync(CertificatePlace place)
    {
        using X509Certificate2 certificate = await place.LoadAsync(null, default);
        return certificate.Thumbprint;
    }

    public static X509Certificate2 Make(int days, string name = "CN=ring")
    {
        using var rsa = RSA.Create(2048);
        return new CertificateRequest(name, rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-60), DateTimeOffset.UtcNow.AddDays(days));
    }

    private static string Write(TempHome temp, string name, byte[] bytes)
    {
        temp.Home.EnsureCreated();
        string path = temp.File(name);
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
