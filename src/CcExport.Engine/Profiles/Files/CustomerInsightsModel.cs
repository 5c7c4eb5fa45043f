using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace CcExport.Engine.Profiles;

/// <summary>
/// What <c>model.json</c> 1.0 says of an export's tables. Members that are not known are passed over (other products write their own);
/// what is known has to be of its kind.
/// </summary>
internal sealed record CustomerInsightsModel(IReadOnlyList<CustomerInsightsModel.Entity> Entities)
{
    /// <param name="IsReference">A table of another model: it has a name here, and nothing to read.</param>
    public sealed record Entity(
        string Name, string? Description, bool IsReference, IReadOnlyList<string> Attributes, IReadOnlyList<Partition> Partitions);

    /// <param name="Location">Null: a schema without data.</param>
    public sealed record Partition(string? Location, DateTimeOffset? RefreshTime, CsvFormat Format, string? Encoding, string? UnknownFormat);

    public static async Task<CustomerInsightsModel> ReadAsync(IFileTree tree, string path, CancellationToken ct)
    {
        Stream utf8 = await InputFile.OpenAsync(tree, path, null, allowEmpty: false, ct).ConfigureAwait(false);
        await using ConfiguredAsyncDisposable closing = utf8.ConfigureAwait(false);
        try
        {
            using JsonDocument json = await JsonDocument.ParseAsync(utf8, cancellationToken: ct).ConfigureAwait(false);
            return new Reader(path).Model(json.RootElement);
        }
        catch (JsonException e)
        {
            // The parser's message may quote the file; its position says as much.
            throw new CcException("ModelMalformed", CcErrorKind.InvalidData,
                string.Create(CultureInfo.InvariantCulture, $"'{path}' is no valid JSON: line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}."),
                "Copy the export folder again, or run the export in Customer Insights again.", e)
            { Subject = path };
        }
        catch (InvalidOperationException)
        {
            // An escaped half of a surrogate pair in a name: valid JSON, and no text.
            throw new Reader(path).Wrong("a name in it is no text");
        }
    }

    private sealed class Reader(string path)
    {
        public CustomerInsightsModel Model(JsonElement root)
        {
            if (root.ValueKind != JsonValueKind.Object) throw Wrong("its top is no object");
            string version = root.TryGetProperty("version", out JsonElement v) ? v.ToString() : "(none)";
            if (version is not ("1.0" or "1"))
            {
                throw new CcException("ModelVersion", CcErrorKind.InvalidData, $"'{path}' has the version {version}; only 1.0 is understood.",
                    "Export to Azure Blob Storage or Data Lake with Customer Insights, which writes version 1.0; or give the .csv files themselves.")
                { Subject = path };
            }
            if (!root.TryGetProperty("entities", out JsonElement entities)) throw Wrong("it has no 'entities'");
            return new([.. Array(entities, "entities").Select((entity, i) => Entity(entity, $"entities[{i}]"))]);
        }

        private Entity Entity(JsonElement entity, string at)
        {
            string name = Text(entity, "name", at) ?? throw Wrong($"'{at}' has no 'name'");
            bool reference = Text(entity, "$type", at) == "ReferenceEntity";
            string[] attributes = [.. List(entity, "attributes", at)
                .Select((a, i) => Text(a, "name", $"{at}.attributes[{i}]") ?? throw Wrong($"'{at}.attributes[{i}]' has no 'name'"))];
            Partition[] partitions = [.. List(entity, "partitions", at).Select((p, i) => Partition(p, $"{at}.partitions[{i}]", attributes))];
            if (!reference && attributes.Length == 0) throw Wrong($"'{at}' ({name}) has no 'attributes'");
            return new(name, Text(entity, "description", at), reference, attributes, partitions);
        }

        private Partition Partition(JsonElement partition, string at, string[] attributes)
        {
            string? location = Text(partition, "location", at);
            DateTimeOffset? refreshed = DateTimeOffset.TryParse(Text(partition, "refreshTime", at), CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal, out DateTimeOffset time) ? time : null;
            string where = $"{at}.fileFormatSettings";
            if (!partition.TryGetProperty("fileFormatSettings", out JsonElement format) || format.ValueKind == JsonValueKind.Null)
                return new(location, refreshed, Csv((byte)',', quotes: true, header: false, attributes), null, null);
            string? type = Text(format, "$type", where);
            bool quotes = Text(format, "quoteStyle", where) is not { } style || !style.EndsWith("None", StringComparison.OrdinalIgnoreCase);
            string? delimiter = Text(format, "delimiter", where);
            if (delimiter is { Length: not 1 }) throw Wrong($"'{where}.delimiter' is not one character");
            byte separator = delimiter is null ? (byte)',' : FileSourceOptions.DelimiterByte(delimiter[0]);
            return new(location, refreshed, Csv(separator, quotes, Flag(format, "columnHeaders", where), attributes),
                Text(format, "encoding", where), type is null or "CsvFormatSettings" ? null : type);
        }

        private static CsvFormat Csv(byte delimiter, bool quotes, bool header, string[] attributes)
            => new() { Delimiter = delimiter, Quotes = quotes, HasHeader = header, Columns = header ? null : attributes };

        private IEnumerable<JsonElement> List(JsonElement parent, string name, string at)
            => parent.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? Array(value, $"{at}.{name}") : [];

        private IEnumerable<JsonElement> Array(JsonElement value, string at)
        {
            if (value.ValueKind != JsonValueKind.Array) throw Wrong($"'{at}' is no array");
            foreach (JsonElement item in value.EnumerateArray())
                yield return item.ValueKind == JsonValueKind.Object ? item : throw Wrong($"'{at}' has a member that is no object");
        }

        /// <summary>A text, or a number where people write one (<c>"encoding": 65001</c>); null where it is not there.</summary>
        private string? Text(JsonElement parent, string name, string at)
        {
            if (parent.ValueKind != JsonValueKind.Object) throw Wrong($"'{at}' is no object");
            if (!parent.TryGetProperty(name, out JsonElement value)) return null;
            return value.ValueKind switch
            {
                JsonValueKind.Null => null,
                JsonValueKind.String => value.GetString() is { Length: > 0 } text ? text : null,
                JsonValueKind.Number => value.GetRawText(),
                _ => throw Wrong($"'{at}.{name}' is no text"),
            };
        }

        private bool Flag(JsonElement parent, string name, string at)
            => parent.TryGetProperty(name, out JsonElement value) && value.ValueKind switch
            {
                JsonValueKind.True => true,
                JsonValueKind.False or JsonValueKind.Null => false,
                _ => bool.TryParse(value.ToString(), out bool flag) ? flag : throw Wrong($"'{at}.{name}' is neither true nor false"),
            };

        public CcException Wrong(string what) => new("ModelMalformed", CcErrorKind.InvalidData, $"'{path}' is no model 1.0: {what}.",
            "Copy the export folder again, or run the export in Customer Insights again.")
        { Subject = path };
    }
}
