namespace CcExport.Engine.Upload;

/// <summary>Where a run's sealed batches lie until they are sent. The product has one, <see cref="Spool"/>; measurements put another in its place.</summary>
internal interface ISpool : IDisposable
{
    /// <summary>Keeps a batch; both memories are the spool's to write over. It can be read back after a crash once this completes.</summary>
    Task WriteAsync(int batch, Memory<byte> body, Memory<byte> origins, CancellationToken ct);

    /// <summary>Reads a batch's body into an array of <see cref="BatchMemory"/>, which the caller gives back.</summary>
    Task<(byte[] Rented, int Length)> ReadBodyAsync(int batch, CancellationToken ct);

    /// <summary>Reads where a batch's rows came from.</summary>
    Task<List<RowOrigin>> ReadOriginsAsync(int batch, CancellationToken ct);
}
