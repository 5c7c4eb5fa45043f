using System.Runtime.CompilerServices;

namespace CcExport.Engine.Profiles;

/// <summary>A segment that lies in files, read one after the other as if they were one.</summary>
/// <param name="parts">Its files, found (and complained about) only when the segment is read: listing a folder stays calm.</param>
internal sealed class FileSegment(Segment info, Func<IReadOnlyList<SegmentPart>> parts)
{
    public Segment Info { get; } = info;

    /// <summary>What the segment is made of, for a message that has to tell two of one name apart.</summary>
    public required string Place { get; init; }

    /// <summary>A model or the files themselves name them; the first line of a text may be anything.</summary>
    public bool HasNamedColumns => Info.Columns is not null || parts() is [{ Kind: PartKind.Parquet }, ..];

    /// <summary>Whether its columns are known before the last row, as far as its files' names tell and what <see cref="GetColumnsAsync"/> saw; each record of JSON names its own.</summary>
    public bool HasAllColumns => Info.Columns is not null || (!_namesItsOwn && parts().All(part => part.Kind != PartKind.JsonLines));

    private bool _namesItsOwn;

    public async Task<IReadOnlyList<string>> GetColumnsAsync(CancellationToken ct)
    {
        if (Info.Columns is { } known) return known;
        IReadOnlyList<SegmentPart> files = parts();
        if (files.Count == 0) return [];
        (IReadOnlyList<string> names, bool areAll) = await files[0].ReadColumnsAsync(ct).ConfigureAwait(false);
        _namesItsOwn = !areAll;
        return names;
    }

    public async IAsyncEnumerable<ProfileBatch> ReadAsync(IReadOnlyList<string> columns, [EnumeratorCancellation] CancellationToken ct)
    {
        // A column of an empty segment is checked, too: a wrong map must not wait for the first profile to show itself.
        if (Info.Columns is { } known) columns = [.. Columns.Find(columns, known, Info.Name).Select(i => known[i])];
        long row = 1;
        ColumnsMet? met = HasAllColumns ? null : new();
        foreach (SegmentPart part in parts())
        {
            await foreach (ProfileBatch batch in part.ReadAsync(columns, row, met, ct).ConfigureAwait(false))
            {
                row += batch.Rows;
                yield return batch;
            }
        }
        met?.ThrowIfMissing(columns, Info.Name);
    }
}
