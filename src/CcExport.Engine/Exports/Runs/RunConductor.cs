using CcExport.Engine.ConstantContact;
using CcExport.Engine.Mapping;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;
using CcExport.Engine.Telemetry;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>
/// Conducts a run: preflight, read and seal all, then send, follow, close. Sending begins only when the journal has the mark
/// AllSealed; from there on everything is done from the journal and the spool, so a run that goes on and a fresh one take the same way.
/// </summary>
internal sealed class RunConductor
{
    private readonly EngineParts _parts;
    private readonly RunReporter _reporter;
    private readonly RunCloser _closer;

    public RunConductor(EngineParts parts, IRunObserver observer)
    {
        _parts = parts;
        _reporter = new RunReporter(observer, parts.Time);
        _closer = new RunCloser(parts, _reporter);
    }

    public Task<Run> InvokeAsync(RunRequest request, CancellationToken ct) => InvokeAsync(request, plan: false, ct);

    /// <summary>
    /// Reads and seals as a run does and looks at the whole list; then the run is a plan, which waits for its word to go. <c>RunNotEnded</c> while an earlier run is open.
    /// What ends a run as Failed throws here.
    /// </summary>
    public Task<Run> PlanAsync(RunRequest request, CancellationToken ct) => InvokeAsync(request, plan: true, ct);

    private async Task<Run> InvokeAsync(RunRequest request, bool plan, CancellationToken ct)
    {
        // Before it is read: what is changed while the plan is made is not in it.
        string? stored = plan && request.ExportName is { } asked ? await new PlanBook(_parts, _closer).HashOfStoredAsync(asked, ct).ConfigureAwait(false) : null;
        (string? name, ExportDefinition definition) = await RunDefinitions.ResolveAsync(_parts, request, ct).ConfigureAwait(false);
        ContactMap map = ContactMap.Create(definition.Map);
        ConnectionRecord connection = await new ConnectionBook(_parts).FindAsync(definition.Connection ?? throw NoConnection(name), ct).ConfigureAwait(false);
        RunScope.Current?.Over(name, connection.Name);

        RunLease held = await RunLease.TakeAsync(_parts.Store.Leases, _parts.Time, _parts.RunLease, RunLease.NameOf(name, connection.Id, definition.ListId),
            name is null ? $"An export to list {definition.ListId}" : $"'{name}'", Waiting(_reporter, request.Waits), ct).ConfigureAwait(false);
        await using (held.ConfigureAwait(false))
        {
            ConstantContactClient client = new(_parts.Wire, connection, Spender(name));
            await using (client.ConfigureAwait(false))
            {
                // What an earlier run left comes first. A stored export is then done; one put together at the prompt has new objects to send.
                if (plan) await new PlanBook(_parts, _closer).CheckNothingOpenAsync(name, connection.Id, definition.ListId, ct).ConfigureAwait(false);
                else if (await GoOnAsync(name, definition.ListId, request, client, connection, held, ct).ConfigureAwait(false) is { } finished
                    && (name is not null || finished.CompletedAt is null))
                {
                    if (name is null) _reporter.Warning(FormattableString.Invariant($"Nothing new was exported: run {finished.Id} to the same list comes first, and it is {finished.Status}. Resume-CcRun or Stop-CcRun it, then export these objects again."));
                    return finished;
                }
                return await RunAsync(name, definition, map, request, client, connection, held, plan, stored, ct).ConfigureAwait(false);
            }
        }
    }

    /// <summary>What shows who has the run, while it is waited for; null where it is not.</summary>
    public static Action<LeaseOwner>? Waiting(RunReporter reporter, RunWaits waits) => !waits.ForRunner ? null
        : holder => reporter.Waiting("Waiting for the runner", $"Waiting for process {holder.ProcessId} on {holder.Machine}, which runs it already.");

    /// <summary>
    /// An earlier run of this export that did not come to its end: sealed, it is finished now instead of a new one; else it sent
    /// nothing, and is closed as what it is.
    /// </summary>
    private async Task<Run?> GoOnAsync(string? name, string listId, RunRequest request, ConstantContactClient client, ConnectionRecord connection, RunLease lease, CancellationToken ct)
    {
        foreach (RunRecord run in await _parts.Store.Runs.ListAsync(new RunQuery(name, OpenOnly: true), ct).ConfigureAwait(false))
        {
            if (name is null && (run.Export is not null || run.ListId != listId || run.ConnectionId != connection.Id)) continue;
            if (run.AllSealedAt is null)
            {
                await _closer.DiscardAsync(run, RunStatus.Canceled, 0, "Ended before all was read. Nothing was sent.").ConfigureAwait(false);
                continue;
            }
            bool stopped = await _parts.Store.Runs.IsStopRequestedAsync(run.Id, ct).ConfigureAwait(false);
            if (request.Fresh || stopped)
            {
                Run ended = await GiveUpAsync(run, stopped ? RunCloser.StoppedForGood : "Given up for a new start (-Fresh).", client, connection, ct).ConfigureAwait(false);
                _reporter.Warning(FormattableString.Invariant(
                    $"Run {run.Id}, begun {run.StartedAt:u}, is given up: {ended.Accepted:N0} of its {ended.Sent:N0} contacts were accepted, {ended.Unaccounted:N0} are unaccounted for, {ended.Refused:N0} were refused or not sent."));
                continue;
            }
            await AssureSameAccountAsync(run, connection, ct).ConfigureAwait(false);
            _reporter.Warning(FormattableString.Invariant(
                $"Run {run.Id}{(name is null ? "" : $" of '{name}'")}, begun {run.StartedAt:u}, did not come to its end: it goes on now{(name is null ? " first" : ", and no new one is started")}."));
            return await Finisher(request.Waits, client, connection, lease)
                .FinishAsync(await RunControl.WithVerifyAsync(_parts, run, request.Verify, ct).ConfigureAwait(false), null, ct).ConfigureAwait(false);
        }
        return null;
    }

    /// <summary>Over its own connection, if that is another one by now: what was sent is counted where it was sent.</summary>
    private async Task<Run> GiveUpAsync(RunRecord run, string why, ConstantContactClient client, ConnectionRecord connection, CancellationToken ct)
    {
        if (run.ConnectionId == connection.Id) return await _closer.GiveUpAsync(run, client, why, ct).ConfigureAwait(false);
        if (await _parts.Store.Connections.FindAsync(run.ConnectionId, ct).ConfigureAwait(false) is not { } its) return await _closer.GiveUpAsync(run, null, why, ct).ConfigureAwait(false);
        ConstantContactClient other = new(_parts.Wire, its);
        await using (other.ConfigureAwait(false)) return await _closer.GiveUpAsync(run, other, why, ct).ConfigureAwait(false);
    }

    /// <summary>Jobs are looked for in the account they were sent to: a run that began on one account never goes on over another.</summary>
    private async Task AssureSameAccountAsync(RunRecord run, ConnectionRecord connection, CancellationToken ct)
    {
        if (run.ConnectionId == connection.Id)
        {
            AssureAccountStayed(run, connection);
            return;
        }
        ConnectionRecord? before = await _parts.Store.Connections.FindAsync(run.ConnectionId, ct).ConfigureAwait(false);
        if ((run.AccountId ?? before?.AccountId) is { } account && account == connection.AccountId) return;
        throw new CcException("RunOfOtherAccount", CcErrorKind.Conflict,
            FormattableString.Invariant($"Run {run.Id} was begun over the connection '{run.Connection}' and is not at its end; '{connection.Name}' is not known to be the same account."),
            before is null ? FormattableString.Invariant($"That connection is gone: end the run for good with Stop-CcRun -Id {run.Id}, or invoke the export with -Fresh.")
                : FormattableString.Invariant($"Resume-CcRun -Id {run.Id} finishes it over '{run.Connection}'; then invoke the export again. -Fresh gives it up instead."))
        { Subject = run.Export };
    }

    /// <summary>A connection that was signed in again may be another account's now. <c>RunOfOtherAccount</c>.</summary>
    public static void AssureAccountStayed(RunRecord run, ConnectionRecord connection)
    {
        if (run.AccountId is null || connection.AccountId is null || run.AccountId == connection.AccountId) return;
        throw new CcException("RunOfOtherAccount", CcErrorKind.Conflict,
            FormattableString.Invariant($"Run {run.Id} was begun on another account: '{connection.Name}' has been signed in to this one since."),
            FormattableString.Invariant($"Sign in to the former account again (Set-CcConnection -Reauthenticate) to finish it, or end it for good with Stop-CcRun -Id {run.Id}."))
        { Subject = run.Export };
    }

    /// <param name="stored">Of a plan: the stored export as a hash, as it was when the definition was read.</param>
    private async Task<Run> RunAsync(
        string? name, ExportDefinition definition, ContactMap map, RunRequest request, ConstantContactClient client, ConnectionRecord connection, RunLease lease, bool plan, string? stored,
        CancellationToken ct)
    {
        int callsBefore = client.Calls;
        _reporter.Stage("Preflight", $"Checking the list and the source{(name is null ? "" : $" of '{name}'")}.");
        (IProfileSource source, string? readAs) = request.Piped is { } piped ? (piped, null)
            : await new SourceBook(_parts).OpenAsAsync(definition.Source!, Reader(connection.Name), ct).ConfigureAwait(false);
        definition = definition with { ReadAs = readAs };
        IReadOnlyList<string> segments;
        try
        {
            IReadOnlyList<Segment> chosen = await Preflight.CheckSourceAsync(source, definition, map, _reporter.Warning, ct).ConfigureAwait(false);
            segments = [.. chosen.Select(s => s.Name)];
            definition = definition with { Evaluated = chosen.Max(s => s.LastEvaluated) };
        }
        catch (CcException e) when (e.Kind == CcErrorKind.InvalidData && !plan)
        {
            // Whether broken data shows in its first block or later is chance: either way it is a run that failed, and the history has it.
            RunRecord broken = await OpenAsync(name, definition, connection, request.Trigger, Spool.NewKey(), plan: false, ct).ConfigureAwait(false);
            return await _closer.DiscardAsync(broken, e, 0).ConfigureAwait(false);
        }
        string? neverSent = plan ? await new PlanBook(_parts, _closer).HashOfSuppressedAsync(definition, ct).ConfigureAwait(false) : null;
        using Suppressed suppressed = await new SuppressionBook(_parts).OpenAsync(definition.SuppressionPath, _reporter.Warning, ct).ConfigureAwait(false);
        var preflight = new Preflight(_parts, client, connection);
        ContactList list = await preflight.CheckAccountAsync(definition, map, ct).ConfigureAwait(false);
        await WarnOfIdleAsync(connection, ct).ConfigureAwait(false);
        using ListMemory memory = await ListMemory.OpenAsync(_parts, name, connection, definition.ListId, definition.Full, ct).ConfigureAwait(false);
        if (memory.Record is null) await WarnOfUnknownAsync(name, connection, definition.ListId, list.Name, ct).ConfigureAwait(false);
        using MemberKeep? members = definition.Mode == ExportMode.Mirror ? new MemberKeep(_parts) : null;
        // What the members are is read with who they are: so that the run can be undone, the service is not asked twice.
        using ListCopy? copy = plan || definition.NoUndo || new ContactFields(map, preflight.CustomFields) is not { AreDistinct: true } fields ? null : new ListCopy(_parts, fields);
        using ListState state = await new ListLook(client, new ListReader(client, _parts.Time, _parts.Upload), _reporter, _parts.LookContacts)
            .LookAsync(list, memory, plan || definition.MaxGrowth is not null, members, ct, copy).ConfigureAwait(false);
        using var holdOuts = new HoldOuts(definition, memory, state, suppressed.ReasonOf);

        await lease.AssureAsync(ct).ConfigureAwait(false);
        byte[] key = Spool.NewKey();
        RunRecord run = await OpenAsync(name, definition with { Segments = segments }, connection, request.Trigger, key, plan, ct).ConfigureAwait(false);
        (run, Run? ended) = await SealOrEndAsync(run, client, lease,
            token => SealAllAsync(run, definition, map, source, segments, key, holdOuts, members, async (numbers, counts, removals, kept) =>
            {
                Sight sight = new()
                {
                    Members = state.Members,
                    New = state.Others is null ? numbers.Sent - counts.Remembered : counts.New,
                    Removals = removals,
                    Segments = counts.Segments,
                };
                if (plan) sight = sight with { Plan = await new PlanBook(_parts, _closer).SightAsync(stored, neverSent!, list, state, memory, preflight, numbers, kept, token).ConfigureAwait(false) };
                else await preflight.CheckContactLimitAsync(numbers.Sent, list, token).ConfigureAwait(false);
                sight = await new RunGuard(_parts, _reporter).AskAsync(run, definition, sight, numbers, plan, token).ConfigureAwait(false);
                // From the mark on the run is somebody's to finish: it is not set by one who has lost it.
                await lease.AssureAsync(token).ConfigureAwait(false);
                return sight;
            }, token), ct).ConfigureAwait(false);
        // What the checks before it have called belongs to it.
        run = run with { Numbers = run.Numbers with { Requests = client.Calls - callsBefore } };
        if (ended is not null) return ended;
        if (plan) return await new PlanBook(_parts, _closer).KeepAsync(run, ct).ConfigureAwait(false);
        var known = new ListKnowledge(list, memory, state, preflight.CustomFields) { Copy = copy };
        // Who is remembered is tens of megabytes for a million, and sending takes the longest: all that it needs of them was sealed.
        holdOuts.Dispose();
        state.Dispose();
        memory.Dispose();
        suppressed.Dispose();
        return await Finisher(request.Waits, client, connection, lease, known).FinishAsync(run, key, ct).ConfigureAwait(false);
    }

    /// <summary>Seals all; what prevents it ends the run, which has sent nothing.</summary>
    private async Task<(RunRecord Run, Run? Ended)> SealOrEndAsync(
        RunRecord run, ConstantContactClient client, RunLease lease, Func<CancellationToken, Task<RunRecord>> sealAll, CancellationToken ct)
    {
        StopSignal stop = new(_parts.Store.Runs, run.Id, _parts.Time);
        await using var stopping = stop.ConfigureAwait(false);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, stop.Token);
        try
        {
            return (await sealAll(either.Token).ConfigureAwait(false), null);
        }
        catch (OperationCanceledException) when (stop.IsRequested && !ct.IsCancellationRequested)
        {
            return (run, await _closer.DiscardAsync(run, RunStatus.Canceled, client.Calls, "Stopped for good by Stop-CcRun before all was read. Nothing was sent.").ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            await _closer.BrieflyAsync(_closer.DiscardAsync(run, RunStatus.Canceled, client.Calls, "Stopped before all was read. Nothing was sent.")).ConfigureAwait(false);
            throw;
        }
        catch (CcException e)
        {
            await lease.AssureAsync(CancellationToken.None).ConfigureAwait(false);
            if (run.PlannedAt is not null)
            {
                await _closer.DiscardAsync(run, e, client.Calls).ConfigureAwait(false);
                throw;
            }
            return (run, await _closer.DiscardAsync(run, e, client.Calls).ConfigureAwait(false));
        }
        catch (Exception)
        {
            await _closer.DiscardAsync(run, RunStatus.Failed, client.Calls, "An unexpected fault ended the reading. Nothing was sent.").ConfigureAwait(false);
            throw;
        }
    }

    private Reader Reader(string connection) => new(connection) { Warn = _reporter.Warning, Verbose = _reporter.Verbose, Doubted = () => _doubted = true, OfExport = true };

    /// <summary>People of the segments may not have been read.</summary>
    private volatile bool _doubted;

    /// <summary>Why people of the segments may not have been read; null: all were.</summary>
    private string? DoubtOf(IProfileSource source, ReadCounts counts)
        => _doubted ? "The segments may not have been read whole, as was said"
            : source is PipedProfiles { IsDoubted: true } ? "What was piped may not have been read whole, as was said"
            : counts.Unreadable > 0 ? FormattableString.Invariant($"{counts.Unreadable:N0} row{(counts.Unreadable == 1 ? " could not be read, and whose it is" : "s could not be read, and whose they are")} is not known")
            : null;

    /// <summary>What the budget calls the calls of a run.</summary>
    public static string Spender(string? export) => export ?? "(objects)";

    private RunFinisher Finisher(RunWaits waits, ConstantContactClient client, ConnectionRecord connection, RunLease lease, ListKnowledge? known = null)
        => new(_parts, _reporter, _closer, client, connection, lease, waits, known);

    private async Task<RunRecord> OpenAsync(string? name, ExportDefinition definition, ConnectionRecord connection, string trigger, byte[] key, bool plan, CancellationToken ct)
    {
        var run = new RunRecord
        {
            Export = name,
            ConnectionId = connection.Id,
            Connection = connection.Name,
            ListId = definition.ListId,
            Status = RunStatus.Running,
            Trigger = trigger,
            StartedAt = _parts.Time.GetUtcNow(),
            PlannedAt = plan ? _parts.Time.GetUtcNow() : null,
            Definition = definition.ToJson(),
            AccountId = connection.AccountId,
            SpoolKey = _parts.Secrets.Protect(RunCloser.SpoolPurpose, key),
        };
        run = run with { Id = await _parts.Store.Runs.OpenAsync(run, ct).ConfigureAwait(false) };
        RunSignals.Begun(run);
        return run;
    }

    /// <summary>Reads, maps and seals everything, up to the mark AllSealed.</summary>
    /// <param name="beforeMark">Looks at the whole and throws if it must not go; what it saw is kept with the run.</param>
    private async Task<RunRecord> SealAllAsync(
        RunRecord run, ExportDefinition definition, ContactMap map, IProfileSource source, IReadOnlyList<string> segments, byte[] key, HoldOuts holdOuts, MemberKeep? members,
        Func<RunNumbers, ReadCounts, long, string?, Task<Sight>> beforeMark, CancellationToken ct)
    {
        _reporter.Stage("Reading", "Reading and mapping profiles.");
        using ISpool spool = _parts.OpenSpool(_parts.Home, run.Id, key);
        using var trace = new TraceSink(_parts, run.Id);
        RunRejections rejections = new(_parts.Home, run.Id, segments);
        await using (rejections.ConfigureAwait(false))
        {
            int batchRows = definition.BatchSize ?? _parts.BatchRows;
            List<BatchRecord> all = [];
            BatchSealer sealer = new(definition.ListId, batchRows, _parts.BatchBytes, spool.WriteAsync, (batch, token) =>
            {
                all.Add(batch);
                // Where the newest profile wins, a batch may be sealed anew when all is read: none is written down before.
                return definition.PreferNewest is null ? _parts.Store.Runs.SealedAsync(run.Id, batch, token) : Task.CompletedTask;
            });
            await using (sealer.ConfigureAwait(false))
            {
                var counts = new ReadCounts();
                var reader = new RunReader(source, segments, map, definition.KeyProperty, definition.MaxProfiles ?? Limits.Profiles, holdOuts, trace, definition.PreferNewest, holdOuts.Remembered);
                await reader.ReadAsync(sealer, rejections, counts, null, c => _reporter.Report(c.Read, null, "profiles"), null, ct).ConfigureAwait(false);
                await sealer.CompleteAsync(ct).ConfigureAwait(false);
                // What comes next needs arrays of the size of its own.
                await sealer.DisposeAsync().ConfigureAwait(false);
                if (reader.Duplicates.Beaten > 0) _reporter.Stage("Reading", FormattableString.Invariant($"Taking out {reader.Duplicates.Beaten:N0} profiles that a newer one replaces."));
                IReadOnlyList<BatchRecord> batches = await new DuplicateSettler(spool, rejections, reader.Duplicates)
                    .SettleAsync(all, new BatchSifter(spool, reader.Duplicates, definition.ListId, batchRows, _parts.BatchBytes), ct).ConfigureAwait(false);
                if (definition.PreferNewest is not null)
                {
                    foreach (BatchRecord batch in batches) await _parts.Store.Runs.SealedAsync(run.Id, batch, ct).ConfigureAwait(false);
                }
                await rejections.FlushAsync(ct).ConfigureAwait(false);
                foreach (string warning in counts.Warnings(definition.PreferNewest, run.Id)) _reporter.Warning(warning);
                if (holdOuts.Exodus is { } exodus) _reporter.Warning(exodus);
                RunNumbers numbers = new()
                {
                    Read = counts.Read,
                    Invalid = counts.Invalid,
                    Duplicate = counts.Duplicate,
                    Suppressed = counts.Suppressed,
                    Unchanged = counts.Unchanged,
                    Noted = counts.Noted,
                    Sent = batches.Sum(b => (long)b.Rows),
                    Batches = batches.Count,
                };
                if (numbers.Read != numbers.Invalid + numbers.Duplicate + numbers.Suppressed + numbers.Unchanged + numbers.Sent)
                    throw new InvalidOperationException("The read side of the balance does not close.");
                trace.Complete();
                (run, string? kept) = await MirrorRemoval.PlanAsync(_parts, _reporter, run, spool, members, holdOuts, DoubtOf(source, counts), ct).ConfigureAwait(false);
                string sight = (await beforeMark(numbers, counts, ExportDefinition.FromJson(run.Definition).Removal?.Planned ?? 0, kept).ConfigureAwait(false)).ToJson();
                DateTimeOffset now = _parts.Time.GetUtcNow();
                await _parts.Store.Runs.AllSealedAsync(run.Id, numbers, now, ct, sight).ConfigureAwait(false);
                return run with { Numbers = numbers, AllSealedAt = now, Plan = sight };
            }
        }
    }

    /// <summary>A sign-in that nobody uses lapses, and then a person is needed: said while there is time.</summary>
    private async Task WarnOfIdleAsync(ConnectionRecord connection, CancellationToken ct)
    {
        ConnectionRecord now = await _parts.Store.Connections.FindAsync(connection.Id, ct).ConfigureAwait(false) ?? connection;
        if (ConnectionBook.LapsesSoon(now, _parts.Time.GetUtcNow()) is { } at)
            _reporter.Warning($"The sign-in of '{now.Name}' lapses on {at:yyyy-MM-dd} unless its refresh token is used before: sign in again in time, or exports over it will stop.");
    }

    /// <summary>Runs of a time when nothing was remembered: who of theirs has left cannot be told.</summary>
    private async Task WarnOfUnknownAsync(string? name, ConnectionRecord connection, string listId, string listName, CancellationToken ct)
    {
        if (name is not null && !await _parts.Store.Runs.HasAcceptedBeforeAsync(name, ct).ConfigureAwait(false)) return;
        IReadOnlyList<RunRecord> earlier = await _parts.Store.Runs.ListAsync(new RunQuery(name, Limit: 500), ct).ConfigureAwait(false);
        if (!earlier.Any(r => r.Export == name && r.ConnectionId == connection.Id && r.ListId == listId && r.Numbers.Accepted > 0)) return;
        _reporter.Warning($"'{listName}' was exported to before, by runs of which nothing is remembered. Who of theirs has left the list is not known to have left, and is put back by this run if still in the segment.");
    }

    internal static CcException NoConnection(string? name) => new("ConnectionMissing", CcErrorKind.InvalidArgument,
        name is null ? "No connection was named." : $"The export '{name}' has no connection any more: it was removed.",
        name is null ? "Give it one with -Connection." : $"Attach it to another one with Set-CcExport '{name}' -Connection.")
    { Subject = name };
}
