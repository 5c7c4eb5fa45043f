using System.Security.Cryptography.X509Certificates;

namespace CcExport.Engine.Identity.Entra;

/// <summary>The certificate with which an application proves itself: read anew each time, from where its owner keeps it.</summary>
internal static class EntraCertificates
{
    public static async Task<X509Certificate2> LoadAsync(EntraIdentity identity, string? password, DateTimeOffset now, CancellationToken ct)
    {
        var place = new CertificatePlace
        {
            Path = identity.CertificatePath,
            Thumbprint = identity.CertificateThumbprint,
            HowToName = "Add-CcExportUser",
            HowToGivePassword = "-CertificatePassword",
        };
        X509Certificate2 certificate = await place.LoadAsync(password, ct).ConfigureAwait(false);
        if (certificate.NotAfter.ToUniversalTime() > now) return certificate;
        throw new CcException("CertificateExpired", CcErrorKind.Authentication, FormattableString.Invariant($"The certificate '{place.Name}' was good until {certificate.NotAfter:yyyy-MM-dd}."),
            "Register a new certificate with the application in Microsoft Entra and name it with Add-CcExportUser.")
        { Subject = place.Name };
    }
}
