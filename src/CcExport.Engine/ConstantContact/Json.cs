using System.Globalization;
using System.Text.Json;

namespace CcExport.Engine.ConstantContact;

/// <summary>Reads answers of which every field may be absent, null or of a neighbouring type.</summary>
internal static class Json
{
    public static string? Text(this JsonElement element, string name)
        => Find(element, name) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    public static long? Count(this JsonElement element, string name) => Find(element, name) switch
    {
        { ValueKind: JsonValueKind.Number } value => value.TryGetInt64(out long whole) ? whole : null,
        { ValueKind: JsonValueKind.String } value
            => long.TryParse(value.GetString(), NumberStyles.None, CultureInfo.InvariantCulture, out long whole) ? whole : null,
        _ => null,
    };

    /// <summary>Both <c>…Z</c> and <c>…-05:00</c> occur; a time without an offset is taken as UTC.</summary>
    public static DateTimeOffset? Time(this JsonElement element, string name)
        => DateTimeOffset.TryParse(element.Text(name), CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out DateTimeOffset time) ? time : null;

    /// <summary>The objects of an array; nothing where there is no array.</summary>
    public static IEnumerable<JsonElement> Items(this JsonElement element, string name)
        => Find(element, name) is { ValueKind: JsonValueKind.Array } array
            ? array.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.Object)
            : [];

    public static JsonElement? Find(this JsonElement element, params ReadOnlySpan<string> path)
    {
        foreach (string name in path)
        {
            if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(name, out element)) return null;
        }
        return element.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined ? null : element;
    }
}
