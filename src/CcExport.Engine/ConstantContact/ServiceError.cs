using System.Text.Json;

namespace CcExport.Engine.ConstantContact;

/// <summary>
/// What an error answer says. The service speaks in several shapes (an array, one object, the raw gateway's
/// <c>{"message"}</c>, OAuth's <c>{"error"}</c>, HTML, nothing at all), and which one comes depends on who refused.
/// </summary>
/// <param name="Key">The machine-readable key, or null.</param>
/// <param name="Words">The service's own words, made safe to show; null where it said nothing that is fit for people.</param>
internal sealed record ServiceError(string? Key, string? Words)
{
    public static ServiceError None { get; } = new(null, null);

    /// <summary>Longer bodies are pages of a proxy, not errors of the service.</summary>
    public const int MaxBytes = 64 * 1024;

    public static ServiceError Parse(ReadOnlyMemory<byte> body)
    {
        if (body.Length is 0 or > MaxBytes) return None;
        try
        {
            using JsonDocument document = JsonDocument.Parse(body);
            return Read(document.RootElement);
        }
        catch (JsonException)
        {
            return None;
        }
    }

    public bool Is(string key) => string.Equals(Key, key, StringComparison.OrdinalIgnoreCase);

    public bool Says(string words) => Words is not null && Words.Contains(words, StringComparison.OrdinalIgnoreCase);

    private static ServiceError Read(JsonElement root)
    {
        if (root.ValueKind == JsonValueKind.Object) return ReadOne(root);
        if (root.ValueKind != JsonValueKind.Array) return None;
        ServiceError[] all = [.. root.EnumerateArray().Where(e => e.ValueKind == JsonValueKind.Object).Select(ReadOne).Take(5)];
        string[] words = [.. all.Select(e => e.Words).OfType<string>().Distinct()];
        return new(all.Select(e => e.Key).FirstOrDefault(key => key is not null),
            words.Length == 0 ? null : string.Join(" ", words));
    }

    private static ServiceError ReadOne(JsonElement element)
        => new(
            SafeText.Key(element.Text("error_key") ?? element.Text("error")),
            SafeText.Clean(element.Text("error_message") ?? element.Text("error_description") ?? element.Text("message")));
}
