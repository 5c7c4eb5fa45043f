using CcExport.Engine.ConstantContact;
using CcExport.Engine.Store;
using CcExport.Engine.Tests.ConstantContact.Support;
using CcExport.Engine.Tests.Store;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Tests.Upload;

/// <summary>Following jobs: what ends, what is gone, what takes too long.</summary>
public sealed class ActivityFollowerTests
{
    private const string One = "GET /v3/activities/a";

    private static async Task<(Activity? Job, int Polls)> FollowAsync(SealedRun run)
    {
        await run.Batches.SendingAsync(1, run.Now, default);
        await run.Batches.SentAsync(1, "a", run.Now, default);
        (Activity? ended, int times) = (null, 0);
        await new ActivityFollower(run.Client, run.Batches, run.Wired.Time, run.Options).FollowAsync(async (batch, job, _) =>
        {
            (ended, times) = (job, times + 1);
            await run.Batches.FinishedAsync(batch.Number, Records.Outcome(50), default);
        }, _ => { }, default);
        Assert.Equal(1, times);
        return (ended, run.LooksMade);
    }

    [Fact]
    public async Task A_job_that_several_polls_in_a_row_miss_is_gone()
    {
        await using SealedRun run = await SealedRun.OpenAsync(50);
        run.Wired.Server.Always(SealedRun.Jobs, Reply.Json("""{"activities":[]}"""));
        (Activity? job, int polls) = await FollowAsync(run);
        Assert.Equal((null, 4), (job, polls));
        Assert.Equal(4, run.Wired.Server.To(One).Length);
    }

    [Fact]
    public async Task A_poll_that_has_it_begins_the_count_anew_and_the_listing_is_not_believed_alone()
    {
        await using SealedRun run = await SealedRun.OpenAsync(50);
        string going = SealedRun.Job("a", 0, run.Now, "processing"), done = SealedRun.Job("a", 50, run.Now);
        run.Looks([], [], [], [going], [], [], []);
        run.Wired.Server.Always(SealedRun.Jobs, Reply.Json("""{"activities":[]}"""));
        // Missed three times, seen, missed three times, then found by its own address.
        run.Wired.Server.Script(One, new Reply(404), new Reply(404), new Reply(404), new Reply(404), new Reply(404), new Reply(404), Reply.Json(done));
        (Activity? job, int polls) = await FollowAsync(run);
        Assert.Equal(("completed", 50L, 8), (job!.State, job.ItemsTotal, polls));
    }

    [Fact]
    public async Task A_job_that_outlives_the_deadline_ends_as_it_is()
    {
        await using SealedRun run = await SealedRun.OpenAsync(50);
        run.Wired.Server.Always(SealedRun.Jobs, Reply.Json($$"""{"activities":[{{SealedRun.Job("a", 0, run.Now, "processing")}}]}"""));
        var options = new UploadOptions { JobDeadline = TimeSpan.Zero };
        await run.Batches.SendingAsync(1, run.Now, default);
        await run.Batches.SentAsync(1, "a", run.Now, default);
        Activity? ended = null;
        await new ActivityFollower(run.Client, run.Batches, run.Wired.Time, options).FollowAsync(async (batch, job, _) =>
        {
            ended = job;
            await run.Batches.FinishedAsync(batch.Number, Records.Outcome(50), default);
        }, _ => { }, default);
        Assert.Equal("processing", ended!.State);
        Assert.Equal(BatchState.Finished, (await run.OnDiskAsync(1)).State);
    }
}
