using System.Text;
using CcExport.Engine.Mapping;
using CcExport.Engine.Store;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>Takes people out of batches that are sealed and not sent, or what was said of them: a batch that holds such is sealed anew.</summary>
internal static class Resealing
{
    /// <param name="rule">The reason id for holding an address out; null: it stays.</param>
    /// <param name="joined">Whoever was not on the list and is there now, without the run; null: not asked. Not of those that go once more: they may be there because of it.</param>
    /// <returns>How many were held out.</returns>
    public static async Task<long> HoldOutAsync(
        EngineParts parts, RunRecord run, ExportDefinition definition, RunBatches batches, ISpool spool, RunRejections rejections, Func<UInt128, string?> rule, CancellationToken ct,
        Func<UInt128, bool>? joined = null)
    {
        long held = 0;
        // Those that go once more stay so.
        foreach (bool again in new[] { false, true })
        {
            List<BatchRecord> fresh = [];
            List<(int, BatchOutcome)> replaced = [];
            BatchSealer sealer = new(run.ListId, definition.BatchSize ?? parts.BatchRows, parts.BatchBytes, spool.WriteAsync,
                (batch, _) =>
                {
                    fresh.Add(batch);
                    return Task.CompletedTask;
                }, after: batches.All[^1].Number);
            await using (sealer.ConfigureAwait(false))
            {
                foreach (BatchRecord batch in batches.In(BatchState.Sealed).Where(b => b.Again == again))
                {
                    bool IsNew(UInt128 address, ulong content) => (content & 1) != 0 && (again || joined?.Invoke(address) != true);
                    if (await AnyAsync(batch, spool, rule, IsNew, ct).ConfigureAwait(false))
                        replaced.Add((batch.Number, await ReplaceAsync(parts.Time, batch, spool, rejections, rule, IsNew, sealer, ct).ConfigureAwait(false)));
                }
                await sealer.CompleteAsync(ct).ConfigureAwait(false);
            }
            if (replaced.Count == 0) continue;
            // The names first: a batch that is Finished has all of them.
            await rejections.FlushAsync(CancellationToken.None).ConfigureAwait(false);
            await batches.SettledAsync(replaced, fresh, again, CancellationToken.None).ConfigureAwait(false);
            held += replaced.Sum(r => (long)r.Item2.HeldOut);
        }
        return held;
    }

    private static async Task<bool> AnyAsync(BatchRecord batch, ISpool spool, Func<UInt128, string?> rule, Func<UInt128, ulong, bool> isNew, CancellationToken ct)
    {
        (byte[] rented, int length) = await spool.ReadOriginBytesAsync(batch.Number, ct).ConfigureAwait(false);
        try
        {
            return Any(rented.AsSpan(0, length), rule, isNew);
        }
        finally
        {
            BatchMemory.Pool.Return(rented);
        }
    }

    private static bool Any(ReadOnlySpan<byte> origins, Func<UInt128, string?> rule, Func<UInt128, ulong, bool> isNew)
    {
        var row = new OriginReader(origins);
        while (row.Next())
        {
            if (rule(row.Address) is not null || ((row.Content & 1) != 0 && !isNew(row.Address, row.Content))) return true;
        }
        return false;
    }

    private static async Task<BatchOutcome> ReplaceAsync(
        TimeProvider time, BatchRecord batch, ISpool spool, RunRejections rejections, Func<UInt128, string?> rule, Func<UInt128, ulong, bool> isNew, BatchSealer sealer, CancellationToken ct)
    {
        using SentBatch sent = await SentBatch.ReadAsync(spool, batch, ct).ConfigureAwait(false);
        int heldOut = 0;
        for (int i = 0; i < batch.Rows; i++)
        {
            RowOrigin origin = sent.Origins[i];
            if (rule(origin.Address) is { } reason)
            {
                heldOut++;
                // Of a person whose data is removed neither row nor key stays.
                if (reason == Reasons.Erased) rejections.AddBatch(RejectionKind.Suppressed, batch.Number, 1, reason);
                else rejections.AddRow(RejectionKind.Suppressed, origin, batch.Number, reason);
                continue;
            }
            sealer.Writer.WriteRawValue(sent[sent.Contacts[i]], skipInputValidation: true);
            byte[] key = origin.Key is { } text ? Encoding.UTF8.GetBytes(text) : [];
            ulong content = isNew(origin.Address, origin.Content) ? origin.Content : origin.Content & ~1UL;
            if (sealer.Commit(origin.Row, origin.Segment, key, origin.Address, content)) await sealer.SealAsync(ct).ConfigureAwait(false);
        }
        return new BatchOutcome(Reasons.Replaced, 0, 0, 0, 0, null, time.GetUtcNow(), Moved: batch.Rows - heldOut, HeldOut: heldOut);
    }
}
