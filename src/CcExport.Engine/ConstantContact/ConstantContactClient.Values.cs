using System.Globalization;
using System.Text.Json;

namespace CcExport.Engine.ConstantContact;

/// <content>One contact with its values.</content>
internal sealed partial class ConstantContactClient
{
    /// <summary>The contact of an address with its values and lists; null when the account has none (a deleted one is none).</summary>
    public async Task<ContactValues?> ReadContactValuesAsync(string email, CancellationToken ct)
    {
        Call call = CallFor($"contacts?limit=1&email={Uri.EscapeDataString(email)}&include=custom_fields,list_memberships", "reading a contact", "contacts:read");
        using JsonDocument document = Parse(call, await CallAsync(call, ct).ConfigureAwait(false));
        foreach (JsonElement item in document.RootElement.Items("contacts"))
        {
            if (Readings.Contact(item) is not { DeletedAt: null } seen || !seen.Email.Equals(email, StringComparison.OrdinalIgnoreCase)) continue;
            Dictionary<string, string> plain = [];
            foreach (JsonProperty property in item.EnumerateObject())
            {
                if (Text(property.Value) is { } text) plain[property.Name] = text;
            }
            Dictionary<string, string> custom = [];
            foreach (JsonElement field in item.Items("custom_fields"))
            {
                if (field.Text("custom_field_id") is { } id && field.Find("value") is { } value && Text(value) is { } text) custom[id] = text;
            }
            return new ContactValues(seen, plain, custom);
        }
        return null;

        static string? Text(JsonElement value) => value.ValueKind switch
        {
            JsonValueKind.String => value.GetString(),
            JsonValueKind.Number => value.TryGetInt64(out long whole) ? whole.ToString(CultureInfo.InvariantCulture) : value.GetRawText(),
            _ => null,
        };
    }
}

/// <summary>One contact with its values.</summary>
/// <param name="Plain">By the names of the service's contact.</param>
/// <param name="Custom">Custom fields by their ids.</param>
internal sealed record ContactValues(ContactSeen Seen, IReadOnlyDictionary<string, string> Plain, IReadOnlyDictionary<string, string> Custom);
