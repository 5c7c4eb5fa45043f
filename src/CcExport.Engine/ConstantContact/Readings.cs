using System.Text.Json;

namespace CcExport.Engine.ConstantContact;

/// <summary>From the service's JSON to our models. All fields are optional in its contract; what lacks its id is left out.</summary>
internal static class Readings
{
    public static IReadOnlyList<string> Privileges(JsonElement root)
        => root.ValueKind != JsonValueKind.Array
            ? []
            : [.. root.EnumerateArray().Where(e => e.ValueKind == JsonValueKind.Object).Select(e => e.Text("privilege_name")).OfType<string>()];

    public static ContactCounts Counts(JsonElement root) => new(
        root.Count("total") ?? 0,
        root.Count("explicit") ?? 0,
        root.Count("implicit") ?? 0,
        root.Count("pending") ?? 0,
        root.Count("unsubscribed") ?? 0);

    public static ContactList? List(JsonElement item, string connection)
        => item.Text("list_id") is not { Length: > 0 } id ? null : new ContactList
        {
            ListId = id,
            Name = item.Text("name") ?? id,
            Description = item.Text("description") is { Length: > 0 } description ? description : null,
            MembershipCount = item.Count("membership_count"),
            CreatedAt = item.Time("created_at"),
            UpdatedAt = item.Time("updated_at"),
            DeletedAt = item.Time("deleted_at"),
            Connection = connection,
        };

    public static CustomField? CustomField(JsonElement item, string connection)
        => item.Text("name") is not { Length: > 0 } name ? null : new CustomField
        {
            CustomFieldId = item.Text("custom_field_id") ?? "",
            Name = name,
            Label = item.Text("label") ?? name,
            Type = item.Text("type") ?? "string",
            Connection = connection,
        };

    public static ContactSeen? Contact(JsonElement item)
        => item.Text("contact_id") is not { Length: > 0 } id || item.Find("email_address") is not { ValueKind: JsonValueKind.Object } mail || mail.Text("address") is not { Length: > 0 } address ? null
            : new ContactSeen(id, address, mail.Text("permission_to_send"), item.Time("created_at"), item.Time("updated_at"), item.Time("deleted_at"),
                item.Find("list_memberships") is not { ValueKind: JsonValueKind.Array } lists ? []
                    : [.. lists.EnumerateArray().Where(l => l.ValueKind == JsonValueKind.String).Select(l => l.GetString()!)]);

    /// <summary>An answer without a state is a job that has just been made.</summary>
    public static Activity? Activity(JsonElement item)
        => ActivityId(item) is not { } id ? null : new Activity
        {
            ActivityId = id,
            State = item.Text("state") ?? "initialized",
            CreatedAt = item.Time("created_at"),
            CompletedAt = item.Time("completed_at"),
            PercentDone = (int?)item.Count("percent_done"),
            Errors = Errors(item),
            ItemsTotal = Status(item, "items_total_count"),
            ErrorCount = Status(item, "error_count"),
            CorrectableCount = Status(item, "correctable_count"),
            CannotAddToList = Status(item, "cannot_add_to_list_count"),
            ResultsHref = item.Find("_links", "results", "href") is { ValueKind: JsonValueKind.String } results ? results.GetString() : null,
        };

    private static string? ActivityId(JsonElement item)
    {
        if (item.Text("activity_id") is { Length: > 0 } id) return id;
        string? self = item.Find("_links", "self", "href") is { ValueKind: JsonValueKind.String } href ? href.GetString() : null;
        int slash = self?.LastIndexOf("/activities/", StringComparison.Ordinal) ?? -1;
        return slash < 0 ? null : self![(slash + "/activities/".Length)..] is { Length: > 0 } tail && !tail.Contains('/') ? tail : null;
    }

    private static long? Status(JsonElement item, string name) => item.Find("status")?.Count(name);

    /// <summary>Strings in imports, objects in other jobs. They may quote the row: made safe here, before anything keeps them.</summary>
    private static IReadOnlyList<string> Errors(JsonElement item)
        => item.Find("activity_errors") is not { ValueKind: JsonValueKind.Array } errors ? [] :
        [
            .. errors.EnumerateArray()
                .Select(e => e.ValueKind == JsonValueKind.String ? e.GetString() : e.ValueKind == JsonValueKind.Object ? e.Text("message") ?? e.Text("error_message") : null)
                .Select(SafeText.Clean)
                .OfType<string>(),
        ];
}
