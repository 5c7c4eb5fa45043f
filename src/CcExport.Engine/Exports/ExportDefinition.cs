using System.Text.Json;
using System.Text.Json.Serialization;

namespace CcExport.Engine.Exports;

/// <summary>An export as it is stored, and, with its segments settled, as a run keeps it: what it takes to run, without names of its own.</summary>
internal sealed record ExportDefinition
{
    public string? Connection { get; init; }
    public required string ListId { get; init; }
    public SourceReference? Source { get; init; }
    public IReadOnlyList<string> Segments { get; init; } = [];
    public required Dictionary<string, string> Map { get; init; }
    public ExportMode Mode { get; init; }
    public string? KeyProperty { get; init; }
    public int? BatchSize { get; init; }
    public long? MaxProfiles { get; init; }
    /// <summary>Of one run: its list is read back at its end.</summary>
    public bool Verify { get; init; }
    public int? KeepDays { get; init; }

    public string ToJson() => JsonSerializer.Serialize(this, DefinitionJson.Default.ExportDefinition);

    public static ExportDefinition FromJson(string json) => JsonSerializer.Deserialize(json, DefinitionJson.Default.ExportDefinition)
        ?? throw new CcException("StoreCorrupt", CcErrorKind.Storage, "A stored definition is empty.", "Remove the export and create it again.");
}

/// <summary>Serialisers made at build time: no reflection, and the stored form does not change with a runtime.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UseStringEnumConverter = true)]
[JsonSerializable(typeof(ExportDefinition))]
[JsonSerializable(typeof(SourceReference))]
[JsonSerializable(typeof(KnownAccount))]
internal sealed partial class DefinitionJson : JsonSerializerContext;

/// <summary>Lists and custom fields last seen through a connection, kept for completion.</summary>
internal sealed record KnownAccount(IReadOnlyList<KnownList> Lists, IReadOnlyList<string> FieldKeys);

internal sealed record KnownList(string Id, string Name);
