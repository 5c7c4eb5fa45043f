using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using CcExport.Engine.Announcements;
using CcExport.Engine.Profiles;

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
    /// <summary>The column whose newest value wins among profiles of one address; null: the first one does.</summary>
    public string? PreferNewest { get; init; }
    public int? BatchSize { get; init; }
    public long? MaxProfiles { get; init; }
    /// <summary>Of one run: its list is read back at its end.</summary>
    public bool Verify { get; init; }
    public int? KeepDays { get; init; }
    public IReadOnlyList<string>? SuppressionPath { get; init; }
    public double? MaxShrink { get; init; }
    public double? MaxGrowth { get; init; }
    /// <summary>When it is due, as <see cref="Exports.Schedule"/> reads it; null: it has no schedule.</summary>
    public string? Schedule { get; init; }
    /// <summary>The IANA name of the schedule's time zone.</summary>
    public string? TimeZone { get; init; }
    /// <summary>The schedule is off; true or not there.</summary>
    public bool? Disabled { get; init; }
    /// <summary>When the schedule was set or switched on: times before are not due.</summary>
    public DateTimeOffset? ScheduledAt { get; init; }
    /// <summary>Scheme and host of where failures are announced; the whole of it is among the record's secrets. Null: nowhere.</summary>
    public string? OnFailure { get; init; }
    /// <summary>What it is sent; null: by its host.</summary>
    public NoticeShape? OnFailureShape { get; init; }
    /// <summary>Of one run: when the data of its segments was renewed last, where the source knows.</summary>
    public DateTimeOffset? Evaluated { get; init; }
    /// <summary>Of one run, like the next three: people who left the list are sent.</summary>
    public bool IncludeLeavers { get; init; }
    /// <summary>What was sent before is forgotten: all is sent.</summary>
    public bool Full { get; init; }
    /// <summary>Mirror removes members that others put on the list, too.</summary>
    public bool TakeOwnership { get; init; }
    /// <summary>The guard was overridden.</summary>
    public bool Force { get; init; }
    /// <summary>Whom the run takes off the list, and how far that has come; null: nobody.</summary>
    public Removal? Removal { get; init; }

    /// <summary>No former values are kept: its runs cannot be undone.</summary>
    public bool NoUndo { get; init; }
    /// <summary>Of one run: it undoes that one.</summary>
    public long? Undoes { get; init; }
    /// <summary>Of one run: as whom its segments were read.</summary>
    public string? ReadAs { get; init; }

    /// <summary>Without its schedule and who hears of failures: what two runs of it have in common.</summary>
    public ExportDefinition Unscheduled() => this with { Schedule = null, TimeZone = null, Disabled = null, ScheduledAt = null, OnFailure = null, OnFailureShape = null };

    /// <summary>As whom a run read, from its stored definition: of a long history nothing else is looked at, and the first look need not compile a whole serialiser.</summary>
    public static string? ReadAsOf(string json)
    {
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(json));
        while (reader.Read())
        {
            if (reader.TokenType != JsonTokenType.PropertyName) continue;
            bool found = reader.ValueTextEquals("ReadAs"u8);
            reader.Read();
            if (found) return reader.GetString();
            reader.Skip();
        }
        return null;
    }

    public string ToJson() => JsonSerializer.Serialize(this, DefinitionJson.Default.ExportDefinition);

    /// <exception cref="CcException">StoreCorrupt.</exception>
    public static ExportDefinition FromJson(string json) => DefinitionReader.Export(json);
}

/// <summary>Serialisers made at build time: no reflection, and the stored form does not change with a runtime. Definitions are read by <see cref="DefinitionReader"/>.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UseStringEnumConverter = true)]
[JsonSerializable(typeof(ExportDefinition))]
[JsonSerializable(typeof(SourceReference))]
[JsonSerializable(typeof(SourceSecrets))]
[JsonSerializable(typeof(KnownAccount))]
[JsonSerializable(typeof(KnownSource))]
[JsonSerializable(typeof(Dictionary<string, long>))]
internal sealed partial class DefinitionJson : JsonSerializerContext;

/// <summary>Lists and custom fields last seen through a connection, kept for completion.</summary>
internal sealed record KnownAccount(IReadOnlyList<KnownList> Lists, IReadOnlyList<string> FieldKeys);

internal sealed record KnownList(string Id, string Name);

/// <summary>Segments last seen in a source, kept for completion.</summary>
internal sealed record KnownSource(IReadOnlyList<KnownSegment> Segments);

/// <param name="Columns">Null: not seen yet.</param>
internal sealed record KnownSegment(string Name, string DisplayName, IReadOnlyList<string>? Columns);
