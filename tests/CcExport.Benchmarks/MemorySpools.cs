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

        public Task<(byte[] Rented, int Length)> ReadBodyAsync(int batch, CancellationToken ct)
        {
            byte[] body;
            lock (_batches) body = _batches[batch].Body;
            byte[] rented = BatchMemory.Pool.Rent(body.Length);
            body.CopyTo(rented, 0);
            return Task.FromResult((rented, body.Length));
        }

        public Task<List<RowOrigin>> ReadOriginsAsync(int batch, CancellationToken ct)
        {
            lock (_batches) return Task.FromResult(BatchSealer.ReadOrigins(_batches[batch].Origins));
        }

        public void Dispose()
        {
        }
    }
}
