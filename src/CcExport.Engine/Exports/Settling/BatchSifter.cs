using System.Text.Json;
using CcExport.Engine.Store;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>
/// Takes profiles that a newer one has beaten out of the batches they were sealed into, before the run has its mark: batches that hold such are read
/// back and their other rows sealed anew. Batches without stay as they are. A run that dies here has sent nothing, and its spool goes as a whole.
/// </summary>
internal sealed class BatchSifter(ISpool spool, Duplicates duplicates, string listId, int batchRows, int batchBytes)
{
    private readonly List<BatchRecord> _sifted = [];

    /// <summary>The batches that are to be sent; every profile that was taken out goes to <paramref name="rejections"/>.</summary>
    /// <param name="batches">All of the run, in order.</param>
    public async Task<IReadOnlyList<BatchRecord>> SiftAsync(IReadOnlyList<BatchRecord> batches, IRejectionSink rejections, CancellationToken ct)
    {
        List<BatchRecord> mixed = [];
        foreach (BatchRecord batch in batches)
        {
            if (await HoldsBeatenAsync(batch.Number, ct).ConfigureAwait(false)) mixed.Add(batch);
            else _sifted.Add(batch);
        }
        if (mixed.Count == 0) return batches;
        // The last one is not full: left as it is, it would take a small count that the new last one may need.
        if (_sifted.Count > 0 && _sifted[^1].Number == batches[^1].Number)
        {
            mixed.Add(_sifted[^1]);
            _sifted.RemoveAt(_sifted.Count - 1);
        }
        BatchSealer sealer = new(listId, batchRows, batchBytes, spool.WriteAsync, Sealed, batches[^1].Number, [.. _sifted.Select(b => b.Rows)]);
        await using (sealer.ConfigureAwait(false))
        {
            foreach (BatchRecord batch in mixed) await SealAnewAsync(batch, sealer, rejections, ct).ConfigureAwait(false);
            await sealer.CompleteAsync(ct).ConfigureAwait(false);
        }
        return _sifted;
    }

    private Task Sealed(BatchRecord batch, CancellationToken ct)
    {
        _sifted.Add(batch);
        return Task.CompletedTask;
    }

    private async Task<bool> HoldsBeatenAsync(int batch, CancellationToken ct)
    {
        (byte[] rented, int length) = await spool.ReadOriginBytesAsync(batch, ct).ConfigureAwait(false);
        try
        {
            var origins = new OriginReader(rented.AsSpan(0, length));
            while (origins.Next())
            {
                if (duplicates.IsBeaten(NumberOf(origins))) return true;
            }
            return false;
        }
        finally
        {
            BatchMemory.Pool.Return(rented);
        }
    }

    private uint NumberOf(in OriginReader origin) => duplicates.NumberOf(new ProfilePlace(origin.Segment, origin.Row));

    private async Task SealAnewAsync(BatchRecord batch, BatchSealer sealer, IRejectionSink rejections, CancellationToken ct)
    {
        (byte[] body, int length) = await spool.ReadBodyAsync(batch.Number, ct).ConfigureAwait(false);
        try
        {
            List<(int Start, int Length)> contacts = ContactsIn(body.AsSpan(0, length));
            if (contacts.Count != batch.Rows) throw new InvalidOperationException($"Batch {batch.Number} does not hold its rows.");
            (byte[] origins, int originLength) = await spool.ReadOriginBytesAsync(batch.Number, ct).ConfigureAwait(false);
            try
            {
                for (int row = 0, at = 0; row < contacts.Count; row++)
                {
                    if (Take(body.AsSpan(contacts[row].Start, contacts[row].Length), origins.AsSpan(0, originLength), ref at, sealer, rejections))
                        await sealer.SealAsync(ct).ConfigureAwait(false);
                }
            }
            finally
            {
                BatchMemory.Pool.Return(origins);
            }
        }
        finally
        {
            BatchMemory.Pool.Return(body);
        }
        // Its rows are in new batches, or in the one in the making: a run that dies now begins anew whatever lies here.
        spool.Remove(batch.Number);
    }

    /// <summary>Takes one row over, or out; true when the new batch is full.</summary>
    private bool Take(ReadOnlySpan<byte> contact, ReadOnlySpan<byte> origins, ref int at, BatchSealer sealer, IRejectionSink rejections)
    {
        var origin = new OriginReader(origins, at);
        origin.Next();
        at = origin.At;
        var place = new ProfilePlace(origin.Segment, origin.Row);
        uint number = duplicates.NumberOf(place);
        if (duplicates.IsBeaten(number))
        {
            rejections.AddDuplicate(place, origin.Key, duplicates.PlaceOf(duplicates.WinnerOf(number)));
            return false;
        }
        sealer.Writer.WriteRawValue(contact, skipInputValidation: true);
        return sealer.Commit(origin.Row, origin.Segment, origin.Key, origin.Address, origin.Content);
    }

    /// <summary>Where the contacts of a body lie.</summary>
    private static List<(int Start, int Length)> ContactsIn(ReadOnlySpan<byte> body)
    {
        List<(int, int)> contacts = [];
        var json = new Utf8JsonReader(body);
        while (json.Read() && json.TokenType != JsonTokenType.StartArray)
        {
        }
        while (json.Read() && json.TokenType == JsonTokenType.StartObject)
        {
            int start = (int)json.TokenStartIndex;
            json.Skip();
            contacts.Add((start, (int)json.BytesConsumed - start));
        }
        return contacts;
    }
}
