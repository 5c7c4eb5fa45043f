using System.Security.Cryptography.X509Certificates;
using Microsoft.Identity.Client;
using Microsoft.Identity.Client.AppConfig;

namespace CcExport.Engine.Identity.Entra;

/// <summary>The library's three kinds of application, put together for one identity.</summary>
internal sealed class EntraClient(EntraIdentity identity, EntraCache cache, EntraOptions options, TimeProvider time)
{
    /// <summary>Hosts of Microsoft, whose names and aliases the library may look up.</summary>
    private static readonly string[] MicrosoftHosts = [".microsoftonline.com", ".microsoftonline.us", ".microsoftonline.cn", ".windows.net", ".chinacloudapi.cn"];

    private IConfidentialClientApplication? _confidential;
    private IPublicClientApplication? _public;
    private IManagedIdentityApplication? _managed;

    /// <summary>A token without anybody's help.</summary>
    /// <param name="force">Not from the cache.</param>
    public async Task<AuthenticationResult> SilentAsync(string scope, bool force, CancellationToken ct)
    {
        switch (identity.Kind)
        {
            case ExportUserKind.ManagedIdentity:
                return await Managed().AcquireTokenForManagedIdentity(ResourceOf(scope)).WithForceRefresh(force).ExecuteAsync(ct).ConfigureAwait(false);
            case ExportUserKind.Interactive or ExportUserKind.DeviceCode:
                IPublicClientApplication application = Public();
                IAccount account = identity.AccountId is { } id ? await application.GetAccountAsync(id).ConfigureAwait(false) : null!;
                if (account is null) throw EntraFailures.SignInRequired(identity);
                return await application.AcquireTokenSilent([scope], account).WithForceRefresh(force).ExecuteAsync(ct).ConfigureAwait(false);
            default:
                IConfidentialClientApplication daemon = await ConfidentialAsync(ct).ConfigureAwait(false);
                return await daemon.AcquireTokenForClient([scope]).WithForceRefresh(force).ExecuteAsync(ct).ConfigureAwait(false);
        }
    }

    public IPublicClientApplication Public()
    {
        if (_public is not null) return _public;
        _public = WithAuthority(PublicClientApplicationBuilder.Create(identity.ClientId)).WithRedirectUri("http://localhost").Build();
        cache.Attach(_public.UserTokenCache);
        return _public;
    }

    private IManagedIdentityApplication Managed() => _managed ??= ManagedIdentityApplicationBuilder
        .Create(identity.ClientId is { } assigned ? ManagedIdentityId.WithUserAssignedClientId(assigned) : ManagedIdentityId.SystemAssigned)
        .WithHttpClientFactory(new EntraHttp(options, time, retry: false)).Build();

    private async Task<IConfidentialClientApplication> ConfidentialAsync(CancellationToken ct)
    {
        if (_confidential is not null) return _confidential;
        ConfidentialClientApplicationBuilder builder = WithAuthority(ConfidentialClientApplicationBuilder.Create(identity.ClientId));
        switch (identity.Kind)
        {
            case ExportUserKind.ClientSecret:
                builder.WithClientSecret(cache.Secrets.ClientSecret);
                break;
            case ExportUserKind.Certificate:
                X509Certificate2 certificate = await EntraCertificates.LoadAsync(identity, cache.Secrets.CertificatePassword, time.GetUtcNow(), ct).ConfigureAwait(false);
                builder.WithCertificate(certificate);
                break;
            default:
                builder.WithClientAssertion(request => ReadTokenAsync(request.CancellationToken));
                break;
        }
        _confidential = builder.Build();
        cache.Attach(_confidential.AppTokenCache);
        return _confidential;
    }

    /// <summary>Read for each request: the platform replaces the token within the hour.</summary>
    private async Task<string> ReadTokenAsync(CancellationToken ct)
    {
        string path = identity.FederatedTokenPath!;
        try
        {
            string token = (await File.ReadAllTextAsync(path, ct).ConfigureAwait(false)).Trim();
            if (token.Length > 0) return token;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CcException("FederatedTokenNotFound", CcErrorKind.NotFound, $"The file of the federated token, '{path}', is not there or cannot be read.",
                "Check that the platform writes it there and that this user may read it.", e)
            { Subject = path };
        }
        throw new CcException("FederatedTokenNotFound", CcErrorKind.NotFound, $"The file of the federated token, '{path}', is empty.", "Check that the platform writes it.") { Subject = path };
    }

    private T WithAuthority<T>(AbstractApplicationBuilder<T> builder) where T : AbstractApplicationBuilder<T>
    {
        Uri authority = identity.Authority!;
        builder.WithHttpClientFactory(new EntraHttp(options, time), retryOnceOn5xx: false);
        return MicrosoftHosts.Any(host => authority.Host.EndsWith(host, StringComparison.OrdinalIgnoreCase))
            ? builder.WithAuthority(authority.AbsoluteUri)
            : builder.WithAuthority(authority.AbsoluteUri, validateAuthority: false).WithInstanceDiscovery(false);
    }

    private static string ResourceOf(string scope) => scope.EndsWith("/.default", StringComparison.Ordinal) ? scope[..^"/.default".Length] : scope;
}
