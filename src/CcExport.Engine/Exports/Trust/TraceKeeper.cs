using System.Runtime.CompilerServices;
using CcExport.Engine.Fingerprints;
using CcExport.Engine.Mapping;
using CcExport.Engine.Store;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>Writes, when a run closes, who was sent in it and what became of each; and reads the same from a run that is not at its end.</summary>
internal sealed class TraceKeeper(EngineParts parts)
{
    public const string KeyPurpose = "trace";

    private byte[] Wrap(byte[] key) => parts.Secrets.Protect(KeyPurpose, key);

    private byte[] Unwrap(byte[] key) => parts.Secrets.Unprotect(KeyPurpose, key);

    /// <summary>A trace that cannot be written costs the run nothing but this: it is said.</summary>
    public async Task WriteAsync(RunRecord run, RunBatches batches, ISpool spool, RunRejections rejections, Action<string> warn)
    {
        try
        {
            using var writer = new TraceWriter(parts.Home, run.Id, TracePart.Sent, Wrap);
            await ForEachAsync(batches.All, rejections.Segments, spool, await FatesAsync(rejections.ReadAsync(CancellationToken.None, ofSent: true)).ConfigureAwait(false), (in TraceRecord r) => writer.Add(r), CancellationToken.None).ConfigureAwait(false);
            writer.Complete();
        }
        catch (CcException e)
        {
            warn(FormattableString.Invariant($"Who was sent in run {run.Id} cannot be traced later: {e.Message}"));
        }
    }

    /// <summary>All appearances of an address in a run.</summary>
    public async Task<List<TraceRecord>> FindAsync(RunRecord run, UInt128 address, CancellationToken ct)
    {
        List<TraceRecord> found = [];
        TraceFile.Find(parts.Home, run.Id, TracePart.Held, Unwrap, address, found.Add);
        // An open run, also one that was opened again, is in its spool as it is now.
        if (run.CompletedAt is null && run is { SpoolKey: { } key, AllSealedAt: not null })
        {
            using ISpool spool = parts.OpenSpool(parts.Home, run.Id, parts.Secrets.Unprotect(RunCloser.SpoolPurpose, key));
            IReadOnlyList<string> segments = ExportDefinition.FromJson(run.Definition).Segments;
            Fates fates = await FatesAsync(RejectionFile.ReadAsync(parts.Home, run.Id, ct, ofSent: true)).ConfigureAwait(false);
            await ForEachAsync(await parts.Store.Runs.GetBatchesAsync(run.Id, ct).ConfigureAwait(false), segments, spool, fates, (in TraceRecord r) =>
            {
                if (r.Address == address) found.Add(r);
            }, ct).ConfigureAwait(false);
        }
        else
        {
            TraceFile.Find(parts.Home, run.Id, TracePart.Sent, Unwrap, address, found.Add);
        }
        // Held out or unchanged at first, and then beaten by a newer profile: it is a duplicate.
        HashSet<(ushort, uint)> duplicates = [.. found.Where(r => r.Fate == TraceFate.Duplicate).Select(r => (r.Segment, r.Row))];
        found.RemoveAll(r => r.Fate != TraceFate.Duplicate && r.Batch == 0 && duplicates.Contains((r.Segment, r.Row)));
        return found;
    }

    /// <summary>Takes an address out of both files of a run; returns how many records went.</summary>
    /// <param name="isOver">It has ended, or nobody knows it.</param>
    public int Erase(long run, UInt128 address, bool isOver)
        => Enum.GetValues<TracePart>().Sum(part => TraceFile.Erase(parts.Home, run, part, Unwrap, Wrap, address, isOver));

    /// <summary>Contacts that were named, by batch, row and segment, and what was said of a batch's others.</summary>
    private sealed record Fates(Dictionary<(int, long, string?), (TraceFate, string)> Named, Dictionary<int, int> NamedOf, Dictionary<int, string> Unnamed);

    private static async Task<Fates> FatesAsync(IAsyncEnumerable<RejectionRecord> rejections)
    {
        var fates = new Fates([], [], []);
        await foreach (RejectionRecord r in rejections.ConfigureAwait(false))
        {
            if (r is not { Batch: { } batch, Kind: RejectionKind.Refused or RejectionKind.Unaccounted or RejectionKind.Suppressed }) continue;
            if (r.Kind == RejectionKind.Suppressed)
            {
                if (r.Row > 0) fates.Named[(batch, r.Row, r.Segment)] = (TraceFate.Suppressed, r.ReasonId);
                continue;
            }
            if (r.Row == 0)
            {
                fates.Unnamed[batch] = r.ReasonId;
                continue;
            }
            fates.Named[(batch, r.Row, r.Segment)] = (r.Kind == RejectionKind.Refused ? TraceFate.Refused : TraceFate.Unaccounted, r.ReasonId);
            fates.NamedOf[batch] = fates.NamedOf.GetValueOrDefault(batch) + 1;
        }
        return fates;
    }

    private delegate void TakeRecord(in TraceRecord record);

    private static async Task ForEachAsync(IReadOnlyList<BatchRecord> batches, IReadOnlyList<string> segments, ISpool spool, Fates fates, TakeRecord take, CancellationToken ct)
    {
        using var again = new DuplicateIndex();
        var codes = new ReasonCodes();
        // What went once more has its fate there, so those batches come first.
        foreach (BatchRecord batch in batches.OrderByDescending(b => b.Again).ThenByDescending(b => b.Number))
        {
            (byte[] rented, int length) = await spool.ReadOriginBytesAsync(batch.Number, ct).ConfigureAwait(false);
            try
            {
                Take(batch, rented.AsSpan(0, length), segments, fates, again, codes, take);
            }
            finally
            {
                BatchMemory.Pool.Return(rented);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Take(BatchRecord batch, ReadOnlySpan<byte> origins, IReadOnlyList<string> segments, Fates fates, DuplicateIndex again, ReasonCodes codes, TakeRecord take)
    {
        (TraceFate others, string? reason) = OthersOf(batch, fates);
        bool replaced = batch.Outcome is { Verdict: Reasons.Replaced }, anyNamed = replaced || fates.NamedOf.ContainsKey(batch.Number);
        var row = new OriginReader(origins);
        while (row.Next())
        {
            UInt128 address = row.Address;
            // Of a batch that was sealed anew only those who were held out have their fate in it.
            if (replaced && !fates.Named.ContainsKey((batch.Number, row.Row, segments[row.Segment]))) continue;
            if (address == default || (!replaced && batch.Again ? !again.Add(address) : !replaced && batch.Outcome is { Moved: > 0 } && again.Contains(address))) continue;
            (TraceFate fate, string? why) = anyNamed && fates.Named.TryGetValue((batch.Number, row.Row, segments[row.Segment]), out (TraceFate, string) named) ? named : (others, reason);
            take(new TraceRecord(address, row.Content, (uint)Math.Min(row.Row, uint.MaxValue), (ushort)row.Segment, fate, batch.Number, codes.Of(why)));
        }
    }

    /// <summary>The fate of those of a batch who are not named.</summary>
    private static (TraceFate, string?) OthersOf(BatchRecord batch, Fates fates)
    {
        if (batch.Outcome is not { } outcome) return (batch.State == BatchState.Sealed ? TraceFate.Waiting : TraceFate.OnItsWay, null);
        int open = outcome.Refused + outcome.Unaccounted - fates.NamedOf.GetValueOrDefault(batch.Number);
        string? reason = fates.Unnamed.GetValueOrDefault(batch.Number);
        if (open <= 0) return (outcome.OptedOut > 0 ? TraceFate.AcceptedOrOptedOut : TraceFate.Accepted, null);
        if (outcome.Accepted + outcome.OptedOut > 0 || (outcome.Refused > 0 && outcome.Unaccounted > 0)) return (TraceFate.Uncertain, reason);
        return (outcome.Refused > 0 ? TraceFate.Refused : TraceFate.Unaccounted, reason);
    }
}
