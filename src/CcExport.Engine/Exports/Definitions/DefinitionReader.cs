using System.Globalization;
using System.Text.Json;
using CcExport.Engine.Announcements;
using CcExport.Engine.Profiles;

namespace CcExport.Engine.Exports;

/// <summary>
/// Reads stored definitions, member by member. The serialiser made at build time writes them, and could read them as well; but each type of number it meets has
/// the runtime compile some thirty methods, which took a hundred of the 300 ms of a process's first <c>Get-CcExport</c>.
/// </summary>
internal static class DefinitionReader
{
    /// <exception cref="CcException">StoreCorrupt: the text is not what <see cref="ExportDefinition.ToJson"/> writes.</exception>
    public static ExportDefinition Export(string json) => Parse(json, Export);

    /// <exception cref="CcException">StoreCorrupt.</exception>
    public static SourceReference Source(string json) => Parse(json, Source);

    private static T Parse<T>(string json, Func<JsonElement, T> read)
        where T : class
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return read(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or KeyNotFoundException or ArgumentException)
        {
            throw new CcException("StoreCorrupt", CcErrorKind.Storage, "A stored definition cannot be read.", "Remove the export and create it again.", e);
        }
    }

    private static ExportDefinition Export(JsonElement from) => new()
    {
        Connection = Text(from, nameof(ExportDefinition.Connection)),
        ListId = Needed(from, nameof(ExportDefinition.ListId)).GetString()!,
        Source = Of(from, nameof(ExportDefinition.Source)) is { } source ? Source(source) : null,
        Segments = Texts(from, nameof(ExportDefinition.Segments)) ?? [],
        Map = Needed(from, nameof(ExportDefinition.Map)).EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetString()!),
        Mode = Name<ExportMode>(from, nameof(ExportDefinition.Mode)) ?? default,
        KeyProperty = Text(from, nameof(ExportDefinition.KeyProperty)),
        PreferNewest = Text(from, nameof(ExportDefinition.PreferNewest)),
        BatchSize = Of(from, nameof(ExportDefinition.BatchSize))?.GetInt32(),
        MaxProfiles = Of(from, nameof(ExportDefinition.MaxProfiles))?.GetInt64(),
        Verify = Flag(from, nameof(ExportDefinition.Verify)),
        KeepDays = Of(from, nameof(ExportDefinition.KeepDays))?.GetInt32(),
        SuppressionPath = Texts(from, nameof(ExportDefinition.SuppressionPath)),
        MaxShrink = Of(from, nameof(ExportDefinition.MaxShrink))?.GetDouble(),
        MaxGrowth = Of(from, nameof(ExportDefinition.MaxGrowth))?.GetDouble(),
        Schedule = Text(from, nameof(ExportDefinition.Schedule)),
        TimeZone = Text(from, nameof(ExportDefinition.TimeZone)),
        Disabled = Of(from, nameof(ExportDefinition.Disabled))?.GetBoolean(),
        ScheduledAt = Of(from, nameof(ExportDefinition.ScheduledAt))?.GetDateTimeOffset(),
        OnFailure = Text(from, nameof(ExportDefinition.OnFailure)),
        OnFailureShape = Name<NoticeShape>(from, nameof(ExportDefinition.OnFailureShape)),
        Evaluated = Of(from, nameof(ExportDefinition.Evaluated))?.GetDateTimeOffset(),
        IncludeLeavers = Flag(from, nameof(ExportDefinition.IncludeLeavers)),
        Full = Flag(from, nameof(ExportDefinition.Full)),
        TakeOwnership = Flag(from, nameof(ExportDefinition.TakeOwnership)),
        Force = Flag(from, nameof(ExportDefinition.Force)),
        Removal = Of(from, nameof(ExportDefinition.Removal)) is { } removal ? Removal(removal) : null,
        NoUndo = Flag(from, nameof(ExportDefinition.NoUndo)),
        Undoes = Of(from, nameof(ExportDefinition.Undoes))?.GetInt64(),
        ReadAs = Text(from, nameof(ExportDefinition.ReadAs)),
    };

    private static SourceReference Source(JsonElement from) => new()
    {
        Name = Text(from, nameof(SourceReference.Name)),
        Path = Text(from, nameof(SourceReference.Path)),
        Encoding = Text(from, nameof(SourceReference.Encoding)),
        Delimiter = Text(from, nameof(SourceReference.Delimiter))?.Single(),
        Header = Texts(from, nameof(SourceReference.Header)),
        BlobContainer = Address(from, nameof(SourceReference.BlobContainer)),
        Dataverse = Address(from, nameof(SourceReference.Dataverse)),
        CustomerInsights = Of(from, nameof(SourceReference.CustomerInsights))?.GetGuid(),
        ApiEndpoint = Address(from, nameof(SourceReference.ApiEndpoint)),
        Keeps = Text(from, nameof(SourceReference.Keeps)),
    };

    private static Removal Removal(JsonElement from) => new()
    {
        Planned = Needed(from, nameof(Exports.Removal.Planned)).GetInt64(),
        First = Needed(from, nameof(Exports.Removal.First)).GetInt32(),
        Pieces = Needed(from, nameof(Exports.Removal.Pieces)).GetInt32(),
        Members = Of(from, nameof(Exports.Removal.Members))?.GetInt64() ?? 0,
        Scratch = Text(from, nameof(Exports.Removal.Scratch)),
        Started = Flag(from, nameof(Exports.Removal.Started)),
        Done = Flag(from, nameof(Exports.Removal.Done)),
        Removed = Of(from, nameof(Exports.Removal.Removed))?.GetInt64() ?? 0,
    };

    private static JsonElement Needed(JsonElement from, string name) => Of(from, name) ?? throw new KeyNotFoundException(string.Create(CultureInfo.InvariantCulture, $"It has no {name}."));

    private static JsonElement? Of(JsonElement from, string name) => from.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static string? Text(JsonElement from, string name) => Of(from, name)?.GetString();

    private static bool Flag(JsonElement from, string name) => Of(from, name)?.GetBoolean() ?? false;

    private static Uri? Address(JsonElement from, string name) => Text(from, name) is { } text ? new Uri(text, UriKind.RelativeOrAbsolute) : null;

    private static string[]? Texts(JsonElement from, string name) => Of(from, name) is { } list ? [.. list.EnumerateArray().Select(v => v.GetString()!)] : null;

    private static T? Name<T>(JsonElement from, string name)
        where T : struct, Enum
        => Text(from, name) is { } text ? Enum.Parse<T>(text) : null;
}
