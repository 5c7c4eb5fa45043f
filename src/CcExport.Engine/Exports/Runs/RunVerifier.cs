using CcExport.Engine.Mapping;
using CcExport.Engine.Store;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>
/// Reads the list back after a run (<c>-Verify</c>): whoever of the contacts sent is not on it is named, and batches whose fate the service did
/// not prove, or whose refused contacts it did not name, get numbers that the list itself proves. Only who is there now is proved, so what may
/// have been there before with other values stays unaccounted for, unless a completed job vouches for it.
/// </summary>
/// <param name="mapped">The names among the fields of the map.</param>
/// <param name="whole">The map has no other field than the address and these names.</param>
internal sealed class RunVerifier(RunBatches batches, ISpool spool, RunRejections rejections, ListReader reader, TimeProvider time, NameFields mapped, bool whole)
{
    /// <summary>Reasons that are about a batch without naming a contact, and those of an earlier verification.</summary>
    private static readonly HashSet<string> Superseded =
        [Reasons.RefusedUnnamed, Reasons.Unaccounted, Reasons.ActivityFailed, Reasons.InDoubt, Reasons.NotOnList, Reasons.OldValues];

    /// <summary>One line about a contact, or about several of a batch.</summary>
    private readonly record struct Finding(RejectionKind Kind, int Batch, RowOrigin? Origin, int Count, string Reason, string? Text);

    /// <param name="mayWrite">Throws when the run is no longer ours to write.</param>
    public async Task VerifyAsync(string listId, Func<CancellationToken, Task> mayWrite, Action<int, int> progress, CancellationToken ct)
    {
        // What went once more is counted in two batches, and was compared with the list already.
        List<BatchRecord> asked = [.. batches.In(BatchState.Finished).Where(b => b.Outcome is { Moved: 0 } outcome && (b.ActivityId is not null || outcome.Verdict == Reasons.InDoubt))];
        if (asked.Count == 0) return;
        bool compares = asked.Any(b => b.Outcome!.Verdict != "completed");
        using ListContent list = await reader.ReadAsync(listId, compares ? mapped : NameFields.None, ct).ConfigureAwait(false);
        bool open = asked.Any(b => b.Outcome is { OptedOut: > 0 } or { Unaccounted: > 0 } or { Verdict: not "completed" });
        using ListContent? optedOut = open ? await reader.ReadUnsubscribedAsync(ct).ConfigureAwait(false) : null;
        Dictionary<int, HashSet<(long, string?)>> named = await NamedAsync(ct).ConfigureAwait(false);
        List<(int, BatchOutcome)> revised = [];
        List<Finding> findings = [];
        foreach (BatchRecord batch in asked)
        {
            revised.Add((batch.Number, await JudgeAsync(batch, list, optedOut, named.GetValueOrDefault(batch.Number) ?? [], findings, ct).ConfigureAwait(false)));
            progress(revised.Count, asked.Count);
        }
        // All at once, and only now: until here nothing of what was known has changed.
        await mayWrite(ct).ConfigureAwait(false);
        HashSet<int> numbers = [.. asked.Select(b => b.Number)];
        await rejections.KeepAsync(r => r.Batch is not { } batch || !numbers.Contains(batch) || !Superseded.Contains(r.ReasonId)).ConfigureAwait(false);
        foreach (Finding f in findings)
        {
            if (f.Origin is { } origin) rejections.AddRow(f.Kind, origin, f.Batch, f.Reason, f.Text);
            else rejections.AddBatch(f.Kind, f.Batch, f.Count, f.Reason, f.Text);
        }
        await rejections.FlushAsync(CancellationToken.None).ConfigureAwait(false);
        await batches.RevisedAsync(revised, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>The contacts that the service itself named, by batch.</summary>
    private async Task<Dictionary<int, HashSet<(long, string?)>>> NamedAsync(CancellationToken ct)
    {
        Dictionary<int, HashSet<(long, string?)>> named = [];
        await foreach (RejectionRecord r in rejections.ReadAsync(ct, ofSent: true).ConfigureAwait(false))
        {
            if (r is not { Batch: { } batch, ReasonId: Reasons.RefusedByService or Reasons.JobFailedTwice }) continue;
            if (!named.TryGetValue(batch, out HashSet<(long, string?)>? rows)) named.Add(batch, rows = []);
            rows.Add((r.Row, r.Segment));
        }
        return named;
    }

    private async Task<BatchOutcome> JudgeAsync(
        BatchRecord batch, ListContent list, ListContent? optedOut, HashSet<(long, string?)> named, List<Finding> findings, CancellationToken ct)
    {
        using SentBatch sent = await SentBatch.ReadAsync(spool, batch, ct).ConfigureAwait(false);
        BatchOutcome before = batch.Outcome!;
        bool completed = before.Verdict == "completed", doubt = before.Verdict == Reasons.InDoubt;
        // A completed job wrote what was sent. Of any other the values themselves have to be there.
        bool comparable = whole && list.Names == mapped;
        int accepted = 0, left = 0, notThere = 0, old = 0;
        for (int row = 0; row < batch.Rows; row++)
        {
            SentContact contact = sent.Contacts[row];
            RowOrigin origin = sent.Origins[row];
            if (named.Contains((origin.Row, rejections.Segments[origin.Segment]))) continue;
            if (completed ? list.Has(contact) : comparable && list.HasAsSent(contact)) accepted++;
            else if (list.Has(contact)) old++;
            else if (!doubt && optedOut?.Has(contact) == true) left++;
            else
            {
                notThere++;
                findings.Add(new Finding(doubt ? RejectionKind.Unaccounted : RejectionKind.Refused, batch.Number, origin, 1, Reasons.NotOnList, before.Message));
            }
        }
        if (old > 0) findings.Add(new Finding(RejectionKind.Unaccounted, batch.Number, null, old, doubt ? Reasons.InDoubt : Reasons.OldValues, before.Message));
        // Refused, and on the list all the same: they were there before, with other values. The service did not say who they are; some of the
        // refused may be among those who have unsubscribed.
        int unnamed = completed ? Math.Clamp(before.Refused - named.Count - notThere - Math.Max(0, left - before.OptedOut), 0, accepted) : 0;
        if (unnamed > 0) findings.Add(new Finding(RejectionKind.Refused, batch.Number, null, unnamed, Reasons.RefusedUnnamed, null));
        return before with
        {
            Accepted = accepted - unnamed,
            OptedOut = left,
            Refused = named.Count + unnamed + (doubt ? 0 : notThere),
            Unaccounted = old + (doubt ? notThere : 0),
            At = time.GetUtcNow(),
        };
    }
}
