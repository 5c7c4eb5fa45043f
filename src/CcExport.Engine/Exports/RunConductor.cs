using System.Text;
using CcExport.Engine.ConstantContact;
using CcExport.Engine.Mapping;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>
/// Conducts a run: preflight, read and seal all, then send, follow, close. Sending begins only when the journal has the mark
/// AllSealed; from there on everything is done from the journal and the spool, so a run that goes on and a fresh one take the same way.
/// </summary>
internal sealed class RunConductor(EngineParts parts, IRunObserver observer)
{
    private readonly RunReporter _reporter = new(observer, parts.Time);

    public async Task<Run> InvokeAsync(RunRequest request, CancellationToken ct)
    {
        (string? name, ExportDefinition definition) = await RunDefinitions.ResolveAsync(parts, request, ct).ConfigureAwait(false);
        ContactMap map = ContactMap.Create(definition.Map);
        ConnectionRecord connection = await new ConnectionBook(parts).FindAsync(definition.Connection ?? throw NoConnection(name), ct).ConfigureAwait(false);

        string lease = name is null ? $"list/{connection.Id:N}/{definition.ListId}" : $"export/{name.ToUpperInvariant()}";
        RunLease held = await RunLease.TakeAsync(parts.Store.Leases, parts.Time, parts.RunLease, lease, name is null ? $"An export to list {definition.ListId}" : $"'{name}'", ct).ConfigureAwait(false);
        await using (held.ConfigureAwait(false))
        {
            ConstantContactClient client = new(parts.Wire, connection);
            await using (client.ConfigureAwait(false))
            {
                // What an earlier run left comes first. A stored export is then done; one put together at the prompt has new objects to send.
                if (await GoOnAsync(name, definition.ListId, client, connection, held, ct).ConfigureAwait(false) is { } finished
                    && (name is not null || finished.CompletedAt is null)) return finished;
                return await RunAsync(name, definition, map, request, client, connection, held, ct).ConfigureAwait(false);
            }
        }
    }

    /// <summary>
    /// An earlier run of this export that did not come to its end: sealed, it is finished now instead of a new one; else it sent
    /// nothing, and is closed as what it is.
    /// </summary>
    private async Task<Run?> GoOnAsync(string? name, string listId, ConstantContactClient client, ConnectionRecord connection, RunLease lease, CancellationToken ct)
    {
        foreach (RunRecord run in await parts.Store.Runs.ListAsync(new RunQuery(name, Limit: name is null ? 200 : 20), ct).ConfigureAwait(false))
        {
            if (run.CompletedAt is not null) continue;
            if (name is null && (run.Export is not null || run.ListId != listId || run.ConnectionId != connection.Id)) continue;
            if (run.AllSealedAt is null)
            {
                await DiscardAsync(run, RunStatus.Canceled, 0, "Ended before all was read. Nothing was sent.").ConfigureAwait(false);
                continue;
            }
            await AssureSameAccountAsync(run, connection, ct).ConfigureAwait(false);
            _reporter.Warning(FormattableString.Invariant(
                $"Run {run.Id}{(name is null ? "" : $" of '{name}'")}, begun {run.StartedAt:u}, did not come to its end: it goes on now{(name is null ? " first" : ", and no new one is started")}."));
            return await FinishAsync(run, null, client, connection, lease, ct).ConfigureAwait(false);
        }
        return null;
    }

    /// <summary>Jobs are looked for in the account they were sent to: a run that began on one account never goes on over another.</summary>
    private async Task AssureSameAccountAsync(RunRecord run, ConnectionRecord connection, CancellationToken ct)
    {
        if (run.ConnectionId == connection.Id) return;
        ConnectionRecord? before = await parts.Store.Connections.FindAsync(run.ConnectionId, ct).ConfigureAwait(false);
        if (before is null || (before.AccountId is { } account && account == connection.AccountId)) return;
        throw new CcException("RunOfOtherAccount", CcErrorKind.Conflict,
            FormattableString.Invariant($"Run {run.Id} was begun over the connection '{run.Connection}' and is not at its end; '{connection.Name}' is not known to be the same account."),
            $"Set the export back to '{run.Connection}' (Set-CcExport -Connection), invoke it to finish that run, and change it then.")
        { Subject = run.Export };
    }

    private async Task<Run> RunAsync(
        string? name, ExportDefinition definition, ContactMap map, RunRequest request, ConstantContactClient client, ConnectionRecord connection, RunLease lease, CancellationToken ct)
    {
        _reporter.Stage("Preflight", $"Checking the list and the source{(name is null ? "" : $" of '{name}'")}.");
        IProfileSource source = request.Piped is { } piped ? piped : await new SourceBook(parts).OpenAsync(definition.Source!, ct).ConfigureAwait(false);
        IReadOnlyList<string> segments;
        try
        {
            segments = await Preflight.CheckSourceAsync(source, definition, map, ct).ConfigureAwait(false);
        }
        catch (CcException e) when (e.Kind == CcErrorKind.InvalidData)
        {
            // Whether broken data shows in its first block or later is chance: either way it is a run that failed, and the history has it.
            RunRecord broken = await OpenAsync(name, definition, connection, request.Trigger, Spool.NewKey(), ct).ConfigureAwait(false);
            return await DiscardAsync(broken, RunStatus.Failed, 0, Explain(e)).ConfigureAwait(false);
        }
        var preflight = new Preflight(parts, client, connection);
        ContactList list = await preflight.CheckAccountAsync(definition, map, ct).ConfigureAwait(false);
        await WarnOfRepeatAsync(name, connection, definition.ListId, list.Name, ct).ConfigureAwait(false);

        byte[] key = Spool.NewKey();
        RunRecord run = await OpenAsync(name, definition with { Segments = segments }, connection, request.Trigger, key, ct).ConfigureAwait(false);
        try
        {
            run = await SealAllAsync(run, definition, map, source, segments, key, contacts => preflight.CheckContactLimitAsync(contacts, list, ct), ct).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            await DiscardAsync(run, RunStatus.Canceled, client.Calls, "Stopped before all was read. Nothing was sent.").ConfigureAwait(false);
            throw;
        }
        catch (CcException e)
        {
            await lease.AssureAsync(CancellationToken.None).ConfigureAwait(false);
            return await DiscardAsync(run, RunStatus.Failed, client.Calls, Explain(e)).ConfigureAwait(false);
        }
        catch (Exception)
        {
            await DiscardAsync(run, RunStatus.Failed, client.Calls, "An unexpected fault ended the reading. Nothing was sent.").ConfigureAwait(false);
            throw;
        }
        return await FinishAsync(run, key, client, connection, lease, ct).ConfigureAwait(false);
    }

    private const string SpoolPurpose = "spool";

    private async Task<RunRecord> OpenAsync(string? name, ExportDefinition definition, ConnectionRecord connection, string trigger, byte[] key, CancellationToken ct)
    {
        var run = new RunRecord
        {
            Export = name,
            ConnectionId = connection.Id,
            Connection = connection.Name,
            ListId = definition.ListId,
            Status = RunStatus.Running,
            Trigger = trigger,
            StartedAt = parts.Time.GetUtcNow(),
            Definition = definition.ToJson(),
            SpoolKey = parts.Secrets.Protect(SpoolPurpose, key),
        };
        return run with { Id = await parts.Store.Runs.OpenAsync(run, ct).ConfigureAwait(false) };
    }

    /// <summary>Reads, maps and seals everything, up to the mark AllSealed.</summary>
    /// <param name="beforeMark">Looks at the whole (contacts to send) and throws if it must not go.</param>
    private async Task<RunRecord> SealAllAsync(
        RunRecord run, ExportDefinition definition, ContactMap map, IProfileSource source, IReadOnlyList<string> segments, byte[] key,
        Func<long, Task> beforeMark, CancellationToken ct)
    {
        _reporter.Stage("Reading", "Reading and mapping profiles.");
        string folder = Spool.FolderOf(parts.Home.SpoolFolder, run.Id);
        CcHome.CreateFolder(folder);
        using var spool = new Spool(folder, run.Id, key);
        RunRejections rejections = new(parts.Home, run.Id, segments);
        await using (rejections.ConfigureAwait(false))
        {
            BatchSealer sealer = new(definition.ListId, definition.BatchSize ?? parts.BatchRows, parts.BatchBytes, spool.WriteAsync,
                (batch, token) => parts.Store.Runs.SealedAsync(run.Id, batch, token));
            await using (sealer.ConfigureAwait(false))
            {
                var counts = new ReadCounts();
                var reader = new RunReader(source, segments, map, definition.KeyProperty, definition.MaxProfiles ?? Limits.Profiles);
                await reader.ReadAsync(sealer, rejections, counts, null, c => _reporter.Report(c.Read, null, "profiles"), null, ct).ConfigureAwait(false);
                await sealer.CompleteAsync(ct).ConfigureAwait(false);
                await rejections.FlushAsync(ct).ConfigureAwait(false);
                RunNumbers numbers = new()
                {
                    Read = counts.Read,
                    Invalid = counts.Invalid,
                    Duplicate = counts.Duplicate,
                    Noted = counts.Noted,
                    Sent = sealer.Contacts,
                    Batches = sealer.Batches,
                };
                if (numbers.Read != numbers.Invalid + numbers.Duplicate + numbers.Sent)
                    throw new InvalidOperationException("The read side of the balance does not close.");
                await beforeMark(numbers.Sent).ConfigureAwait(false);
                DateTimeOffset now = parts.Time.GetUtcNow();
                await parts.Store.Runs.AllSealedAsync(run.Id, numbers, now, ct).ConfigureAwait(false);
                return run with { Numbers = numbers, AllSealedAt = now };
            }
        }
    }

    /// <summary>Sends, follows and closes a sealed run, from whatever its journal says.</summary>
    private async Task<Run> FinishAsync(RunRecord run, byte[]? key, ConstantContactClient client, ConnectionRecord connection, RunLease lease, CancellationToken ct)
    {
        ExportDefinition definition = ExportDefinition.FromJson(run.Definition);
        bool goesOn = key is null;
        key ??= parts.Secrets.Unprotect(SpoolPurpose, run.SpoolKey ?? throw new CcException("SpoolDamaged", CcErrorKind.Storage,
            $"The spool's key of run {run.Id} is gone.", "Run the export again."));
        using var spool = new Spool(Spool.FolderOf(parts.Home.SpoolFolder, run.Id), run.Id, key);
        // A moment's reading that is not stopped, so that stopping always finds a run that knows its batches.
        var batches = new RunBatches(parts.Store.Runs, run.Id, await parts.Store.Runs.GetBatchesAsync(run.Id, CancellationToken.None).ConfigureAwait(false));
        if (goesOn) await RunRejections.KeepFinishedAsync(parts.Home, run.Id, [.. batches.In(BatchState.Finished).Select(b => b.Number)]).ConfigureAwait(false);
        RunRejections rejections = new(parts.Home, run.Id, definition.Segments);
        await using (rejections.ConfigureAwait(false))
        {
            var closer = new BatchCloser(batches, spool, rejections, parts.Time);
            int callsBefore = run.Numbers.Requests;
            try
            {
                await parts.Store.Runs.SetStatusAsync(run.Id, RunStatus.Running, null, ct).ConfigureAwait(false);
                CcException? stop = await SendAsync(run, batches, spool, client, connection, lease, ct).ConfigureAwait(false);
                // What stopped it may be that another process has the run: from here on nothing is written that is no longer ours to write.
                await lease.AssureAsync(ct).ConfigureAwait(false);
                if (stop is not null && CanGoOn(stop)) return await ParkAsync(run, stop, callsBefore + client.Calls).ConfigureAwait(false);
                _reporter.Stage("Following", FormattableString.Invariant($"Following {batches.In(BatchState.Sent).Count} job(s) to their end."));
                int toFollow = batches.In(BatchState.Sent).Count;
                await new ActivityFollower(client, batches, parts.Time, parts.Upload).FollowAsync(
                    CloseOursAsync, () => _reporter.Report(toFollow - batches.In(BatchState.Sent).Count, toFollow, "jobs"), ct).ConfigureAwait(false);
                await lease.AssureAsync(ct).ConfigureAwait(false);
                // A batch refused as a whole while sending is Finished without its rejection: it gets it here, as do those left over.
                foreach (BatchRecord batch in batches.In(BatchState.Finished))
                {
                    if (batch.Outcome is { Verdict: Reasons.BatchRefused }) rejections.AddBatch(RejectionKind.Refused, batch.Number, batch.Rows, Reasons.BatchRefused, batch.Outcome.Message);
                }
                foreach (BatchRecord batch in batches.In(BatchState.Sealed, BatchState.Sending, BatchState.InDoubt)) await closer.CloseAsync(batch).ConfigureAwait(false);
                await rejections.FlushAsync(CancellationToken.None).ConfigureAwait(false);
                return await CloseAsync(run, batches, callsBefore + client.Calls, stop).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                await lease.AssureAsync(CancellationToken.None).ConfigureAwait(false);
                await InterruptAsync(run, callsBefore + client.Calls, run.Export is null
                    ? "Stopped. What is left goes out when something is next exported to this list over this connection." : "Stopped. Run the export again to go on.").ConfigureAwait(false);
                throw;
            }
            catch (CcException e) when (e.ErrorId != "LeaseLost")
            {
                await lease.AssureAsync(CancellationToken.None).ConfigureAwait(false);
                // All is sealed and the journal says how far it came: whatever stands in the way, nothing is given up for it.
                return await ParkAsync(run, e, callsBefore + client.Calls).ConfigureAwait(false);
            }

            async Task CloseOursAsync(BatchRecord batch, Activity? job, CancellationToken t)
            {
                await lease.AssureAsync(t).ConfigureAwait(false);
                await closer.CloseAsync(batch, job, t).ConfigureAwait(false);
            }
        }
    }

    private async Task<CcException?> SendAsync(
        RunRecord run, RunBatches batches, Spool spool, ConstantContactClient client, ConnectionRecord connection, RunLease lease, CancellationToken ct)
    {
        int total = batches.All.Count, open = batches.In(BatchState.Sealed).Count;
        CallUse use = await parts.Store.Calls.GetUseAsync(connection.ClientId, parts.Time.GetUtcNow(), ct).ConfigureAwait(false);
        long left = use.EndedByServer ? 0 : Math.Max(0, parts.Wire.Options.CallsPerDay - use.Calls);
        if (open + Limits.CallsBesideBatches > left)
        {
            _reporter.Warning(FormattableString.Invariant(
                $"This run needs about {open + Limits.CallsBesideBatches:N0} calls and its API key has {left:N0} left today. What fits is sent now; invoke the export again after 00:00 UTC for the rest."));
        }
        _reporter.Stage("Sending", FormattableString.Invariant($"Sending {run.Numbers.Sent:N0} contacts in {total:N0} batch(es)."));
        var uploader = new Uploader(client, batches, spool, parts.Time, parts.Upload, lease.AssureAsync,
            () => _reporter.Report(total - batches.In(BatchState.Sealed, BatchState.Sending).Count, total, "batches"), _reporter.Verbose);
        return await uploader.SendAsync(ct).ConfigureAwait(false);
    }

    /// <summary>What ends by itself or by a person's deed, without anything of the run being wrong: the run waits for it, sealed.</summary>
    private static bool CanGoOn(CcException e) => e.Kind is CcErrorKind.Connection or CcErrorKind.Authentication or CcErrorKind.Permission
        || e.ErrorId is "QuotaExceeded" or "Throttled" or "ServiceUnavailable" or "AnswerUnreadable" or "PageLinkRefused" or "StoreLocked" or "SpoolUnreadable" or "DiskFull" or "LeaseLost";

    private async Task<Run> ParkAsync(RunRecord run, CcException stop, int requests)
    {
        // Another process has it now: its status is no longer ours to write.
        if (stop.ErrorId == "LeaseLost") throw stop;
        bool quota = stop.ErrorId == "QuotaExceeded";
        string message = Explain(stop) + (quota ? " What is left goes out when the export is run again after that." : " What is left goes out when the export is run again.");
        await parts.Store.Runs.SetStatusAsync(run.Id, quota ? RunStatus.WaitingForQuota : RunStatus.Interrupted, message, CancellationToken.None, requests).ConfigureAwait(false);
        return RunViews.Of(await parts.Store.Runs.FindAsync(run.Id, CancellationToken.None).ConfigureAwait(false) ?? run);
    }

    private Task InterruptAsync(RunRecord run, int requests, string message)
        => parts.Store.Runs.SetStatusAsync(run.Id, RunStatus.Interrupted, message, CancellationToken.None, requests);

    private async Task<Run> CloseAsync(RunRecord run, RunBatches batches, int requests, CcException? stop)
    {
        RunNumbers numbers = run.Numbers with { Requests = requests, Accepted = 0, OptedOut = 0, Refused = 0, Unaccounted = 0, BytesSent = 0 };
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
        if (numbers.Sent != numbers.Accepted + numbers.OptedOut + numbers.Refused + numbers.Unaccounted)
            throw new InvalidOperationException("The sent side of the balance does not close.");
        bool clean = numbers.Refused == 0 && numbers.Unaccounted == 0;
        RunStatus status = stop is not null ? RunStatus.Failed : clean ? RunStatus.Completed : RunStatus.CompletedWithErrors;
        string? message = stop is not null ? Explain(stop) : clean ? null
            : FormattableString.Invariant($"{numbers.Refused:N0} refused, {numbers.Unaccounted:N0} unaccounted for: Get-CcRejection -RunId {run.Id} says which and why.");
        return await CloseAsync(run, status, numbers, message).ConfigureAwait(false);
    }

    /// <summary>Writes the end down, even for a person who no longer waits, and then erases the spool.</summary>
    private async Task<Run> CloseAsync(RunRecord run, RunStatus status, RunNumbers numbers, string? message)
    {
        DateTimeOffset now = parts.Time.GetUtcNow();
        _reporter.Stage("Closing", "Closing the balance.");
        await parts.Store.Runs.CloseAsync(run.Id, status, numbers, message, now, CancellationToken.None).ConfigureAwait(false);
        Spool.Remove(Spool.FolderOf(parts.Home.SpoolFolder, run.Id));
        return RunViews.Of(run with { Status = status, Numbers = numbers, Message = message, CompletedAt = now });
    }

    /// <summary>
    /// Closes a run that ends before its mark AllSealed: it sent nothing and counts nothing, since what was counted so far is no whole.
    /// </summary>
    private Task<Run> DiscardAsync(RunRecord run, RunStatus status, int requests, string message)
    {
        RejectionFile.Delete(parts.Home, run.Id);
        // First of all: a disk that the spool has filled has no room for the record of it either.
        Spool.Remove(Spool.FolderOf(parts.Home.SpoolFolder, run.Id));
        return CloseAsync(run, status, new RunNumbers { Requests = requests }, message);
    }

    /// <summary>People who left the list come back with an import; until they are held out, say so when it may happen.</summary>
    private async Task WarnOfRepeatAsync(string? name, ConnectionRecord connection, string listId, string listName, CancellationToken ct)
    {
        if (name is not null && !await parts.Store.Runs.HasAcceptedBeforeAsync(name, ct).ConfigureAwait(false)) return;
        IReadOnlyList<RunRecord> earlier = await parts.Store.Runs.ListAsync(new RunQuery(name, Limit: 500), ct).ConfigureAwait(false);
        if (!earlier.Any(r => r.ConnectionId == connection.Id && r.ListId == listId && r.Numbers.Accepted > 0)) return;
        _reporter.Warning($"'{listName}' was exported to before. People who have left this list since (without unsubscribing from the account) are put back by an import if they are still in the segment.");
    }

    private static string Explain(CcException e)
    {
        var text = new StringBuilder(e.Message);
        if (e.Remedy is not null) text.Append(' ').Append(e.Remedy);
        return text.ToString();
    }

    private static CcException NoConnection(string? name) => new("ConnectionMissing", CcErrorKind.InvalidArgument,
        name is null ? "No connection was named." : $"The export '{name}' has no connection any more.", "Give it one with -Connection.");
}
