using System.Globalization;
using CcExport.Engine.Mapping;
using CcExport.Engine.Store;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>
/// Sealed batches. From those that wait the person is taken out, and they are sealed anew. Of those that were sent, or may have been, the number of rows is what the
/// service's answers are compared with: there a placeholder stands in her place, the shortest address of the same batch once more, which changes nothing if it is ever sent.
/// </summary>
internal sealed class SpoolEraser(EngineParts parts, IRunObserver observer) : IPersonalData
{
    public string What => "SpooledContacts";

    public async Task<long> EraseAsync(UInt128 address, CancellationToken ct)
    {
        long gone = 0;
        List<RunRecord> all = [];
        foreach (RunQuery query in new[] { new RunQuery(OpenOnly: true), new RunQuery(Plans: true), new RunQuery(KeptSpoolOnly: true) }) all.AddRange(await parts.Store.Runs.ListAsync(query, ct).ConfigureAwait(false));
        foreach (RunRecord run in all.Where(r => r.SpoolKey is not null))
        {
            // It ended while it read: nothing of it will ever be sent.
            if (run.AllSealedAt is null) await DiscardAsync(run, "Ended before all was read. Nothing was sent.").ConfigureAwait(false);
            else gone += await EraseAsync(run, address, ct).ConfigureAwait(false);
        }
        return gone;
    }

    private Task<Run> DiscardAsync(RunRecord run, string why) => new RunCloser(parts, new RunReporter(observer, parts.Time)).DiscardAsync(run, RunStatus.Canceled, run.Numbers.Requests, why);

    private async Task<long> EraseAsync(RunRecord run, UInt128 address, CancellationToken ct)
    {
        using ISpool spool = parts.OpenSpool(parts.Home, run.Id, parts.Secrets.Unprotect(RunCloser.SpoolPurpose, run.SpoolKey!));
        ExportDefinition definition = ExportDefinition.FromJson(run.Definition);
        var batches = new RunBatches(parts.Store.Runs, run.Id, await parts.Store.Runs.GetBatchesAsync(run.Id, ct).ConfigureAwait(false));
        if (run.PlannedAt is not null)
        {
            // A plan does not go once somebody more is suppressed: without that it is of no use to anybody.
            if (!await HoldsAsync(spool, batches, definition.Removal, address, ct).ConfigureAwait(false)) return 0;
            await DiscardAsync(run, "The data of a person in the plan was removed. Nothing was sent; make the plan again.").ConfigureAwait(false);
            return 1;
        }
        if (run.CompletedAt is null && batches.All.Count > 0)
        {
            RunRejections rejections = new(parts.Home, run.Id, definition.Segments);
            await using (rejections.ConfigureAwait(false))
                await Resealing.HoldOutAsync(parts, run, definition, batches, spool, rejections, a => a == address ? Reasons.Erased : null, ct).ConfigureAwait(false);
        }
        long gone = 0;
        foreach (BatchRecord batch in batches.All)
        {
            if (await BlankAsync(spool, batch, address, ct).ConfigureAwait(false)) gone++;
        }
        gone += await EraseRemovalAsync(spool, run, definition, address, ct).ConfigureAwait(false);
        RemoveStrays(run.Id, batches);
        return gone;
    }

    private static async Task<bool> HoldsAsync(ISpool spool, RunBatches batches, Removal? removal, UInt128 address, CancellationToken ct)
    {
        bool holds = false;
        foreach (BatchRecord batch in batches.All)
        {
            (byte[] origins, int length) = await spool.ReadOriginBytesAsync(batch.Number, ct).ConfigureAwait(false);
            holds |= Find(origins.AsSpan(0, length), address).Row >= 0;
            BatchMemory.Pool.Return(origins, clearArray: true);
        }
        if (removal is not null) await removal.ReadAsync(spool, piece => holds |= Without(piece.Span, address) is not null, ct).ConfigureAwait(false);
        return holds;
    }

    /// <summary>Whom a run takes off its list: she stays where she is, and the run does not know her any more.</summary>
    private async Task<long> EraseRemovalAsync(ISpool spool, RunRecord run, ExportDefinition definition, UInt128 address, CancellationToken ct)
    {
        if (definition.Removal is not { } removal) return 0;
        long gone = 0, left = 0;
        foreach (int piece in PiecesOf(run.Id).Union(Enumerable.Range(removal.First, removal.Pieces)).Order())
        {
            (byte[] rented, int length) = await spool.ReadBodyAsync(piece, ct).ConfigureAwait(false);
            byte[]? without = Without(rented.AsSpan(0, length), address);
            bool counts = piece >= removal.First && piece < removal.First + removal.Pieces;
            if (counts) left += Count(without ?? rented.AsSpan(0, length));
            BatchMemory.Pool.Return(rented, clearArray: true);
            if (without is null) continue;
            await spool.ReplaceAsync(piece, without, Memory<byte>.Empty, ct).ConfigureAwait(false);
            if (counts) gone++;
        }
        // Counted, not taken off: an erasure that was broken off here has done the one and not the other.
        if (left != removal.Planned && run.CompletedAt is null)
            await parts.Store.Runs.DefineAsync(run.Id, (definition with { Removal = removal with { Planned = left } }).ToJson(), ct).ConfigureAwait(false);
        return gone;
    }

    /// <summary>The piece without an address; null when it does not have it.</summary>
    private static byte[]? Without(ReadOnlySpan<byte> piece, UInt128 address)
    {
        var row = new AddressReader(piece);
        while (true)
        {
            int start = piece.Length - row.Left;
            if (!row.Next()) return null;
            if (row.Hash == address) return [.. piece[..start], .. piece[(piece.Length - row.Left)..]];
        }
    }

    private static long Count(ReadOnlySpan<byte> piece)
    {
        long rows = 0;
        for (var row = new AddressReader(piece); row.Next();) rows++;
        return rows;
    }

    private IEnumerable<string> FilesOf(long run) => Spool.FolderOf(parts.Home.SpoolFolder, run) is var folder && Directory.Exists(folder) ? Directory.EnumerateFiles(folder) : [];

    private static int NumberOf(string file) => int.TryParse(Path.GetFileNameWithoutExtension(file), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 0;

    /// <summary>Also those that a later choice has replaced.</summary>
    private IEnumerable<int> PiecesOf(long run) => FilesOf(run).Where(f => f.EndsWith(".batch", StringComparison.Ordinal)).Select(NumberOf).Where(n => n >= Removal.FirstPiece);

    /// <summary>Batches that a process which died had sealed and not written down, and halves of files: nobody knows them, and she may be in them.</summary>
    private void RemoveStrays(long run, RunBatches batches)
    {
        HashSet<int> known = [.. batches.All.Select(b => b.Number)];
        foreach (string file in FilesOf(run).Where(f => !f.EndsWith(".batch", StringComparison.Ordinal) || (NumberOf(f) < MemberKeep.FirstPiece && !known.Contains(NumberOf(f)))).ToList())
        {
            try
            {
                File.Delete(file);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw parts.Home.NotWritable(e);
            }
        }
    }

    /// <summary>Puts the placeholder in the person's place; false when the batch does not hold her.</summary>
    private static async Task<bool> BlankAsync(ISpool spool, BatchRecord batch, UInt128 address, CancellationToken ct)
    {
        (byte[] origins, int length) = await spool.ReadOriginBytesAsync(batch.Number, ct).ConfigureAwait(false);
        try
        {
            (int row, int start, int end) = Find(origins.AsSpan(0, length), address);
            if (row < 0) return false;
            (byte[] body, int bodyLength) = await spool.ReadBodyAsync(batch.Number, ct).ConfigureAwait(false);
            try
            {
                byte[] newBody = WithoutContact(body.AsSpan(0, bodyLength), row);
                // No row, no key, no hash; the segment stays a segment.
                byte[] blank = new byte[BatchSealer.OriginHead];
                byte[] newOrigins = [.. origins.AsSpan(0, start), .. blank, .. origins.AsSpan(end, length - end)];
                await spool.ReplaceAsync(batch.Number, newBody, newOrigins, ct).ConfigureAwait(false);
                return true;
            }
            finally
            {
                BatchMemory.Pool.Return(body, clearArray: true);
            }
        }
        finally
        {
            BatchMemory.Pool.Return(origins, clearArray: true);
        }
    }

    private static (int Row, int Start, int End) Find(ReadOnlySpan<byte> origins, UInt128 address)
    {
        var reader = new OriginReader(origins);
        int start = 0;
        for (int row = 0; reader.Next(); row++)
        {
            int end = start + BatchSealer.OriginHead + reader.Key.Length;
            if (reader.Address == address) return (row, start, end);
            start = end;
        }
        return (-1, 0, 0);
    }

    private static byte[] WithoutContact(ReadOnlySpan<byte> body, int row)
    {
        List<SentContact> contacts = SentContact.In(body);
        SentContact gone = contacts[row];
        byte[]? shortest = null;
        for (int i = 0; i < contacts.Count; i++)
        {
            if (i == row) continue;
            byte[] other = AddressOnly(body.Slice(contacts[i].Start, contacts[i].Length));
            if (shortest is null || other.Length < shortest.Length) shortest = other;
        }
        return [.. body[..gone.Start], .. shortest ?? "{\"email\":\"\"}"u8.ToArray(), .. body[(gone.Start + gone.Length)..]];
    }

    /// <summary>The address comes first in a contact, and is ASCII without quotes.</summary>
    private static byte[] AddressOnly(ReadOnlySpan<byte> contact)
    {
        ReadOnlySpan<byte> head = "{\"email\":\""u8;
        int end = contact[head.Length..].IndexOf((byte)'"');
        return [.. contact[..(head.Length + end + 1)], (byte)'}'];
    }
}
