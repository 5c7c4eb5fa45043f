using System.ComponentModel;
using System.Diagnostics;
using CcExport.Engine;

namespace CcExport.Scheduling;

/// <summary>Runs a scheduler's own command.</summary>
internal static class Tool
{
    /// <param name="input">What it reads; null: nothing.</param>
    public static async Task<(int ExitCode, string Output, string Error)> RunAsync(string program, IEnumerable<string> arguments, string? input, CancellationToken ct)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        // What it says is read here, so it has to say it in English.
        start.Environment["LC_ALL"] = "C";
        ct.ThrowIfCancellationRequested();
        Process process;
        try
        {
            process = Process.Start(start) ?? throw Missing(program, null);
        }
        catch (Win32Exception e)
        {
            throw Missing(program, e);
        }
        using (process)
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(ct), error = process.StandardError.ReadToEndAsync(ct);
            // What was begun is written to its end: crontab takes what it was given when it is broken off, and that would be less than there was.
            if (input is not null) await process.StandardInput.WriteAsync(input).ConfigureAwait(false);
            process.StandardInput.Close();
            await process.WaitForExitAsync(ct).ConfigureAwait(false);
            return (process.ExitCode, await output.ConfigureAwait(false), await error.ConfigureAwait(false));
        }
    }

    /// <summary>The same, and a failure is an error. Returns what it wrote.</summary>
    public static async Task<string> MustAsync(string program, IEnumerable<string> arguments, string? input, CancellationToken ct)
    {
        (int code, string output, string error) = await RunAsync(program, arguments, input, ct).ConfigureAwait(false);
        return code == 0 ? output : throw Refused(program, code, error);
    }

    public static CcException Refused(string program, int code, string error) => new("SchedulerRefused", CcErrorKind.Storage, $"{program} ended with {code}: {error.Trim()}",
        "Put right what it says. Register-CcSchedule -WhatIf shows the entry, to be written by hand.");

    private static CcException Missing(string program, Exception? cause) => new("SchedulerMissing", CcErrorKind.NotFound, $"There is no {program} on this machine.",
        "Choose another scheduler with -As. Register-CcSchedule -WhatIf shows the entry, to be written by hand where it is wanted.", cause);
}
