using System.Diagnostics;

namespace CcExport.Chaos;

/// <summary>How a host ended.</summary>
/// <param name="Result">What it printed; null when it did not come to that.</param>
/// <param name="Died">True when it ended itself at its planned step.</param>
/// <param name="Killed">True when it was killed from outside.</param>
/// <param name="Noise">What it said on its error stream.</param>
internal sealed record HostEnd(HostResult? Result, bool Died, bool Killed, string Noise);

/// <summary>A host as a child process.</summary>
internal sealed class HostProcess : IDisposable
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(3);

    /// <summary>This program: where build.ps1 has it compiled ahead of time, so, for a host lives too short to get that back.</summary>
    private static readonly string Program = Environment.GetEnvironmentVariable("CCEXPORT_CHAOS_HOST") is { Length: > 0 } compiled
        ? compiled : typeof(HostProcess).Assembly.Location;

    private readonly Process _process;
    private readonly Task<string> _out;
    private readonly Task<string> _error;
    private bool _killed;

    private HostProcess(Process process)
    {
        _process = process;
        _out = process.StandardOutput.ReadToEndAsync();
        _error = process.StandardError.ReadToEndAsync();
    }

    public int Id => _process.Id;

    public static HostProcess Start(HostOptions options)
    {
        var start = new ProcessStartInfo("dotnet", [Program, .. options.ToArguments()])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        // A host lives for some seconds: compiling anything better than once would cost more than it gives.
        start.Environment["DOTNET_TC_CallCountingDelayMs"] = "10000";
        return new HostProcess(Process.Start(start)!);
    }

    /// <summary>Runs one to its end, or kills it after a while if it is still alive then.</summary>
    public static async Task<HostEnd> RunAsync(HostOptions options, TimeSpan? killAfter = null)
    {
        using HostProcess host = Start(options);
        if (killAfter is { } time)
        {
            try
            {
                await host._process.WaitForExitAsync().WaitAsync(time);
            }
            catch (TimeoutException)
            {
                host.Kill();
            }
        }
        return await host.EndAsync();
    }

    public void Kill()
    {
        _killed = true;
        _process.Kill();
    }

    public async Task<HostEnd> EndAsync()
    {
        try
        {
            await _process.WaitForExitAsync().WaitAsync(Longest);
        }
        catch (TimeoutException)
        {
            _process.Kill();
            return new HostEnd(null, false, false, $"It did not end within {Longest.TotalMinutes} minutes.");
        }
        string[] lines = (await _out).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        HostResult? result = lines.Select(HostResult.FromJson).FirstOrDefault(r => r is not null);
        // Killed when it had just said its last: then it has ended by itself.
        return new HostEnd(result, lines.Any(l => l.StartsWith(Reaper.LastWords, StringComparison.Ordinal)), _killed && result is null, await _error);
    }

    public void Dispose() => _process.Dispose();
}
