using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace CcExport.Simulator.Entra;

/// <summary>JSON web tokens: made, and read again.</summary>
internal sealed class Jwt
{
    private readonly string _signed;
    private readonly byte[] _signature;
    private readonly JsonElement _header;
    private readonly JsonElement _claims;

    private Jwt(string signed, byte[] signature, JsonElement header, JsonElement claims)
        => (_signed, _signature, _header, _claims) = (signed, signature, header, claims);

    public static string Unsigned(Action<Utf8JsonWriter> claims) => Body("none", claims) + ".";

    /// <summary>Looks signed; the signature is noise.</summary>
    public static string Noise(string signature, Action<Utf8JsonWriter> claims) => $"{Body("RS256", claims)}.{signature}";

    public static string Signed(ECDsa key, Action<Utf8JsonWriter> claims)
    {
        string body = Body("ES256", claims);
        return $"{body}.{Base64Url.EncodeToString(key.SignData(Encoding.ASCII.GetBytes(body), HashAlgorithmName.SHA256))}";
    }

    /// <summary>Null when it is none.</summary>
    public static Jwt? Read(string token)
    {
        string[] parts = token.Split('.');
        if (parts.Length != 3) return null;
        try
        {
            return new Jwt($"{parts[0]}.{parts[1]}", Base64Url.DecodeFromChars(parts[2]), Json(parts[0]), Json(parts[1]));
        }
        catch (Exception e) when (e is FormatException or JsonException)
        {
            return null;
        }
    }

    public string? Algorithm => Text(_header, "alg");

    /// <summary>The certificate's hash, SHA-256 or SHA-1, as the header names it.</summary>
    public bool IsSignedFor(byte[] sha256, byte[] sha1)
        => Text(_header, "x5t#S256") == Base64Url.EncodeToString(sha256) || Text(_header, "x5t") == Base64Url.EncodeToString(sha1);

    public string? Text(string name) => Text(_claims, name);

    /// <summary>A number, or a number as a text: both are sent.</summary>
    public DateTimeOffset? Expires
        => _claims.TryGetProperty("exp", out JsonElement value) && long.TryParse(value.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out long seconds)
            ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;

    public bool Verify(ECDsa key) => Algorithm == "ES256" && key.VerifyData(Encoding.ASCII.GetBytes(_signed), _signature, HashAlgorithmName.SHA256);

    public bool Verify(RSA key) => Algorithm switch
    {
        "PS256" => key.VerifyData(Encoding.ASCII.GetBytes(_signed), _signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pss),
        "RS256" => key.VerifyData(Encoding.ASCII.GetBytes(_signed), _signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
        _ => false,
    };

    private static string? Text(JsonElement element, string name)
        => element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static JsonElement Json(string part) => JsonDocument.Parse(Base64Url.DecodeFromChars(part)).RootElement;

    private static string Body(string algorithm, Action<Utf8JsonWriter> claims) => Part(w =>
    {
        w.WriteString("alg", algorithm);
        w.WriteString("typ", "JWT");
    }) + "." + Part(claims);

    private static string Part(Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }

        return Base64Url.EncodeToString(stream.ToArray());
    }
}
