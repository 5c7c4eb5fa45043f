using CcExport.Engine.Store;
using CcExport.Engine.Upload;

namespace CcExport.Benchmarks;

/// <summary>Spools that keep their batches in memory, in the clear, and lose them with the process: what durability is measured against.</summary>
internal sealed class MemorySpools
{
    private readonly Dictionary<long, MemorySpool> _spools = [];

    /// <summary>A run's spool is opened twice, to fill and to send: the second is the first again.</summary>
    public ISpool Open(CcHome home, long run, byte[] key)
    {
        if (!_spools.TryGetValue(run, out MemorySpool? spool)) _spools[run] = spool = new MemorySpool();
        return spool;
    }

    private sealed class MemorySpool : ISpool
    {
        private readonly Dictionary<int, (byte[] Body, byte[] Origins)> _batches = [];

        public Task WriteAsync(int batch, Memory<byte> body, Memory<byte> origins, CancellationToken ct)
        {
            lock (_batches) _batches[batch] = (body.ToArray(), origins.ToArray());
            return Task.CompletedTask;
        }

        public Task<(byte[] Rented, int Length)> ReadBodyAsync(int batch, CancellationToken ct) => Task.FromResult(Copy(batch, b => b.Body));

        public Task<(byte[] Rented, int Length)> ReadOriginBytesAsync(int batch, CancellationToken ct) => Task.FromResult(Copy(batch, b => b.Origins));

        public void Remove(int batch)
        {
            lock (_batches) _batches.Remove(batch);
        }

        private (byte[] Rented, int Length) Copy(int batch, Func<(byte[] Body, byte[] Origins), byte[]> section)
        {
            byte[] bytes;
            lock (_batches) bytes = section(_batches[batch]);
            byte[] rented = BatchMemory.Pool.Rent(bytes.Length);
            bytes.CopyTo(rented, 0);
            return (rented, bytes.Length);
        }

        public void Dispose()
        {
        }
    }
}
