using CcExport.Engine.ConstantContact;
using CcExport.Engine.Fingerprints;
using CcExport.Engine.Mapping;
using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>Finds what became of an address in every run that is kept, and what the accounts have of it now.</summary>
internal sealed class ContactTracer(EngineParts parts)
{
    /// <param name="connection">Only this connection and its runs; null: all.</param>
    /// <param name="export">Only this export's runs, and its connection; null: all.</param>
    public async Task<ContactTrace> TraceAsync(string email, string? connection, string? export, CancellationToken ct)
    {
        if (AddressHash.Of(email, out UInt128 address) == EmailVerdict.Missing)
            throw new CcException("EmailInvalid", CcErrorKind.InvalidArgument, "No address was given.", "Give one with -Email.");
        IReadOnlyList<ConnectionRecord> connections = await ConnectionsAsync(connection, export, ct).ConfigureAwait(false);
        Suppression? suppression = await new SuppressionBook(parts).FindAsync(address, ct).ConfigureAwait(false);
        Dictionary<Guid, (TracedAccount View, ContactState? State)> accounts = [];
        foreach (ConnectionRecord one in connections) accounts[one.Id] = await AskAsync(one, email, address, suppression, ct).ConfigureAwait(false);

        List<TracedRun> runs = [];
        var keeper = new TraceKeeper(parts);
        foreach (RunRecord run in await parts.Store.Runs.ListAsync(new RunQuery(export), ct).ConfigureAwait(false))
        {
            ct.ThrowIfCancellationRequested();
            if (connection is not null && connections.All(c => c.Id != run.ConnectionId)) continue;
            List<TraceRecord> found = await keeper.FindAsync(run, address, ct).ConfigureAwait(false);
            if (found.Count == 0) continue;
            Dictionary<int, string?> jobs = (await parts.Store.Runs.GetBatchesAsync(run.Id, ct).ConfigureAwait(false)).ToDictionary(b => b.Number, b => b.ActivityId);
            Run view = (await RunViews.OfAsync([run], parts, ct).ConfigureAwait(false))[0];
            (TracedAccount View, ContactState? State) account = accounts.GetValueOrDefault(run.ConnectionId);
            runs.AddRange(found.Select(r => Of(run, view.Status, r, jobs, account.View, account.State, email)));
        }
        return new ContactTrace
        {
            Runs = runs,
            Accounts = accounts.Count > 0 ? [.. accounts.Values.Select(a => a.View)] : [new TracedAccount { Suppression = suppression, Message = "There is no connection to ask." }],
        };
    }

    private async Task<IReadOnlyList<ConnectionRecord>> ConnectionsAsync(string? connection, string? export, CancellationToken ct)
    {
        if (connection is not null) return [await new ConnectionBook(parts).FindAsync(connection, ct).ConfigureAwait(false)];
        IReadOnlyList<ConnectionRecord> all = await parts.Store.Connections.ListAsync(ct).ConfigureAwait(false);
        // Runs outlive their export: one that is gone has no connection of its own any more.
        return export is null || await parts.Store.Exports.FindAsync(export, ct).ConfigureAwait(false) is not { } stored ? all : [.. all.Where(c => c.Id == stored.ConnectionId)];
    }

    private async Task<(TracedAccount, ContactState?)> AskAsync(ConnectionRecord connection, string email, UInt128 address, Suppression? suppression, CancellationToken ct)
    {
        (List<TracedMemory> memory, string? message) = await RememberedAsync(connection, address, ct).ConfigureAwait(false);
        ContactState? state = null;
        bool asked = false;
        try
        {
            ConstantContactClient client = new(parts.Wire, connection);
            await using (client.ConfigureAwait(false)) state = await client.FindStateAsync(email.Trim(), ct).ConfigureAwait(false);
            asked = true;
        }
        catch (CcException e)
        {
            // The other accounts, and what is known here, are told all the same.
            message = RunCloser.Explain(e);
        }
        return (new TracedAccount
        {
            Connection = connection.Name,
            Exists = asked ? state is not null : null,
            ContactId = state?.Seen.ContactId,
            Permission = state?.Seen.Permission,
            ListIds = state?.Seen.ListIds ?? [],
            CreatedAt = state?.Seen.CreatedAt,
            UpdatedAt = state?.Seen.UpdatedAt,
            OptedOutAt = state?.OptedOutAt,
            DeletedAt = state?.Seen.DeletedAt,
            Memory = memory,
            Suppression = suppression,
            Message = message,
        }, state);
    }

    private async Task<(List<TracedMemory>, string?)> RememberedAsync(ConnectionRecord connection, UInt128 address, CancellationToken ct)
    {
        List<TracedMemory> memory = [];
        string? message = null;
        string account = ListMemory.AccountOf(connection.AccountId, connection.Id);
        foreach (FingerprintRecord one in (await parts.Store.Fingerprints.ListAllAsync(ct).ConfigureAwait(false)).Where(r => r.Account == account))
        {
            try
            {
                using FingerprintTable table = FingerprintFile.Read(parts.Home, one.File, parts.Secrets.Unprotect(ListMemory.KeyPurpose, one.Key));
                if (table.Find(address) is not (>= 0 and var at)) continue;
                Marks marks = table.All[at].Marks;
                memory.Add(new TracedMemory
                {
                    Export = one.Export.Length == 0 ? null : one.Export,
                    ListId = one.ListId,
                    Confirmed = (marks & Marks.Confirmed) != 0,
                    Owned = (marks & Marks.Owned) != 0,
                    Present = (marks & Marks.Present) != 0,
                });
            }
            catch (CcException e)
            {
                message = e.Message;
            }
        }
        return (memory, message);
    }

    private static TracedRun Of(RunRecord run, RunStatus status, TraceRecord record, Dictionary<int, string?> jobs, TracedAccount? account, ContactState? state, string email)
    {
        ExportDefinition definition = ExportDefinition.FromJson(run.Definition);
        string? reason = ReasonCodes.From(record.Reason);
        return new TracedRun
        {
            RunId = run.Id,
            Export = run.Export,
            Connection = run.Connection,
            ListId = run.ListId,
            StartedAt = run.StartedAt,
            Status = status,
            Fate = record.Fate,
            Reason = reason,
            Message = reason is null ? null : Reasons.Explain(reason).Sentence,
            Segment = record.Segment < definition.Segments.Count ? definition.Segments[record.Segment] : null,
            Row = record.Row,
            Batch = record.Batch == 0 ? null : record.Batch,
            ActivityId = jobs.GetValueOrDefault(record.Batch),
            Fields = definition.Map,
            IsOnList = account?.Exists is null ? null : account.ListIds.Contains(run.ListId, StringComparer.OrdinalIgnoreCase),
            IsAsSent = state is null || record.Content == 0 ? null : SentComparison.IsAsSent(definition.Map, record.Content, state, email),
        };
    }
}
