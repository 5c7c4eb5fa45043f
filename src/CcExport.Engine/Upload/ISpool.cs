namespace CcExport.Engine.Upload;

/// <summary>Where a run's sealed batches lie until they are sent. The product has one, <see cref="Spool"/>; measurements put another in its place.</summary>
internal interface ISpool : IDisposable
{
    /// <summary>Keeps a batch; both memories are the spool's to write over. It can be read back after a crash once this completes.</summary>
    Task WriteAsync(int batch, Memory<byte> body, Memory<byte> origins, CancellationToken ct);

    /// <summary>Writes a batch that is there anew, in one step.</summary>
    Task ReplaceAsync(int batch, Memory<byte> body, Memory<byte> origins, CancellationToken ct) => WriteAsync(batch, body, origins, ct);

    /// <summary>Reads a batch's body into an array of <see cref="BatchMemory"/>, which the caller gives back.</summary>
    Task<(byte[] Rented, int Length)> ReadBodyAsync(int batch, CancellationToken ct);

    /// <summary>Reads where a batch's rows came from, as it was written (<see cref="OriginReader"/> reads it), into an array that the caller gives back.</summary>
    Task<(byte[] Rented, int Length)> ReadOriginBytesAsync(int batch, CancellationToken ct);

    /// <summary>Removes a batch that is not to be sent. What cannot be removed now goes with the whole spool.</summary>
    void Remove(int batch);
}

internal static class SpoolExtensions
{
    /// <summary>Where a batch's rows came from, with an object's worth of memory for each key: for a few batches, not for all.</summary>
    public static async Task<List<RowOrigin>> ReadOriginsAsync(this ISpool spool, int batch, CancellationToken ct)
    {
        (byte[] rented, int length) = await spool.ReadOriginBytesAsync(batch, ct).ConfigureAwait(false);
        try
        {
            return BatchSealer.ReadOrigins(rented.AsSpan(0, length));
        }
        finally
        {
            BatchMemory.Pool.Return(rented);
        }
    }
}
