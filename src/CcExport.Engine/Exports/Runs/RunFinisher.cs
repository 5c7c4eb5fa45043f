using CcExport.Engine.ConstantContact;
using CcExport.Engine.Store;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>
/// Brings a sealed run to its end from whatever its journal says: sends, follows, settles what failed, verifies, closes. A fresh run and one
/// that goes on take the same way; what stands in the way parks the run, and nothing is given up for it.
/// </summary>
internal sealed class RunFinisher(
    EngineParts parts, RunReporter reporter, RunCloser closer, ConstantContactClient client, ConnectionRecord connection, RunLease lease, RunWaits waits,
    ListKnowledge? known = null)
{
    /// <param name="key">The spool's key; null: the run goes on, and its journal has the key.</param>
    public async Task<Run> FinishAsync(RunRecord run, byte[]? key, CancellationToken ct)
    {
        if (key is null) RunSignals.GoesOn(run);
        StopSignal stop = new(parts.Store.Runs, run.Id, parts.Time);
        await using (stop.ConfigureAwait(false))
        {
            while (true)
            {
                Run result = await OnceAsync(run, key, stop, ct).ConfigureAwait(false);
                if (result.Status != RunStatus.WaitingForQuota || !waits.ForQuota) return result;
                bool wait = await QuotaWait.WaitAsync(parts, reporter, client.ServerSkew, stop, ct).ConfigureAwait(false);
                await lease.AssureAsync(ct).ConfigureAwait(false);
                key = null;
                run = await parts.Store.Runs.FindAsync(run.Id, ct).ConfigureAwait(false) ?? run;
                if (!wait) return await closer.GiveUpAsync(run, client, RunCloser.StoppedForGood, ct).ConfigureAwait(false);
            }
        }
    }

    private async Task<Run> OnceAsync(RunRecord run, byte[]? key, StopSignal stop, CancellationToken ct)
    {
        ExportDefinition definition = ExportDefinition.FromJson(run.Definition);
        bool goesOn = key is null;
        await lease.AssureAsync(ct).ConfigureAwait(false);
        using var spool = closer.OpenSpool(run, key);
        // A moment's reading that is not stopped, so that stopping always finds a run that knows its batches.
        var batches = new RunBatches(parts.Store.Runs, run.Id, await parts.Store.Runs.GetBatchesAsync(run.Id, CancellationToken.None).ConfigureAwait(false));
        if (goesOn) await RunRejections.KeepFinishedAsync(parts.Home, run.Id, batches.Finished, reporter.Warning, ct).ConfigureAwait(false);
        RunRejections rejections = new(parts.Home, run.Id, definition.Segments);
        await using (rejections.ConfigureAwait(false))
        {
            int callsBefore = run.Numbers.Requests, callsAtStart = client.Calls;
            int Requests() => callsBefore + client.Calls - callsAtStart;
            using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, stop.Token);
            try
            {
                // The reason why a run had to end is all that a process before this one could leave: it stays until the run is closed.
                string? reason = RunCloser.HadToEnd(batches) ? run.Message : null;
                await parts.Store.Runs.SetStatusAsync(run.Id, RunStatus.Running, reason, ct).ConfigureAwait(false);
                await LetOthersRequestsEndAsync(batches, either.Token).ConfigureAwait(false);
                Task LookAgainAsync() => !goesOn ? Task.CompletedTask
                    : new LateLeavers(parts, client, reporter).HoldOutAsync(run, definition, connection, batches, spool, rejections, lease.AssureAsync, either.Token);
                if (goesOn) await ResolveOldAsync(run, batches, either.Token).ConfigureAwait(false);
                await LookAgainAsync().ConfigureAwait(false);
                CcException? end = await WorkAsync(run, definition, batches, spool, rejections, stop, LookAgainAsync, Requests, ct, either.Token).ConfigureAwait(false);
                // Whatever ended the work: what another process has taken over meanwhile is no longer ours to write.
                await lease.AssureAsync(CancellationToken.None).ConfigureAwait(false);
                if (end is { ErrorId: "RunStopped" }) return await closer.GiveUpAsync(run, batches, spool, rejections, client, Requests, RunCloser.StoppedForGood, ct).ConfigureAwait(false);
                if (end is not null && CanGoOn(end)) return await ParkAsync(run, end, Requests()).ConfigureAwait(false);
                if (end is null && !RunCloser.HadToEnd(batches))
                {
                    run = await new MirrorRemoval(parts, reporter, client, lease, spool, rejections).RemoveAsync(run, connection, goesOn, Requests(), either.Token).ConfigureAwait(false);
                    await lease.AssureAsync(CancellationToken.None).ConfigureAwait(false);
                }
                return await closer.CloseAsync(run, batches, spool, rejections, connection, new ListReader(client, parts.Time, parts.Upload), Requests, end).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stop.IsRequested && !ct.IsCancellationRequested)
            {
                await lease.AssureAsync(CancellationToken.None).ConfigureAwait(false);
                return await closer.GiveUpAsync(run, batches, spool, rejections, client, Requests, RunCloser.StoppedForGood, ct).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                await lease.AssureAsync(CancellationToken.None).ConfigureAwait(false);
                await closer.BrieflyAsync(parts.Store.Runs.SetStatusAsync(run.Id, RunStatus.Interrupted, FormattableString.Invariant(
                    $"Stopped by the person. Resume-CcRun -Id {run.Id} goes on, and so does {(run.Export is null ? "the next export to this list over this connection" : "invoking the export again")}."),
                    CancellationToken.None, Requests())).ConfigureAwait(false);
                throw;
            }
            catch (CcException e) when (e.ErrorId != "LeaseLost")
            {
                await lease.AssureAsync(CancellationToken.None).ConfigureAwait(false);
                // All is sealed and the journal says how far it came: whatever stands in the way, nothing is given up for it.
                return await ParkAsync(run, e, Requests()).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Sends and follows until every batch has its fate. Returns what ended the sending early.</summary>
    private async Task<CcException?> WorkAsync(
        RunRecord run, ExportDefinition definition, RunBatches batches, ISpool spool, RunRejections rejections, StopSignal stop, Func<Task> lookAgain, Func<int> requests, CancellationToken ct,
        CancellationToken either)
    {
        var reader = new ListReader(client, parts.Time, parts.Upload);
        CcException? end = null;
        await new PreImageTaker(parts, reporter, client, known).TakeAsync(run, definition, batches, spool, requests(), either).ConfigureAwait(false);
        while (true)
        {
            HashSet<int> byList = [];
            end ??= await SendAsync(run, batches, spool, stop, byList, ct).ConfigureAwait(false);
            if (end is not null && (CanGoOn(end) || end.ErrorId == "RunStopped")) return end;
            // If this process dies before the end, the next one still knows that it is one.
            if (end is not null) await parts.Store.Runs.SetStatusAsync(run.Id, RunStatus.Running, RunCloser.Explain(end), either, requests()).ConfigureAwait(false);
            List<UnsettledBatch> unsettled = await FollowAsync(batches, spool, rejections, either).ConfigureAwait(false);
            unsettled.AddRange(batches.In(BatchState.InDoubt).Where(b => byList.Contains(b.Number)).Select(b => new UnsettledBatch(b, null, Lost(b))));
            if (unsettled.Count == 0) break;
            await SettleAsync(run, definition, batches, spool, rejections, reader, unsettled, sendAgain: end is null, requests, either).ConfigureAwait(false);
            if (batches.In(BatchState.Sealed).Count == 0) break;
            // What goes once more may hold people who have left since it went first.
            await lookAgain().ConfigureAwait(false);
        }
        await lease.AssureAsync(either).ConfigureAwait(false);
        await closer.CloseLeftOversAsync(batches, spool, rejections).ConfigureAwait(false);
        if (definition.Verify) await VerifyAsync(run, definition, batches, spool, rejections, reader, end, requests, either).ConfigureAwait(false);
        return end;
    }

    /// <summary>A request whose answer never came, and that had not arrived, goes again: that has to be known before it is looked who has left meanwhile.</summary>
    private async Task ResolveOldAsync(RunRecord run, RunBatches batches, CancellationToken ct)
    {
        if (batches.In(BatchState.Sending, BatchState.InDoubt).Count == 0 || parts.Time.GetUtcNow() - run.AllSealedAt < LateLeavers.Fresh) return;
        await new DoubtResolver(client, batches, parts.Time, parts.Upload, lease.AssureAsync, []).ResolveAsync(reporter.Verbose, ct).ConfigureAwait(false);
    }

    private async Task VerifyAsync(
        RunRecord run, ExportDefinition definition, RunBatches batches, ISpool spool, RunRejections rejections, ListReader reader, CcException? end, Func<int> requests,
        CancellationToken ct)
    {
        await parts.Store.Runs.SetStatusAsync(run.Id, RunStatus.Verifying, end is null ? null : RunCloser.Explain(end), ct, requests()).ConfigureAwait(false);
        reporter.Stage("Verifying", "Reading the list back.");
        try
        {
            await new RunVerifier(batches, spool, rejections, reader, parts.Time, Names(definition), IsWhole(definition)).VerifyAsync(
                definition.ListId, lease.AssureAsync, (done, all) => reporter.Report(done, all, "batches"), ct).ConfigureAwait(false);
        }
        catch (CcException e) when (CannotRead(e))
        {
            // The numbers stay what the service's counters prove.
            reporter.Warning($"The list was not read back. {RunCloser.Explain(e)}");
        }
    }

    private static readonly string[] Comparable = ["email", "first_name", "last_name"];

    /// <summary>The names that the map sends: what a comparison with the list can look at besides the address.</summary>
    private static NameFields Names(ExportDefinition definition)
        => (HasField(definition, "first_name") ? NameFields.First : NameFields.None) | (HasField(definition, "last_name") ? NameFields.Last : NameFields.None);

    private static bool HasField(ExportDefinition definition, string field) => definition.Map.Keys.Any(k => k.Equals(field, StringComparison.OrdinalIgnoreCase));

    private static bool IsWhole(ExportDefinition definition)
        => definition.Map.Keys.All(k => Comparable.Contains(k, StringComparer.OrdinalIgnoreCase));

    /// <summary>Not the verdict of a batch that stays in doubt: that one may be sent again as a whole, and this one's rest has gone by itself.</summary>
    private BatchOutcome Lost(BatchRecord batch) => new("lost", 0, 0, 0, batch.Rows, "The answer was lost, and no job that completed can be this batch's.", parts.Time.GetUtcNow());

    private async Task<CcException?> SendAsync(RunRecord run, RunBatches batches, ISpool spool, StopSignal stop, HashSet<int> byList, CancellationToken ct)
    {
        int total = batches.All.Count, open = batches.In(BatchState.Sealed).Count;
        CallUse use = await parts.Store.Calls.GetUseAsync(connection.ClientId, parts.Time.GetUtcNow(), ct).ConfigureAwait(false);
        long left = use.Left(parts.Wire.Options.CallsPerDay);
        if (open > 0 && open + Limits.CallsBesideBatches > left)
        {
            reporter.Warning(FormattableString.Invariant(
                $"This run needs about {open + Limits.CallsBesideBatches:N0} calls and its API key has {left:N0} left today. What fits is sent now, the rest after 00:00 UTC."));
        }
        reporter.Stage("Sending", FormattableString.Invariant($"Sending {run.Numbers.Sent:N0} contacts in {total:N0} batch(es)."));
        async Task MayAsync(CancellationToken token)
        {
            await stop.ThrowIfRequestedAsync(token).ConfigureAwait(false);
            await lease.AssureAsync(token).ConfigureAwait(false);
        }
        var uploader = new Uploader(client, batches, spool, parts.Time, parts.Upload, MayAsync, lease.AssureAsync,
            () => reporter.Report(total - batches.In(BatchState.Sealed, BatchState.Sending).Count, total, "batches"), text => reporter.Waiting("Waiting", text), reporter.Verbose);
        CcException? end = await uploader.SendAsync(ct).ConfigureAwait(false);
        byList.UnionWith(uploader.ByList);
        return end;
    }

    /// <summary>Follows all jobs to their end. Those that prove their contacts' fate are closed; the others are returned.</summary>
    private async Task<List<UnsettledBatch>> FollowAsync(RunBatches batches, ISpool spool, RunRejections rejections, CancellationToken ct)
    {
        int toFollow = batches.In(BatchState.Sent).Count;
        reporter.Stage("Following", FormattableString.Invariant($"Following {toFollow} job(s) to their end."));
        var close = new BatchCloser(batches, spool, rejections, parts.Time);
        List<UnsettledBatch> unsettled = [];
        await new ActivityFollower(client, batches, parts.Time, parts.Upload).FollowAsync(
            async (batch, job, token) =>
            {
                await lease.AssureAsync(token).ConfigureAwait(false);
                BatchOutcome outcome = BatchVerdict.Of(job, batch.Rows, parts.Time.GetUtcNow());
                if (outcome.Verdict == "completed") await close.CloseAsync(batch, job, token).ConfigureAwait(false);
                else unsettled.Add(new UnsettledBatch(batch, job, outcome));
            },
            left => reporter.Report(toFollow - left, toFollow, "jobs"), ct).ConfigureAwait(false);
        return unsettled;
    }

    private async Task SettleAsync(
        RunRecord run, ExportDefinition definition, RunBatches batches, ISpool spool, RunRejections rejections, ListReader reader,
        List<UnsettledBatch> unsettled, bool sendAgain, Func<int> requests, CancellationToken ct)
    {
        await parts.Store.Runs.SetStatusAsync(run.Id, RunStatus.Verifying, null, ct, requests()).ConfigureAwait(false);
        reporter.Stage("Verifying", FormattableString.Invariant($"{unsettled.Count} job(s) did not complete ({string.Join(", ", unsettled.Select(u => u.Outcome.Verdict).Distinct())}): reading the list back."));
        try
        {
            NameFields names = Names(definition);
            using ListContent content = await reader.ReadAsync(definition.ListId, names, ct).ConfigureAwait(false);
            // Reading a list takes its time: what is sealed and written from here on must still be ours.
            await lease.AssureAsync(ct).ConfigureAwait(false);
            List<BatchRecord> fresh = [];
            BatchSealer sealer = new(definition.ListId, definition.BatchSize ?? parts.BatchRows, parts.BatchBytes, spool.WriteAsync,
                (batch, _) =>
                {
                    fresh.Add(batch);
                    return Task.CompletedTask;
                }, after: batches.All[^1].Number);
            await using (sealer.ConfigureAwait(false))
            {
                await new BatchSettler(batches, spool, rejections, parts.Time, IsWhole(definition) && content.Names == names).SettleAsync(unsettled, content, sendAgain ? sealer : null, fresh, ct).ConfigureAwait(false);
            }
            if (fresh.Count > 0) reporter.Warning(FormattableString.Invariant($"{fresh.Sum(b => (long)b.Rows):N0} contacts of jobs that did not complete are not proved to be on the list as they were sent, and are sent once more."));
        }
        catch (CcException e) when (CannotRead(e))
        {
            // Nothing can be proved then: the numbers say so, the spool is kept, and Resume-CcRun -Verify may find out later.
            reporter.Warning($"{e.Message} The contacts of these jobs are unaccounted for.");
            HashSet<int> these = [.. unsettled.Select(u => u.Batch.Number)];
            await rejections.KeepAsync(r => r.Batch is not { } batch || !these.Contains(batch)).ConfigureAwait(false);
            var close = new BatchCloser(batches, spool, rejections, parts.Time);
            // One without a job stays in doubt, and is closed as that.
            foreach (UnsettledBatch one in unsettled.Where(u => u.Batch.State == BatchState.Sent)) await close.CloseAsync(one.Batch, one.Job, ct).ConfigureAwait(false);
        }
    }

    /// <summary>What stays so however often it is asked.</summary>
    private static bool CannotRead(CcException e) => e.ErrorId is "ListNotReadable" or "ServiceRefused" or "PrivilegeMissing" or "ScopeMissing" or "AccessDenied" or "SpoolDamaged"
        or "AnswerUnreadable" or "PageLinkRefused";

    /// <summary>
    /// A runner that lost the run without being known to be dead may still have requests on their way: nothing is looked for, and so nothing
    /// sent again, before the longest of them must have ended.
    /// </summary>
    private async Task LetOthersRequestsEndAsync(RunBatches batches, CancellationToken ct)
    {
        if (!lease.HeldByLivingBefore || batches.In(BatchState.Sending).Count == 0) return;
        DateTimeOffset until = parts.Time.GetUtcNow() + parts.Wire.Options.ImportTimeout;
        while (until - parts.Time.GetUtcNow() is { Ticks: > 0 } left)
        {
            reporter.Waiting("Taking over", FormattableString.Invariant($"Another runner lost this run; waiting {left.TotalSeconds:N0} s until none of its requests can be on its way."));
            await Task.Delay(left < TimeSpan.FromSeconds(1) ? left : TimeSpan.FromSeconds(1), parts.Time, ct).ConfigureAwait(false);
            await lease.AssureAsync(ct).ConfigureAwait(false);
        }
    }

    /// <summary>What ends by itself or by a person's deed, without anything of the run being wrong: the run waits for it, sealed.</summary>
    private static bool CanGoOn(CcException e) => e.Kind is CcErrorKind.Connection or CcErrorKind.Authentication or CcErrorKind.Permission
        || (e.Kind is CcErrorKind.Storage && e.ErrorId != "SpoolDamaged")
        || e.ErrorId is "QuotaExceeded" or "Throttled" or "ActivityQueueFull" or "ServiceUnavailable" or "AnswerUnreadable" or "PageLinkRefused" or "LeaseLost";

    private async Task<Run> ParkAsync(RunRecord run, CcException stop, int requests)
    {
        // Another process has it now: its status is no longer ours to write.
        if (stop.ErrorId == "LeaseLost") throw stop;
        bool quota = stop.ErrorId == "QuotaExceeded";
        string message = RunCloser.Explain(stop) + FormattableString.Invariant(
            $" Resume-CcRun -Id {run.Id}{(run.Export is null ? "" : ", or invoking the export again,")} goes on with what is left{(quota ? " after that" : "")}.");
        await parts.Store.Runs.SetStatusAsync(run.Id, quota ? RunStatus.WaitingForQuota : RunStatus.Interrupted, message, CancellationToken.None, requests).ConfigureAwait(false);
        Run parked = RunViews.Of(await parts.Store.Runs.FindAsync(run.Id, CancellationToken.None).ConfigureAwait(false) ?? run);
        RunSignals.StandsStill(parked, stop);
        return parked;
    }
}
