using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.RegularExpressions;
using Azure.Core;
using Azure.Identity;
using CcExport.Engine.Identity.Entra;

namespace CcExport.Engine.Identity.Wrapping;

/// <summary>
/// The two calls of Key Vault that the ring needs. The vault says where its tokens come from; that is believed only where the service it names is the vault's own.
/// </summary>
internal sealed partial class KeyVaultClient(KeyRingOptions options, TimeProvider time)
{
    public const string Algorithm = "RSA-OAEP-256";

    private const string Version = "?api-version=7.4";

    private readonly HttpClient _http = new EntraHttp(options.Waits, time, network: options.Network is { } network ? new HttpMessageInvoker(network, disposeHandler: false) : null).GetHttpClient();
    private TokenCredential? _credential = options.Credential;

    /// <summary>Wraps (network), and says with which version of the key.</summary>
    public async Task<(KeyVaultKeyId Key, byte[] Wrapped)> WrapAsync(KeyVaultKeyId key, byte[] plain, CancellationToken ct)
    {
        (string kid, byte[] wrapped) = await AskAsync(key, "wrapkey", plain, ct).ConfigureAwait(false);
        return KeyVaultKeyId.TryParse(kid) is { Version: not null } exact && exact.IsSameKey(key) ? (exact, wrapped) : throw KeyVaultFailures.Unexpected(key);
    }

    /// <summary>Unwraps (network) with exactly the version that wrapped.</summary>
    public async Task<byte[]> UnwrapAsync(KeyVaultKeyId key, byte[] wrapped, CancellationToken ct) => (await AskAsync(key, "unwrapkey", wrapped, ct).ConfigureAwait(false)).Value;

    private async Task<(string Kid, byte[] Value)> AskAsync(KeyVaultKeyId key, string what, byte[] value, CancellationToken ct)
    {
        var address = new Uri($"{key}/{what}{Version}");
        try
        {
            // Without the body: it is shown to nobody before we know whom to prove ourselves to.
            Challenge challenge;
            using (HttpResponseMessage unknown = await SendAsync(address, null, [], ct).ConfigureAwait(false))
            {
                challenge = ReadChallenge(key, unknown);
            }
            string token = await TokenAsync(key, challenge, ct).ConfigureAwait(false);
            using HttpResponseMessage response = await SendAsync(address, token, Body(value), ct).ConfigureAwait(false);
            byte[] answer = await response.Content.ReadAsByteArrayAsync(ct).ConfigureAwait(false);
            if (response.StatusCode != HttpStatusCode.OK) throw KeyVaultFailures.Refused(key, response.StatusCode, answer);
            using JsonDocument json = JsonDocument.Parse(answer);
            return (json.RootElement.GetProperty("kid").GetString()!, FromBase64Url(json.RootElement.GetProperty("value").GetString()!));
        }
        catch (HttpRequestException e)
        {
            throw KeyVaultFailures.Unreachable(key, e);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or NullReferenceException)
        {
            throw KeyVaultFailures.Unexpected(key);
        }
    }

    private async Task<HttpResponseMessage> SendAsync(Uri address, string? token, byte[] body, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        if (token is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return await _http.SendAsync(request, ct).ConfigureAwait(false);
    }

    private async Task<string> TokenAsync(KeyVaultKeyId key, Challenge challenge, CancellationToken ct)
    {
        _credential ??= new DefaultAzureCredential(new DefaultAzureCredentialOptions { ExcludeInteractiveBrowserCredential = true });
        try
        {
            // The credential keeps its tokens; ours is asked for a moment later again.
            return (await _credential.GetTokenAsync(new TokenRequestContext([challenge.Scope], tenantId: challenge.Tenant), ct).ConfigureAwait(false)).Token;
        }
        catch (AuthenticationFailedException e)
        {
            throw KeyVaultFailures.NotSignedIn(key, e);
        }
    }

    private static Challenge ReadChallenge(KeyVaultKeyId key, HttpResponseMessage response)
    {
        // A firewall says no before it asks who we are.
        if (response.StatusCode != HttpStatusCode.Unauthorized) throw KeyVaultFailures.Refused(key, response.StatusCode, []);
        Dictionary<string, string> said = new(StringComparer.OrdinalIgnoreCase);
        foreach (AuthenticationHeaderValue header in response.Headers.WwwAuthenticate)
        {
            if (!header.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase)) continue;
            foreach (Match part in Part().Matches(header.Parameter ?? "")) said[part.Groups[1].Value] = part.Groups[2].Value;
        }
        string? service = said.GetValueOrDefault("resource") ?? said.GetValueOrDefault("scope");
        if (service?.EndsWith("/.default", StringComparison.Ordinal) == true) service = service[..^"/.default".Length];
        if (!Uri.TryCreate(service, UriKind.Absolute, out Uri? resource) || resource.Scheme != Uri.UriSchemeHttps
            || !key.Vault.Host.EndsWith("." + resource.Host, StringComparison.OrdinalIgnoreCase))
        {
            // A token for another service would be a gift to whoever answers there.
            throw KeyVaultFailures.Unexpected(key);
        }
        string? tenant = Uri.TryCreate(said.GetValueOrDefault("authorization") ?? said.GetValueOrDefault("authorization_uri"), UriKind.Absolute, out Uri? authority)
            ? authority.AbsolutePath.Trim('/').Split('/')[0] : null;
        return new Challenge($"{service!.TrimEnd('/')}/.default", tenant is { Length: > 0 } ? tenant : null);
    }

    private static byte[] Body(byte[] value)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("alg", Algorithm);
            json.WriteString("value", Convert.ToBase64String(value).TrimEnd('=').Replace('+', '-').Replace('/', '_'));
            json.WriteEndObject();
        }
        return buffer.ToArray();
    }

    private static byte[] FromBase64Url(string text)
    {
        string padded = text.Replace('-', '+').Replace('_', '/');
        return Convert.FromBase64String(padded + new string('=', (4 - (padded.Length % 4)) % 4));
    }

    [GeneratedRegex("([A-Za-z_]+)=\"?([^\",]*)\"?")]
    private static partial Regex Part();

    private sealed record Challenge(string Scope, string? Tenant);
}
