using CcExport.Engine.ConstantContact;
using CcExport.Engine.Store;

namespace CcExport.Engine.Upload;

/// <summary>
/// Follows a run's jobs to their end with one listing call for all of them, at growing intervals. A job that the listing does not
/// have is asked for by itself; one that the service no longer knows, or that outlives the deadline, ends as null.
/// </summary>
internal sealed class ActivityFollower(ConstantContactClient client, RunBatches batches, TimeProvider time, UploadOptions options)
{
    /// <param name="ended">Takes each batch whose job ended; must leave it Finished.</param>
    public async Task FollowAsync(Func<BatchRecord, Activity?, CancellationToken, Task> ended, Action progress, CancellationToken ct)
    {
        long began = time.GetTimestamp();
        Dictionary<int, int> missing = [];
        for (TimeSpan wait = options.FirstPoll; batches.In(BatchState.Sent) is { Count: > 0 } open; wait = Longer(wait))
        {
            await Task.Delay(wait, time, ct).ConfigureAwait(false);
            bool late = time.GetElapsedTime(began) > options.JobDeadline;
            Dictionary<string, Activity> jobs = [];
            foreach (Activity job in await client.GetActivitiesAsync(ct).ConfigureAwait(false)) jobs[job.ActivityId] = job;
            foreach (BatchRecord batch in open)
            {
                if (!jobs.TryGetValue(batch.ActivityId!, out Activity? job))
                    job = await client.GetActivityAsync(batch.ActivityId!, ct).ConfigureAwait(false);
                // Listing and look-up may both lag behind a job that was just made.
                missing[batch.Number] = job is null ? missing.GetValueOrDefault(batch.Number) + 1 : 0;
                if (late || job is { IsTerminal: true } || missing[batch.Number] >= options.PollsWithoutJob) await ended(batch, job, ct).ConfigureAwait(false);
            }
            progress();
        }
    }

    private TimeSpan Longer(TimeSpan wait) => wait * 2 < options.MaxPoll ? wait * 2 : options.MaxPoll;
}
