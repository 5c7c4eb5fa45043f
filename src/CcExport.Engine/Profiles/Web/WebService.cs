using System.Buffers;
using System.Text.Json;

namespace CcExport.Engine.Profiles.Web;

/// <summary>A service with pages of rows: where it is and how it is asked.</summary>
internal sealed record WebService
{
    /// <summary>As messages call it.</summary>
    public required string Name { get; init; }
    /// <summary>Its root, with a slash at the end. Tokens go to addresses below it only.</summary>
    public required Uri Root { get; init; }
    /// <summary>What tokens are asked for.</summary>
    public required string Scope { get; init; }
    /// <summary>What messages are about: its address or instance.</summary>
    public required string Place { get; init; }
    /// <summary>Sent with each request.</summary>
    public IReadOnlyList<(string Name, string Value)> Headers { get; init; } = [];
    /// <summary>How many calls it takes; null: it says so itself.</summary>
    public CallPace? Pace { get; init; }
    /// <summary>What a code of a refusal for too many calls means.</summary>
    public Func<string?, string> ExplainThrottle { get; init; } = static _ => "too many calls";
    /// <summary>What else may be wrong when a good token is refused.</summary>
    public string SignInRemedy { get; init; } = "";
    /// <summary>What to do about a missing right.</summary>
    public required string AccessRemedy { get; init; }

    /// <summary>Https, or this machine.</summary>
    public static bool IsSafe(Uri address)
        => address.IsAbsoluteUri && address.UserInfo.Length == 0 && (address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && address.IsLoopback));

    /// <summary>Throws <c>SourceAddressNotSafe</c>: a token would be readable on the way.</summary>
    public static void CheckSafe(Uri address)
    {
        if (!address.IsAbsoluteUri)
        {
            throw new CcException("SourceAddressNotSafe", CcErrorKind.InvalidArgument, "The address of the source is not whole.", "Give it with https:// in front.");
        }
        if (address.Query.Length > 0 || address.Fragment.Length > 0)
        {
            // What stands there may be a key, and an address is stored and shown in clear.
            throw new CcException("SourceAddressHasQuery", CcErrorKind.InvalidArgument, "The address of the source has a part after a question mark or a hash sign.",
                "Give the address alone; a subscription key goes into -SubscriptionKey.");
        }
        if (IsSafe(address)) return;
        throw new CcException("SourceAddressNotSafe", CcErrorKind.InvalidArgument, $"'{address.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped)}' is no https address.",
            "Give the address with https://; only this machine may be asked without.");
    }

    /// <summary>
    /// The code of a refusal, if it is one: a number or one word. Never the words, which may repeat what was asked.
    /// </summary>
    public static string? CodeOf(ReadOnlySpan<byte> body)
    {
        try
        {
            var json = new Utf8JsonReader(body);
            while (json.Read())
            {
                if (json.TokenType != JsonTokenType.PropertyName || !(json.ValueTextEquals("code"u8) || json.ValueTextEquals("errorCode"u8))) continue;
                json.Read();
                string? text = json.TokenType switch
                {
                    JsonTokenType.String => json.GetString(),
                    JsonTokenType.Number => System.Text.Encoding.UTF8.GetString(json.HasValueSequence ? json.ValueSequence.ToArray() : json.ValueSpan),
                    _ => null,
                };
                return text is { Length: > 0 and <= 40 } && (IsNumber(text) || text.All(char.IsAsciiLetter)) ? text : null;
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // No code then.
        }
        return null;
    }

    private static bool IsNumber(string text)
        => text.Length <= 12 && (text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? text.AsSpan(2) : text.AsSpan().TrimStart('-')) is { Length: > 0 } digits
            && digits.ContainsAnyExcept("0123456789abcdefABCDEF") is false;
}
