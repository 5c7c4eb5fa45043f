using System.Text.Json;
using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>
/// Removes all that is kept here of a person. First she is suppressed, so that whatever happens after it no run sends her; then every place is cleared, one after the
/// other, each of which may be cleared again; last comes the proof. No export can run meanwhile: the leases of all are held.
/// </summary>
internal sealed class ContactEraser(EngineParts parts, IRunObserver observer)
{
    /// <summary>The rejections first and the traces last: by these they are found.</summary>
    private IPersonalData[] Places() => [new RejectionEraser(parts), new SpoolEraser(parts, observer), new PreImageEraser(parts), new FingerprintEraser(parts), new TraceEraser(parts)];

    public async Task<ContactErasure> EraseAsync(UInt128 address, string by, CancellationToken ct)
    {
        var held = new Dictionary<string, RunLease>(StringComparer.Ordinal);
        try
        {
            await HoldAllAsync(held, suppressed: false, ct).ConfigureAwait(false);
            var book = new SuppressionBook(parts);
            await book.EraseAsync(address, by, ct).ConfigureAwait(false);
            // A run that began before that may not know it yet.
            await HoldAllAsync(held, suppressed: true, ct).ConfigureAwait(false);
            var removed = new Dictionary<string, long>(StringComparer.Ordinal);
            List<string> failed = [];
            foreach (IPersonalData place in Places())
            {
                // Without the traces nobody would find the rejections when it is repeated.
                if (place is TraceEraser && !removed.ContainsKey(RejectionEraser.Name)) continue;
                try
                {
                    removed[place.What] = await place.EraseAsync(address, ct).ConfigureAwait(false);
                }
                catch (CcException e)
                {
                    failed.Add(e.Remedy is { } remedy ? $"{place.What}: {e.Message} {remedy}" : $"{place.What}: {e.Message}");
                }
            }
            if (failed.Count > 0)
            {
                throw new CcException("ErasureIncomplete", CcErrorKind.Storage,
                    $"The address is suppressed, but not everything of it could be removed. {string.Join(' ', failed)}", "Mend the cause and run Remove-CcContactData again: what is removed already stays so.");
            }
            var record = new ErasureRecord(0, parts.Time.GetUtcNow(), by, await book.SealAsync(address, ct).ConfigureAwait(false), JsonSerializer.Serialize(removed, DefinitionJson.Default.DictionaryStringInt64));
            return View(record with { Id = await parts.Store.Suppressions.AddErasureAsync(record, ct).ConfigureAwait(false) });
        }
        finally
        {
            foreach (RunLease lease in held.Values) await lease.DisposeAsync().ConfigureAwait(false);
        }
    }

    public async Task<IReadOnlyList<ContactErasure>> ListAsync(UInt128? address, CancellationToken ct)
    {
        IReadOnlyList<ErasureRecord> all = await parts.Store.Suppressions.ListErasuresAsync(ct).ConfigureAwait(false);
        byte[]? sought = address is { } hash && all.Count > 0 ? await new SuppressionBook(parts).SealAsync(hash, ct).ConfigureAwait(false) : null;
        return [.. all.Where(r => sought is null || r.Address.AsSpan().SequenceEqual(sought)).Select(View)];
    }

    /// <summary>Takes the leases of all exports, of all that remembers somebody, and of all open runs. <c>RunInProgress</c>.</summary>
    private async Task HoldAllAsync(Dictionary<string, RunLease> held, bool suppressed, CancellationToken ct)
    {
        HashSet<string> names = [.. (await parts.Store.Exports.ListAsync(ct).ConfigureAwait(false)).Select(e => RunLease.NameOf(e.Name, default, ""))];
        IReadOnlyList<ConnectionRecord> connections = await parts.Store.Connections.ListAsync(ct).ConfigureAwait(false);
        foreach (FingerprintRecord one in await parts.Store.Fingerprints.ListAllAsync(ct).ConfigureAwait(false))
        {
            if (one.Export.Length > 0) names.Add(RunLease.NameOf(one.Export, default, ""));
            else names.UnionWith(connections.Where(c => ListMemory.AccountOf(c.AccountId, c.Id) == one.Account).Select(c => RunLease.NameOf(null, c.Id, one.ListId)));
        }
        names.UnionWith((await parts.Store.Runs.ListAsync(new RunQuery(OpenOnly: true), ct).ConfigureAwait(false)).Select(RunLease.NameOf));
        names.UnionWith((await parts.Store.Runs.ListAsync(new RunQuery(Plans: true), ct).ConfigureAwait(false)).Select(RunLease.NameOf));
        names.UnionWith((await parts.Store.Runs.ListAsync(new RunQuery(KeptSpoolOnly: true), ct).ConfigureAwait(false)).Select(RunLease.NameOf));
        foreach (string name in names.Order(StringComparer.Ordinal))
        {
            if (held.ContainsKey(name)) continue;
            (RunLease? lease, LeaseOwner? holder) = await RunLease.TryTakeAsync(parts.Store.Leases, parts.Time, parts.RunLease, name, ct).ConfigureAwait(false);
            held.Add(name, lease ?? throw new CcException("RunInProgress", CcErrorKind.Conflict,
                $"An export is being run by {(holder is null ? "another process" : FormattableString.Invariant($"process {holder.ProcessId} on {holder.Machine}"))}, and may hold this person. {(suppressed ? "The address is suppressed already; nothing was removed." : "Nothing was done.")}",
                "Wait until it has ended (Get-CcRun, Wait-CcRun) or end it with Stop-CcRun; then run Remove-CcContactData again."));
        }
    }

    private static ContactErasure View(ErasureRecord record) => new()
    {
        Id = record.Id,
        At = record.At,
        By = record.By,
        Removed = JsonSerializer.Deserialize(record.Removed, DefinitionJson.Default.DictionaryStringInt64) ?? [],
    };
}
