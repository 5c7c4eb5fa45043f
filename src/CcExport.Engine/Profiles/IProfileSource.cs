namespace CcExport.Engine.Profiles;

/// <summary>
/// Where segments are read. One source a file, all behind this: it names its segments and their columns, and streams rows.
/// What cannot be read to its end throws <see cref="CcException"/> (InvalidData) that says where; a single row that does not
/// fit is a row with a fault and the reading goes on.
/// </summary>
internal interface IProfileSource
{
    /// <summary>The segments, in a stable order.</summary>
    Task<IReadOnlyList<Segment>> GetSegmentsAsync(CancellationToken ct);

    /// <summary>The columns of a segment, as the source spells them.</summary>
    Task<IReadOnlyList<string>> GetColumnsAsync(string segment, CancellationToken ct);

    /// <summary>Whether what it gives as a segment's columns are names for certain: the first line of a file without a header is a person.</summary>
    bool HasNamedColumns(string segment) => true;

    /// <summary>Whether they are all of them: where each record names its own, others may follow, and one that is asked for is missing only when all is read.</summary>
    bool HasAllColumns(string segment) => true;

    /// <summary>
    /// Streams a segment's rows with the given columns, in that order. A column is found by its exact name, else without
    /// regard to case; <c>ColumnNotFound</c> lists those that exist, <c>ColumnAmbiguous</c> says that a header has it twice.
    /// Where each record names its own columns, another file of the segment may lack one; not the first of those asked for, by which people are known.
    /// </summary>
    IAsyncEnumerable<ProfileBatch> ReadAsync(string segment, IReadOnlyList<string> columns, CancellationToken ct);
}

/// <summary>
/// A source that reads several segments in one pass, at the cost of one. All its segments have the same columns.
/// </summary>
internal interface IReadsTogether : IProfileSource
{
    /// <summary>
    /// Streams the rows of these segments, each batch with the position of its segment; rows count for each segment by themselves. A profile that
    /// is in several of them comes once for each, in their order.
    /// </summary>
    IAsyncEnumerable<(int Segment, ProfileBatch Batch)> ReadTogetherAsync(IReadOnlyList<string> segments, IReadOnlyList<string> columns, CancellationToken ct);
}

/// <summary>A named group of profiles in a source.</summary>
public sealed class Segment
{
    /// <summary>The name it is asked for by.</summary>
    public required string Name { get; init; }
    /// <summary>What people see; the name where the source has no other.</summary>
    public required string DisplayName { get; init; }
    /// <summary>Profiles, where the source knows without reading.</summary>
    public long? Size { get; init; }
    /// <summary>Bytes on disk, all its files together.</summary>
    public long? Bytes { get; init; }
    /// <summary>When its data was last renewed, where the source knows.</summary>
    public DateTimeOffset? LastEvaluated { get; init; }
    /// <summary>Active or Inactive, where the source knows; an inactive one is not renewed. The Customer Insights API has more words.</summary>
    public string? State { get; init; }
    /// <summary>It is being renewed now.</summary>
    internal bool IsRefreshing { get; init; }
    /// <summary>Its columns, where the source knows without reading.</summary>
    public IReadOnlyList<string>? Columns { get; init; }
    /// <summary>The named source it belongs to; null for a bare path.</summary>
    public string? Source { get; set; }
}
