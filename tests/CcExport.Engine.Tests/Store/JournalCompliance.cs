using CcExport.Engine.Store;

namespace CcExport.Engine.Tests.Store;

/// <summary>The journal of runs and batches.</summary>
public abstract class JournalCompliance : StoreCompliance
{
    private static readonly DateTimeOffset At = Records.Noon.AddHours(1);

    private async Task<long> SealedRunAsync(int batches = 1, string? export = "Weekly")
    {
        long run = await Store.Runs.OpenAsync(Records.Run(export), None);
        for (int number = 1; number <= batches; number++)
        {
            await Store.Runs.SealedAsync(run, Records.Batch(number), None);
        }
        await Store.Runs.AllSealedAsync(run, new RunNumbers { Read = 10, Sent = 10, Batches = batches }, At, None);
        return run;
    }

    private async Task<BatchRecord> BatchAsync(long run, int number = 1) => (await Store.Runs.GetBatchesAsync(run, None)).Single(b => b.Number == number);

    private Task ConflictAsync(Func<Task> act) => FailsAsync("JournalConflict", CcErrorKind.Conflict, act);

    /// <summary>Brings batch 1 of a new run to a state by the shortest way.</summary>
    private async Task<long> RunInStateAsync(string state)
    {
        long run = await SealedRunAsync();
        IRunJournal runs = Store.Runs;
        if (state != "Sealed")
        {
            await runs.SendingAsync(run, 1, At, None);
        }
        if (state == "InDoubt")
        {
            await runs.InDoubtAsync(run, 1, At.AddSeconds(30), None);
        }
        if (state is "Sent" or "Finished")
        {
            await runs.SentAsync(run, 1, $"activity-{run}", At.AddSeconds(1), None);
        }
        if (state == "Finished")
        {
            await runs.FinishedAsync(run, 1, Records.Outcome(10), None);
        }
        Assert.Equal(state, (await BatchAsync(run)).State.ToString());
        return run;
    }

    private Task TakeAsync(string step, long run) => step switch
    {
        "Sending" => Store.Runs.SendingAsync(run, 1, At, None),
        "Sent" => Store.Runs.SentAsync(run, 1, $"activity-{run}", At, None),
        "InDoubt" => Store.Runs.InDoubtAsync(run, 1, At, None),
        "NotSent" => Store.Runs.NotSentAsync(run, 1, None),
        _ => Store.Runs.FinishedAsync(run, 1, Records.Outcome(10), None),
    };

    public static TheoryData<string, string, string?> Steps()
    {
        var possible = new Dictionary<(string From, string Step), string>
        {
            [("Sealed", "Sending")] = "Sending",
            [("Sending", "Sent")] = "Sent",
            [("InDoubt", "Sent")] = "Sent",
            [("Sending", "InDoubt")] = "InDoubt",
            [("Sending", "NotSent")] = "Sealed",
            [("InDoubt", "NotSent")] = "Sealed",
            [("Sealed", "Finished")] = "Finished",
            [("Sending", "Finished")] = "Finished",
            [("InDoubt", "Finished")] = "Finished",
            [("Sent", "Finished")] = "Finished",
        };
        var data = new TheoryData<string, string, string?>();
        foreach (string from in new[] { "Sealed", "Sending", "InDoubt", "Sent", "Finished" })
        {
            foreach (string step in new[] { "Sending", "Sent", "InDoubt", "NotSent", "Finished" })
            {
                data.Add(from, step, possible.GetValueOrDefault((from, step)));
            }
        }
        return data;
    }

    [StoreTheory]
    [MemberData(nameof(Steps))]
    public async Task A_step_is_taken_from_where_it_may_be_and_nowhere_else(string from, string step, string? to)
    {
        long run = await RunInStateAsync(from);
        BatchRecord before = await BatchAsync(run);
        if (to is null)
        {
            await ConflictAsync(() => TakeAsync(step, run));
            Assert.Equal(before, await BatchAsync(run));
        }
        else
        {
            await TakeAsync(step, run);
            Assert.Equal(to, (await BatchAsync(run)).State.ToString());
        }
    }

    [StoreFact]
    public async Task A_run_comes_back_as_it_was_opened_and_gets_an_id_of_its_own()
    {
        RunRecord opened = Records.Run() with { Message = "begun", Numbers = Records.Numbers };
        long first = await Store.Runs.OpenAsync(opened, None);
        long second = await Store.Runs.OpenAsync(opened with { Export = null, SpoolKey = null }, None);

        IStore reopened = await AnotherAsync();
        Assert.True(second > first);
        Assert.Equivalent(opened with { Id = first }, await reopened.Runs.FindAsync(first, None), strict: true);
        Assert.Equivalent(opened with { Id = second, Export = null, SpoolKey = null }, await reopened.Runs.FindAsync(second, None), strict: true);
        Assert.Null(await reopened.Runs.FindAsync(second + 1, None));
    }

    [StoreFact]
    public async Task A_batch_tells_its_whole_story()
    {
        long run = await SealedRunAsync(2);
        await Store.Runs.SendingAsync(run, 2, At, None);
        await Store.Runs.InDoubtAsync(run, 2, At.AddSeconds(30), None);
        Assert.Equal(Records.Batch(2) with { State = BatchState.InDoubt, SendingAt = At, SentAt = At.AddSeconds(30), Attempts = 1 }, await BatchAsync(run, 2));

        await Store.Runs.NotSentAsync(run, 2, None);
        Assert.Equal(BatchState.Sealed, (await BatchAsync(run, 2)).State);

        await Store.Runs.SendingAsync(run, 2, At.AddMinutes(1), None);
        Assert.Equal(Records.Batch(2) with { State = BatchState.Sending, SendingAt = At.AddMinutes(1), Attempts = 2 }, await BatchAsync(run, 2));

        await Store.Runs.SentAsync(run, 2, "act-2", At.AddMinutes(2), None);
        BatchOutcome outcome = Records.Outcome(4, 3, 2, 1);
        await Store.Runs.FinishedAsync(run, 2, outcome, None);
        Assert.Equal(Records.Batch(2) with
        {
            State = BatchState.Finished,
            SendingAt = At.AddMinutes(1),
            SentAt = At.AddMinutes(2),
            ActivityId = "act-2",
            Attempts = 2,
            Outcome = outcome,
        }, await BatchAsync(run, 2));
        Assert.Equal(Records.Batch(1), await BatchAsync(run, 1));
    }

    [StoreFact]
    public async Task An_activity_belongs_to_one_batch_over_all_runs()
    {
        long first = await SealedRunAsync(2);
        long second = await SealedRunAsync();
        await Store.Runs.SendingAsync(first, 1, At, None);
        await Store.Runs.SentAsync(first, 1, "act", At, None);
        await Store.Runs.FinishedAsync(first, 1, Records.Outcome(10), None);
        foreach ((long run, int batch) in new[] { (first, 2), (second, 1) })
        {
            await Store.Runs.SendingAsync(run, batch, At, None);
            await FailsAsync("ActivityClaimed", CcErrorKind.Conflict, () => Store.Runs.SentAsync(run, batch, "act", At, None));
            Assert.Equal(BatchState.Sending, (await BatchAsync(run, batch)).State);
        }
        await Store.Runs.SentAsync(second, 1, "ACT", At, None);

        string[] listing = [.. Enumerable.Range(0, 2000).Select(i => $"other-\"{i}"), "act"];
        Assert.Equal(["act"], await Store.Runs.GetClaimedAsync(listing, None));
        Assert.Empty(await Store.Runs.GetClaimedAsync([], None));
    }

    [StoreFact]
    public async Task Of_two_processes_that_send_one_batch_only_one_may()
    {
        long run = await SealedRunAsync();
        IStore other = await AnotherAsync();
        bool[] sent = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(async () =>
        {
            try
            {
                await (i % 2 == 0 ? Store : other).Runs.SendingAsync(run, 1, At, None);
                return true;
            }
            catch (CcException e) when (e.ErrorId == "JournalConflict")
            {
                return false;
            }
        })));
        Assert.Single(sent, true);
        Assert.Equal(1, (await BatchAsync(run)).Attempts);
    }

    [StoreFact]
    public async Task Nothing_is_sent_before_all_is_sealed_and_nothing_sealed_after()
    {
        long run = await Store.Runs.OpenAsync(Records.Run(), None);
        await Store.Runs.SealedAsync(run, Records.Batch(1), None);
        await ConflictAsync(() => Store.Runs.SealedAsync(run, Records.Batch(1), None));
        await ConflictAsync(() => Store.Runs.SendingAsync(run, 1, At, None));

        await Store.Runs.AllSealedAsync(run, Records.Numbers, At, None);
        RunRecord marked = (await Store.Runs.FindAsync(run, None))!;
        Assert.Equal(At, marked.AllSealedAt);
        Assert.Equal(new RunNumbers { Read = 1, Invalid = 2, Duplicate = 3, Suppressed = 4, Unchanged = 5, Sent = 6, Noted = 12, Batches = 13 }, marked.Numbers);

        await ConflictAsync(() => Store.Runs.AllSealedAsync(run, Records.Numbers, At, None));
        await ConflictAsync(() => Store.Runs.SealedAsync(run, Records.Batch(2), None));
        await Store.Runs.SendingAsync(run, 1, At, None);
    }

    [StoreFact]
    public async Task Unknown_runs_and_batches_are_conflicts()
    {
        long run = await SealedRunAsync();
        await ConflictAsync(() => Store.Runs.SealedAsync(run + 1, Records.Batch(1), None));
        await ConflictAsync(() => Store.Runs.SendingAsync(run, 2, At, None));
        await ConflictAsync(() => Store.Runs.FinishedAsync(run, 2, Records.Outcome(10), None));
        await ConflictAsync(() => Store.Runs.SetStatusAsync(run + 1, RunStatus.Running, null, None));
        await ConflictAsync(() => Store.Runs.CloseAsync(run + 1, RunStatus.Failed, Records.Numbers, null, At, None));
        Assert.Empty(await Store.Runs.GetBatchesAsync(run + 1, None));
    }

    [StoreTheory]
    [InlineData(10, 1, 0, 0)]
    [InlineData(9, 0, 0, 0)]
    [InlineData(11, 0, -1, 0)]
    [InlineData(0, 0, 0, 11)]
    public async Task An_outcome_gives_each_row_one_fate(int accepted, int optedOut, int refused, int unaccounted)
    {
        long run = await RunInStateAsync("Sent");
        await ConflictAsync(() => Store.Runs.FinishedAsync(run, 1, Records.Outcome(accepted, optedOut, refused, unaccounted), None));
        Assert.Equal(BatchState.Sent, (await BatchAsync(run)).State);
    }

    [StoreFact]
    public async Task Closing_writes_the_numbers_and_destroys_the_spool_key()
    {
        long run = await RunInStateAsync("Finished");
        await Store.Runs.SetStatusAsync(run, RunStatus.Verifying, "looking", None);
        RunRecord before = (await Store.Runs.FindAsync(run, None))!;
        Assert.Equal((RunStatus.Verifying, "looking"), (before.Status, before.Message));
        Assert.NotNull(before.SpoolKey);

        await Store.Runs.CloseAsync(run, RunStatus.CompletedWithErrors, Records.Numbers, "done", At.AddHours(1), None);

        RunRecord after = (await Store.Runs.FindAsync(run, None))!;
        Assert.Equal(before with
        {
            Status = RunStatus.CompletedWithErrors,
            Numbers = Records.Numbers,
            Message = "done",
            CompletedAt = At.AddHours(1),
            SpoolKey = null,
        }, after);
    }

    [StoreFact]
    public async Task A_closed_run_stays_as_it_is()
    {
        long run = await RunInStateAsync("Sending");
        await Store.Runs.CloseAsync(run, RunStatus.Canceled, Records.Numbers, null, At, None);

        await ConflictAsync(() => Store.Runs.CloseAsync(run, RunStatus.Failed, Records.Numbers, null, At, None));
        await ConflictAsync(() => Store.Runs.SetStatusAsync(run, RunStatus.Running, null, None));
        await ConflictAsync(() => Store.Runs.SentAsync(run, 1, "act", At, None));
        await ConflictAsync(() => Store.Runs.SealedAsync(run, Records.Batch(2), None));
        Assert.Equal(RunStatus.Canceled, (await Store.Runs.FindAsync(run, None))!.Status);
    }

    [StoreFact]
    public async Task A_run_with_an_open_batch_is_not_complete()
    {
        long run = await RunInStateAsync("Sent");
        await ConflictAsync(() => Store.Runs.CloseAsync(run, RunStatus.Completed, Records.Numbers, null, At, None));
        await ConflictAsync(() => Store.Runs.CloseAsync(run, RunStatus.CompletedWithErrors, Records.Numbers, null, At, None));
        await Store.Runs.CloseAsync(run, RunStatus.Failed, Records.Numbers, null, At, None);
    }

    [StoreFact]
    public async Task Final_states_are_reached_by_closing_only()
    {
        long run = await SealedRunAsync();
        foreach (RunStatus status in Enum.GetValues<RunStatus>())
        {
            if (BatchSteps.IsFinal(status))
            {
                await ConflictAsync(() => Store.Runs.SetStatusAsync(run, status, null, None));
            }
            else
            {
                await Store.Runs.SetStatusAsync(run, status, null, None);
                await ConflictAsync(() => Store.Runs.CloseAsync(run, status, Records.Numbers, null, At, None));
                Assert.Equal(status, (await Store.Runs.FindAsync(run, None))!.Status);
            }
        }
    }

    [StoreFact]
    public async Task Runs_are_listed_newest_first_by_export_and_status()
    {
        long a = await Store.Runs.OpenAsync(Records.Run("Ähre"), None);
        long b = await Store.Runs.OpenAsync(Records.Run("B"), None);
        long piped = await Store.Runs.OpenAsync(Records.Run(null), None);
        long c = await Store.Runs.OpenAsync(Records.Run("ähre"), None);
        await Store.Runs.SetStatusAsync(a, RunStatus.Interrupted, null, None);
        await Store.Runs.SetStatusAsync(b, RunStatus.Interrupted, null, None);

        async Task<long[]> Ids(RunQuery query) => [.. (await Store.Runs.ListAsync(query, None)).Select(run => run.Id)];
        Assert.Equal([c, piped, b, a], await Ids(new RunQuery()));
        Assert.Equal([c, piped], await Ids(new RunQuery(Limit: 2)));
        Assert.Equal([c, a], await Ids(new RunQuery("ÄHRE")));
        Assert.Equal([b, a], await Ids(new RunQuery(Status: RunStatus.Interrupted)));
        Assert.Equal([a], await Ids(new RunQuery("ähre", RunStatus.Interrupted, 5)));
        Assert.Empty(await Ids(new RunQuery("none")));
    }

    /// <summary>However many runs and exports there are: one look.</summary>
    [StoreFact]
    public async Task The_newest_run_of_each_export_is_told_and_no_plan()
    {
        Assert.Empty(await Store.Runs.ListNewestAsync(None));
        foreach (string name in new[] { "Ähre", "B", "Never", "Planned" }) await Store.Exports.SaveAsync(Records.Definition(name), replace: false, None);
        await ClosedRunAsync(0, "ähre", 10);
        long b = await ClosedRunAsync(1, "B", 10), a = await ClosedRunAsync(2, "ÄHRE", 10);
        await Store.Runs.OpenAsync(Records.Run(null), None);
        await Store.Runs.OpenAsync(Records.Run("Removed"), None);
        long plan = await Store.Runs.OpenAsync(Records.Run("B") with { PlannedAt = At }, None);
        await Store.Runs.OpenAsync(Records.Run("Planned") with { PlannedAt = At }, None);
        Assert.Equal([b, a], (await Store.Runs.ListNewestAsync(None)).Select(r => r.Id).Order());
        await Store.Runs.AllSealedAsync(plan, new RunNumbers(), At, None);
        await Store.Runs.GoAsync(plan, "{}", "{}", At.AddDays(3), None);
        long open = await Store.Runs.OpenAsync(Records.Run("never"), None);
        Assert.Equal([a, plan, open], (await Store.Runs.ListNewestAsync(None)).Select(r => r.Id).Order());
        Assert.Equivalent(await Store.Runs.FindAsync(a, None), (await Store.Runs.ListNewestAsync(None)).Single(r => r.Id == a), strict: true);
    }

    private async Task<long> ClosedRunAsync(int day, string? export, long accepted, string list = "l", Guid? connection = null)
    {
        RunRecord opened = Records.Run(export) with { StartedAt = At.AddDays(day), ListId = list, ConnectionId = connection ?? Guid.Empty };
        long run = await Store.Runs.OpenAsync(opened, None);
        await Store.Runs.SealedAsync(run, Records.Batch(1), None);
        await Store.Runs.AllSealedAsync(run, new RunNumbers { Read = 10, Sent = 10, Batches = 1 }, At.AddDays(day), None);
        await Store.Runs.SendingAsync(run, 1, At.AddDays(day), None);
        await Store.Runs.SentAsync(run, 1, $"activity-{run}", At.AddDays(day), None);
        await Store.Runs.FinishedAsync(run, 1, Records.Outcome((int)accepted, 0, 10 - (int)accepted), None);
        await Store.Runs.CloseAsync(run, RunStatus.CompletedWithErrors, new RunNumbers { Sent = 10, Accepted = accepted, Refused = 10 - accepted }, null, At.AddDays(day), None);
        return run;
    }

    [StoreFact]
    public async Task Runs_whose_numbers_something_depends_on_are_not_dispensable()
    {
        var other = Guid.NewGuid();
        long a1 = await ClosedRunAsync(0, "A", 10), a2 = await ClosedRunAsync(1, "a", 10), aNothing = await ClosedRunAsync(2, "A", 0);
        long aOtherList = await ClosedRunAsync(3, "A", 10, list: "m"), aOtherConnection = await ClosedRunAsync(4, "A", 10, connection: other);
        long piped1 = await ClosedRunAsync(5, null, 10), piped2 = await ClosedRunAsync(6, null, 10);
        long open = await SealedRunAsync(export: "A");
        long late = await ClosedRunAsync(30, "B", 0);

        async Task<long[]> Ids(DateTimeOffset before, long after = 0, int limit = 100) => [.. (await Store.Runs.ListDispensableAsync(before, after, limit, None)).Select(r => r.Id)];
        Assert.Equal([a1, aNothing, piped1], await Ids(At.AddDays(29)));
        Assert.Equal([a1, aNothing], await Ids(At.AddDays(29), limit: 2));
        Assert.Equal([piped1], await Ids(At.AddDays(29), after: aNothing));
        Assert.Equal([a1], await Ids(At.AddDays(2)));

        long[] all = [a1, a2, aNothing, aOtherList, aOtherConnection, piped1, piped2, open, 999];
        Assert.Equal([a1, aNothing, piped1], (await Store.Runs.RemoveRunsAsync(all, None)).Order());
        Assert.Equal([late, open, piped2, aOtherConnection, aOtherList, a2], (await Store.Runs.ListAsync(new RunQuery(), None)).Select(r => r.Id));
        Assert.Empty(await Store.Runs.GetBatchesAsync(a1, None));
        Assert.Single(await Store.Runs.GetBatchesAsync(a2, None));
        Assert.Equal([$"activity-{a2}"], await Store.Runs.GetClaimedAsync([$"activity-{a1}", $"activity-{a2}"], None));
        Assert.True(await Store.Runs.HasAcceptedBeforeAsync("A", None));
        Assert.Empty(await Store.Runs.RemoveRunsAsync([], None));
    }

    [StoreFact]
    public async Task Accepted_before_counts_closed_and_interrupted_runs()
    {
        long closed = await RunInStateAsync("Finished");
        await Store.Runs.CloseAsync(closed, RunStatus.Completed, new RunNumbers { Sent = 10, Accepted = 10 }, null, At, None);
        long nothing = await SealedRunAsync(export: "Nothing");
        await Store.Runs.CloseAsync(nothing, RunStatus.Failed, new RunNumbers { Sent = 10, Refused = 10 }, null, At, None);
        long interrupted = await SealedRunAsync(export: "Interrupted");
        await Store.Runs.SendingAsync(interrupted, 1, At, None);
        Assert.False(await Store.Runs.HasAcceptedBeforeAsync("interrupted", None));
        await Store.Runs.FinishedAsync(interrupted, 1, Records.Outcome(1, 0, 9), None);

        Assert.True(await Store.Runs.HasAcceptedBeforeAsync("WEEKLY", None));
        Assert.True(await Store.Runs.HasAcceptedBeforeAsync("interrupted", None));
        Assert.False(await Store.Runs.HasAcceptedBeforeAsync("Nothing", None));
        Assert.False(await Store.Runs.HasAcceptedBeforeAsync("Never", None));
    }

    [StoreFact]
    public async Task Of_many_that_would_tidy_one_does_once_in_a_while()
    {
        IStore other = await AnotherAsync();
        TimeSpan hour = TimeSpan.FromHours(1);
        bool[] first = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() => (i % 2 == 0 ? Store : other).Runs.TryBeginTidyingAsync(Records.Noon, hour, None))));
        Assert.Single(first, true);
        Assert.False(await other.Runs.TryBeginTidyingAsync(Records.Noon.AddMinutes(59), hour, None));
        Assert.True(await other.Runs.TryBeginTidyingAsync(Records.Noon.AddMinutes(60), hour, None));
        Assert.False(await Store.Runs.TryBeginTidyingAsync(Records.Noon.AddMinutes(61), hour, None));
        // The mark lies ahead: whoever made it had a wrong clock.
        Assert.True(await Store.Runs.TryBeginTidyingAsync(Records.Noon, hour, None));
        Assert.True(await Store.Runs.TryBeginTidyingAsync(Records.Noon, TimeSpan.Zero, None));
    }
}
