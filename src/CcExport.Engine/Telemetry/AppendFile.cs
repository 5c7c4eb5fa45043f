using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Security.AccessControl;
using Microsoft.Win32.SafeHandles;

namespace CcExport.Engine.Telemetry;

/// <summary>
/// A file that several processes append to: the system puts each write at what is the end by then. <see cref="FileMode.Append"/> does not: it notes
/// the end when it opens, and two processes write over each other.
/// </summary>
internal sealed partial class AppendFile : IDisposable
{
    private const int Interrupted = 4;

    private readonly SafeFileHandle? _unix;
    private readonly FileStream? _windows;

    private AppendFile(string path, SafeFileHandle? unix, FileStream? windows) => (Path, _unix, _windows) = (path, unix, windows);

    public string Path { get; }

    /// <summary>Opens the file, or makes it, for its owner alone; one that exists keeps its mode.</summary>
    public static AppendFile Open(string path)
    {
        if (OperatingSystem.IsWindows()) return new AppendFile(path, null, OpenWindows(path));
        var making = new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.Write,
            Share = FileShare.ReadWrite | FileShare.Delete,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        new FileStream(path, making).Dispose();
        // O_WRONLY, O_APPEND and O_CLOEXEC: only their numbers differ.
        int flags = OperatingSystem.IsLinux() ? 0x1 | 0x400 | 0x80000 : 0x1 | 0x8 | 0x1000000;
        int file = OpenUnix(path, flags);
        return file >= 0 ? new AppendFile(path, new SafeFileHandle(file, ownsHandle: true), null) : throw Failed(path);
    }

    /// <summary>One write; one that was taken in part is a failure.</summary>
    public void Write(ReadOnlySpan<byte> line)
    {
        if (_windows is not null)
        {
            _windows.Write(line);
            return;
        }
        nint written;
        do written = WriteUnix(_unix!, line, line.Length);
        while (written < 0 && Marshal.GetLastPInvokeError() == Interrupted);
        if (written != line.Length) throw Failed(Path);
    }

    public void Dispose()
    {
        _unix?.Dispose();
        _windows?.Dispose();
    }

    [SupportedOSPlatform("windows")]
    private static FileStream OpenWindows(string path)
        => new FileInfo(path).Create(FileMode.Append, FileSystemRights.AppendData | FileSystemRights.Synchronize, FileShare.ReadWrite | FileShare.Delete, 1, FileOptions.None, null);

    private static IOException Failed(string path)
    {
        int code = Marshal.GetLastPInvokeError();
        return new IOException($"The file '{path}' could not be written: {Marshal.GetPInvokeErrorMessage(code)}.", code);
    }

    // Without the mode: open takes it as a variable argument, which some platforms pass in another way.
    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenUnix(string path, int flags);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint WriteUnix(SafeFileHandle file, ReadOnlySpan<byte> bytes, nint count);
}
