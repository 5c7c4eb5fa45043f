using System.Text;
using CcExport.Engine.ConstantContact;
using CcExport.Engine.Fingerprints;
using CcExport.Engine.Mapping;
using CcExport.Engine.Store;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>Ends runs: with the balance of all their batches, as given up, or as discarded before anything was sent.</summary>
internal sealed class RunCloser(EngineParts parts, RunReporter reporter)
{
    public const string SpoolPurpose = "spool";
    public const string StoppedForGood = "Stopped for good by Stop-CcRun.";

    /// <summary>How long giving up a run looks for answers that were lost.</summary>
    private static readonly TimeSpan LastLook = TimeSpan.FromSeconds(15);

    /// <summary>The spool of a run, with the given key or the one its journal keeps.</summary>
    public ISpool OpenSpool(RunRecord run, byte[]? key = null) => parts.OpenSpool(parts.Home, run.Id,
        key ?? parts.Secrets.Unprotect(SpoolPurpose, run.SpoolKey ?? throw new CcException("SpoolDamaged", CcErrorKind.Storage,
            $"The spool's key of run {run.Id} is gone.", "Run the export again.")));

    /// <summary>Gives every batch that has none its fate: refused as a whole, never sent, or in doubt.</summary>
    public async Task CloseLeftOversAsync(RunBatches batches, ISpool? spool, RunRejections rejections)
    {
        var closer = new BatchCloser(batches, spool, rejections, parts.Time);
        // A batch refused as a whole while sending is Finished without its rejection: it gets it here.
        foreach (BatchRecord batch in batches.In(BatchState.Finished))
        {
            if (batch.Outcome is { Verdict: Reasons.BatchRefused }) rejections.AddBatch(RejectionKind.Refused, batch.Number, batch.Rows, Reasons.BatchRefused, batch.Outcome.Message);
        }
        foreach (BatchRecord batch in batches.In(BatchState.Sealed, BatchState.Sending, BatchState.InDoubt)) await closer.CloseAsync(batch).ConfigureAwait(false);
        await rejections.FlushAsync(CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Gives a sealed run up for good, from its journal. That is possible whatever else is lost: the key ring, the spool, the connection.</summary>
    public async Task<Run> GiveUpAsync(RunRecord run, ConstantContactClient? client, string why, CancellationToken ct)
    {
        ExportDefinition definition = ExportDefinition.FromJson(run.Definition);
        using ISpool? spool = OpenSpoolIfPossible(run);
        var batches = new RunBatches(parts.Store.Runs, run.Id, await parts.Store.Runs.GetBatchesAsync(run.Id, ct).ConfigureAwait(false));
        await RunRejections.KeepFinishedAsync(parts.Home, run.Id, batches.Finished, reporter.Warning, ct).ConfigureAwait(false);
        RunRejections rejections = new(parts.Home, run.Id, definition.Segments);
        await using (rejections.ConfigureAwait(false))
        {
            int before = run.Numbers.Requests, calls = client?.Calls ?? 0;
            return await GiveUpAsync(run, batches, spool, rejections, client, () => before + (client?.Calls ?? 0) - calls, why, ct).ConfigureAwait(false);
        }
    }

    /// <summary>Only the names of refused contacts are read from it here: without it they stay unnamed.</summary>
    private ISpool? OpenSpoolIfPossible(RunRecord run)
    {
        try
        {
            return OpenSpool(run);
        }
        catch (CcException e)
        {
            reporter.Warning($"The spool of run {run.Id} cannot be opened any more: {e.Message}");
            return null;
        }
    }

    /// <summary>
    /// Gives a sealed run up for good: nothing more is sent. One last look counts what the service has proved by now; the rest is
    /// unaccounted for, or was not sent.
    /// </summary>
    public async Task<Run> GiveUpAsync(
        RunRecord run, RunBatches batches, ISpool? spool, RunRejections rejections, ConstantContactClient? client, Func<int> requests, string why, CancellationToken ct)
    {
        reporter.Stage("Stopping", "Counting what the service has taken so far.");
        Dictionary<string, Activity> jobs = client is null ? [] : await LookAsync(batches, client, ct).ConfigureAwait(false);
        // What was in the making when the stop came: each batch is named below, once.
        await rejections.KeepFinishedAsync(batches.Finished).ConfigureAwait(false);
        var closer = new BatchCloser(batches, spool, rejections, parts.Time);
        foreach (BatchRecord batch in batches.In(BatchState.Sent))
        {
            await closer.CloseStoppedAsync(batch, jobs.GetValueOrDefault(batch.ActivityId!), CancellationToken.None).ConfigureAwait(false);
        }
        await CloseLeftOversAsync(batches, spool, rejections).ConfigureAwait(false);
        // How far its removal had come stands in the journal, and nowhere else when the stop came in the middle of it.
        run = await parts.Store.Runs.FindAsync(run.Id, CancellationToken.None).ConfigureAwait(false) is { } now ? run with { Definition = now.Definition } : run;
        if (client is not null && spool is not null) run = await new MirrorRemoval(parts, reporter, client, null, spool, rejections).AbandonAsync(run, LastLook).ConfigureAwait(false);
        await RememberAsync(run, batches, spool, rejections).ConfigureAwait(false);
        if (spool is not null) await new TraceKeeper(parts).WriteAsync(run, batches, spool, rejections, reporter.Warning).ConfigureAwait(false);
        return await EndAsync(run, RunStatus.Canceled, Balance(run, batches, requests()), why, keepSpool: false).ConfigureAwait(false);
    }

    /// <summary>A run that is given up has put people on the list all the same. If they cannot be remembered, that is said: ending a run never fails for it.</summary>
    private async Task RememberAsync(RunRecord run, RunBatches batches, ISpool? spool, RunRejections rejections)
    {
        try
        {
            if (spool is null || await parts.Store.Connections.FindAsync(run.ConnectionId, CancellationToken.None).ConfigureAwait(false) is not { } connection)
                throw new CcException("SpoolUnreadable", CcErrorKind.Storage, "its spool or its connection is gone");
            await new MemoryKeeper(parts, reporter, run.Id).RememberAsync(run, ExportDefinition.FromJson(run.Definition), connection, batches, spool, rejections, null, CancellationToken.None).ConfigureAwait(false);
        }
        catch (CcException e)
        {
            if (batches.All.Any(b => b.Outcome is { Accepted: > 0 }))
                reporter.Warning($"Whom run {run.Id} put on the list cannot be remembered ({e.Message}): who of them leaves the list is not known to have left.");
        }
    }

    private async Task<Dictionary<string, Activity>> LookAsync(RunBatches batches, ConstantContactClient client, CancellationToken ct)
    {
        Dictionary<string, Activity> jobs = [];
        if (batches.In(BatchState.Sent, BatchState.Sending, BatchState.InDoubt).Count == 0) return jobs;
        try
        {
            await new DoubtResolver(client, batches, parts.Time, parts.Upload with { DoubtDeadline = LastLook }, _ => Task.CompletedTask, [])
                .ResolveAsync(reporter.Verbose, ct).ConfigureAwait(false);
            foreach (Activity job in await client.GetActivitiesAsync(ct).ConfigureAwait(false)) jobs[job.ActivityId] = job;
        }
        catch (CcException e)
        {
            reporter.Warning($"What the service has taken could not be asked: {e.Message} It is counted as unaccounted for.");
        }
        return jobs;
    }

    /// <summary>Closes a run whose batches all have their fate.</summary>
    /// <param name="end">What ended it before all was sent.</param>
    /// <param name="reader">Reads the list back where somebody's fate is open; null: it is not read.</param>
    public async Task<Run> CloseAsync(RunRecord run, RunBatches batches, ISpool spool, RunRejections rejections, ConnectionRecord connection, ListReader? reader, Func<int> requests, CcException? end)
    {
        await new MemoryKeeper(parts, reporter, run.Id).RememberAsync(run, ExportDefinition.FromJson(run.Definition), connection, batches, spool, rejections, reader, CancellationToken.None).ConfigureAwait(false);
        await new TraceKeeper(parts).WriteAsync(run, batches, spool, rejections, reporter.Warning).ConfigureAwait(false);
        RunNumbers numbers = Balance(run, batches, requests());
        bool clean = numbers.Refused == 0 && numbers.Unaccounted == 0;
        // Batches that were never sent: a run that had to end, perhaps in a process before this one, which has left its reason.
        bool failed = end is not null || HadToEnd(batches);
        if (end is not null) RunSignals.Fails(run, end);
        RunStatus status = failed ? RunStatus.Failed : clean ? RunStatus.Completed : RunStatus.CompletedWithErrors;
        string? message = failed ? end is null ? run.Message : Explain(end) : clean ? null : Remains(run, batches, numbers);
        if (ExportDefinition.FromJson(run.Definition).Undoes is { } undone) message = FormattableString.Invariant($"Undoes run {undone}. {message}").TrimEnd();
        // What may still be sent, or found by reading the list back, needs the contacts; a run that failed is invoked again instead.
        bool keep = status == RunStatus.CompletedWithErrors
            && (numbers.Unaccounted > 0 || await AnyAsync(rejections, r => r.ReasonId == Reasons.RefusedUnnamed).ConfigureAwait(false));
        return await EndAsync(run, status, numbers, message, keep).ConfigureAwait(false);
    }

    /// <summary>Batches were given up unsent: only a run that could not go to its end has such.</summary>
    public static bool HadToEnd(RunBatches batches) => batches.All.Any(b => b.Outcome?.Verdict == Reasons.NotSent);

    private static async Task<bool> AnyAsync(RunRejections rejections, Func<RejectionRecord, bool> asked)
    {
        await foreach (RejectionRecord r in rejections.ReadAsync(CancellationToken.None, ofSent: true).ConfigureAwait(false))
        {
            if (asked(r)) return true;
        }
        return false;
    }

    private static string Remains(RunRecord run, RunBatches batches, RunNumbers numbers)
    {
        var text = new StringBuilder();
        text.Append(FormattableString.Invariant($"{numbers.Refused:N0} refused, {numbers.Unaccounted:N0} unaccounted for: Get-CcRejection -RunId {run.Id} says which and why."));
        int[] doubtful = [.. batches.All.Where(b => b.Outcome is { Verdict: Reasons.InDoubt, Unaccounted: > 0 }).Select(b => b.Number)];
        if (doubtful.Length > 0)
            text.Append(FormattableString.Invariant($" The answer to batch {string.Join(", ", doubtful)} was lost: Resume-CcRun -Id {run.Id} -SendInDoubt sends it once more, -Verify reads the list back first."));
        return text.ToString();
    }

    private RunNumbers Balance(RunRecord run, RunBatches batches, int requests)
    {
        // What was held out after it had been sealed was not sent. From the batches, so that it comes to the same each time the run is closed.
        long sent = batches.All.Sum(b => (long)b.Rows - (b.Outcome?.Moved ?? 0) - (b.Outcome?.HeldOut ?? 0));
        RunNumbers numbers = run.Numbers with
        {
            Sent = sent,
            Suppressed = run.Numbers.Read - run.Numbers.Invalid - run.Numbers.Duplicate - run.Numbers.Unchanged - sent,
            Removed = ExportDefinition.FromJson(run.Definition).Removal?.Removed ?? 0,
            Requests = requests,
            Accepted = 0,
            OptedOut = 0,
            Refused = 0,
            Unaccounted = 0,
            BytesSent = 0,
            Batches = batches.All.Count,
        };
        foreach (BatchRecord batch in batches.All)
        {
            BatchOutcome outcome = batch.Outcome ?? throw new InvalidOperationException($"Batch {batch.Number} has no outcome.");
            numbers = numbers with
            {
                Accepted = numbers.Accepted + outcome.Accepted,
                OptedOut = numbers.OptedOut + outcome.OptedOut,
                Refused = numbers.Refused + outcome.Refused,
                Unaccounted = numbers.Unaccounted + outcome.Unaccounted,
                BytesSent = numbers.BytesSent + (batch.ActivityId is null ? 0 : batch.Bytes),
            };
        }
        return numbers.Suppressed >= run.Numbers.Suppressed && numbers.Sent == numbers.Accepted + numbers.OptedOut + numbers.Refused + numbers.Unaccounted ? numbers
            : throw new InvalidOperationException("The sent side of the balance does not close.");
    }

    /// <summary>The same of one that failed.</summary>
    public Task<Run> DiscardAsync(RunRecord run, CcException why, int requests)
    {
        RunSignals.Fails(run, why);
        return DiscardAsync(run, RunStatus.Failed, requests, Explain(why));
    }

    /// <summary>
    /// Closes a run that ends before its mark AllSealed: it sent nothing and counts nothing, since what was counted so far is no whole.
    /// </summary>
    public Task<Run> DiscardAsync(RunRecord run, RunStatus status, int requests, string message)
    {
        RejectionFile.Delete(parts.Home, run.Id);
        TraceFile.Delete(parts.Home, run.Id);
        // First of all: a disk that the spool has filled has no room for the record of it either.
        Spool.Remove(Spool.FolderOf(parts.Home.SpoolFolder, run.Id));
        return EndAsync(run, status, new RunNumbers { Requests = requests }, message, keepSpool: false);
    }

    /// <summary>Writes the end down, even for a person who no longer waits, and then erases the spool.</summary>
    private async Task<Run> EndAsync(RunRecord run, RunStatus status, RunNumbers numbers, string? message, bool keepSpool)
    {
        DateTimeOffset now = parts.Time.GetUtcNow();
        reporter.Stage("Closing", "Closing the balance.");
        await parts.Store.Runs.CloseAsync(run.Id, status, numbers, message, now, CancellationToken.None, keepSpool).ConfigureAwait(false);
        if (!keepSpool) Spool.Remove(Spool.FolderOf(parts.Home.SpoolFolder, run.Id));
        await new RunKeeper(parts).TidyAsync(now: ExportDefinition.FromJson(run.Definition).Undoes is not null).ConfigureAwait(false);
        if (status is RunStatus.Completed or RunStatus.CompletedWithErrors) await new RunKeeper(parts).ForgetSupersededAsync(run).ConfigureAwait(false);
        Run ended = RunViews.Of(run with { Status = status, Numbers = numbers, Message = message, CompletedAt = now });
        if (run.PlannedAt is null) RunSignals.Ended(ended);
        return ended;
    }

    /// <summary>A person who pressed Ctrl+C does not wait for a store that somebody has locked: the next invocation finds the run all the same.</summary>
    public async Task BrieflyAsync(Task writing)
    {
        try
        {
            await writing.WaitAsync(TimeSpan.FromMilliseconds(500), parts.Time).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or CcException)
        {
            reporter.Verbose("The store could not be told that the run was stopped.");
        }
    }

    public static string Explain(CcException e)
    {
        var text = new StringBuilder(e.Message);
        if (e.Remedy is not null) text.Append(' ').Append(e.Remedy);
        return text.ToString();
    }
}
