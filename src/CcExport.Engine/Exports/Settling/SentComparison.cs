using System.Buffers;
using System.IO.Hashing;
using System.Text.Json;
using CcExport.Engine.ConstantContact;
using CcExport.Engine.Mapping;

namespace CcExport.Engine.Exports;

/// <summary>
/// Tells, from the hash of a contact as it was sent, whether the service has the same values now: the contact is written as a run would write it, from the service's
/// values. A blank value is never sent and leaves the service's, so each choice of those that it has may be what was sent.
/// </summary>
internal static class SentComparison
{
    /// <summary>Null when the map has a field that cannot be compared.</summary>
    public static bool? IsAsSent(IReadOnlyDictionary<string, string> map, ulong content, ContactState state, string email)
    {
        MappedField[] fields = ContactMap.Create(map).Fields;
        if (!fields.All(f => Has(f.Name))) return null;
        MappedField[] present = [.. fields.Where(f => ValueOf(f.Name, state) is { Length: > 0 })];
        string[] emails = [.. new[] { state.Seen.Email, email.Trim(), email.Trim().ToLowerInvariant() }.Distinct(StringComparer.Ordinal)];
        foreach (string one in emails)
        {
            for (int choice = (1 << present.Length) - 1; choice >= 0; choice--)
            {
                if (((HashOf(one, present.Where((_, i) => (choice & (1 << i)) != 0), state) ^ content) & ~1UL) == 0) return true;
            }
        }
        return false;
    }

    private static ulong HashOf(string email, IEnumerable<MappedField> fields, ContactState state)
    {
        var text = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(text, new JsonWriterOptions { Encoder = WireJson.Encoder, SkipValidation = true }))
        {
            writer.WriteStartObject();
            writer.WriteString(StandardFields.Email, email);
            foreach (MappedField field in fields)
            {
                string value = ValueOf(field.Name, state)!;
                if (field.Kind == FieldKind.Text) writer.WriteString(field.Key, value);
                else writer.WriteNumber(field.Key, int.Parse(value, System.Globalization.CultureInfo.InvariantCulture));
            }
            writer.WriteEndObject();
        }
        return XxHash3.HashToUInt64(text.WrittenSpan);
    }

    private static bool Has(string field) => field is "first_name" or "last_name" or "job_title" or "company_name" or "birthday_month" or "birthday_day";

    private static string? ValueOf(string field, ContactState state) => field switch
    {
        "first_name" => state.FirstName,
        "last_name" => state.LastName,
        "job_title" => state.JobTitle,
        "company_name" => state.CompanyName,
        "birthday_month" => state.BirthdayMonth?.ToString(System.Globalization.CultureInfo.InvariantCulture),
        "birthday_day" => state.BirthdayDay?.ToString(System.Globalization.CultureInfo.InvariantCulture),
        _ => null,
    };
}
