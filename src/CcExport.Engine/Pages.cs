using System.Runtime.InteropServices;

namespace CcExport.Engine;

/// <summary>
/// Memory for tables of megabytes outside the managed heap, zeroed. What is given back is the system's again at once. The C library of Linux promises that only until the first large block
/// is freed: from then on it takes blocks of that size from a heap of its own, which it trims at its end only, and a run's tables would stay resident behind whatever lies there.
/// </summary>
internal static unsafe partial class Pages
{
    /// <summary>Smaller blocks are the C library's: a page is the least that the system gives.</summary>
    private const nuint Least = 64 * 1024;

    private const int ReadWrite = 3, PrivateAnonymous = 0x22;

    /// <exception cref="OutOfMemoryException">There is no room.</exception>
    public static void* Alloc(nuint count, nuint size)
    {
        nuint bytes = checked(Math.Max(1, count) * size);
        if (!OperatingSystem.IsLinux() || bytes < Least) return NativeMemory.AllocZeroed(bytes);
        void* at = MapMemory(null, bytes, ReadWrite, PrivateAnonymous, -1, 0);
        return at == (void*)-1 ? throw new OutOfMemoryException() : at;
    }

    /// <param name="count">As it was asked for.</param>
    /// <param name="size">As it was asked for.</param>
    public static void Free(void* at, nuint count, nuint size)
    {
        nuint bytes = Math.Max(1, count) * size;
        if (at == null) return;
        if (!OperatingSystem.IsLinux() || bytes < Least) NativeMemory.Free(at);
        else _ = UnmapMemory(at, bytes);
    }

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial void* MapMemory(void* at, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int UnmapMemory(void* at, nuint length);
}
