using System.Management.Automation.Host;
using CcExport.Engine.Exports;

namespace CcExport.Pipeline;

/// <summary>Whether somebody sits before this session: only then is waiting for hours, with a countdown to see, better than returning at once.</summary>
internal static class Attended
{
    public static bool By(PSHost host)
        => host.Name == "ConsoleHost" && Environment.UserInteractive && !Console.IsInputRedirected && !Console.IsOutputRedirected
            && !Environment.GetCommandLineArgs().Skip(1).Any(IsNonInteractive);

    /// <summary>What a run waits for: the next day only where somebody can see that it does.</summary>
    public static RunWaits Waits(PSHost host, bool noQuotaWait, bool waitForRunner) => new() { ForQuota = !noQuotaWait && By(host), ForRunner = waitForRunner };

    /// <summary>-NonInteractive as pwsh takes it: any beginning that no other of its parameters has.</summary>
    private static bool IsNonInteractive(string argument)
        => argument.Length >= 5 && argument[0] is '-' or '/' && "noninteractive".StartsWith(argument.TrimStart('-', '/'), StringComparison.OrdinalIgnoreCase);
}
