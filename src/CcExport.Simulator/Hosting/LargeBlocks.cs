using System.Buffers;
using System.Collections.Concurrent;
using Microsoft.AspNetCore.Connections;

namespace CcExport.Simulator;

/// <summary>
/// Memory for the sockets in blocks of 64 KB. The server's own blocks have 4 KB, which makes a thousand system calls of one import of 4 MB.
/// </summary>
internal sealed class LargeBlocks : IMemoryPoolFactory<byte>
{
    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => new Pool();

    private sealed class Pool : MemoryPool<byte>
    {
        private const int BlockSize = 64 * 1024;
        private const int Kept = 64;
        private readonly ConcurrentQueue<byte[]> _free = new();

        public override int MaxBufferSize => BlockSize;

        public override IMemoryOwner<byte> Rent(int minBufferSize = -1) =>
            new Block(this, _free.TryDequeue(out byte[]? block) ? block : GC.AllocateUninitializedArray<byte>(BlockSize, pinned: true));

        protected override void Dispose(bool disposing) => _free.Clear();

        private void Return(byte[] block)
        {
            if (_free.Count < Kept) _free.Enqueue(block);
        }

        private sealed class Block(Pool pool, byte[] block) : IMemoryOwner<byte>
        {
            private byte[]? _block = block;

            public Memory<byte> Memory => _block;

            public void Dispose()
            {
                if (Interlocked.Exchange(ref _block, null) is { } block) pool.Return(block);
            }
        }
    }
}
