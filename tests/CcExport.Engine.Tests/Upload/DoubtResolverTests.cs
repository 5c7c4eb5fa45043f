using System.Globalization;
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

    // The journal has the service's times, so that a run goes on rightly on another machine, or after a clock was set.
    [Fact]
    public async Task The_window_is_read_by_the_services_clock_whatever_ours_says_since()
    {
        await using SealedRun run = await SealedRun.OpenAsync(Rows);
        DateTimeOffset theirs = run.Now.AddMinutes(-40);
        run.Wired.Server.Script(Wired.Import, Reply.Lost);
        run.Wired.Server.Always(Wired.Lists, Reply.Json("""{"lists":[]}""") with { Headers = [Date(theirs)] });
        await run.Client.GetListsAsync(default);
        run.Wired.Server.Always(SealedRun.Jobs, new Reply(503));
        await run.Uploader(_ => Task.CompletedTask).SendAsync(default);
        BatchRecord lost = await run.OnDiskAsync(1);
        Assert.Equal(BatchState.InDoubt, lost.State);
        Assert.InRange(lost.SendingAt!.Value, theirs.AddSeconds(-2), theirs.AddSeconds(2));

        string job = $$"""{"activities":[{{SealedRun.Job("a", Rows, lost.SendingAt.Value.AddSeconds(1))}}]}""";
        run.Wired.Server.Always(SealedRun.Jobs, Reply.Json(job) with { Headers = [Date(theirs.AddMinutes(1))] });
        await run.Resolver().ResolveAsync(_ => { }, default);
        Assert.Equal("a", (await run.OnDiskAsync(1)).ActivityId);

        static (string, string) Date(DateTimeOffset at) => ("Date", at.ToString("R", CultureInfo.InvariantCulture));
    }

    // Batch 2 is looked for longer than batch 1; the one job that fits may be either's.
    [Theory]
    [InlineData(120, "b")]
    [InlineData(Rows, null)]
    public async Task A_job_that_may_be_another_batchs_is_taken_for_neither(int runningEndsWith, string? second)
    {
        await using SealedRun run = await SealedRun.OpenAsync(Rows, second is null ? Rows : 120);
        await run.LoseAsync(1);
        await run.LoseAsync(2, run.Now.AddMinutes(3));
        string fits = SealedRun.Job("a", Rows, run.Now.AddSeconds(90)), running = SealedRun.Job("b", 0, run.Now.AddMinutes(4), "processing"), ended = SealedRun.Job("b", runningEndsWith, run.Now.AddMinutes(4));
        run.Looks([fits, running], [fits, running], [fits, running], [fits, ended], [fits, ended], [fits, ended]);
        run.Wired.Jumping.Jump(TimeSpan.FromMinutes(6));
        await run.Resolver().ResolveAsync(_ => { }, default);
        BatchRecord one = await run.OnDiskAsync(1), two = await run.OnDiskAsync(2);
        Assert.Equal((second is null ? null : "a", second), (one.ActivityId, two.ActivityId));
        if (second is null) Assert.Equal((BatchState.InDoubt, BatchState.InDoubt), (one.State, two.State));
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
