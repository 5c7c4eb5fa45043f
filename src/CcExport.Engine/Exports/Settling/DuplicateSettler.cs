using CcExport.Engine.Mapping;
using CcExport.Engine.Store;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>
/// What is to be done about duplicates when all is read and sealed, and the run does not have its mark yet: those that a newer profile has beaten are
/// taken out of their batches, and every loser's rejection names the one that won in the end. Where nothing was lost, nothing is done.
/// </summary>
/// <param name="winnersAtOnce">Fewer in tests, so that every edge is crossed.</param>
internal sealed class DuplicateSettler(ISpool spool, RunRejections rejections, Duplicates duplicates, int winnersAtOnce = WinnerKeys.Most)
{
    private readonly Dictionary<string, int> _segments = rejections.Segments.Select((name, i) => (name, i)).ToDictionary(x => x.name, x => x.i, StringComparer.Ordinal);

    /// <summary>The batches that are to be sent.</summary>
    /// <param name="batches">All of the run, in order.</param>
    public async Task<IReadOnlyList<BatchRecord>> SettleAsync(IReadOnlyList<BatchRecord> batches, BatchSifter sifter, CancellationToken ct)
    {
        if (duplicates.BeatenSealed > 0) batches = await sifter.SiftAsync(batches, rejections, ct).ConfigureAwait(false);
        // Where the first one wins it is known by its row from the start; only its key is still to be found.
        if (duplicates.Beaten > 0 || duplicates.AnyUnchanged || (duplicates.HasKeys && !duplicates.None))
            await NameWinnersAsync([.. batches.Select(b => b.Number)], ct).ConfigureAwait(false);
        return batches;
    }

    private async Task NameWinnersAsync(int[] batches, CancellationToken ct)
    {
        uint[][] parts = [.. duplicates.Winners().Chunk(winnersAtOnce).DefaultIfEmpty([])];
        for (int i = 0; i < parts.Length; i++)
        {
            WinnerKeys keys = await WinnerKeys.ReadAsync(spool, batches, duplicates, parts[i], ct).ConfigureAwait(false);
            if (duplicates.KeysInRejections)
            {
                await foreach (RejectionRecord r in rejections.ReadAsync(ct).ConfigureAwait(false))
                {
                    if (r.Kind == RejectionKind.Suppressed || r.ReasonId == RunRejections.UnchangedYet) keys.Take(NumberOf(r.Segment!, r.Row), r.Key);
                }
            }
            bool last = i == parts.Length - 1;
            await rejections.ChangeAsync(r => Named(r, keys, last), ct).ConfigureAwait(false);
        }
    }

    /// <summary>A rejection as it stands in the end; null: what was said of a profile that another has beaten since.</summary>
    /// <param name="last">No key is asked for any more.</param>
    private RejectionRecord? Named(RejectionRecord r, WinnerKeys keys, bool last)
    {
        bool unchanged = r.ReasonId == RunRejections.UnchangedYet;
        if (r.Kind is RejectionKind.Noted or RejectionKind.Suppressed || unchanged)
        {
            uint number = NumberOf(r.Segment!, r.Row);
            if (!duplicates.IsBeaten(number)) return unchanged && last ? null : r;
            if (r.Kind == RejectionKind.Noted) return null;
            r = r with { Kind = RejectionKind.Duplicate, ReasonId = Reasons.Duplicate, Field = StandardFields.Email, WinnerRow = r.Row, WinnerSegment = r.Segment };
        }
        if (r.WinnerRow == 0) return r;
        uint winner = duplicates.WinnerOf(NumberOf(r.WinnerSegment!, r.WinnerRow));
        ProfilePlace place = duplicates.PlaceOf(winner);
        return r with { WinnerRow = place.Row, WinnerSegment = rejections.Segments[place.Segment], WinnerKey = keys.Of(winner) ?? r.WinnerKey };
    }

    private uint NumberOf(string segment, long row) => duplicates.NumberOf(new ProfilePlace(_segments[segment], row));
}
