using CcExport.Engine.Announcements;
using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>What a run does about contacts that the list has already.</summary>
public enum ExportMode
{
    /// <summary>Adds and updates all.</summary>
    Upsert,
    /// <summary>Adds and updates only those that are new, or whose mapped values differ from what this export last had accepted.</summary>
    Changed,
    /// <summary>As Changed, and takes off the list whom this export put there and who is in the segments no more.</summary>
    Mirror,
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
    /// <summary>The column whose newest value wins among profiles of one address; null: the first profile does.</summary>
    public string? PreferNewest { get; init; }
    /// <summary>Most contacts in one import; null: as many as the service takes.</summary>
    public int? BatchSize { get; init; }
    /// <summary>Most profiles in one run; null: 1,000,000.</summary>
    public long? MaxProfiles { get; init; }
    /// <summary>Days for which runs and their rejections are kept; null: 90.</summary>
    public int? KeepDays { get; init; }
    /// <summary>Files of addresses that are never sent; absolute paths.</summary>
    public IReadOnlyList<string>? SuppressionPath { get; init; }
    /// <summary>Most of the list's members that a run may take off, as a share (0.2: a fifth); null: learnt from earlier runs.</summary>
    public double? MaxShrink { get; init; }
    /// <summary>Most contacts that a run may add, as a share of the list's members; null: learnt from earlier runs.</summary>
    public double? MaxGrowth { get; init; }
    /// <summary>No former values are kept: its runs cannot be undone.</summary>
    public bool NoUndo { get; init; }
    /// <summary>When <c>Invoke-CcExport -Due</c> runs it: a cron expression, Daily or Weekly with times, or AfterRefresh; null: it has no schedule.</summary>
    public string? Schedule { get; init; }
    /// <summary>The IANA name of the schedule's time zone; null without a schedule.</summary>
    public string? TimeZone { get; init; }
    /// <summary>False when its schedule is off (<c>Disable-CcExport</c>); it can be run by its name all the same.</summary>
    public bool Enabled { get; init; }
    /// <summary>Scheme and host of the webhook to which failures are announced: the rest is a secret. Null: they are announced nowhere.</summary>
    public string? OnFailure { get; init; }
    /// <summary>What the webhook is sent; null without one.</summary>
    public NoticeShape? OnFailureShape { get; init; }
    /// <summary>
    /// When its schedule is due next; a time that has gone by is due now. Null without a schedule, with one that is off or waits for the source's data, and without a
    /// connection.
    /// </summary>
    public DateTimeOffset? NextRun { get; init; }
    /// <summary>When somebody asked for a run that has not begun yet; null: nobody did.</summary>
    public DateTimeOffset? RequestedAt { get; init; }
    /// <summary>Who asked.</summary>
    public string? RequestedBy { get; init; }
    /// <summary>When it was made.</summary>
    public DateTimeOffset CreatedAt { get; init; }
    /// <summary>When it last changed.</summary>
    public DateTimeOffset UpdatedAt { get; init; }
    /// <summary>When its own last run began.</summary>
    public DateTimeOffset? LastRun { get; init; }
    /// <summary>How that ended.</summary>
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
    /// <summary>The column whose newest value wins among profiles of one address; an empty text: the first profile wins again.</summary>
    public string? PreferNewest { get; init; }
    /// <summary>1 to 39,999.</summary>
    public int? BatchSize { get; init; }
    /// <summary>At least 1.</summary>
    public long? MaxProfiles { get; init; }
    /// <summary>1 to 3,650.</summary>
    public int? KeepDays { get; init; }
    /// <summary>Files of addresses that are never sent; absolute paths. Replaces those there were.</summary>
    public IReadOnlyList<string>? SuppressionPath { get; init; }
    /// <summary>Most of the list's members that a run may take off, as a share (0.2: a fifth).</summary>
    public double? MaxShrink { get; init; }
    /// <summary>Most contacts that a run may add, as a share of the list's members.</summary>
    public double? MaxGrowth { get; init; }
    /// <summary>No former values are kept: its runs cannot be undone.</summary>
    public bool? NoUndo { get; init; }
    /// <summary>When it is due: see <see cref="Export.Schedule"/>; an empty text takes the schedule away.</summary>
    public string? Schedule { get; init; }
    /// <summary>The IANA name of the schedule's time zone; null: as it was, and for a new schedule the machine's.</summary>
    public string? TimeZone { get; init; }
    /// <summary>The address of a webhook that failures are announced to; an empty text takes it away, and what <see cref="Export.OnFailure"/> shows keeps it.</summary>
    public string? OnFailure { get; init; }
    /// <summary>What the webhook is sent.</summary>
    public NoticeShape? OnFailureShape { get; init; }
    /// <summary>Whether the schedule is on.</summary>
    public bool? Enabled { get; init; }
}
