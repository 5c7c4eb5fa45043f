using System.Runtime.InteropServices;

namespace CcExport.Engine.Store;

/// <summary>Makes names durable: a flushed file may still lose its directory entry when the power fails.</summary>
internal static partial class Durable
{
    // errno of a file system that cannot flush directories: it has nothing to flush, or does it by itself.
    private const int InvalidArgument = 22;

    // A folder that may be entered and not listed (the parent of somebody's home): its entries are its owner's care.
    private const int AccessDenied = 13;

    /// <summary>True when a write failed for want of room: the disk, the quota, or the largest file that a process may make.</summary>
    public static bool IsDiskFull(IOException e) => OperatingSystem.IsWindows()
        ? (e.HResult & 0xFFFF) is 39 or 112
        : e.HResult is 28 or 27 || e.HResult == (OperatingSystem.IsLinux() ? 122 : 69);

    /// <summary>Flushes a folder's entries to the disk. Windows journals them by itself: nothing to do there.</summary>
    public static void FlushDirectory(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }
        int folder = Open(path, flags: 0);
        if (folder < 0)
        {
            int denied = Marshal.GetLastPInvokeError();
            if (denied == AccessDenied && Directory.Exists(path)) return;
            throw Failed(path, denied);
        }
        try
        {
            if (Fsync(folder) != 0 && Marshal.GetLastPInvokeError() is var code && code != InvalidArgument)
            {
                throw Failed(path, code);
            }
        }
        finally
        {
            _ = Close(folder);
        }
    }

    private static IOException Failed(string path, int code) =>
        new($"The folder '{path}' could not be flushed: {Marshal.GetPInvokeErrorMessage(code)}.", code);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
