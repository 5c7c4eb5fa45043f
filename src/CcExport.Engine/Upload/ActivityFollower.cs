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
                if (job is null || job.IsTerminal || late) await ended(batch, job, ct).ConfigureAwait(false);
            }
            progress();
        }
    }

    private TimeSpan Longer(TimeSpan wait) => wait * 2 < options.MaxPoll ? wait * 2 : options.MaxPoll;
}
