using System.Text.Json;
using System.Text.Json.Serialization;
using CcExport.Engine.Announcements;

namespace CcExport.Engine.Exports;

/// <summary>One connection, source or export that differs from a configuration.</summary>
public sealed class ConfigurationChange
{
    /// <summary>Connection, Source or Export.</summary>
    public required string Kind { get; init; }
    /// <summary>Its name.</summary>
    public required string Name { get; init; }
    /// <summary>Create, Change, Remove; or Missing, where it has to be made by a person first.</summary>
    public required string Action { get; init; }
    /// <summary>What differs, a line each.</summary>
    public required IReadOnlyList<string> Differences { get; init; }
    /// <summary>What it is to be; null: removed.</summary>
    internal object? Wanted { get; init; }
}

/// <summary>The file of a configuration: all of a home that is no secret and no history.</summary>
internal sealed record Configuration
{
    public const int CurrentVersion = 1;

    public required int Version { get; init; }
    public Dictionary<string, ConfiguredConnection> Connections { get; init; } = [];
    public Dictionary<string, ConfiguredSource> Sources { get; init; } = [];
    public Dictionary<string, ConfiguredExport> Exports { get; init; } = [];
}

internal sealed record ConfiguredConnection
{
    public int? ContactLimit { get; init; }
    public bool AllowContributor { get; init; }
    /// <summary>Calls of each day for other programs on the key; null: none.</summary>
    public int? ReserveForOthers { get; init; }
}

internal sealed record ConfiguredSource
{
    public string? Path { get; init; }
    public Uri? BlobContainer { get; init; }
    public Uri? Dataverse { get; init; }
    public Guid? CustomerInsights { get; init; }
    public Uri? ApiEndpoint { get; init; }
    public string? Encoding { get; init; }
    public char? Delimiter { get; init; }
    public IReadOnlyList<string>? Header { get; init; }
    /// <summary>The names of the secrets that open it.</summary>
    public string? Secret { get; init; }
}

internal sealed record ConfiguredExport
{
    public string? Connection { get; init; }
    public required string ListId { get; init; }
    public string? Source { get; init; }
    public string? Path { get; init; }
    public string? Encoding { get; init; }
    public char? Delimiter { get; init; }
    public IReadOnlyList<string>? Header { get; init; }
    public IReadOnlyList<string>? Segments { get; init; }
    public required SortedDictionary<string, string> Map { get; init; }
    public ExportMode Mode { get; init; }
    public string? KeyProperty { get; init; }
    public string? PreferNewest { get; init; }
    public int? BatchSize { get; init; }
    public long? MaxProfiles { get; init; }
    public int? KeepDays { get; init; }
    public IReadOnlyList<string>? SuppressionPath { get; init; }
    public double? MaxShrink { get; init; }
    public double? MaxGrowth { get; init; }
    public bool? NoUndo { get; init; }
    public string? Schedule { get; init; }
    public string? TimeZone { get; init; }
    /// <summary>Scheme and host of the webhook; its address is a secret.</summary>
    public string? OnFailure { get; init; }
    public NoticeShape? OnFailureShape { get; init; }
    public bool? Enabled { get; init; }
}

/// <summary>The form of the file. What it does not know is an error: a slip of the pen must not be passed over.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UseStringEnumConverter = true, WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, ReadCommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true)]
[JsonSerializable(typeof(Configuration))]
internal sealed partial class ConfigurationJson : JsonSerializerContext;
