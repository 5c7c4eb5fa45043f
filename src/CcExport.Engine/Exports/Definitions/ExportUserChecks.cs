using CcExport.Engine.Identity.Entra;

namespace CcExport.Engine.Exports;

/// <summary>What is asked of an export user before anything goes over the network.</summary>
internal static class ExportUserChecks
{
    private const string PublicCloud = "https://login.microsoftonline.com";

    /// <summary>Any tenant of an organisation: where a person signs in decides.</summary>
    private const string AnyTenant = "organizations";

    /// <summary>
    /// The identity to sign in. <c>ClientIdMissing</c>, <c>TenantMissing</c>, <c>AuthorityInvalid</c>, <c>ThumbprintInvalid</c>, <c>ExportUserIncomplete</c>.
    /// </summary>
    public static EntraIdentity Identity(NewExportUser request)
    {
        var identity = new EntraIdentity { Kind = request.Kind, ClientId = Given(request.ClientId) };
        if (request.Kind == ExportUserKind.ManagedIdentity) return identity;
        if (identity.ClientId is null)
        {
            throw new CcException("ClientIdMissing", CcErrorKind.InvalidArgument, "The application that signs in is not named.",
                "Give the id of an application that is registered in Microsoft Entra with -ClientId.");
        }
        (Uri authority, string tenant) = Authority(request);
        identity = identity with { Authority = authority, TenantId = tenant };
        switch (request.Kind)
        {
            case ExportUserKind.ClientSecret when Given(request.ClientSecret) is null: throw Incomplete("a client secret");
            case ExportUserKind.Certificate when Given(request.CertificatePath) is null == Given(request.CertificateThumbprint) is null:
                throw Incomplete("either the path or the thumbprint of a certificate");
            case ExportUserKind.FederatedToken when Given(request.FederatedTokenPath) is null: throw Incomplete("the file of the federated token");
        }
        return identity with
        {
            CertificatePath = Given(request.CertificatePath),
            CertificateThumbprint = Given(request.CertificateThumbprint) is { } thumbprint ? Thumbprint(thumbprint) : null,
            FederatedTokenPath = Given(request.FederatedTokenPath),
        };
    }

    private static (Uri Authority, string Tenant) Authority(NewExportUser request)
    {
        Uri given = request.Authority ?? new Uri(PublicCloud);
        string[] path = given.IsAbsoluteUri ? given.AbsolutePath.Split('/', StringSplitOptions.RemoveEmptyEntries) : [];
        if (!given.IsAbsoluteUri || given.Scheme != Uri.UriSchemeHttps || given.Host.Length == 0 || path.Length > 1 || given.Query.Length > 0 || given.Fragment.Length > 0 || given.UserInfo.Length > 0)
        {
            throw new CcException("AuthorityInvalid", CcErrorKind.InvalidArgument, "The authority is not an https address with at most the tenant after the host.",
                $"Give it as in '{PublicCloud}/contoso.onmicrosoft.com', or leave it out for Microsoft's public cloud.");
        }
        string? tenant = Given(request.TenantId), named = path.FirstOrDefault();
        if (tenant is not null && named is not null && !tenant.Equals(named, StringComparison.OrdinalIgnoreCase))
        {
            throw new CcException("AuthorityInvalid", CcErrorKind.InvalidArgument, $"The authority names the tenant '{named}', and the tenant is to be '{tenant}'.",
                "Leave one of -TenantId and the tenant in -Authority out.");
        }
        tenant ??= named ?? (request.Kind is ExportUserKind.Interactive or ExportUserKind.DeviceCode ? AnyTenant : throw TenantMissing());
        if (!tenant.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.')) throw TenantMissing();
        return (new Uri($"{given.GetLeftPart(UriPartial.Authority)}/{tenant}"), tenant);
    }

    /// <summary>As people copy it: with spaces, colons, and the invisible mark that a Windows dialog puts before it.</summary>
    private static string Thumbprint(string text)
    {
        string clean = new([.. text.Where(char.IsAsciiHexDigit)]);
        return clean.Length == 40 ? clean.ToUpperInvariant() : throw new CcException("ThumbprintInvalid", CcErrorKind.InvalidArgument,
            "The thumbprint does not have 40 hexadecimal digits.", "Give the SHA-1 thumbprint that the certificate store shows.");
    }

    private static string? Given(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();

    private static CcException TenantMissing() => new("TenantMissing", CcErrorKind.InvalidArgument, "The tenant in which the application signs in is not named, or not by its id or domain.",
        "Give the tenant's id or one of its domains with -TenantId.");

    private static CcException Incomplete(string what) => new("ExportUserIncomplete", CcErrorKind.InvalidArgument, $"The export user lacks {what}.", "Add-CcExportUser has a parameter for it.");
}
