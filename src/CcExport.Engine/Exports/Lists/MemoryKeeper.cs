using System.Runtime.CompilerServices;
using CcExport.Engine.Fingerprints;
using CcExport.Engine.Mapping;
using CcExport.Engine.Store;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>
/// Remembers, when a run closes, what the service accepted of it. A contact that was refused is not remembered as sent; of whom nobody can say whether he was
/// accepted, the list itself is asked.
/// </summary>
internal sealed class MemoryKeeper(EngineParts parts, RunReporter reporter, long runId)
{
    /// <summary>Done twice it comes to the same: a process may die between this and the run's end.</summary>
    /// <param name="reader">Null: the list is not read back, and what is uncertain stays so.</param>
    public async Task RememberAsync(
        RunRecord run, ExportDefinition definition, ConnectionRecord connection, RunBatches batches, ISpool spool, RunRejections rejections, ListReader? reader, CancellationToken ct)
    {
        FingerprintRecord? before = await ListMemory.FindAsync(parts, run.Export, connection, run.ListId, ct).ConfigureAwait(false);
        List<BatchRecord> sent = [.. batches.All.Where(b => b.Outcome is { Verdict: not (Reasons.NotSent or Reasons.BatchRefused or Reasons.Replaced) })];
        // Who was taken off is no leaver: she comes back when a segment has her again. Once, though: a run that is opened again may be older than what is remembered.
        using DuplicateIndex? gone = definition.Removal is { Done: true, Planned: > 0 } removal && (before?.RunId ?? 0) <= run.Id
            ? await ListRemover.HashesAsync(spool, removal, ct).ConfigureAwait(false) : null;
        if (sent.Count == 0 && gone is null) return;
        Dictionary<int, HashSet<(long, string?)>> named = await NamedAsync(rejections, ct).ConfigureAwait(false);
        List<BatchRecord> open = [.. sent.Where(b => b.Outcome!.Refused + b.Outcome.Unaccounted > (named.GetValueOrDefault(b.Number)?.Count ?? 0))];
        using DuplicateIndex? list = open.Count == 0 || reader is null ? null : await ListAsync(reader, run.ListId, ct).ConfigureAwait(false);
        // Those whom the service kept off the list were never put there: if they agree again some day, they have not left it.
        using DuplicateIndex? optedOut = reader is null || !sent.Any(b => b.Outcome!.OptedOut > 0) ? null : await ListAsync(reader, null, ct).ConfigureAwait(false);
        // What went once more has its fate there, so those batches come first.
        BatchRecord[] inOrder = [.. sent.OrderByDescending(b => b.Again).ThenByDescending(b => b.Number)];
        byte[] key = FingerprintFile.NewKey();
        (string file, int records, bool joined) = await MergeAsync(definition.Full).ConfigureAwait(false);
        await ListMemory.ReplaceAsync(parts, before, new FingerprintRecord
        {
            Export = before?.Export ?? run.Export ?? "",
            Account = ListMemory.AccountOf(connection.AccountId, connection.Id),
            ListId = run.ListId,
            File = file,
            Key = parts.Secrets.Protect(ListMemory.KeyPurpose, key),
            Records = records,
            RunId = run.Id,
            UpdatedAt = parts.Time.GetUtcNow(),
            LookTook = before?.LookTook,
            // Members that were others' and are ours now are no longer among the others: how many those are is then not known before the next look.
            Others = joined ? null : before?.Others,
        }, ct).ConfigureAwait(false);

        async Task<(string File, int Records, bool Joined)> MergeAsync(bool forget)
        {
            try
            {
                using FingerprintReader? old = before is null ? null : new FingerprintReader(parts.Home, before.File, parts.Secrets.Unprotect(ListMemory.KeyPurpose, before.Key));
                return await WriteAsync(old).ConfigureAwait(false);
            }
            catch (CcException e) when (forget && e.ErrorId == "FingerprintsDamaged")
            {
                // Asked for: what it held is forgotten.
                return await WriteAsync(null).ConfigureAwait(false);
            }
        }

        async Task<(string File, int Records, bool Joined)> WriteAsync(FingerprintReader? old)
        {
            using var merge = new FingerprintMerge(sent.Sum(b => (long)b.Rows));
            using var writer = new FingerprintWriter(parts.Home, key);
            for (int part = 0; part < merge.Parts; part++)
            {
                merge.Begin(part);
                using var again = new DuplicateIndex();
                foreach (BatchRecord batch in inOrder)
                {
                    await TakeAsync(batch, spool, rejections.Segments, named.GetValueOrDefault(batch.Number), open.Contains(batch), list, batch.Outcome!.OptedOut > 0 ? optedOut : null, again, merge, part == 0, ct)
                        .ConfigureAwait(false);
                }
                merge.Write(old, writer, gone is null ? null : gone.Contains);
            }
            return (writer.Complete(), writer.Count, merge.Joined);
        }
    }

    /// <param name="say">What cannot be read is said; once for all parts.</param>
    private async Task TakeAsync(
        BatchRecord batch, ISpool spool, IReadOnlyList<string> segments, HashSet<(long, string?)>? named, bool open, DuplicateIndex? list, DuplicateIndex? optedOut, DuplicateIndex again,
        FingerprintMerge merge, bool say, CancellationToken ct)
    {
        (byte[] Rented, int Length) origins;
        try
        {
            origins = await spool.ReadOriginBytesAsync(batch.Number, ct).ConfigureAwait(false);
        }
        catch (CcException e) when (e.ErrorId == "SpoolDamaged")
        {
            await TakeBodyAsync(batch, spool, list, again, merge, say, ct).ConfigureAwait(false);
            return;
        }
        try
        {
            Take(batch, origins.Rented.AsSpan(0, origins.Length), segments, named, open, list, optedOut, again, merge);
        }
        finally
        {
            BatchMemory.Pool.Return(origins.Rented);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Take(
        BatchRecord batch, ReadOnlySpan<byte> origins, IReadOnlyList<string> segments, HashSet<(long, string?)>? named, bool open, DuplicateIndex? list, DuplicateIndex? optedOut, DuplicateIndex again,
        FingerprintMerge merge)
    {
        var row = new OriginReader(origins);
        while (row.Next())
        {
            UInt128 address = row.Address;
            if (address == default || !merge.Has(address)) continue;   // 0: a person whose data was removed while the run was open
            if (batch.Again ? !again.Add(address) : batch.Outcome!.Moved > 0 && again.Contains(address)) continue;
            if (optedOut?.Contains(address) == true) continue;
            if (named?.Contains((row.Row, segments[row.Segment])) == true) continue;
            if (!open) merge.Accepted(address, row.Content, (row.Content & 1) != 0);
            else if (list is null) merge.Uncertain(address);
            // It is there, but perhaps with its old values: those of a refused contact are the service's own.
            else if (list.Contains(address)) merge.Accepted(address, 0, (row.Content & 1) != 0);
        }
    }

    /// <summary>Where its rows came from can no longer be read; whom it put on the list its body says. What it sent of them is forgotten.</summary>
    private async Task TakeBodyAsync(BatchRecord batch, ISpool spool, DuplicateIndex? list, DuplicateIndex again, FingerprintMerge merge, bool say, CancellationToken ct)
    {
        try
        {
            (byte[] rented, int length) = await spool.ReadBodyAsync(batch.Number, ct).ConfigureAwait(false);
            try
            {
                foreach (SentContact contact in SentContact.In(rented.AsSpan(0, length)))
                {
                    if (!merge.Has(contact.Email)) continue;
                    if (batch.Again ? !again.Add(contact.Email) : batch.Outcome!.Moved > 0 && again.Contains(contact.Email)) continue;
                    if (batch.Outcome!.Accepted == batch.Rows || list?.Contains(contact.Email) == true) merge.Accepted(contact.Email, 0, owned: false);
                    else merge.Uncertain(contact.Email);
                }
            }
            finally
            {
                BatchMemory.Pool.Return(rented);
            }
        }
        catch (CcException e) when (e.ErrorId == "SpoolDamaged")
        {
            if (say) reporter.Warning(FormattableString.Invariant($"Whom batch {batch.Number} of run {runId} put on the list cannot be remembered, for its file is damaged: who of them leaves the list is not known to have left."));
        }
    }

    /// <summary>Contacts that are known by name not to have been accepted, by batch.</summary>
    private static async Task<Dictionary<int, HashSet<(long, string?)>>> NamedAsync(RunRejections rejections, CancellationToken ct)
    {
        Dictionary<int, HashSet<(long, string?)>> named = [];
        await foreach (RejectionRecord r in rejections.ReadAsync(ct, ofSent: true).ConfigureAwait(false))
        {
            if (r is not { Batch: { } batch, Row: > 0, Kind: RejectionKind.Refused or RejectionKind.Unaccounted }) continue;
            if (!named.TryGetValue(batch, out HashSet<(long, string?)>? rows)) named.Add(batch, rows = []);
            rows.Add((r.Row, r.Segment));
        }
        return named;
    }

    /// <param name="listId">Null: everybody who has unsubscribed from the account.</param>
    private static async Task<DuplicateIndex?> ListAsync(ListReader reader, string? listId, CancellationToken ct)
    {
        DuplicateIndex list = new();
        try
        {
            await reader.ReadRowsAsync(listId, ["email_address"], listId is null ? ["unsubscribed"] : [], [], _ =>
            {
                list.Dispose();
                list = new DuplicateIndex();
            }, (batch, _) =>
            {
                for (int i = 0; i < batch.Rows; i++) list.Add(SentContact.HashOf(batch[i, 0], default, default, NameFields.None));
                return default;
            }, ct).ConfigureAwait(false);
            return list;
        }
        catch (CcException)
        {
            // Then they stay uncertain: what was known of them holds, and they are sent again.
            list.Dispose();
            return null;
        }
        catch
        {
            list.Dispose();
            throw;
        }
    }
}
