using CcExport.Engine.Store;

namespace CcExport.Engine.Tests.Store;

/// <summary>What the journal does for runs that are settled, verified, opened again, ended from outside.</summary>
public abstract class RecoveryCompliance : StoreCompliance
{
    private static readonly DateTimeOffset At = Records.Noon.AddHours(1);

    private Task ConflictAsync(Func<Task> act) => FailsAsync("JournalConflict", CcErrorKind.Conflict, act);

    private async Task<long> SealedRunAsync(int batches, RunRecord? record = null)
    {
        long run = await Store.Runs.OpenAsync(record ?? Records.Run(), None);
        for (int number = 1; number <= batches; number++) await Store.Runs.SealedAsync(run, Records.Batch(number), None);
        await Store.Runs.AllSealedAsync(run, new RunNumbers { Read = 10 * batches, Sent = 10 * batches, Batches = batches }, At, None);
        return run;
    }

    private async Task SendAsync(long run, int batch)
    {
        await Store.Runs.SendingAsync(run, batch, At, None);
        await Store.Runs.SentAsync(run, batch, $"job-{run}-{batch}", At, None);
    }

    private async Task<BatchRecord> BatchAsync(long run, int number) => (await Store.Runs.GetBatchesAsync(run, None)).Single(b => b.Number == number);

    private static BatchOutcome Failed(int accepted, int moved, int refused = 0) => new("failed", accepted, 0, refused, 0, "failed", At, moved);

    [StoreFact]
    public async Task A_failed_batch_is_settled_together_with_the_batch_that_its_rest_goes_in()
    {
        long run = await SealedRunAsync(2);
        await SendAsync(run, 1);
        await SendAsync(run, 2);
        // Seven moved, six sealed: then none of it happens.
        await ConflictAsync(() => Store.Runs.SettledAsync(run, [(1, Failed(3, 7)), (2, Failed(10, 0))], [Records.Batch(3, 6)], None));
        Assert.Equal((BatchState.Sent, BatchState.Sent, 2), ((await BatchAsync(run, 1)).State, (await BatchAsync(run, 2)).State, (await Store.Runs.GetBatchesAsync(run, None)).Count));
        await ConflictAsync(() => Store.Runs.SettledAsync(run, [(1, Failed(3, 6))], [Records.Batch(3, 6)], None));
        await Store.Runs.SettledAsync(run, [(1, Failed(3, 7)), (2, Failed(10, 0))], [Records.Batch(3, 7) with { Again = true }], None);
        BatchRecord first = await BatchAsync(run, 1), fresh = await BatchAsync(run, 3);
        Assert.Equal((BatchState.Finished, 3, 7, false), (first.State, first.Outcome!.Accepted, first.Outcome.Moved, first.Again));
        Assert.Equal((BatchState.Sealed, 7, true, (BatchOutcome?)null), (fresh.State, fresh.Rows, fresh.Again, fresh.Outcome));
        await SendAsync(run, 3);
        await Store.Runs.FinishedAsync(run, 3, Records.Outcome(7), None);
        await Store.Runs.CloseAsync(run, RunStatus.Completed, new RunNumbers(), null, At, None);
    }

    [StoreFact]
    public async Task Finished_batches_are_revised_all_or_none_while_the_run_is_open()
    {
        long run = await SealedRunAsync(2);
        foreach (int batch in new[] { 1, 2 })
        {
            await SendAsync(run, batch);
            if (batch == 1) await Store.Runs.FinishedAsync(run, batch, Records.Outcome(0, unaccounted: 10), None);
        }
        await ConflictAsync(() => Store.Runs.RevisedAsync(run, [(1, Records.Outcome(10)), (2, Records.Outcome(10))], None));
        Assert.Equal(10, (await BatchAsync(run, 1)).Outcome!.Unaccounted);
        await ConflictAsync(() => Store.Runs.RevisedAsync(run, [(1, Records.Outcome(9))], None));
        await Store.Runs.FinishedAsync(run, 2, Records.Outcome(10), None);
        await Store.Runs.RevisedAsync(run, [(1, Records.Outcome(8, refused: 2))], None);
        Assert.Equal((8, 2), ((await BatchAsync(run, 1)).Outcome!.Accepted, (await BatchAsync(run, 1)).Outcome!.Refused));
        await Store.Runs.CloseAsync(run, RunStatus.CompletedWithErrors, new RunNumbers(), null, At, None);
        await ConflictAsync(() => Store.Runs.RevisedAsync(run, [(1, Records.Outcome(10))], None));
    }

    [StoreFact]
    public async Task Only_a_run_that_kept_its_spool_is_opened_again_and_only_unsent_batches_are_sealed_again()
    {
        long run = await SealedRunAsync(2);
        await Store.Runs.SendingAsync(run, 1, At, None);
        await Store.Runs.FinishedAsync(run, 1, new BatchOutcome("InDoubt", 0, 0, 0, 10, null, At), None);
        await SendAsync(run, 2);
        await Store.Runs.FinishedAsync(run, 2, Records.Outcome(10), None);
        await ConflictAsync(() => Store.Runs.ReopenAsync(run, [1], "{}", None));
        await Store.Runs.CloseAsync(run, RunStatus.CompletedWithErrors, new RunNumbers { Unaccounted = 10 }, null, At, None, keepSpool: true);
        Assert.NotNull((await Store.Runs.FindAsync(run, None))!.SpoolKey);
        await ConflictAsync(() => Store.Runs.ReopenAsync(run, [1, 2], "{}", None));
        Assert.NotNull((await Store.Runs.FindAsync(run, None))!.CompletedAt);
        await Store.Runs.ReopenAsync(run, [1], """{"again":1}""", None);
        RunRecord opened = (await Store.Runs.FindAsync(run, None))!;
        Assert.Equal((RunStatus.Interrupted, null, """{"again":1}"""), (opened.Status, opened.CompletedAt, opened.Definition));
        Assert.Equal((BatchState.Sealed, (BatchOutcome?)null), ((await BatchAsync(run, 1)).State, (await BatchAsync(run, 1)).Outcome));
        Assert.Equal(BatchState.Finished, (await BatchAsync(run, 2)).State);
        await SendAsync(run, 1);
        await Store.Runs.FinishedAsync(run, 1, Records.Outcome(10), None);
        await Store.Runs.CloseAsync(run, RunStatus.Completed, new RunNumbers(), null, At, None);
        Assert.Null((await Store.Runs.FindAsync(run, None))!.SpoolKey);
        await ConflictAsync(() => Store.Runs.ReopenAsync(run, [], "{}", None));
    }

    [StoreFact]
    public async Task Kept_spools_are_found_and_forgotten_those_of_open_runs_are_not()
    {
        long kept = await SealedRunAsync(0), open = await SealedRunAsync(0), plain = await SealedRunAsync(0);
        await Store.Runs.CloseAsync(kept, RunStatus.CompletedWithErrors, new RunNumbers(), null, At, None, keepSpool: true);
        await Store.Runs.CloseAsync(plain, RunStatus.Completed, new RunNumbers(), null, At, None);
        Assert.Equal([kept], (await Store.Runs.ListAsync(new RunQuery(KeptSpoolOnly: true), None)).Select(r => r.Id));
        Assert.Equal([open], (await Store.Runs.ListAsync(new RunQuery(OpenOnly: true), None)).Select(r => r.Id));
        Assert.Equal([kept], await Store.Runs.ForgetSpoolsAsync([kept, open, plain], None));
        Assert.Empty(await Store.Runs.ListAsync(new RunQuery(KeptSpoolOnly: true), None));
        Assert.NotNull((await Store.Runs.FindAsync(open, None))!.SpoolKey);
    }

    [StoreFact]
    public async Task A_wish_to_stop_reaches_an_open_run_only()
    {
        long run = await SealedRunAsync(0);
        Assert.False(await Store.Runs.IsStopRequestedAsync(run, None));
        Assert.True(await Store.Runs.RequestStopAsync(run, At, None));
        Assert.True(await Store.Runs.RequestStopAsync(run, At, None));
        Assert.True(await (await AnotherAsync()).Runs.IsStopRequestedAsync(run, None));
        await Store.Runs.DefineAsync(run, """{"more":1}""", None);
        await Store.Runs.CloseAsync(run, RunStatus.Canceled, new RunNumbers(), null, At, None);
        Assert.False(await Store.Runs.RequestStopAsync(run, At, None));
        Assert.False(await Store.Runs.RequestStopAsync(run + 1, At, None));
        await ConflictAsync(() => Store.Runs.DefineAsync(run, "{}", None));
    }

    [StoreFact]
    public async Task Batches_of_other_runs_are_rivals_unless_their_account_is_another()
    {
        var account = Guid.NewGuid();
        long own = await SealedRunAsync(1, Records.Run() with { ConnectionId = account, AccountId = "A" });
        long same = await SealedRunAsync(1, Records.Run() with { ConnectionId = account, AccountId = "A" });
        long unknown = await SealedRunAsync(1, Records.Run());
        long other = await SealedRunAsync(1, Records.Run() with { AccountId = "B" });
        long over = await SealedRunAsync(1, Records.Run() with { ConnectionId = account });
        foreach (long run in new[] { own, same, unknown, other, over }) await Store.Runs.SendingAsync(run, 1, At.AddSeconds(run), None);
        await Store.Runs.InDoubtAsync(unknown, 1, At.AddSeconds(50), None);
        await Store.Runs.CloseAsync(over, RunStatus.Failed, new RunNumbers(), null, At, None);
        IReadOnlyList<BatchRecord> rivals = await Store.Runs.GetOthersOnTheirWayAsync(own, None);
        Assert.Equal([(BatchState.Sending, At.AddSeconds(same)), (BatchState.InDoubt, At.AddSeconds(unknown))], rivals.Select(b => (b.State, b.SendingAt!.Value)).OrderBy(b => b.Item2));
    }
}
