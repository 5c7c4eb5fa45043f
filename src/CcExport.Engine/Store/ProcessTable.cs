using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace CcExport.Engine.Store;

/// <summary>Which processes of this machine are alive. A process is its id and its start: ids are given again.</summary>
internal static partial class ProcessTable
{
    private const string FirstNamespace = "pid:[4026531836]";
    private const int NotPermitted = 1;

    /// <summary>
    /// The machine within which a process id means something. A container has ids of its own: one that shares its host's
    /// name must not look up another's ids in its own table and take a living holder for dead.
    /// </summary>
    public static string Machine { get; } = MachineName();

    /// <summary>Tells this start of the machine from any other, and from another machine of the same name; empty where the system does not say.</summary>
    public static string Boot { get; } = BootId();

    /// <summary>When a process started, in units that only this class compares; null when it is gone, a zombie included.</summary>
    public static long? StartOf(int processId) => OperatingSystem.IsLinux() ? LinuxStart(processId) : OtherStart(processId);

    public static bool IsAlive(int processId, long startTicks) => StartOf(processId) is { } start && (start == startTicks || start == Unknown);

    /// <summary>The process lives, but its start may not be read: it is better to wait for a lease to expire than to take it from the living.</summary>
    private const long Unknown = -1;

    private static long? LinuxStart(int processId)
    {
        // Not Process.StartTime: that adds the ticks to a boot time which each process computes anew from the clock.
        string text;
        try
        {
            text = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/stat"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Hidden (another user's, with hidepid) is not gone.
            return Kill(processId, 0) != 0 && Marshal.GetLastPInvokeError() == NotPermitted ? Unknown : null;
        }
        // The program's name stands in brackets and may hold anything, brackets and blanks too: count from the last one.
        string[] fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        return fields[0] is "Z" or "X" or "x" ? null : long.Parse(fields[19], CultureInfo.InvariantCulture);
    }

    private static long? OtherStart(int processId)
    {
        try
        {
            using var process = Process.GetProcessById(processId);
            return process.HasExited ? null : process.StartTime.ToUniversalTime().Ticks;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            return null;
        }
        catch (Exception e) when (e is Win32Exception or NotSupportedException)
        {
            return Unknown;
        }
    }

    private static string MachineName()
    {
        try
        {
            string? own = OperatingSystem.IsLinux() ? new FileInfo("/proc/self/ns/pid").LinkTarget : null;
            return own is null or FirstNamespace ? Environment.MachineName : $"{Environment.MachineName}/{own}";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Environment.MachineName;
        }
    }

    private static string BootId()
    {
        try
        {
            return OperatingSystem.IsLinux() ? File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim() : "";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int signal);
}
