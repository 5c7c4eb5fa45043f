using System.Runtime.CompilerServices;
using CcExport.Engine.Mapping;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>What was counted while reading.</summary>
internal sealed class ReadCounts
{
    public long Read, Invalid, Duplicate, Noted;

    /// <summary>There was more than was asked for.</summary>
    public bool CutShort;
}

/// <summary>
/// Reads the segments of a run one after the other, maps each profile and gives it its one fate: sealed into a batch, or a
/// rejection. Streams: what it holds is a batch of rows, the body in the making, and the duplicate index.
/// </summary>
internal sealed class RunReader(IProfileSource source, IReadOnlyList<string> segments, ContactMap map, string? keyProperty, long maxProfiles)
{
    private const int RowsBetweenReports = 64 * 1024;

    /// <summary>The column that identifies a profile in a segment; null when it has none.</summary>
    private string? KeyOf(IReadOnlyList<string> columns, string place)
    {
        string? key = keyProperty is null
            // Nobody asked for these: one that a header has twice is no key, and no error.
            ? CcEngine.KeyCandidates.Select(c => columns.Where(x => x.Equals(c, StringComparison.OrdinalIgnoreCase)).ToList()).FirstOrDefault(x => x.Count == 1)?[0]
            : columns[Columns.Find([keyProperty], columns, place)[0]];
        if (key is null || !key.Equals(columns[Columns.Find([map.Columns[0]], columns, place)[0]], StringComparison.Ordinal)) return key;
        if (keyProperty is null) return null;
        throw new CcException("KeyIsAddress", CcErrorKind.InvalidArgument,
            $"'{keyProperty}' is the column with the address; rejections are joined by the key, and never hold an address.",
            "Name another column with -KeyProperty, or leave it out.");
    }

    /// <summary>Reads all. <c>TooManyProfiles</c> (Limit) as soon as there are more than the run may have.</summary>
    /// <param name="most">Stop after so many profiles (a preview of the first); null: all.</param>
    /// <param name="committed">Called after each contact that was encoded; for samples.</param>
    public async Task ReadAsync(
        BatchSealer sealer, IRejectionSink sink, ReadCounts counts, long? most, Action<ReadCounts> report, Action? committed, CancellationToken ct)
    {
        using var index = new DuplicateIndex();
        var mapper = new ProfileMapper(map, index);
        long stop = Math.Min(most ?? long.MaxValue, maxProfiles);
        long nextReport = RowsBetweenReports;
        for (int segment = 0; segment < segments.Count; segment++)
        {
            string name = segments[segment];
            IReadOnlyList<string> existing = await source.GetColumnsAsync(name, ct).ConfigureAwait(false);
            string? key = KeyOf(existing, name);
            // As the segment spells them, so that one column that is asked for in two spellings is known to be one.
            List<string> asked = [.. Columns.Find(map.Columns, existing, name).Select(i => existing[i])];
            int keyColumn = key is null ? -1 : asked.IndexOf(key);
            if (key is not null && keyColumn < 0)
            {
                keyColumn = asked.Count;
                asked.Add(key);
            }
            await foreach (ProfileBatch batch in source.ReadAsync(name, asked, ct).ConfigureAwait(false))
            {
                mapper.Begin(batch);
                for (int row = 0; row < batch.Rows;)
                {
                    row = TakeRows(mapper, batch, row, segment, keyColumn, sealer, sink, counts, stop, committed, out bool full);
                    if (full) await sealer.SealAsync(ct).ConfigureAwait(false);
                    if (counts.Read < stop || row == batch.Rows) continue;
                    if (counts.Read == most)
                    {
                        counts.CutShort = true;
                        return;
                    }
                    throw TooMany();
                }
                if (counts.Read < nextReport) continue;
                nextReport = counts.Read + RowsBetweenReports;
                report(counts);
            }
        }
        report(counts);
    }

    /// <summary>
    /// Takes rows until the batch is at its end, the body must be sealed before the next row, or the run has as many as it may;
    /// returns the next row.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int TakeRows(
        ProfileMapper mapper, ProfileBatch batch, int row, int segment, int keyColumn, BatchSealer sealer, IRejectionSink sink, ReadCounts counts, long stop,
        Action? committed, out bool full)
    {
        full = false;
        while (row < batch.Rows && counts.Read < stop && !full)
        {
            counts.Read++;
            full = TakeRow(mapper, batch, row++, segment, keyColumn, sealer, sink, counts, committed);
        }
        return row;
    }

    /// <summary>True when the body must be sealed before the next row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool TakeRow(
        ProfileMapper mapper, ProfileBatch batch, int row, int segment, int keyColumn, BatchSealer sealer, IRejectionSink sink, ReadCounts counts, Action? committed)
    {
        ReadOnlySpan<byte> key = keyColumn < 0 ? default : Utf8Text.Trim(batch[row, keyColumn]);
        string? reason = mapper.Decide(row);
        if (reason is null)
        {
            mapper.Encode(row, sealer.Writer);
            IReadOnlyList<ValueNote> notes = mapper.Notes;
            for (int i = 0; i < notes.Count; i++)
            {
                counts.Noted++;
                sink.Add(RejectionKind.Noted, batch.FirstRow + row, segment, key, map.Fields[notes[i].Field].Name, notes[i].Reason);
            }
            bool full = sealer.Commit(batch.FirstRow + row, segment, key);
            committed?.Invoke();
            return full;
        }
        bool duplicate = ReferenceEquals(reason, Reasons.Duplicate);
        if (duplicate) counts.Duplicate++;
        else counts.Invalid++;
        bool ofRow = ReferenceEquals(reason, Reasons.RowFieldCount) || ReferenceEquals(reason, Reasons.RowMalformed);
        // Of a row that does not fit its header nobody knows what stands in the key's place: it may be an address.
        if (ofRow) key = default;
        sink.Add(duplicate ? RejectionKind.Duplicate : RejectionKind.Invalid, batch.FirstRow + row, segment, key, ofRow ? null : StandardFields.Email, reason);
        return false;
    }

    private CcException TooMany() => new("TooManyProfiles", CcErrorKind.Limit,
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"The segments hold more than {maxProfiles:N0} profiles, the most this export takes. Nothing was sent."),
        "Choose smaller segments, or raise the limit with -MaxProfiles.");
}
