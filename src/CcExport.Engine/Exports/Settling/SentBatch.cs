using CcExport.Engine.Store;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>A sealed batch, read back from the spool to be compared with a list: its contacts, where each came from, and the body they lie in.</summary>
internal sealed class SentBatch : IDisposable
{
    private readonly byte[] _rented;

    private SentBatch(byte[] rented, List<SentContact> contacts, List<RowOrigin> origins) => (_rented, Contacts, Origins) = (rented, contacts, origins);

    public List<SentContact> Contacts { get; }

    /// <summary>By the same numbers as <see cref="Contacts"/>.</summary>
    public List<RowOrigin> Origins { get; }

    /// <summary>A contact's JSON as it was sent.</summary>
    public ReadOnlySpan<byte> this[SentContact contact] => _rented.AsSpan(contact.Start, contact.Length);

    /// <summary><c>SpoolDamaged</c>, <c>SpoolUnreadable</c>.</summary>
    public static async Task<SentBatch> ReadAsync(ISpool spool, BatchRecord batch, CancellationToken ct)
    {
        List<RowOrigin> origins = await spool.ReadOriginsAsync(batch.Number, ct).ConfigureAwait(false);
        (byte[] rented, int length) = await spool.ReadBodyAsync(batch.Number, ct).ConfigureAwait(false);
        var read = new SentBatch(rented, SentContact.In(rented.AsSpan(0, length)), origins);
        if (read.Contacts.Count == batch.Rows && origins.Count == batch.Rows) return read;
        read.Dispose();
        throw new InvalidOperationException($"Batch {batch.Number} does not hold its rows.");
    }

    public void Dispose() => BatchMemory.Pool.Return(_rented);
}
