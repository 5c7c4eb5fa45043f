using System.Text;
using CcExport.Engine.ConstantContact;
using CcExport.Engine.Mapping;
using CcExport.Engine.Store;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>A batch whose job ended without completing, or never ended, and what that proves by itself: nothing.</summary>
internal readonly record struct UnsettledBatch(BatchRecord Batch, Activity? Job, BatchOutcome Outcome);

/// <summary>
/// Settles the batches of jobs that failed, timed out, were cancelled, or never ended: the list is read back, and what is on it as it was
/// sent is accepted. What is not goes once more, gathered into batches of its own; what is missing after that is refused, by name and
/// with the service's reason. Each contact is in exactly one batch that counts it.
/// </summary>
/// <param name="whole">The comparison with the list covers every field of the map. Where it does not, a contact that is on the list may have been there before with
/// other values: it goes once more as well, which changes nothing if it is the same.</param>
internal sealed class BatchSettler(RunBatches batches, ISpool spool, RunRejections rejections, TimeProvider time, bool whole)
{
    /// <param name="content">The list as it is now.</param>
    /// <param name="sealer">Takes what goes once more; null when nothing is sent any more.</param>
    /// <param name="fresh">The batches that <paramref name="sealer"/> seals.</param>
    public async Task SettleAsync(IReadOnlyList<UnsettledBatch> unsettled, ListContent content, BatchSealer? sealer, List<BatchRecord> fresh, CancellationToken ct)
    {
        List<(int, BatchOutcome)> settled = [];
        foreach (UnsettledBatch one in unsettled)
        {
            BatchOutcome outcome;
            try
            {
                outcome = sealer is not null && MayGo(one.Batch, one.Job)
                    ? await MoveAsync(one, content, sealer, ct).ConfigureAwait(false)
                    : await JudgeAsync(one, content, ct).ConfigureAwait(false);
            }
            catch (CcException e) when (e.ErrorId == "SpoolDamaged")
            {
                rejections.AddBatch(RejectionKind.Unaccounted, one.Batch.Number, one.Batch.Rows, Reasons.ActivityFailed, e.Message);
                outcome = one.Outcome;
            }
            settled.Add((one.Batch.Number, outcome with { At = time.GetUtcNow() }));
        }
        if (sealer is not null) await sealer.CompleteAsync(ct).ConfigureAwait(false);
        // The names first: a batch that is Finished has all of them.
        await rejections.FlushAsync(CancellationToken.None).ConfigureAwait(false);
        await batches.SettledAsync(settled, fresh, again: true, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>
    /// Once more, and not a third time; but a batch whose job nobody saw may never have arrived, so that it was not sent at all. That can repeat itself only as long as
    /// answers are lost, and is not let go on for ever.
    /// </summary>
    private bool MayGo(BatchRecord batch, Activity? job)
    {
        if (!batch.Again) return true;
        long first = 0, again = 0;
        foreach (BatchRecord b in batches.All)
        {
            if (b.Again) again += b.Rows;
            else first += b.Rows;
        }
        return job is null && batch.ActivityId is null && again <= 2 * first;
    }

    /// <summary>What the list lacks goes to the sealer; the rest is accepted.</summary>
    private async Task<BatchOutcome> MoveAsync(UnsettledBatch one, ListContent content, BatchSealer sealer, CancellationToken ct)
    {
        using SentBatch sent = await SentBatch.ReadAsync(spool, one.Batch, ct).ConfigureAwait(false);
        int rows = one.Batch.Rows, moved = 0;
        for (int row = 0; row < rows; row++)
        {
            SentContact contact = sent.Contacts[row];
            if (whole && content.HasAsSent(contact)) continue;
            moved++;
            RowOrigin origin = sent.Origins[row];
            sealer.Writer.WriteRawValue(sent[contact], skipInputValidation: true);
            byte[] key = origin.Key is { } text ? Encoding.UTF8.GetBytes(text) : [];
            if (sealer.Commit(origin.Row, origin.Segment, key, origin.Address, origin.Content)) await sealer.SealAsync(ct).ConfigureAwait(false);
        }
        return one.Outcome with
        {
            Accepted = rows - moved,
            Unaccounted = 0,
            Moved = moved,
            Message = FormattableString.Invariant($"{Said(one)} {rows - moved:N0} of its {rows:N0} contacts are proved to be on the list as they were sent; {moved:N0} go once more."),
        };
    }

    /// <summary>Nothing more is sent: who is not on the list is refused, by name; who is, with values that cannot be compared, is unaccounted for.</summary>
    private async Task<BatchOutcome> JudgeAsync(UnsettledBatch one, ListContent content, CancellationToken ct)
    {
        BatchRecord batch = one.Batch;
        using SentBatch sent = await SentBatch.ReadAsync(spool, batch, ct).ConfigureAwait(false);
        string said = Said(one);
        int accepted = 0, refused = 0;
        for (int row = 0; row < batch.Rows; row++)
        {
            if (whole && content.HasAsSent(sent.Contacts[row]))
            {
                accepted++;
            }
            else if (!content.Has(sent.Contacts[row]))
            {
                refused++;
                rejections.AddRow(RejectionKind.Refused, sent.Origins[row], batch.Number, batch.Again ? Reasons.JobFailedTwice : Reasons.NotOnList, said);
            }
        }
        int open = batch.Rows - accepted - refused;
        if (open > 0) rejections.AddBatch(RejectionKind.Unaccounted, batch.Number, open, Reasons.OldValues, said);
        return one.Outcome with { Accepted = accepted, Refused = refused, Unaccounted = open, Message = said };
    }

    /// <summary>How the job ended, with the service's own reason where it gave one.</summary>
    private static string Said(UnsettledBatch one)
        => one.Job?.Errors is [{ } first, ..] && !first.StartsWith("Line ", StringComparison.OrdinalIgnoreCase) ? $"{one.Outcome.Message} {first}" : one.Outcome.Message ?? "";
}
