using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CcExport.Simulator.Entra;

/// <summary>How an application proves that it is itself: by a secret, by what its certificate signed, or by a token of a trusted cluster.</summary>
internal static class ClientProof
{
    /// <param name="audience">The address of the token endpoint.</param>
    public static void Check(EntraAuthority authority, EntraApplication application, Func<string, string?> p, string audience)
    {
        if (p("client_secret") is { Length: > 0 } secret)
        {
            if (application.ExpiredSecrets.Contains(secret)) throw Refused(7000222, "The provided client secret keys for app are expired.");
            if (!application.Secrets.Contains(secret)) throw Refused(7000215, "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value.");
            return;
        }
        if (p("client_assertion") is not { Length: > 0 } assertion)
            throw Refused(7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.");
        if (p("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" || Jwt.Read(assertion) is not { } read)
            throw Refused(50027, "JWT token is invalid or malformed.");
        if (read.Expires is not { } until || until <= authority.Now) throw Refused(700024, "Client assertion is not within its valid time range.");
        if (read.Text("iss") == application.ClientId)
        {
            if (read.Text("sub") != application.ClientId || read.Text("aud") != audience) throw Refused(50027, "JWT token is invalid or malformed.");
            if (!application.Certificates.Any(c => IsSignedBy(read, c)))
                throw Refused(700027, "The certificate with identifier used to sign the client assertion is not registered on application.");
            return;
        }
        if (!authority.IsFederated(application, assertion))
            throw Refused(700213, "No matching federated identity record found for presented assertion subject.");
    }

    private static bool IsSignedBy(Jwt assertion, X509Certificate2 certificate)
    {
        if (!assertion.IsSignedFor(certificate.GetCertHash(HashAlgorithmName.SHA256), certificate.GetCertHash(HashAlgorithmName.SHA1))) return false;
        using RSA? key = certificate.GetRSAPublicKey();
        return key is not null && assertion.Verify(key);
    }

    private static EntraException Refused(int code, string text) => new(401, "invalid_client", code, text);
}
