using CcExport.Engine.Fingerprints;
using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>What exports remember: their files are written anew without the person.</summary>
internal sealed class FingerprintEraser(EngineParts parts) : IPersonalData
{
    public string What => "Fingerprints";

    public async Task<long> EraseAsync(UInt128 address, CancellationToken ct)
    {
        long gone = 0;
        CcException? damaged = null;
        foreach (FingerprintRecord one in await parts.Store.Fingerprints.ListAllAsync(ct).ConfigureAwait(false))
        {
            try
            {
                if (await EraseAsync(one, address, ct).ConfigureAwait(false)) gone++;
            }
            catch (CcException e) when (e.ErrorId != "LeaseLost")
            {
                // The others are no worse for it.
                damaged ??= e;
            }
        }
        return damaged is null ? gone : throw damaged;
    }

    private async Task<bool> EraseAsync(FingerprintRecord one, UInt128 address, CancellationToken ct)
    {
        using FingerprintTable table = FingerprintFile.Read(parts.Home, one.File, parts.Secrets.Unprotect(ListMemory.KeyPurpose, one.Key));
        int at = table.Find(address);
        if (at < 0) return false;
        byte[] key = FingerprintFile.NewKey();
        string file = FingerprintFile.Write(parts.Home, [.. table.All[..at], .. table.All[(at + 1)..]], key);
        // She is one of the list's other members from now on, if she is on it: the next look begins anew.
        FingerprintRecord without = one with { File = file, Key = parts.Secrets.Protect(ListMemory.KeyPurpose, key), Records = one.Records - 1, UpdatedAt = parts.Time.GetUtcNow(), Others = null };
        if (!await parts.Store.Fingerprints.PutAsync(without, one.File, ct).ConfigureAwait(false))
        {
            FingerprintFile.Remove(parts.Home, file);
            throw new CcException("LeaseLost", CcErrorKind.Conflict, "Another process has written what an export remembers.", "Run it again.");
        }
        FingerprintFile.Remove(parts.Home, one.File);
        return true;
    }
}

/// <summary>Who was in which run.</summary>
internal sealed class TraceEraser(EngineParts parts) : IPersonalData
{
    public string What => "TraceRecords";

    public async Task<long> EraseAsync(UInt128 address, CancellationToken ct)
    {
        long gone = 0;
        var keeper = new TraceKeeper(parts);
        foreach (long run in TraceFile.Runs(parts.Home))
        {
            // One of no export may be reading just now: it knows already that she is suppressed.
            gone += keeper.Erase(run, address, isOver: await parts.Store.Runs.FindAsync(run, ct).ConfigureAwait(false) is null or { CompletedAt: not null });
        }
        return gone;
    }
}

/// <summary>Rejections know a row and a key, and no address: they are found by where the traces and the spools saw the person.</summary>
internal sealed class RejectionEraser(EngineParts parts) : IPersonalData
{
    public const string Name = "Rejections";

    public string What => Name;

    public async Task<long> EraseAsync(UInt128 address, CancellationToken ct)
    {
        long gone = 0;
        var keeper = new TraceKeeper(parts);
        foreach (RunRecord run in await parts.Store.Runs.ListAsync(new RunQuery(), ct).ConfigureAwait(false))
        {
            HashSet<(long, string?)> rows = await RowsAsync(keeper, run, address, ct).ConfigureAwait(false);
            // An undo names the rows of the run that it undoes.
            if (ExportDefinition.FromJson(run.Definition).Undoes is { } undone && await parts.Store.Runs.FindAsync(undone, ct).ConfigureAwait(false) is { } first)
                rows.UnionWith(await RowsAsync(keeper, first, address, ct).ConfigureAwait(false));
            if (rows.Count == 0) continue;
            long lines = 0;
            await foreach (RejectionRecord r in RejectionFile.ReadAsync(parts.Home, run.Id, ct).ConfigureAwait(false)) lines += rows.Contains((r.Row, r.Segment)) ? 1 : 0;
            if (lines == 0) continue;
            await RejectionFile.RewriteAsync(parts.Home, run.Id, r => rows.Contains((r.Row, r.Segment)) ? null : r).ConfigureAwait(false);
            gone += lines;
        }
        return gone;
    }

    private static async Task<HashSet<(long, string?)>> RowsAsync(TraceKeeper keeper, RunRecord run, UInt128 address, CancellationToken ct)
    {
        IReadOnlyList<string> segments = ExportDefinition.FromJson(run.Definition).Segments;
        return [.. (await keeper.FindAsync(run, address, ct).ConfigureAwait(false)).Where(s => s.Row > 0 && s.Segment < segments.Count).Select(s => ((long)s.Row, (string?)segments[s.Segment]))];
    }
}
