using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Azure.Core;
using CcExport.Engine.Identity;
using CcExport.Engine.Identity.Entra;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace CcExport.Engine.Tests.Identity;

/// <summary>
/// What Key Vault says to wrapKey and unwrapKey, over HTTPS on this machine: its challenge, its refusals, and RSA keys that never leave it. The engine asks it under the
/// vault's real name; only where that name leads is the tests'.
/// </summary>
internal sealed class VaultServer : IAsyncDisposable
{
    public const string Host = "ring-tests.vault.azure.net";

    private readonly ConcurrentDictionary<string, RSA> _keys = new();
    private readonly X509Certificate2 _certificate;
    private readonly WebApplication _server;
    private readonly int _port;

    private VaultServer(X509Certificate2 certificate, WebApplication server, int port) => (_certificate, _server, _port) = (certificate, server, port);

    /// <summary>Newest version of each key.</summary>
    public ConcurrentDictionary<string, string> Newest { get; } = new();
    /// <summary>Refuses what has a good token, with a code and an inner code.</summary>
    public (int Status, string Code, string? Inner)? Refuse { get; set; }
    /// <summary>So many answers to come are 503.</summary>
    public int Busy;
    public string Challenge { get; set; } = "Bearer authorization=\"https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555\", resource=\"https://vault.azure.net\"";
    public Func<string, bool> Accepts { get; set; } = token => token == FixedCredential.Token;
    public Func<JsonObject, JsonObject> Twist { get; set; } = answer => answer;
    /// <summary>Path, and whether there was a token and a body.</summary>
    public ConcurrentQueue<(string Path, bool Token, bool Body)> Calls { get; } = new();

    public static async Task<VaultServer> StartAsync()
    {
        // Through a file's form: the key of a new one is not one that a server may use on every system.
        using X509Certificate2 made = RingCertificates.Make(30, "CN=" + Host);
        X509Certificate2 certificate = X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pfx), null);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        builder.WebHost.UseKestrelHttpsConfiguration();
        WebApplication app = builder.Build();
        VaultServer? vault = null;
        app.MapPost("/keys/{name}/{versionOrOperation}/{operation?}", (HttpContext context, string name, string versionOrOperation, string? operation) =>
            vault!.AnswerAsync(context, name, operation is null ? null : versionOrOperation, operation ?? versionOrOperation));
        await app.StartAsync();
        vault = new VaultServer(certificate, app, new Uri(app.Urls.First()).Port);
        vault.Roll("ring");
        return vault;
    }

    public static KeyVaultKeyId Key(string name = "ring", string? version = null) => KeyVaultKeyId.TryParse($"https://{Host}/keys/{name}{(version is null ? "" : "/" + version)}")!;

    /// <summary>A new version of a key.</summary>
    public string Roll(string name)
    {
        string version = Guid.NewGuid().ToString("n");
        _keys[$"{name}/{version}"] = RSA.Create(2048);
        return Newest[name] = version;
    }

    /// <summary>What an engine is told that has this vault.</summary>
    public KeyRingOptions Options(params KeyVaultKeyId[] keys) => new()
    {
        KeyVault = keys.Length == 0 ? [Key()] : keys,
        Network = Network(),
        Credential = new FixedCredential(),
        Waits = new EntraOptions { Tries = 3, Backoff = TimeSpan.FromMilliseconds(5), RequestTimeout = TimeSpan.FromSeconds(5) },
    };

    /// <summary>A network in which the vault's name leads here, and nothing else leads anywhere.</summary>
    public HttpMessageHandler Network() => new SocketsHttpHandler
    {
        UseProxy = false,
        ConnectCallback = async (context, ct) =>
        {
            if (context.DnsEndPoint.Host != Host) throw new SocketException((int)SocketError.HostNotFound);
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, _port), ct);
            return new NetworkStream(socket, ownsSocket: true);
        },
        SslOptions = { RemoteCertificateValidationCallback = (_, shown, _, _) => shown!.GetCertHashString() == _certificate.GetCertHashString() },
    };

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _certificate.Dispose();
    }

    private async Task<IResult> AnswerAsync(HttpContext context, string name, string? version, string operation)
    {
        using var reader = new StreamReader(context.Request.Body);
        string body = await reader.ReadToEndAsync();
        string? token = context.Request.Headers.Authorization.ToString() is { Length: > 7 } header && header.StartsWith("Bearer ", StringComparison.Ordinal) ? header[7..] : null;
        Calls.Enqueue((context.Request.Path, token is not null, body.Length > 0));
        if (context.Request.Query["api-version"] != "7.4") return Error(400, "BadParameter", null);
        if (Interlocked.Decrement(ref Busy) >= 0) return Results.StatusCode(503);
        if (token is null || !Accepts(token))
        {
            context.Response.Headers.WWWAuthenticate = Challenge;
            return Error(401, "Unauthorized", null);
        }
        if (Refuse is { } refuse) return Error(refuse.Status, refuse.Code, refuse.Inner);
        version ??= Newest.GetValueOrDefault(name);
        if (!_keys.TryGetValue($"{name}/{version}", out RSA? key)) return Error(404, "KeyNotFound", null);
        JsonNode asked = JsonNode.Parse(body)!;
        if ((string?)asked["alg"] != "RSA-OAEP-256") return Error(400, "BadParameter", null);
        byte[] value = FromUrl((string)asked["value"]!);
        try
        {
            value = operation switch
            {
                "wrapkey" => key.Encrypt(value, RSAEncryptionPadding.OaepSHA256),
                "unwrapkey" => key.Decrypt(value, RSAEncryptionPadding.OaepSHA256),
                _ => throw new NotSupportedException(),
            };
        }
        catch (CryptographicException)
        {
            return Error(400, "BadParameter", null);
        }
        return Json(200, Twist(new JsonObject { ["kid"] = $"https://{Host}/keys/{name}/{version}", ["value"] = ToUrl(value) }));
    }

    private static IResult Error(int status, string code, string? inner) => Json(status, new JsonObject
    {
        ["error"] = new JsonObject { ["code"] = code, ["message"] = "caller anne@example.com may not", ["innererror"] = inner is null ? null : new JsonObject { ["code"] = inner } },
    });

    private static IResult Json(int status, JsonObject body) => Results.Text(body.ToJsonString(), "application/json", Encoding.UTF8, status);

    private static string ToUrl(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    private static byte[] FromUrl(string text)
    {
        if (text.AsSpan().IndexOfAny("+/=") >= 0) throw new FormatException("base64url has none of these.");
        text = text.Replace('-', '+').Replace('_', '/');
        return Convert.FromBase64String(text.PadRight((text.Length + 3) / 4 * 4, '='));
    }
}

/// <summary>Somebody who is signed in, and remembers what was asked for.</summary>
internal sealed class FixedCredential : TokenCredential
{
    public const string Token = "a-token-of-the-tests";

    public List<(string Scope, string? Tenant)> Asked { get; } = [];

    public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken) => throw new NotSupportedException("Nothing here may wait without letting go of its thread.");

    public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken)
    {
        Asked.Add((requestContext.Scopes.Single(), requestContext.TenantId));
        return ValueTask.FromResult(new AccessToken(Token, DateTimeOffset.UtcNow.AddHours(1)));
    }
}
