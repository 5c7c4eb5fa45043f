using CcExport.Engine.Store;
using CcExport.Engine.Tests.ConstantContact.Support;

namespace CcExport.Engine.Tests.Upload;

/// <summary>Sending under a lease, and what the journal holds when something goes wrong at the worst moment.</summary>
public sealed class UploaderTests
{
    private static CcException Lost => new("LeaseLost", CcErrorKind.Conflict, "Taken over.");

    [Fact]
    public async Task The_lease_is_asked_when_the_request_is_about_to_leave()
    {
        await using SealedRun run = await SealedRun.OpenAsync(50);
        // Held when the batch is taken up; lost when its call has its place.
        int asked = 0;
        CcException? stop = await run.Uploader(_ => ++asked >= 2 ? throw Lost : Task.CompletedTask).SendAsync(default);
        Assert.Equal("LeaseLost", stop!.ErrorId);
        Assert.Empty(run.Wired.Server.To(Wired.Import));
        // Whoever has the run now finds it in Sending and looks for it: it is not ours to say that it was not sent.
        Assert.Equal(BatchState.Sending, (await run.OnDiskAsync(1)).State);
        Assert.Equal(0, run.LooksMade);
    }

    [Fact]
    public async Task The_lease_is_asked_again_for_each_try()
    {
        await using SealedRun run = await SealedRun.OpenAsync(50);
        run.Wired.Server.Script(Wired.Import, Wired.Throttled, Reply.Json(SealedRun.Job("a", 0, run.Now, "initialized"), 201));
        int asked = 0;
        CcException? stop = await run.Uploader(_ => ++asked >= 3 ? throw Lost : Task.CompletedTask).SendAsync(default);
        Assert.Equal("LeaseLost", stop!.ErrorId);
        Assert.Single(run.Wired.Server.To(Wired.Import));
    }

    [Fact]
    public async Task Without_the_lease_no_batch_is_even_begun()
    {
        await using SealedRun run = await SealedRun.OpenAsync(50, 48);
        CcException? stop = await run.Uploader(_ => throw Lost).SendAsync(default);
        Assert.Equal("LeaseLost", stop!.ErrorId);
        Assert.Equal([BatchState.Sealed, BatchState.Sealed], [(await run.OnDiskAsync(1)).State, (await run.OnDiskAsync(2)).State]);
    }

    [Fact]
    public async Task A_journal_that_fails_after_the_answer_leaves_the_batch_to_be_looked_for()
    {
        await using SealedRun run = await SealedRun.OpenAsync(50);
        run.Wired.Server.Script(Wired.Import, Reply.Json(SealedRun.Job("a", 0, run.Now, "initialized"), 201));
        // From the answer on nothing can be written.
        bool full = false;
        run.Tap.Before = (step, _) => (full |= step == "SentAsync") ? throw new CcException("DiskFull", CcErrorKind.Storage, "Full.") : Task.CompletedTask;
        CcException? stop = await run.Uploader(_ => Task.CompletedTask).SendAsync(default);
        Assert.Equal("DiskFull", stop!.ErrorId);
        Assert.Equal(BatchState.Sending, (await run.OnDiskAsync(1)).State);

        run.Tap.Before = null;
        string job = SealedRun.Job("a", 50, run.Now);
        run.Looks([job], [job]);
        Assert.Null(await run.Uploader(_ => Task.CompletedTask).SendAsync(default));
        Assert.Equal((BatchState.Sent, "a"), ((await run.OnDiskAsync(1)).State, (await run.OnDiskAsync(1)).ActivityId));
        Assert.Single(run.Wired.Server.To(Wired.Import));
    }

    [Fact]
    public async Task Waiting_for_room_is_told_by_the_second_and_a_stop_is_heard_meanwhile()
    {
        await using SealedRun run = await SealedRun.OpenAsync(50);
        run.Wired.Server.Always(Wired.Import, Wired.Throttled);
        List<string> told = [];
        CcException? stop = await run.Uploader(
            _ => told.Count >= 3 ? throw new CcException("RunStopped", CcErrorKind.Conflict, "Stopped.") : Task.CompletedTask, told.Add).SendAsync(default);
        Assert.Equal("RunStopped", stop!.ErrorId);
        Assert.Equal(["30 s", "29 s", "28 s"], told.Select(text => text[(text.LastIndexOf("in ", StringComparison.Ordinal) + 3)..].TrimEnd('.')));
        Assert.Equal(BatchState.Sealed, (await run.OnDiskAsync(1)).State);
    }
}
