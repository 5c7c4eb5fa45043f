using System.Runtime.CompilerServices;

namespace CcExport.Engine.Profiles;

/// <summary>A segment that lies in files, read one after the other as if they were one.</summary>
/// <param name="parts">Its files, found (and complained about) only when the segment is read: listing a folder stays calm.</param>
internal sealed class FileSegment(Segment info, Func<IReadOnlyList<SegmentPart>> parts)
{
    public Segment Info { get; } = info;

    /// <summary>What the segment is made of, for a message that has to tell two of one name apart.</summary>
    public required string Place { get; init; }

    public async Task<IReadOnlyList<string>> GetColumnsAsync(CancellationToken ct)
    {
        if (Info.Columns is { } known) return known;
        IReadOnlyList<SegmentPart> files = parts();
        return files.Count == 0 ? [] : await files[0].ReadColumnsAsync(ct).ConfigureAwait(false);
    }

    public async IAsyncEnumerable<ProfileBatch> ReadAsync(IReadOnlyList<string> columns, [EnumeratorCancellation] CancellationToken ct)
    {
        // A column of an empty segment is checked, too: a wrong map must not wait for the first profile to show itself.
        if (Info.Columns is { } known) columns = [.. Columns.Find(columns, known, Info.Name).Select(i => known[i])];
        long row = 1;
        foreach (SegmentPart part in parts())
        {
            await foreach (ProfileBatch batch in part.ReadAsync(columns, row, ct).ConfigureAwait(false))
            {
                row += batch.Rows;
                yield return batch;
            }
        }
    }
}
