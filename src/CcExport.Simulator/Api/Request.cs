using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace CcExport.Simulator.Api;

/// <summary>Reading of queries and small bodies.</summary>
internal static class Request
{
    public static string? Query(HttpContext context, string name) =>
        context.Request.Query.TryGetValue(name, out var value) && value.ToString() is { Length: > 0 } text ? text : null;

    public static int Limit(HttpContext context, int max, int fallback)
    {
        if (Query(context, "limit") is not { } text) return Cursor(context)?.Limit ?? fallback;
        bool good = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int limit) && limit >= 1 && limit <= max;
        return good ? limit : throw ApiException.Validation("limit does not have a valid value");
    }

    public static bool Flag(HttpContext context, string name) => Query(context, name) switch
    {
        null or "false" => false,
        "true" => true,
        _ => throw ApiException.Validation($"{name} does not have a valid value"),
    };

    public static string? OneOf(HttpContext context, string name, params string[] allowed)
    {
        string? value = Query(context, name);
        return value is null || allowed.Contains(value)
            ? value
            : throw ApiException.Validation($"{name} does not have a valid value");
    }

    public static DateTimeOffset? Time(HttpContext context, string name)
    {
        if (Query(context, name) is not { } text) return null;
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time)
            ? time
            : throw ApiException.Validation($"{name} does not have a valid value");
    }

    /// <summary>A list of words with commas between them; without the query, none.</summary>
    public static HashSet<string> Set(HttpContext context, string name, string[] allowed)
    {
        string[] values = Query(context, name)?.Split(',', StringSplitOptions.TrimEntries) ?? [];
        return values.All(allowed.Contains) ? [.. values] : throw ApiException.Validation($"{name} does not have a valid value");
    }

    /// <summary>Limit and next place in one opaque text, as the real cursors are; and where all were counted, their number.</summary>
    public static (int Limit, long Next, long? Count)? Cursor(HttpContext context)
    {
        if (Query(context, "cursor") is not { } text) return null;
        try
        {
            string[] parts = Encoding.ASCII.GetString(Base64Url.DecodeFromChars(text)).Split(':');
            if (parts is ["limit", var limit, "next", var next, ..])
            {
                long? count = parts is [_, _, _, _, "count", var number] ? long.Parse(number, NumberStyles.None, CultureInfo.InvariantCulture) : null;
                return (int.Parse(limit, NumberStyles.None, CultureInfo.InvariantCulture),
                    long.Parse(next, NumberStyles.None, CultureInfo.InvariantCulture), count);
            }
        }
        catch (Exception e) when (e is FormatException or OverflowException)
        {
            // Said below.
        }

        throw ApiException.Validation("cursor does not have a valid value");
    }

    /// <summary>The address of the next page: host-relative, with the filters of this one.</summary>
    public static string NextHref(HttpContext context, int limit, long next, long? count = null)
    {
        string place = string.Create(CultureInfo.InvariantCulture, $"limit:{limit}:next:{next}");
        if (count is { } number) place += string.Create(CultureInfo.InvariantCulture, $":count:{number}");
        string cursor = Base64Url.EncodeToString(Encoding.ASCII.GetBytes(place));
        var href = new StringBuilder(context.Request.Path.Value).Append("?cursor=").Append(cursor);
        foreach ((string name, var value) in context.Request.Query)
        {
            if (name is not ("cursor" or "limit")) href.Append('&').Append(name).Append('=').Append(Uri.EscapeDataString(value.ToString()));
        }

        return href.ToString();
    }

    public static async Task<JsonElement> Body(HttpContext context)
    {
        try
        {
            using JsonDocument document = await JsonDocument.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted);
            if (document.RootElement.ValueKind == JsonValueKind.Object) return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            // Said below.
        }

        throw ApiException.Validation("The request body is not a valid JSON object.");
    }

    public static string? Text(JsonElement body, string name) =>
        body.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    public static IReadOnlyList<string>? Texts(JsonElement body, string name, int max)
    {
        if (!body.TryGetProperty(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null) return null;
        bool good = value.ValueKind == JsonValueKind.Array && value.GetArrayLength() <= max
            && value.EnumerateArray().All(e => e.ValueKind == JsonValueKind.String);
        return good
            ? [.. value.EnumerateArray().Select(e => e.GetString()!)]
            : throw ApiException.Validation($"{name} does not have a valid value");
    }
}
