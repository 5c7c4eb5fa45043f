using CcExport.Engine.ConstantContact;
using CcExport.Engine.Store;

namespace CcExport.Engine.Upload;

/// <summary>
/// Follows a run's jobs to their end with one listing call for all of them, at growing intervals. A job that the listing does not
/// have is asked for by itself; one that the service no longer knows, or that outlives the deadline, ends as null.
/// </summary>
internal sealed class ActivityFollower(ConstantContactClient client, RunBatches batches, TimeProvider time, UploadOptions options)
{
    /// <param name="ended">Takes each batch whose job ended, once; leaves it Finished or sets it aside.</param>
    /// <param name="progress">Told how many are still followed.</param>
    public async Task FollowAsync(Func<BatchRecord, Activity?, CancellationToken, Task> ended, Action<int> progress, CancellationToken ct)
    {
        Dictionary<int, int> missing = [];
        HashSet<int> over = [];
        List<BatchRecord> Open() => [.. batches.In(BatchState.Sent).Where(b => !over.Contains(b.Number))];
        for (TimeSpan wait = options.FirstPoll; Open() is { Count: > 0 } open; wait = Longer(wait))
        {
            await Task.Delay(wait, time, ct).ConfigureAwait(false);
            Dictionary<string, Activity> jobs = [];
            try
            {
                foreach (Activity job in await client.GetActivitiesAsync(ct).ConfigureAwait(false)) jobs[job.ActivityId] = job;
            }
            catch (CcException e) when (e.ErrorId == "Throttled")
            {
                // Somebody else uses the key up: the next look comes later anyway.
                continue;
            }
            foreach (BatchRecord batch in open)
            {
                // By the journal's times, so that a run that goes on does not wait all over again.
                bool late = client.ServerNow - batch.SentAt > options.JobDeadline;
                if (!jobs.TryGetValue(batch.ActivityId!, out Activity? job))
                    job = await client.GetActivityAsync(batch.ActivityId!, ct).ConfigureAwait(false);
                // Listing and look-up may both lag behind a job that was just made.
                missing[batch.Number] = job is null ? missing.GetValueOrDefault(batch.Number) + 1 : 0;
                if (!late && job is not { IsTerminal: true } && missing[batch.Number] < options.PollsWithoutJob) continue;
                over.Add(batch.Number);
                await ended(batch, job, ct).ConfigureAwait(false);
            }
            progress(Open().Count);
        }
    }

    private TimeSpan Longer(TimeSpan wait) => wait * 2 < options.MaxPoll ? wait * 2 : options.MaxPoll;
}
