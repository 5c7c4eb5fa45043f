using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace CcExport.Engine.Exports;

/// <summary>A configuration as text and back: JSON with comments, in an order that stays, so that two of them can be compared line by line.</summary>
internal static class ConfigurationFile
{
    private const string Head = """
        // What CcExport exports, and when. Written by Export-CcConfiguration; Import-CcConfiguration brings a home to it.
        // There is no secret in it and no token. What is left out has its default. Paths may be relative to this file.
        """;

    private const string OfConnections = """
          // A connection is made by signing in (New-CcConnection), never by an import: one of this name has to exist.
        """;

    private const string OfSources = """
          // Where segments are read. "secret" names what opens a source; such a one has to be made with New-CcSource.
        """;

    private const string OfExports = """
          // The map is contact field to profile column. "schedule" is a cron expression, Daily 06:00,18:00, Weekly Mon,Thu 06:00 or AfterRefresh.
          // "onFailure" shows the host of a webhook only; where there is none yet, set it with Set-CcExport -OnFailure.
        """;

    // People read it: ü and + stay what they are.
    private static readonly ConfigurationJson Json = new(new JsonSerializerOptions(ConfigurationJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <param name="remarkOf">A remark on an export's list; null: none.</param>
    public static string Write(Configuration configuration, Func<ConfiguredExport, string?> remarkOf)
    {
        var text = new StringBuilder();
        text.Append(Head).Append("\n{\n").Append(System.Globalization.CultureInfo.InvariantCulture, $"  \"version\": {configuration.Version},\n\n");
        Section(text, OfConnections, "connections", configuration.Connections, Json.ConfiguredConnection, null).Append(",\n\n");
        Section(text, OfSources, "sources", configuration.Sources, Json.ConfiguredSource, null).Append(",\n\n");
        Section(text, OfExports, "exports", configuration.Exports, Json.ConfiguredExport, remarkOf).Append("\n}\n");
        return text.ToString().ReplaceLineEndings("\n");
    }

    /// <summary><c>ConfigurationInvalid</c> says where.</summary>
    public static Configuration Read(string text)
    {
        Configuration read;
        try
        {
            CheckTwice(text);
            read = JsonSerializer.Deserialize(text, Json.Configuration) ?? throw new JsonException();
        }
        catch (JsonException e)
        {
            // Not in the reader's own words: they name types, and quote what they could not read.
            string where = e.LineNumber is { } line ? FormattableString.Invariant($"line {line + 1}{(e.Path is null or "$" ? "" : $", at {e.Path}")}") : "its whole";
            throw Invalid($"it cannot be read at {where}", "Each section has what Export-CcConfiguration writes, and nothing else; an export needs at least listId and map.");
        }
        if (read.Version != Configuration.CurrentVersion)
            throw Invalid(FormattableString.Invariant($"its version is {read.Version}, and this one of CcExport knows {Configuration.CurrentVersion}"), "Write it anew with Export-CcConfiguration, or update the module.");
        // What is left out, or said to be null, comes as null.
        read = read with { Connections = OrNone(read.Connections), Sources = OrNone(read.Sources), Exports = OrNone(read.Exports) };
        CheckNames(read.Connections.Keys, "connection");
        CheckNames(read.Sources.Keys, "source");
        CheckNames(read.Exports.Keys, "export");
        foreach (string empty in Empty(read.Connections).Concat(Empty(read.Sources)).Concat(Empty(read.Exports))) throw Invalid($"'{empty}' is null", "Leave it out, or give it its settings.");
        foreach ((string name, ConfiguredConnection connection) in read.Connections)
        {
            if (connection.ContactLimit is < 1) throw Invalid($"the connection '{name}' has a contactLimit below 1", "Leave it out where there is no limit.");
            if (connection.ReserveForOthers is < 0 or > Limits.CallsPerDay)
                throw Invalid(FormattableString.Invariant($"the connection '{name}' keeps a number of calls for others that is not 0 to {Limits.CallsPerDay:N0}"), "reserveForOthers is a part of a day's calls.");
        }
        foreach ((string name, ConfiguredExport export) in read.Exports)
        {
            if (export.ListId is null || export.Map is null || export.Map.Values.Any(v => v is null) || HasNull(export.Segments) || HasNull(export.SuppressionPath) || HasNull(export.Header))
                throw Invalid($"something of the export '{name}' is null that must be a text", "An export needs at least listId and map.");
            // An address in a file, and in what it differs by, would be one that others read.
            if (export.OnFailure is { } webhook && !ExportBook.IsShown(webhook))
                throw Invalid($"the export '{name}' has the address of a webhook, which is a secret", "Leave onFailure as Export-CcConfiguration writes it, and set the address with Set-CcExport -OnFailure.");
        }
        return read;
    }

    private static Dictionary<string, T> OrNone<T>(Dictionary<string, T>? entries) => entries ?? [];

    private static IEnumerable<string> Empty<T>(Dictionary<string, T> entries) where T : class? => entries.Where(e => e.Value is null).Select(e => e.Key);

    private static bool HasNull(IReadOnlyList<string>? list) => list?.Any(item => item is null) ?? false;

    /// <summary>What differs, a line for each property in the order of the file.</summary>
    public static IReadOnlyList<string> Differences<T>(T? before, T after, JsonTypeInfo<T> type) where T : class
    {
        Dictionary<string, string> old = Properties(before, type), wanted = Properties(after, type);
        return [.. type.Properties.Select(p => p.Name).Where(name => old.GetValueOrDefault(name) != wanted.GetValueOrDefault(name))
            .Select(name => before is null ? $"{name}: {wanted[name]}" : $"{name}: {old.GetValueOrDefault(name, "(none)")} -> {wanted.GetValueOrDefault(name, "(none)")}")];
    }

    public static ConfigurationJson Types => Json;

    private static Dictionary<string, string> Properties<T>(T? value, JsonTypeInfo<T> type) where T : class
    {
        if (value is null) return [];
        using JsonDocument document = JsonSerializer.SerializeToDocument(value, type);
        return document.RootElement.EnumerateObject().ToDictionary(p => p.Name, p => Compact(p.Value));
    }

    private static string Compact(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => "{ " + string.Join(", ", element.EnumerateObject().Select(p => $"{p.Name} = {Compact(p.Value)}")) + " }",
        JsonValueKind.Array => string.Join(", ", element.EnumerateArray().Select(Compact)),
        _ => element.ToString(),
    };

    private static StringBuilder Section<T>(StringBuilder text, string remark, string name, Dictionary<string, T> entries, JsonTypeInfo<T> type, Func<T, string?>? remarkOf)
    {
        text.Append(remark).Append(System.Globalization.CultureInfo.InvariantCulture, $"\n  \"{name}\": {{");
        bool first = true;
        foreach ((string key, T value) in entries.OrderBy(e => e.Key.ToUpperInvariant(), StringComparer.Ordinal))
        {
            text.Append(first ? "\n" : ",\n");
            first = false;
            if (remarkOf?.Invoke(value) is { } about) text.Append("    // ").Append(about.ReplaceLineEndings(" ")).Append('\n');
            text.Append("    ").Append(JsonSerializer.Serialize(key, Json.String)).Append(": ").Append(JsonSerializer.Serialize(value, type).ReplaceLineEndings("\n    "));
        }
        return text.Append(first ? "}" : "\n  }");
    }

    /// <summary>Of two settings or exports of one name a reader takes the last; with -Prune what only the other one named would go.</summary>
    private static void CheckTwice(string text)
    {
        var json = new Utf8JsonReader(Encoding.UTF8.GetBytes(text), new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
        Stack<HashSet<string>> objects = [];
        while (json.Read())
        {
            if (json.TokenType == JsonTokenType.StartObject) objects.Push(new HashSet<string>(StringComparer.Ordinal));
            else if (json.TokenType == JsonTokenType.EndObject) objects.Pop();
            else if (json.TokenType == JsonTokenType.PropertyName && NameOf(ref json) is var name && !objects.Peek().Add(name))
                throw Invalid($"it has '{name}' twice in one section", "Leave one of the two.");
        }
    }

    private static string NameOf(ref Utf8JsonReader json)
    {
        try
        {
            return json.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            // Half of a surrogate pair.
            throw new JsonException(null, e);
        }
    }

    private static void CheckNames(IEnumerable<string> names, string what)
    {
        if (names.GroupBy(n => n, StringComparer.OrdinalIgnoreCase).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw Invalid($"it has the {what} '{twice.Key}' twice", "Names differ by more than capitals.");
    }

    private static CcException Invalid(string why, string remedy) => new("ConfigurationInvalid", CcErrorKind.InvalidData, $"The configuration is not understood: {why}.", remedy);
}
