using System.Buffers;

namespace CcExport.Engine.Upload;

/// <summary>
/// The memory of batches in the making and on their way. Not the shared pool: that keeps an array for each thread that ever gave one back,
/// which for arrays of 4 MB is what a process that exports for weeks would be seen to grow by.
/// </summary>
internal static class BatchMemory
{
    /// <summary>As many of a size as one run has at a time; what several runs at once have beyond that is left to the collector.</summary>
    private const int Kept = Limits.ConcurrentImports + 2;

    public static ArrayPool<byte> Pool { get; } = ArrayPool<byte>.Create(8 * 1024 * 1024, Kept);
}
