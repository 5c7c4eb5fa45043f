using System.Runtime.InteropServices;

namespace CcExport.Chaos;

/// <summary>The signals that a process cannot answer to.</summary>
internal static partial class Signals
{
    private const int Killed = 9;

    public static void Kill(int processId) => Send(processId, Killed);

    /// <summary>Freezes a process where it stands.</summary>
    public static void Stop(int processId) => Send(processId, OperatingSystem.IsMacOS() ? 17 : 19);

    /// <summary>Lets it go on.</summary>
    public static void Continue(int processId) => Send(processId, OperatingSystem.IsMacOS() ? 19 : 18);

    private static void Send(int processId, int signal)
    {
        if (SendSignal(processId, signal) != 0) throw new InvalidOperationException($"Signal {signal} was not sent: error {Marshal.GetLastPInvokeError()}.");
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int processId, int signal);
}
