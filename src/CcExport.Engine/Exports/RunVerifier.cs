using CcExport.Engine.Mapping;
using CcExport.Engine.Store;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>
/// Reads the list back after a run (<c>-Verify</c>): whoever of the contacts sent is not on it is named, and batches whose fate the service did
/// not prove, or whose refused contacts it did not name, get numbers that the list itself proves.
/// </summary>
internal sealed class RunVerifier(RunBatches batches, ISpool spool, RunRejections rejections, ListReader reader, TimeProvider time)
{
    /// <summary>Reasons that are about a batch without naming a contact, and those of an earlier verification.</summary>
    private static readonly HashSet<string> Superseded = [Reasons.RefusedUnnamed, Reasons.Unaccounted, Reasons.ActivityFailed, Reasons.InDoubt, Reasons.NotOnList];

    public async Task VerifyAsync(string listId, Action<int, int> progress, CancellationToken ct)
    {
        // What went once more is counted in two batches, and was compared with the list already.
        List<BatchRecord> asked = [.. batches.In(BatchState.Finished).Where(b => b.Outcome is { Moved: 0 } outcome && (b.ActivityId is not null || outcome.Verdict == Reasons.InDoubt))];
        if (asked.Count == 0) return;
        using ListContent list = await reader.ReadAsync(listId, withNames: false, ct).ConfigureAwait(false);
        using ListContent? optedOut = asked.Any(b => b.Outcome!.OptedOut > 0) ? await reader.ReadUnsubscribedAsync(ct).ConfigureAwait(false) : null;
        Dictionary<int, HashSet<(long, string?)>> named = await NamedAsync(ct).ConfigureAwait(false);
        HashSet<int> numbers = [.. asked.Select(b => b.Number)];
        await rejections.KeepAsync(r => r.Batch is not { } batch || !numbers.Contains(batch) || !Superseded.Contains(r.ReasonId)).ConfigureAwait(false);
        List<(int, BatchOutcome)> revised = [];
        foreach (BatchRecord batch in asked)
        {
            revised.Add((batch.Number, await JudgeAsync(batch, list, optedOut, named.GetValueOrDefault(batch.Number) ?? [], ct).ConfigureAwait(false)));
            progress(revised.Count, asked.Count);
        }
        await rejections.FlushAsync(CancellationToken.None).ConfigureAwait(false);
        await batches.RevisedAsync(revised, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>The contacts that the service itself named, by batch.</summary>
    private async Task<Dictionary<int, HashSet<(long, string?)>>> NamedAsync(CancellationToken ct)
    {
        Dictionary<int, HashSet<(long, string?)>> named = [];
        await foreach (RejectionRecord r in rejections.ReadAsync(ct).ConfigureAwait(false))
        {
            if (r is not { Batch: { } batch, ReasonId: Reasons.RefusedByService or Reasons.JobFailedTwice }) continue;
            if (!named.TryGetValue(batch, out HashSet<(long, string?)>? rows)) named.Add(batch, rows = []);
            rows.Add((r.Row, r.Segment));
        }
        return named;
    }

    private async Task<BatchOutcome> JudgeAsync(BatchRecord batch, ListContent list, ListContent? optedOut, HashSet<(long, string?)> named, CancellationToken ct)
    {
        List<RowOrigin> origins = await spool.ReadOriginsAsync(batch.Number, ct).ConfigureAwait(false);
        (byte[] rented, int length) = await spool.ReadBodyAsync(batch.Number, ct).ConfigureAwait(false);
        List<SentContact> contacts;
        try
        {
            contacts = SentContact.In(rented.AsSpan(0, length));
        }
        finally
        {
            BatchMemory.Pool.Return(rented);
        }
        if (contacts.Count != batch.Rows || origins.Count != batch.Rows) throw new InvalidOperationException($"Batch {batch.Number} does not hold its rows.");
        BatchOutcome before = batch.Outcome!;
        // Not sent for certain: then a contact that is not on the list may still be on its way there.
        bool doubt = before.Verdict == Reasons.InDoubt;
        int left = 0, notThere = 0;
        for (int row = 0; row < contacts.Count; row++)
        {
            if (list.Has(contacts[row]) || named.Contains((origins[row].Row, rejections.Segments[origins[row].Segment]))) continue;
            if (optedOut?.Has(contacts[row]) == true)
            {
                left++;
                continue;
            }
            notThere++;
            rejections.AddRow(doubt ? RejectionKind.Unaccounted : RejectionKind.Refused, origins[row], batch.Number, Reasons.NotOnList, before.Message);
        }
        // Refused, and on the list all the same: they were there before, with other values. The service did not say who they are.
        int unnamed = doubt ? 0 : Math.Max(0, before.Refused - named.Count - notThere);
        if (unnamed > 0) rejections.AddBatch(RejectionKind.Refused, batch.Number, unnamed, Reasons.RefusedUnnamed);
        int refused = doubt ? 0 : named.Count + notThere + unnamed;
        return before with
        {
            OptedOut = left,
            Refused = refused,
            Unaccounted = doubt ? notThere : 0,
            Accepted = batch.Rows - left - refused - (doubt ? notThere : 0),
            At = time.GetUtcNow(),
        };
    }
}
