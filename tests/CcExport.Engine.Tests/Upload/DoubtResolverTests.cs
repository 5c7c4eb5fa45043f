using CcExport.Engine.Store;
using CcExport.Engine.Tests.ConstantContact.Support;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Tests.Upload;

/// <summary>What becomes of a batch whose answer was lost, look by look.</summary>
public sealed class DoubtResolverTests
{
    private const int Rows = 50;

    private static async Task<(BatchRecord Batch, int Looks)> ResolveAsync(Func<SealedRun, string[][]> looks, TimeSpan? ago = null)
    {
        await using SealedRun run = await SealedRun.OpenAsync(Rows);
        await run.LoseAsync(1, run.Now - (ago ?? TimeSpan.Zero));
        run.Looks(looks(run));
        // More looks than the script has would find nothing: 404 is a fault, and the test fails.
        await run.Resolver().ResolveAsync(_ => { }, default);
        return (await run.OnDiskAsync(1), run.LooksMade);
    }

    [Fact]
    public async Task A_job_is_taken_for_ours_when_two_looks_say_so()
    {
        (BatchRecord batch, int looks) = await ResolveAsync(run => [[SealedRun.Job("a", Rows, run.Now)], [SealedRun.Job("a", Rows, run.Now)]]);
        Assert.Equal((BatchState.Sent, "a", 2), (batch.State, batch.ActivityId, looks));
    }

    [Fact]
    public async Task A_batch_is_taken_for_lost_when_two_looks_say_so()
    {
        (BatchRecord batch, int looks) = await ResolveAsync(run => [[], [SealedRun.Job("other", 10, run.Now)]]);
        Assert.Equal((BatchState.Sealed, 2), (batch.State, looks));
    }

    [Fact]
    public async Task A_job_that_shows_at_the_second_look_is_found_and_not_sent_again()
    {
        (BatchRecord batch, int looks) = await ResolveAsync(run => [[], [SealedRun.Job("a", Rows + 1, run.Now)], [SealedRun.Job("a", Rows + 1, run.Now)]]);
        Assert.Equal((BatchState.Sent, "a", 3), (batch.State, batch.ActivityId, looks));
    }

    [Fact]
    public async Task Two_looks_that_found_different_jobs_do_not_agree()
    {
        (BatchRecord batch, int looks) = await ResolveAsync(run =>
            [[SealedRun.Job("a", Rows, run.Now)], [SealedRun.Job("b", Rows, run.Now)], [SealedRun.Job("b", Rows, run.Now)]]);
        Assert.Equal((BatchState.Sent, "b", 3), (batch.State, batch.ActivityId, looks));
    }

    [Fact]
    public async Task Counts_are_waited_for_and_the_waiting_proves_nothing()
    {
        (BatchRecord batch, int looks) = await ResolveAsync(run =>
            [[], [SealedRun.Job("a", 0, run.Now, "processing")], [SealedRun.Job("a", 0, run.Now, "processing")], [], []]);
        Assert.Equal((BatchState.Sealed, 5), (batch.State, looks));
    }

    [Theory]
    [InlineData(9.1, "InDoubt", 0)]
    [InlineData(8.9, "Sealed", 2)]
    public async Task Of_a_batch_older_than_the_service_remembers_not_finding_it_proves_nothing(double days, string state, int expected)
    {
        (BatchRecord batch, int looks) = await ResolveAsync(_ => [[], []], TimeSpan.FromDays(days));
        Assert.Equal((state, expected), (batch.State.ToString(), looks));
    }

    // A request takes no longer than its time-out, whenever the process that sent it died. What was made an hour later, with as many rows, is somebody
    // else's: to take it for ours would lose our contacts.
    [Theory]
    [InlineData(90, "Sent", "a")]
    [InlineData(3600, "Sealed", null)]
    public async Task A_batch_that_a_killed_process_left_in_sending_arrived_within_the_time_of_a_request(int seconds, string state, string? id)
    {
        await using SealedRun run = await SealedRun.OpenAsync(Rows);
        await run.Batches.SendingAsync(1, run.Now, default);
        DateTimeOffset left = run.Now;
        run.Wired.Jumping.Jump(TimeSpan.FromHours(3));
        string job = SealedRun.Job("a", Rows, left.AddSeconds(seconds));
        run.Looks([job], [job]);
        await run.Resolver().ResolveAsync(_ => { }, default);
        Assert.Equal((state, id), ((await run.OnDiskAsync(1)).State.ToString(), (await run.OnDiskAsync(1)).ActivityId));
    }

    [Fact]
    public async Task A_lost_batch_for_which_only_failed_jobs_can_stand_is_left_to_the_list()
    {
        await using SealedRun run = await SealedRun.OpenAsync(Rows, Rows - 2);
        foreach (int batch in new[] { 1, 2 }) await run.LoseAsync(batch);
        string job = SealedRun.Job("a", 0, run.Now, "failed");
        run.Looks([job], [job]);
        DoubtResolver resolver = run.Resolver();
        await resolver.ResolveAsync(_ => { }, default);
        Assert.Equal([1, 2], resolver.ByList.Order());
        Assert.All(new[] { await run.OnDiskAsync(1), await run.OnDiskAsync(2) }, b => Assert.Equal((BatchState.InDoubt, null), (b.State, b.ActivityId)));
    }

    [Fact]
    public async Task Between_two_looks_lies_the_time_that_the_listing_may_lag()
    {
        await using SealedRun run = await SealedRun.OpenAsync(Rows);
        await run.LoseAsync(1);
        run.Looks([], []);
        await run.Resolver().ResolveAsync(_ => { }, default);
        Assert.Contains(TimeSpan.FromSeconds(5), run.Wired.Jumping.Waits);
        Assert.Equal(2, run.Wired.Server.To(SealedRun.Jobs).Length);
        Assert.Empty(run.Wired.Server.To(Wired.Import));
    }
}
