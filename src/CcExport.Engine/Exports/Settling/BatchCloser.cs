using CcExport.Engine.ConstantContact;
using CcExport.Engine.Mapping;
using CcExport.Engine.Store;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>
/// Closes a batch: reads what its job proves, names the refused profiles where the service did, and writes both down; the
/// rejections first, so that a batch that is Finished has all of them (one that was refused as a whole gets its own when the run closes).
/// </summary>
internal sealed class BatchCloser(RunBatches batches, ISpool? spool, RunRejections rejections, TimeProvider time)
{
    /// <summary>Of a run that is given up: a job that has not ended, or could not be asked for, proves nothing, and nobody waits for it.</summary>
    public Task CloseStoppedAsync(BatchRecord batch, Activity? job, CancellationToken ct)
        => job is { IsTerminal: true } ? CloseAsync(batch, job, ct)
            : CloseAsync(batch, null, new BatchOutcome(Reasons.RunStopped, 0, 0, 0, batch.Rows, null, time.GetUtcNow()), Reasons.RunStopped, ct);

    public Task CloseAsync(BatchRecord batch, Activity? job, CancellationToken ct)
        => CloseAsync(batch, job, BatchVerdict.Of(job, batch.Rows, time.GetUtcNow()), Reasons.ActivityFailed, ct);

    /// <param name="reason">Why what is not proved is not, where the job did not complete.</param>
    private async Task CloseAsync(BatchRecord batch, Activity? job, BatchOutcome outcome, string reason, CancellationToken ct)
    {
        if (outcome.Refused > 0) await NameRefusedAsync(batch, job!, outcome.Refused, ct).ConfigureAwait(false);
        if (outcome.Unaccounted > 0)
        {
            bool completed = outcome.Verdict == "completed";
            rejections.AddBatch(RejectionKind.Unaccounted, batch.Number, outcome.Unaccounted, completed ? Reasons.Unaccounted : reason, outcome.Message);
        }
        // Both or, as near as can be, none: a person who stops here must not find the lines twice when the run goes on.
        await rejections.FlushAsync(CancellationToken.None).ConfigureAwait(false);
        await batches.FinishedAsync(batch.Number, outcome, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>A batch that ended without a job: never sent, or still in doubt.</summary>
    public async Task CloseAsync(BatchRecord batch)
    {
        bool inDoubt = batch.State is BatchState.InDoubt or BatchState.Sending;
        string reason = inDoubt ? Reasons.InDoubt : Reasons.NotSent;
        rejections.AddBatch(inDoubt ? RejectionKind.Unaccounted : RejectionKind.Refused, batch.Number, batch.Rows, reason);
        await rejections.FlushAsync(CancellationToken.None).ConfigureAwait(false);
        var outcome = new BatchOutcome(reason, 0, 0, inDoubt ? 0 : batch.Rows, inDoubt ? batch.Rows : 0, null, time.GetUtcNow());
        await batches.FinishedAsync(batch.Number, outcome, CancellationToken.None).ConfigureAwait(false);
    }

    private async Task NameRefusedAsync(BatchRecord batch, Activity job, int refused, CancellationToken ct)
    {
        IReadOnlyList<(int Row, string Text)> named = BatchVerdict.NamedRows(job.Errors, batch.Rows);
        // More names than refusals: the lines do not mean what we think, so nobody is named.
        if (named.Count > refused) named = [];
        try
        {
            if (spool is null) named = [];
            List<RowOrigin> origins = named.Count == 0 ? [] : await spool!.ReadOriginsAsync(batch.Number, ct).ConfigureAwait(false);
            foreach ((int row, string text) in named) rejections.AddRow(RejectionKind.Refused, origins[row], batch.Number, Reasons.RefusedByService, text);
        }
        catch (CcException e) when (e.ErrorId == "SpoolDamaged")
        {
            // The numbers stand all the same; only nobody can be named any more.
            named = [];
        }
        if (named.Count < refused) rejections.AddBatch(RejectionKind.Refused, batch.Number, refused - named.Count, Reasons.RefusedUnnamed);
    }
}
