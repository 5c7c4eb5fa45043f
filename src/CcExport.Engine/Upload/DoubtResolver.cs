using CcExport.Engine.ConstantContact;
using CcExport.Engine.Store;

namespace CcExport.Engine.Upload;

/// <summary>
/// Finds out what became of batches whose answer was lost. Each ends as Sent (its job was found), as Sealed again (certainly not
/// there), or stays InDoubt, and then is never sent again by itself: a batch sent twice is the one thing that must not happen.
/// </summary>
internal sealed class DoubtResolver(ConstantContactClient client, RunBatches batches, TimeProvider time, UploadOptions options)
{
    public async Task ResolveAsync(Action<string> verbose, CancellationToken ct)
    {
        // A batch that a killed process left in Sending has no end of its window: it may have been on its way until now.
        foreach (BatchRecord batch in batches.In(BatchState.Sending)) await batches.InDoubtAsync(batch.Number, time.GetUtcNow(), ct).ConfigureAwait(false);
        List<BatchRecord> open = [.. batches.In(BatchState.InDoubt)];
        if (open.Count == 0) return;

        verbose($"Looking for {open.Count} lost job(s).");
        long began = time.GetTimestamp();
        Dictionary<int, int> unseen = open.ToDictionary(b => b.Number, _ => 0);
        HashSet<int> ambiguous = [];
        for (TimeSpan wait = TimeSpan.Zero; open.Count > 0; wait = options.LookInterval)
        {
            if (time.GetElapsedTime(began) > options.DoubtDeadline) break;
            await Task.Delay(wait, time, ct).ConfigureAwait(false);
            IReadOnlyList<Activity> jobs = await client.GetActivitiesAsync(ct).ConfigureAwait(false);
            HashSet<string> claimed = [.. await batches.GetClaimedAsync([.. jobs.Select(j => j.ActivityId)], ct).ConfigureAwait(false)];
            foreach (BatchRecord batch in open.ToList())
            {
                var doubt = new Doubt(batch.Number, batch.Rows, batch.SendingAt ?? time.GetUtcNow(), batch.SentAt ?? time.GetUtcNow());
                (Sighting sighting, string? id) = LostJob.Look(doubt, jobs, claimed, client.ServerSkew, options.WindowMargin);
                unseen[batch.Number] = sighting == Sighting.NotSeen ? unseen[batch.Number] + 1 : 0;
                switch (sighting)
                {
                    case Sighting.Found:
                        await batches.SentAsync(batch.Number, id!, batch.SentAt ?? time.GetUtcNow(), ct).ConfigureAwait(false);
                        claimed.Add(id!);
                        open.Remove(batch);
                        verbose($"Batch {batch.Number} had arrived: its job was found.");
                        break;
                    case Sighting.NotSeen when unseen[batch.Number] >= options.LooksWithoutFind:
                        open.Remove(batch);
                        // After so many tries something else is wrong: it stays in doubt, is counted and named.
                        if (batch.Attempts >= options.Attempts) break;
                        await batches.NotSentAsync(batch.Number, ct).ConfigureAwait(false);
                        verbose($"Batch {batch.Number} had not arrived: it is sent again.");
                        break;
                    case Sighting.Ambiguous when !ambiguous.Add(batch.Number):
                        // Twice the same: waiting longer will not tell them apart.
                        open.Remove(batch);
                        break;
                }
            }
        }
    }
}
