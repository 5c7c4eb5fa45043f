using CcExport.Engine.ConstantContact;
using CcExport.Engine.Mapping;
using CcExport.Engine.Store;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>Undoes a run, by a run of its own: with the export's lease, a journal, batches, a balance. From its mark AllSealed on it takes the way of every run.</summary>
internal sealed class UndoConductor
{
    private readonly EngineParts _parts;
    private readonly RunReporter _reporter;
    private readonly RunCloser _closer;

    public UndoConductor(EngineParts parts, IRunObserver observer)
    {
        _parts = parts;
        _reporter = new RunReporter(observer, parts.Time);
        _closer = new RunCloser(parts, _reporter);
    }

    public async Task<Run> UndoAsync(long runId, RunWaits waits, CancellationToken ct)
    {
        RunRecord run = await FindAsync(runId, ct).ConfigureAwait(false);
        await CheckAsync(run, ct).ConfigureAwait(false);
        ConnectionRecord connection = await ConnectionAsync(run, ct).ConfigureAwait(false);
        RunLease lease = await RunLease.TakeAsync(_parts.Store.Leases, _parts.Time, _parts.RunLease, RunLease.NameOf(run),
            FormattableString.Invariant($"The export of run {run.Id}"), RunConductor.Waiting(_reporter, waits), ct).ConfigureAwait(false);
        await using (lease.ConfigureAwait(false))
        {
            ConstantContactClient client = new(_parts.Wire, connection, RunConductor.Spender(run.Export));
            await using (client.ConfigureAwait(false))
            {
                // Whoever had the lease may have undone it meanwhile.
                PreImageRecord image = await CheckAsync(run, ct).ConfigureAwait(false);
                if (await OpenRunAsync(run, ct).ConfigureAwait(false) is { } open)
                {
                    if (ExportDefinition.FromJson(open.Definition).Undoes != run.Id) throw StandsInTheWay(open);
                    _reporter.Warning(FormattableString.Invariant($"Run {open.Id}, which undoes run {run.Id}, did not come to its end: it goes on now."));
                    return await Finisher(waits, client, connection, lease).FinishAsync(open, null, ct).ConfigureAwait(false);
                }
                return await RunAsync(run, image, connection, client, lease, waits, ct).ConfigureAwait(false);
            }
        }
    }

    public async Task<UndoPreview> PreviewAsync(long runId, CancellationToken ct)
    {
        RunRecord run = await FindAsync(runId, ct).ConfigureAwait(false);
        PreImageRecord image = await CheckAsync(run, ct).ConfigureAwait(false);
        ConnectionRecord connection = await ConnectionAsync(run, ct).ConfigureAwait(false);
        ConstantContactClient client = new(_parts.Wire, connection, RunConductor.Spender(run.Export));
        await using (client.ConfigureAwait(false))
        {
            using UndoReading reading = await ReadAsync(run, image, connection, client, ct).ConfigureAwait(false);
            BatchSealer sealer = new(run.ListId, _parts.BatchRows, _parts.BatchBytes, static (_, _, _, _) => Task.CompletedTask, static (_, _) => Task.CompletedTask);
            await using (sealer.ConfigureAwait(false))
            {
                var reasons = new ReasonCounts();
                UndoCounts counts = await reading.SealAsync(sealer, reasons, ct).ConfigureAwait(false);
                return new UndoPreview
                {
                    RunId = run.Id,
                    Export = run.Export,
                    ListId = run.ListId,
                    Read = counts.Read,
                    WouldSend = sealer.Contacts,
                    WouldRemove = counts.Removed,
                    Unchanged = counts.Unchanged,
                    Suppressed = counts.Suppressed,
                    Noted = counts.Noted,
                    Reasons = reasons.Counts,
                };
            }
        }
    }

    private async Task<Run> RunAsync(
        RunRecord undone, PreImageRecord image, ConnectionRecord connection, ConstantContactClient client, RunLease lease, RunWaits waits, CancellationToken ct)
    {
        await WarnOfLaterAsync(undone, ct).ConfigureAwait(false);
        using UndoReading reading = await ReadAsync(undone, image, connection, client, ct).ConfigureAwait(false);
        await lease.AssureAsync(ct).ConfigureAwait(false);
        ExportDefinition definition = ExportDefinition.FromJson(undone.Definition) with { Undoes = undone.Id, Mode = ExportMode.Upsert, Verify = false, Full = false, Removal = null };
        byte[] key = Spool.NewKey();
        var run = new RunRecord
        {
            Export = undone.Export,
            ConnectionId = connection.Id,
            Connection = connection.Name,
            ListId = undone.ListId,
            Status = RunStatus.Running,
            Trigger = "Undo",
            StartedAt = _parts.Time.GetUtcNow(),
            Definition = definition.ToJson(),
            AccountId = connection.AccountId,
            SpoolKey = _parts.Secrets.Protect(RunCloser.SpoolPurpose, key),
        };
        run = run with { Id = await _parts.Store.Runs.OpenAsync(run, ct).ConfigureAwait(false) };
        RunSignals.Begun(run);
        try
        {
            run = await SealAllAsync(run, definition, reading, key, lease, ct).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            await _closer.BrieflyAsync(_closer.DiscardAsync(run, RunStatus.Canceled, client.Calls, "Stopped before all was read. Nothing was changed.")).ConfigureAwait(false);
            throw;
        }
        catch (CcException e)
        {
            await lease.AssureAsync(CancellationToken.None).ConfigureAwait(false);
            return await _closer.DiscardAsync(run, e, client.Calls).ConfigureAwait(false);
        }
        catch (Exception)
        {
            await _closer.DiscardAsync(run, RunStatus.Failed, client.Calls, "An unexpected fault ended the reading. Nothing was changed.").ConfigureAwait(false);
            throw;
        }
        run = run with { Numbers = run.Numbers with { Requests = client.Calls } };
        return await Finisher(waits, client, connection, lease).FinishAsync(run, key, ct).ConfigureAwait(false);
    }

    private async Task<RunRecord> SealAllAsync(RunRecord run, ExportDefinition definition, UndoReading reading, byte[] key, RunLease lease, CancellationToken ct)
    {
        _reporter.Stage("Reading", "Putting together what is put back.");
        using ISpool spool = _parts.OpenSpool(_parts.Home, run.Id, key);
        RunRejections rejections = new(_parts.Home, run.Id, definition.Segments);
        await using (rejections.ConfigureAwait(false))
        {
            BatchSealer sealer = new(run.ListId, definition.BatchSize ?? _parts.BatchRows, _parts.BatchBytes, spool.WriteAsync, (batch, token) => _parts.Store.Runs.SealedAsync(run.Id, batch, token));
            await using (sealer.ConfigureAwait(false))
            {
                UndoCounts counts = await reading.SealAsync(sealer, rejections, ct).ConfigureAwait(false);
                if (await reading.PlanRemovalAsync(spool, ct).ConfigureAwait(false) is { } plan)
                {
                    run = run with { Definition = (definition with { Removal = plan }).ToJson() };
                    await _parts.Store.Runs.DefineAsync(run.Id, run.Definition, ct).ConfigureAwait(false);
                }
                await rejections.FlushAsync(ct).ConfigureAwait(false);
                RunNumbers numbers = new()
                {
                    Read = counts.Read,
                    Suppressed = counts.Suppressed,
                    Unchanged = counts.Unchanged,
                    Noted = counts.Noted,
                    Sent = sealer.Contacts,
                    Batches = sealer.Batches,
                };
                await lease.AssureAsync(ct).ConfigureAwait(false);
                DateTimeOffset now = _parts.Time.GetUtcNow();
                // First: once it is sealed somebody finishes it, and then the run it undoes has to be known as undone.
                await _parts.Store.PreImages.UndoneByAsync(definition.Undoes!.Value, run.Id, ct).ConfigureAwait(false);
                await _parts.Store.Runs.AllSealedAsync(run.Id, numbers, now, ct).ConfigureAwait(false);
                return run with { Numbers = numbers, AllSealedAt = now };
            }
        }
    }

    private async Task<UndoReading> ReadAsync(RunRecord run, PreImageRecord image, ConnectionRecord connection, ConstantContactClient client, CancellationToken ct)
    {
        _reporter.Stage("Preflight", FormattableString.Invariant($"Checking the list of run {run.Id}."));
        ExportDefinition definition = ExportDefinition.FromJson(run.Definition);
        var preflight = new Preflight(_parts, client, connection);
        await preflight.CheckAccountAsync(definition, ContactMap.Create(definition.Map), ct).ConfigureAwait(false);
        using ListMemory memory = await ListMemory.OpenAsync(_parts, run.Export, connection, run.ListId, forget: false, ct).ConfigureAwait(false);
        using Suppressed suppressed = await new SuppressionBook(_parts).OpenAgainAsync(run.Id, definition.SuppressionPath, _reporter.Warning, ct).ConfigureAwait(false);
        var reading = new UndoReading(_parts, run, definition, image, _parts.Secrets.Unprotect(PreImageTaker.KeyPurpose, image.Key!));
        try
        {
            await reading.ReadAsync(client, _reporter, memory, suppressed, preflight.CustomFields, ct).ConfigureAwait(false);
            return reading;
        }
        catch
        {
            reading.Dispose();
            throw;
        }
    }

    /// <summary>Whether it can be undone, and from what.</summary>
    private async Task<PreImageRecord> CheckAsync(RunRecord run, CancellationToken ct)
    {
        if (run.CompletedAt is null)
        {
            throw new CcException("RunNotEnded", CcErrorKind.Conflict, FormattableString.Invariant($"Run {run.Id} is not at its end ({run.Status})."),
                FormattableString.Invariant($"Wait for it (Wait-CcRun), finish it (Resume-CcRun) or end it for good (Stop-CcRun -Id {run.Id}), and then undo it."));
        }
        if (ExportDefinition.FromJson(run.Definition).Undoes is { } other) throw NotPossible(run, FormattableString.Invariant($"it undid run {other} itself"));
        if (run.AllSealedAt is null || run.Numbers.Sent == 0) throw NotPossible(run, "it sent nothing, so there is nothing to put back");
        PreImageRecord? image = await _parts.Store.PreImages.FindAsync(run.Id, ct).ConfigureAwait(false);
        if (image?.UndoneBy is { } by && await _parts.Store.Runs.FindAsync(by, ct).ConfigureAwait(false) is { Status: RunStatus.Completed or RunStatus.CompletedWithErrors })
        {
            throw new CcException("UndoneAlready", CcErrorKind.Conflict, FormattableString.Invariant($"Run {run.Id} has been undone already, by run {by}."),
                FormattableString.Invariant($"Get-CcRun {by} shows what came of it."));
        }
        if (_parts.Time.GetUtcNow() - (image?.CreatedAt ?? run.StartedAt) >= TimeSpan.FromDays(Limits.UndoDays))
        {
            throw new CcException("UndoTooOld", CcErrorKind.Limit, FormattableString.Invariant($"Run {run.Id} began on {run.StartedAt:yyyy-MM-dd}; what contacts were before a run is kept for {Limits.UndoDays} days."),
                "Export a correct segment instead, or correct the list in Constant Contact.");
        }
        return image?.Key is null ? throw NotPossible(run, image?.Why ?? "what its contacts were before it was not kept (-NoUndo, or an older version)") : image;
    }

    /// <summary>What people did with the list since is theirs; what this export did since is told.</summary>
    private async Task WarnOfLaterAsync(RunRecord run, CancellationToken ct)
    {
        if (run.Numbers.Removed > 0)
            _reporter.Warning(FormattableString.Invariant($"Run {run.Id} took {run.Numbers.Removed:N0} contacts off the list (mode Mirror). They are not put back: who they were is not kept."));
        long[] later = [.. (await _parts.Store.Runs.ListAsync(new RunQuery(run.Export), ct).ConfigureAwait(false))
            .Where(r => r.Id > run.Id && r.ListId == run.ListId && r.Numbers.Accepted > 0 && (run.Export is not null || r.Export is null)).Select(r => r.Id)];
        if (later.Length == 0) return;
        _reporter.Warning(FormattableString.Invariant(
            $"{later.Length:N0} later run(s) went to the same list (the last is {later[0]}). Contacts that they changed count as changed since and stay; undo later runs first to get behind them."));
    }

    /// <summary>The run that has to come to its end first. One that died before all was sealed has sent nothing: it is closed as what it is.</summary>
    private async Task<RunRecord?> OpenRunAsync(RunRecord run, CancellationToken ct)
    {
        foreach (RunRecord open in await _parts.Store.Runs.ListAsync(new RunQuery(run.Export, OpenOnly: true), ct).ConfigureAwait(false))
        {
            if (RunLease.NameOf(open) != RunLease.NameOf(run)) continue;
            if (open.AllSealedAt is not null) return open;
            await _closer.DiscardAsync(open, RunStatus.Canceled, 0, "Ended before all was read. Nothing was sent.").ConfigureAwait(false);
        }
        return null;
    }

    private static CcException StandsInTheWay(RunRecord open) => new("RunNotEnded", CcErrorKind.Conflict, FormattableString.Invariant($"Run {open.Id} of the same export is not at its end ({open.Status})."),
        FormattableString.Invariant($"Finish it (Resume-CcRun {open.Id}) or end it for good (Stop-CcRun {open.Id}), and then undo."));

    private async Task<ConnectionRecord> ConnectionAsync(RunRecord run, CancellationToken ct)
        => await _parts.Store.Connections.FindAsync(run.ConnectionId, ct).ConfigureAwait(false) is { } connection && (run.AccountId is null || run.AccountId == connection.AccountId) ? connection
            : throw NotPossible(run, $"the connection '{run.Connection}', over which it went, is no longer there or leads to another account");

    private RunFinisher Finisher(RunWaits waits, ConstantContactClient client, ConnectionRecord connection, RunLease lease) => new(_parts, _reporter, _closer, client, connection, lease, waits);

    private async Task<RunRecord> FindAsync(long runId, CancellationToken ct) => await _parts.Store.Runs.FindAsync(runId, ct).ConfigureAwait(false)
        ?? throw new CcException("RunNotFound", CcErrorKind.NotFound, FormattableString.Invariant($"There is no run {runId}."), "Get-CcRun lists those there are.");

    private static CcException NotPossible(RunRecord run, string why) => new("UndoNotPossible", CcErrorKind.Conflict, FormattableString.Invariant($"Run {run.Id} cannot be undone: {why.TrimEnd('.')}."),
        "Export a correct segment instead, or correct the list in Constant Contact.");

    /// <summary>Counts reasons, and keeps nothing.</summary>
    private sealed class ReasonCounts : IRejectionSink
    {
        public Dictionary<string, long> Counts { get; } = [];

        public void Add(RejectionKind kind, long row, int segment, ReadOnlySpan<byte> key, string? field, string reason) => Counts[reason] = Counts.GetValueOrDefault(reason) + 1;

        public void AddDuplicate(ProfilePlace profile, ReadOnlySpan<byte> key, ProfilePlace winner) => Add(RejectionKind.Duplicate, profile.Row, profile.Segment, key, null, Reasons.Duplicate);

        public void AddUnchanged(uint number, ProfilePlace profile, ReadOnlySpan<byte> key)
        {
            // No reason stops it: it is counted as what it is.
        }
    }
}

/// <summary>What undoing a run would do; nothing was changed.</summary>
public sealed class UndoPreview
{
    /// <summary>The run that would be undone.</summary>
    public required long RunId { get; init; }
    /// <summary>The export's name; null for a run without a name.</summary>
    public string? Export { get; init; }
    /// <summary>The list.</summary>
    public required string ListId { get; init; }
    /// <summary>Contacts of the run.</summary>
    public required long Read { get; init; }
    /// <summary>Contacts whose old values would be put back.</summary>
    public required long WouldSend { get; init; }
    /// <summary>Contacts that would be taken off the list.</summary>
    public required long WouldRemove { get; init; }
    /// <summary>Contacts without a value to put back, those that would only be taken off the list included.</summary>
    public required long Unchanged { get; init; }
    /// <summary>Contacts that would be left as they are: unsubscribed, changed or off the list since.</summary>
    public required long Suppressed { get; init; }
    /// <summary>Values that were empty before and cannot be emptied by an import.</summary>
    public required long Noted { get; init; }
    /// <summary>How many each reason stops.</summary>
    public required IReadOnlyDictionary<string, long> Reasons { get; init; }
}
