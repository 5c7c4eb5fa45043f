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
internal sealed class BatchSettler(RunBatches batches, ISpool spool, RunRejections rejections, TimeProvider time)
{
    /// <param name="content">The list as it is now.</param>
    /// <param name="sealer">Takes what goes once more; null when nothing is sent any more.</param>
    /// <param name="fresh">The batches that <paramref name="sealer"/> seals.</param>
    public async Task SettleAsync(IReadOnlyList<UnsettledBatch> unsettled, ListContent content, BatchSealer? sealer, List<BatchRecord> fresh, CancellationToken ct)
    {
        List<(int, BatchOutcome)> settled = [];
        foreach ((BatchRecord batch, _, BatchOutcome outcome) in unsettled)
        {
            bool again = sealer is not null && !batch.Again;
            List<RowOrigin> origins = await spool.ReadOriginsAsync(batch.Number, ct).ConfigureAwait(false);
            (byte[] rented, int length) = await spool.ReadBodyAsync(batch.Number, ct).ConfigureAwait(false);
            try
            {
                List<SentContact> contacts = SentContact.In(rented.AsSpan(0, length));
                if (contacts.Count != batch.Rows || origins.Count != batch.Rows) throw new InvalidOperationException($"Batch {batch.Number} does not hold its rows.");
                int missing = 0;
                for (int row = 0; row < contacts.Count; row++)
                {
                    if (content.HasAsSent(contacts[row])) continue;
                    missing++;
                    if (!again)
                    {
                        rejections.AddRow(RejectionKind.Refused, origins[row], batch.Number, batch.Again ? Reasons.JobFailedTwice : Reasons.NotOnList, outcome.Message);
                        continue;
                    }
                    sealer!.Writer.WriteRawValue(rented.AsSpan(contacts[row].Start, contacts[row].Length), skipInputValidation: true);
                    byte[] key = origins[row].Key is { } text ? System.Text.Encoding.UTF8.GetBytes(text) : [];
                    if (sealer.Commit(origins[row].Row, origins[row].Segment, key)) await sealer.SealAsync(ct).ConfigureAwait(false);
                }
                settled.Add((batch.Number, outcome with
                {
                    Accepted = batch.Rows - missing,
                    Unaccounted = 0,
                    Refused = again ? 0 : missing,
                    Moved = again ? missing : 0,
                    Message = FormattableString.Invariant($"{outcome.Message} The list has {batch.Rows - missing:N0} of its {batch.Rows:N0} contacts{(again && missing > 0 ? "; the others go once more" : "")}."),
                    At = time.GetUtcNow(),
                }));
            }
            finally
            {
                BatchMemory.Pool.Return(rented);
            }
        }
        if (sealer is not null) await sealer.CompleteAsync(ct).ConfigureAwait(false);
        // The names first: a batch that is Finished has all of them.
        await rejections.FlushAsync(CancellationToken.None).ConfigureAwait(false);
        await batches.SettledAsync(settled, fresh, CancellationToken.None).ConfigureAwait(false);
    }
}
