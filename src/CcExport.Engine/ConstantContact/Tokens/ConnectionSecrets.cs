using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using CcExport.Engine.ConstantContact.SignIn;
using CcExport.Engine.Identity;

namespace CcExport.Engine.ConstantContact.Tokens;

/// <summary>What a connection keeps secret, protected as one piece, so that no write can leave half of it behind.</summary>
internal sealed class ConnectionSecrets
{
    public string? ClientSecret { get; init; }
    public required string RefreshToken { get; init; }
    public string? AccessToken { get; init; }
    public DateTimeOffset IssuedAt { get; init; }
    public DateTimeOffset ExpiresAt { get; init; }

    /// <summary>What to store after signing in.</summary>
    public static ConnectionSecrets From(SignInResult result, string? clientSecret) => new()
    {
        ClientSecret = clientSecret,
        RefreshToken = result.RefreshToken,
        AccessToken = result.AccessToken,
        IssuedAt = result.IssuedAt,
        ExpiresAt = result.ExpiresAt,
    };

    /// <summary>Binds the secrets to their connection: another one's can't stand in for them.</summary>
    public static string Purpose(Guid connectionId) => "connection/" + connectionId.ToString("D");

    public byte[] Protect(ISecretBox box, Guid connectionId)
    {
        byte[] plain = JsonSerializer.SerializeToUtf8Bytes(this, SecretsJson.Default.ConnectionSecrets);
        try
        {
            return box.Protect(Purpose(connectionId), plain);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plain);
        }
    }

    public static ConnectionSecrets Unprotect(ISecretBox box, Guid connectionId, byte[] secrets)
    {
        byte[] plain = box.Unprotect(Purpose(connectionId), secrets);
        try
        {
            return JsonSerializer.Deserialize(plain, SecretsJson.Default.ConnectionSecrets) ?? throw new JsonException();
        }
        catch (JsonException)
        {
            // Without the inner exception: it may quote what it could not read.
            throw new CcException("SecretUnreadable", CcErrorKind.Storage, "The stored secrets of this connection are of a form that this version does not know.",
                "Remove the connection and make it again with New-CcConnection.");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plain);
        }
    }

    /// <summary>The access token, to be replaced ahead of its end; a short-lived one ahead by a quarter of its life.</summary>
    public AccessToken? Access(WireOptions options)
    {
        if (AccessToken is null) return null;
        TimeSpan quarter = (ExpiresAt - IssuedAt) / 4;
        return new(AccessToken, ExpiresAt - (quarter < options.RefreshAhead ? quarter : options.RefreshAhead), ExpiresAt);
    }

    public override string ToString() => "(connection secrets)";
}

/// <summary>Serialisers made at build time.</summary>
[JsonSerializable(typeof(ConnectionSecrets))]
internal sealed partial class SecretsJson : JsonSerializerContext;
