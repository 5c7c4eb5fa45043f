using CcExport.Engine.ConstantContact;
using CcExport.Engine.Mapping;
using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>What is done to a run from outside: going on with it, ending it for good, waiting for it.</summary>
internal sealed class RunControl
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(500);

    private readonly EngineParts _parts;
    private readonly RunReporter _reporter;
    private readonly RunCloser _closer;

    public RunControl(EngineParts parts, IRunObserver observer)
    {
        _parts = parts;
        _reporter = new RunReporter(observer, parts.Time);
        _closer = new RunCloser(parts, _reporter);
    }

    /// <summary>The run, with its list read back at its end if that is asked now: written down, so that it holds for whoever goes on with it.</summary>
    public static async Task<RunRecord> WithVerifyAsync(EngineParts parts, RunRecord run, bool verify, CancellationToken ct)
    {
        ExportDefinition definition = ExportDefinition.FromJson(run.Definition);
        if (!verify || definition.Verify) return run;
        run = run with { Definition = (definition with { Verify = true }).ToJson() };
        await parts.Store.Runs.DefineAsync(run.Id, run.Definition, ct).ConfigureAwait(false);
        return run;
    }

    public async Task<Run> ResumeAsync(ResumeRequest request, CancellationToken ct)
    {
        RunRecord run = await FindAsync(request.RunId, ct).ConfigureAwait(false);
        // Before anything is waited for.
        PlanBook.CheckIsNone(run);
        if (run.CompletedAt is not null) CheckReopening(run, request);
        RunLease lease = await RunLease.TakeAsync(_parts.Store.Leases, _parts.Time, _parts.RunLease, RunLease.NameOf(run), What(run), RunConductor.Waiting(_reporter, request.Waits), ct).ConfigureAwait(false);
        await using (lease.ConfigureAwait(false))
        {
            bool wasOpen = run.CompletedAt is null;
            run = await FindAsync(request.RunId, ct).ConfigureAwait(false);
            PlanBook.CheckIsNone(run);
            // Whoever was waited for has done it.
            if (wasOpen && run.CompletedAt is not null && !request.SendInDoubt && !request.Verify) return RunViews.Of(run);
            if (run.CompletedAt is null && run.AllSealedAt is null)
            {
                await _closer.DiscardAsync(run, RunStatus.Canceled, run.Numbers.Requests, "Ended before all was read. Nothing was sent.").ConfigureAwait(false);
                throw new CcException("RunNotSealed", CcErrorKind.Conflict, FormattableString.Invariant($"Run {run.Id} ended before all was read: nothing of it was sent, and there is nothing to go on with."),
                    run.Export is { } name ? $"Invoke the export again: Invoke-CcExport '{name}'." : "Export the objects again.")
                { Subject = run.Export };
            }
            ConnectionRecord connection = await ConnectionOfAsync(run, ct).ConfigureAwait(false)
                ?? throw new CcException("ConnectionNotFound", CcErrorKind.NotFound, FormattableString.Invariant($"Run {run.Id} went over the connection '{run.Connection}', which is no longer there."),
                    FormattableString.Invariant($"Stop-CcRun -Id {run.Id} ends it; run the export again over another connection."))
                { Subject = run.Connection };
            RunConductor.AssureAccountStayed(run, connection);
            ConstantContactClient client = new(_parts.Wire, connection, RunConductor.Spender(run.Export));
            await using (client.ConfigureAwait(false))
            {
                var finisher = new RunFinisher(_parts, _reporter, _closer, client, connection, lease, request.Waits);
                bool opened = run.CompletedAt is not null;
                run = opened ? await ReopenAsync(run, request, ct).ConfigureAwait(false) : await WithVerifyAsync(_parts, run, request.Verify, ct).ConfigureAwait(false);
                Run result = await finisher.FinishAsync(run, null, ct).ConfigureAwait(false);
                // What was in doubt is so only once the run is at its end.
                if (opened || !request.SendInDoubt || result.Status != RunStatus.CompletedWithErrors) return result;
                run = await FindAsync(run.Id, ct).ConfigureAwait(false);
                if (await _parts.Store.Runs.IsStopRequestedAsync(run.Id, ct).ConfigureAwait(false)) return result;
                return (await InDoubtAsync(run, ct).ConfigureAwait(false)).Length == 0 ? result
                    : await finisher.FinishAsync(await ReopenAsync(run, request, ct).ConfigureAwait(false), null, ct).ConfigureAwait(false);
            }
        }
    }

    private static void CheckReopening(RunRecord run, ResumeRequest request)
    {
        if (!request.SendInDoubt && !request.Verify)
        {
            throw Ended(run, run.SpoolKey is null ? "Run the export again if the list should have it once more."
                : "-Verify reads the list back and names who is not on it; -SendInDoubt sends batches whose answer was lost.");
        }
        if (run.SpoolKey is null) throw Ended(run, "What was sent is no longer kept here: only a run with contacts that were refused or unaccounted for keeps it, until the export's next run has gone through.");
    }

    private async Task<RunRecord> ReopenAsync(RunRecord run, ResumeRequest request, CancellationToken ct)
    {
        CheckReopening(run, request);
        int[] again = request.SendInDoubt ? await InDoubtAsync(run, ct).ConfigureAwait(false) : [];
        if (again.Length == 0 && !request.Verify) throw Ended(run, "None of its batches is in doubt.");
        ExportDefinition definition = ExportDefinition.FromJson(run.Definition);
        string text = (definition with { Verify = definition.Verify || request.Verify }).ToJson();
        await _parts.Store.Runs.ReopenAsync(run.Id, again, text, ct).ConfigureAwait(false);
        return await FindAsync(run.Id, ct).ConfigureAwait(false);
    }

    private async Task<int[]> InDoubtAsync(RunRecord run, CancellationToken ct)
        => [.. (await _parts.Store.Runs.GetBatchesAsync(run.Id, ct).ConfigureAwait(false))
            .Where(b => b is { ActivityId: null, Outcome: { Verdict: Reasons.InDoubt, Unaccounted: > 0 } }).Select(b => b.Number)];

    public async Task<Run> StopAsync(long runId, CancellationToken ct)
    {
        RunRecord run = await FindAsync(runId, ct).ConfigureAwait(false);
        if (!await _parts.Store.Runs.RequestStopAsync(runId, _parts.Time.GetUtcNow(), ct).ConfigureAwait(false)) throw Ended(run, "There is nothing to stop.");
        if (!_parts.Store.Access.ReadsSecrets)
        {
            // Asked for; who may run exports ends it.
            _reporter.Warning(FormattableString.Invariant($"Run {runId} is asked to end. Its runner does it at once; where none is at it, the next runner that comes to this export."));
            return RunViews.Of(run);
        }
        await _parts.AssureFolder(ct).ConfigureAwait(false);
        while (true)
        {
            (RunLease? lease, LeaseOwner? holder) = await RunLease.TryTakeAsync(_parts.Store.Leases, _parts.Time, _parts.RunLease, RunLease.NameOf(run), ct).ConfigureAwait(false);
            run = await FindAsync(runId, ct).ConfigureAwait(false);
            if (lease is not null)
            {
                await using (lease.ConfigureAwait(false)) return run.CompletedAt is null ? await EndAsync(run, ct).ConfigureAwait(false) : RunViews.Of(run);
            }
            if (run.CompletedAt is not null) return RunViews.Of(run);
            _reporter.Waiting("Stopping", $"Waiting for process {holder?.ProcessId} on {holder?.Machine} to end the run.");
            await Task.Delay(Look, _parts.Time, ct).ConfigureAwait(false);
        }
    }

    private async Task<Run> EndAsync(RunRecord run, CancellationToken ct)
    {
        if (run.AllSealedAt is null) return await _closer.DiscardAsync(run, RunStatus.Canceled, run.Numbers.Requests, "Stopped for good before all was read. Nothing was sent.").ConfigureAwait(false);
        if (PlanBook.Waits(run)) return await _closer.DiscardAsync(run, RunStatus.Canceled, run.Numbers.Requests, "The plan was discarded by Stop-CcRun. Nothing was sent.").ConfigureAwait(false);
        ConnectionRecord? connection = await ConnectionOfAsync(run, ct).ConfigureAwait(false);
        const string why = RunCloser.StoppedForGood;
        if (connection is null) return await _closer.GiveUpAsync(run, null, why, ct).ConfigureAwait(false);
        ConstantContactClient client = new(_parts.Wire, connection, RunConductor.Spender(run.Export));
        await using (client.ConfigureAwait(false)) return await _closer.GiveUpAsync(run, client, why, ct).ConfigureAwait(false);
    }

    public async Task<Run> WaitAsync(long runId, TimeSpan? timeout, CancellationToken ct)
    {
        long began = _parts.Time.GetTimestamp();
        while (true)
        {
            RunRecord run = await FindAsync(runId, ct).ConfigureAwait(false);
            if (run.CompletedAt is not null) return RunViews.Of(run);
            string name = RunLease.NameOf(run);
            IReadOnlyDictionary<string, LeaseOwner> held = await _parts.Store.Leases.GetHeldAsync([name], _parts.Time.GetUtcNow(), ct).ConfigureAwait(false);
            if (!held.TryGetValue(name, out LeaseOwner? holder))
            {
                // Looked at once more: it may have ended between the two looks.
                run = await FindAsync(runId, ct).ConfigureAwait(false);
                return (await RunViews.OfAsync([run], _parts, ct).ConfigureAwait(false))[0];
            }
            if (timeout is { } most && _parts.Time.GetElapsedTime(began) >= most)
            {
                throw new CcException("WaitTimeout", CcErrorKind.Limit, FormattableString.Invariant($"Run {runId} was not over after {most.TotalSeconds:N0} s: it is {run.Status}."),
                    "Wait longer (-Timeout), or look at it with Get-CcRun.");
            }
            _reporter.Waiting("Waiting", FormattableString.Invariant($"Run {runId} is {run.Status}, run by process {holder.ProcessId} on {holder.Machine}."));
            await Task.Delay(Look, _parts.Time, ct).ConfigureAwait(false);
        }
    }

    private async Task<ConnectionRecord?> ConnectionOfAsync(RunRecord run, CancellationToken ct)
        => await _parts.Store.Connections.FindAsync(run.ConnectionId, ct).ConfigureAwait(false);

    private async Task<RunRecord> FindAsync(long runId, CancellationToken ct) => await _parts.Store.Runs.FindAsync(runId, ct).ConfigureAwait(false)
        ?? throw new CcException("RunNotFound", CcErrorKind.NotFound, FormattableString.Invariant($"There is no run {runId}."), "Get-CcRun lists those there are.");

    private static CcException Ended(RunRecord run, string remedy) => new("RunEnded", CcErrorKind.Conflict,
        FormattableString.Invariant($"Run {run.Id} is at its end ({run.Status})."), remedy)
    { Subject = run.Export };

    private static string What(RunRecord run) => FormattableString.Invariant($"Run {run.Id}{(run.Export is null ? "" : $" of '{run.Export}'")}");
}
