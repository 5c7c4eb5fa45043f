using System.Globalization;
using System.Text.Json;

namespace CcExport.Engine.Profiles.Web;

/// <summary>Small answers as a whole: lists of segments, metadata.</summary>
internal static class JsonAnswer
{
    /// <summary>The answer about what can be done without; null where the service does not have it, or does not let this identity see it.</summary>
    public static async Task<JsonDocument?> TryGetAsync(PageClient client, string address, string what, CancellationToken ct)
    {
        using PageBody? page = await client.TryGetAsync(address, what, ct).ConfigureAwait(false);
        return page is null ? null : Parse(client, page, what);
    }

    public static async Task<JsonDocument> GetAsync(PageClient client, string address, string what, CancellationToken ct)
    {
        using PageBody page = await client.GetAsync(address, what, ct).ConfigureAwait(false);
        return Parse(client, page, what);
    }

    private static JsonDocument Parse(PageClient client, PageBody page, string what)
    {
        try
        {
            return JsonDocument.Parse(page.Text.ToArray());
        }
        catch (JsonException)
        {
            throw client.Unexpected(what);
        }
    }

    /// <summary>A property's text; null where it is not there or no text.</summary>
    public static string? Text(JsonElement item, string? name)
        => name is not null && item.ValueKind == JsonValueKind.Object && item.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>A property's whole number.</summary>
    public static long? Number(JsonElement item, string? name)
        => name is not null && item.ValueKind == JsonValueKind.Object && item.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number)
            ? number : null;

    /// <summary>A property's moment; taken as UTC where it does not say.</summary>
    public static DateTimeOffset? Time(JsonElement item, string? name)
        => DateTimeOffset.TryParse(Text(item, name), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time) ? time : null;

    /// <summary>The items of an array, or of the array <c>value</c> of an object; null where there is none.</summary>
    public static IReadOnlyList<JsonElement>? Items(JsonElement root)
    {
        if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("value", out JsonElement value)) root = value;
        return root.ValueKind == JsonValueKind.Array ? [.. root.EnumerateArray()] : null;
    }
}
