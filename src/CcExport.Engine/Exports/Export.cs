using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>What a run does about contacts that the list has already.</summary>
public enum ExportMode
{
    /// <summary>Adds and updates all.</summary>
    Upsert,
}

/// <summary>Connection, list, source, segments, map and mode under a name.</summary>
public sealed class Export
{
    /// <summary>Its name, unique without regard to case.</summary>
    public required string Name { get; init; }
    /// <summary>The connection's name; null when it has none any more.</summary>
    public string? Connection { get; init; }
    /// <summary>The list's id.</summary>
    public required string ListId { get; init; }
    /// <summary>The source's name; null when the export reads a path.</summary>
    public string? Source { get; init; }
    /// <summary>The path it reads; null when it reads a named source.</summary>
    public string? Path { get; init; }
    /// <summary>Encoding of the path's files; null: UTF-8, or what their byte order mark says.</summary>
    public string? Encoding { get; init; }
    /// <summary>Delimiter of the path's files; null: found in the first line.</summary>
    public char? Delimiter { get; init; }
    /// <summary>Column names of the path's files where they have no header.</summary>
    public IReadOnlyList<string>? Header { get; init; }
    /// <summary>The segments; empty: all of the source.</summary>
    public IReadOnlyList<string> Segment { get; init; } = [];
    /// <summary>Contact field to profile column.</summary>
    public required IReadOnlyDictionary<string, string> Map { get; init; }
    /// <summary>What a run does about contacts that the list has already.</summary>
    public ExportMode Mode { get; init; }
    /// <summary>The column that identifies a profile in the source; null: the first of the usual names that exists.</summary>
    public string? KeyProperty { get; init; }
    /// <summary>Most contacts in one import; null: as many as the service takes.</summary>
    public int? BatchSize { get; init; }
    /// <summary>Most profiles in one run; null: 1,000,000.</summary>
    public long? MaxProfiles { get; init; }
    /// <summary>Days for which runs and their rejections are kept; null: 90.</summary>
    public int? KeepDays { get; init; }
    /// <summary>When it was made.</summary>
    public DateTimeOffset CreatedAt { get; init; }
    /// <summary>When it last changed.</summary>
    public DateTimeOffset UpdatedAt { get; init; }
    /// <summary>When its last run began.</summary>
    public DateTimeOffset? LastRun { get; init; }
    /// <summary>How its last run ended.</summary>
    public RunStatus? LastStatus { get; init; }
}

/// <summary>What <c>Set-CcExport</c> was told: null leaves a thing as it is.</summary>
public sealed record ExportChange
{
    /// <summary>The export to create or change.</summary>
    public required string Name { get; init; }
    /// <summary>The connection's name.</summary>
    public string? Connection { get; init; }
    /// <summary>The list's id or its pasted address.</summary>
    public string? ListId { get; init; }
    /// <summary>The source's name; replaces a path.</summary>
    public string? Source { get; init; }
    /// <summary>An absolute path; replaces a source.</summary>
    public string? Path { get; init; }
    /// <summary>Encoding of the path's files.</summary>
    public string? Encoding { get; init; }
    /// <summary>Delimiter of the path's files.</summary>
    public char? Delimiter { get; init; }
    /// <summary>Column names of files without a header.</summary>
    public IReadOnlyList<string>? Header { get; init; }
    /// <summary>The segments.</summary>
    public IReadOnlyList<string>? Segment { get; init; }
    /// <summary>Contact field to profile column; replaces the whole map.</summary>
    public IReadOnlyDictionary<string, string>? Map { get; init; }
    /// <summary>The mode.</summary>
    public ExportMode? Mode { get; init; }
    /// <summary>The key column.</summary>
    public string? KeyProperty { get; init; }
    /// <summary>1 to 39,999.</summary>
    public int? BatchSize { get; init; }
    /// <summary>At least 1.</summary>
    public long? MaxProfiles { get; init; }
    /// <summary>1 to 3,650.</summary>
    public int? KeepDays { get; init; }
}

/// <summary>A named source.</summary>
public sealed class ProfileSource
{
    /// <summary>Its name, unique without regard to case.</summary>
    public required string Name { get; init; }
    /// <summary>What it is: File, Folder, CustomerInsightsFolder.</summary>
    public required string Kind { get; init; }
    /// <summary>The absolute path.</summary>
    public required string Path { get; init; }
    /// <summary>Encoding of its files; null: UTF-8, or what their byte order mark says.</summary>
    public string? Encoding { get; init; }
    /// <summary>Delimiter; null: found in the first line.</summary>
    public char? Delimiter { get; init; }
    /// <summary>Column names where the files have no header.</summary>
    public IReadOnlyList<string>? Header { get; init; }
    /// <summary>When it was made.</summary>
    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>Where to read, without a named source: a path and how its files are written, or the name of a source.</summary>
public sealed record SourceReference
{
    /// <summary>The name of a source; or null and a path.</summary>
    public string? Name { get; init; }
    /// <summary>An absolute path.</summary>
    public string? Path { get; init; }
    /// <summary>Encoding; null: UTF-8, or what the byte order mark says.</summary>
    public string? Encoding { get; init; }
    /// <summary>Delimiter; null: found in the first line.</summary>
    public char? Delimiter { get; init; }
    /// <summary>Column names where the files have no header.</summary>
    public IReadOnlyList<string>? Header { get; init; }
}
