using System.Text.Json;
using CcExport.Engine.Profiles.Web;

namespace CcExport.Engine.Profiles.Dataverse;

/// <summary>The columns of a table, from the environment's metadata.</summary>
internal static class TableColumns
{
    /// <summary>Kinds that are no value of their own in a row, or not under their name.</summary>
    private static readonly string[] NotRead = ["Virtual", "EntityName", "Lookup", "Owner", "Customer", "PartyList", "ManagedProperty", "CalendarRules"];

    /// <summary>What has to be known of a column.</summary>
    public const string Facts = "LogicalName,AttributeType,AttributeOf,IsValidForRead,IsValidODataAttribute";

    /// <summary>
    /// Whether rows can be asked for it. What belongs to another column (the name beside a lookup) is in the metadata, as a text like any other, and a request that names it is refused as a whole.
    /// </summary>
    public static bool IsRead(JsonElement attribute)
        => !NotRead.Contains(JsonAnswer.Text(attribute, "AttributeType")) && string.IsNullOrEmpty(JsonAnswer.Text(attribute, "AttributeOf"))
            && !IsFalse(attribute, "IsValidForRead") && !IsFalse(attribute, "IsValidODataAttribute");

    private static bool IsFalse(JsonElement attribute, string name) => attribute.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.False;

    public static async Task<IReadOnlyList<string>> ReadAsync(PageClient client, string table, CancellationToken ct)
    {
        const string What = "the columns of the profiles";
        using JsonDocument answer = await JsonAnswer.GetAsync(client, client.Service.Root + Queries.Attributes(table), What, ct).ConfigureAwait(false);
        IReadOnlyList<JsonElement> items = JsonAnswer.Items(answer.RootElement) ?? throw client.Unexpected(What);
        string[] names = [.. items.Where(IsRead).Select(a => JsonAnswer.Text(a, "LogicalName")).OfType<string>()];
        // The key and what unification produced first; what every table has comes last.
        return [.. names.Distinct(StringComparer.Ordinal)
            .OrderBy(n => n == Queries.CustomerId ? 0 : n.StartsWith("msdynci_", StringComparison.Ordinal) ? 1 : 2).ThenBy(n => n, StringComparer.Ordinal)];
    }
}
