using CcExport.Engine.ConstantContact;
using CcExport.Engine.Store;

namespace CcExport.Engine.Upload;

/// <summary>
/// Finds out what became of batches whose answer was lost. Each ends as Sent (its job was found), as Sealed again (certainly not
/// there), or stays InDoubt, and then is never sent again by itself: a batch sent twice is the one thing that must not happen.
/// Either finding has to be made twice, some seconds apart: the listing may lag, and another run may be about to claim the same job.
/// </summary>
/// <param name="allowed">Throws when the run is no longer ours to write.</param>
/// <param name="missed">How often each batch was proved not to have arrived, over all resolvings of this run.</param>
internal sealed class DoubtResolver(
    ConstantContactClient client, RunBatches batches, TimeProvider time, UploadOptions options, Func<CancellationToken, Task> allowed, Dictionary<int, int> missed)
{
    /// <summary>Batches that stay InDoubt and whose contacts the list can tell apart (<see cref="Sighting.Failed"/>).</summary>
    public HashSet<int> ByList { get; } = [];

    public async Task ResolveAsync(Action<string> verbose, CancellationToken ct)
    {
        if (batches.In(BatchState.Sending, BatchState.InDoubt).Count == 0) return;
        await allowed(ct).ConfigureAwait(false);
        DateTimeOffset now = client.ServerNow;
        // A batch that a killed process left in Sending has no end of its window: as long as a request can take, but not until now, or it would reach
        // over everything that others have sent since.
        foreach (BatchRecord batch in batches.In(BatchState.Sending))
            await batches.InDoubtAsync(batch.Number, (batch.SendingAt ?? now) + options.LongestRequest, ct).ConfigureAwait(false);
        // The service forgets its jobs after ten days: of what is older, not finding it proves nothing.
        List<BatchRecord> open = [.. batches.In(BatchState.InDoubt).Where(b => now - b.SendingAt < options.JobsRemembered)];
        verbose($"Looking for {open.Count} lost job(s).");
        long began = time.GetTimestamp();
        DateTimeOffset? first = null;
        var seen = new Dictionary<int, (Sighting Sighting, string? Id, int Times)>();
        for (TimeSpan wait = TimeSpan.Zero; open.Count > 0; wait = options.LookInterval)
        {
            if (time.GetElapsedTime(began) > options.DoubtDeadline) break;
            await Task.Delay(wait, time, ct).ConfigureAwait(false);
            IReadOnlyList<Activity> jobs = await client.GetActivitiesAsync(ct).ConfigureAwait(false);
            // Only after an answer: not before is the service's time known. What is made from here on is none of those in doubt.
            first ??= client.ServerNow;
            IReadOnlySet<string> claimed = await batches.GetClaimedAsync([.. jobs.Select(j => j.ActivityId)], ct).ConfigureAwait(false);
            IReadOnlyList<BatchRecord> others = await batches.GetOthersOnTheirWayAsync(ct).ConfigureAwait(false);
            Dictionary<int, (Sighting Sighting, string? Id)> looks = Look(jobs, claimed, others, first.Value);
            await allowed(ct).ConfigureAwait(false);
            foreach (BatchRecord batch in open.ToList())
            {
                (Sighting sighting, string? id) = looks[batch.Number];
                int times = seen.TryGetValue(batch.Number, out var before) && (before.Sighting, before.Id) == (sighting, id) ? before.Times + 1 : 1;
                seen[batch.Number] = (sighting, id, times);
                if (sighting == Sighting.Wait || times < options.Looks) continue;
                open.Remove(batch);
                await DecideAsync(batch, sighting, id, verbose, ct).ConfigureAwait(false);
            }
        }
    }

    private async Task DecideAsync(BatchRecord batch, Sighting sighting, string? id, Action<string> verbose, CancellationToken ct)
    {
        if (sighting == Sighting.Failed)
        {
            ByList.Add(batch.Number);
            verbose($"Batch {batch.Number}: its job failed, if it arrived at all. The list will tell.");
            return;
        }
        if (sighting == Sighting.Found)
        {
            await batches.SentAsync(batch.Number, id!, batch.SentAt ?? client.ServerNow, ct).ConfigureAwait(false);
            verbose($"Batch {batch.Number} had arrived: its job was found.");
            return;
        }
        // Ambiguous twice: waiting longer will not tell them apart. Missed too often: something else is wrong. It stays in doubt, is counted and named.
        if (sighting == Sighting.Ambiguous) return;
        missed[batch.Number] = missed.GetValueOrDefault(batch.Number) + 1;
        if (missed[batch.Number] >= options.Attempts) return;
        await batches.NotSentAsync(batch.Number, ct).ConfigureAwait(false);
        verbose($"Batch {batch.Number} had not arrived: it is sent again.");
    }

    /// <param name="latest">When the first look was made: of ours nothing was on its way any more.</param>
    private Dictionary<int, (Sighting Sighting, string? Id)> Look(
        IReadOnlyList<Activity> jobs, IReadOnlySet<string> claimed, IReadOnlyList<BatchRecord> others, DateTimeOffset latest)
    {
        DateTimeOffset now = client.ServerNow;
        // All in doubt, and not only those that are still looked for: a job that may be the one of a batch given up is not the next one's for certain.
        List<Doubt> ours = [.. batches.In(BatchState.InDoubt).Select(b => DoubtOf(b, latest))];
        Dictionary<int, (Sighting Sighting, string? Id)> alone = ours.ToDictionary(o => o.Batch, o => LostJob.Look(o, jobs, claimed, options.WindowMargin)), looks = new(alone);
        // With few rows a batch, counts come again in a run: one job that may be either of two batches is neither's for certain.
        foreach ((int number, (Sighting sighting, string? id)) in alone)
        {
            if (sighting != Sighting.Found) continue;
            Activity job = jobs.First(j => j.ActivityId == id);
            List<Doubt> either = [.. ours.Where(o => o.Batch != number && LostJob.MayBe(job, o, options.WindowMargin))];
            if (either.Count > 0) looks[number] = (either.Any(o => alone[o.Batch].Sighting == Sighting.Wait) ? Sighting.Wait : Sighting.Ambiguous, null);
        }
        // Another run may be about to claim the very job: one whose request is on its way will know soon; one in doubt can't tell it from ours.
        foreach (int number in looks.Where(l => l.Value.Sighting == Sighting.Found).Select(l => l.Key).ToList())
        {
            Activity job = jobs.First(j => j.ActivityId == looks[number].Id);
            List<BatchRecord> rivals = [.. others.Where(o => LostJob.MayBe(job, RivalOf(o, now), options.WindowMargin))];
            if (rivals.Count > 0) looks[number] = (rivals.Any(o => o.State == BatchState.Sending) ? Sighting.Wait : Sighting.Ambiguous, null);
        }
        return looks;
    }

    private static Doubt DoubtOf(BatchRecord batch, DateTimeOffset latest)
        => new(batch.Number, batch.Rows, batch.SendingAt ?? latest, batch.SentAt is { } at && at < latest ? at : latest);

    /// <summary>Of another run only what can be on its way is in the way: a request takes no longer than its time-out, whoever forgot it since.</summary>
    private Doubt RivalOf(BatchRecord batch, DateTimeOffset now)
    {
        DateTimeOffset from = batch.SendingAt ?? now, latest = from + options.LongestRequest;
        return new Doubt(batch.Number, batch.Rows, from, batch.SentAt is { } at && at < latest ? at : latest);
    }
}
