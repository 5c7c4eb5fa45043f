using System.Management.Automation;
using CcExport.Engine.Telemetry;

namespace CcExport.Pipeline;

/// <summary>Opens the log that a cmdlet was given, or that the environment names.</summary>
internal static class Log
{
    /// <summary>Null: none is asked for. <c>LogNotWritable</c>.</summary>
    /// <param name="post">Has something written by the pipeline thread.</param>
    public static RunLog? Open(PSCmdlet cmdlet, string? path, Action<Action> post)
    {
        if (string.IsNullOrEmpty(path)) path = Environment.GetEnvironmentVariable(RunLog.Variable);
        return string.IsNullOrEmpty(path) ? null
            : RunLog.Open(cmdlet.SessionState.Path.GetUnresolvedProviderPathFromPSPath(path), message => post(() => cmdlet.WriteWarning(message)));
    }
}
