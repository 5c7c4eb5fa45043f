using System.Diagnostics;

namespace CcExport.Chaos;

/// <summary>How a host ended.</summary>
/// <param name="Result">What it printed; null when it did not come to that.</param>
/// <param name="Died">True when it ended itself at its planned step.</param>
/// <param name="Killed">True when it was killed from outside.</param>
/// <param name="Noise">What it said on its error stream.</param>
internal sealed record HostEnd(HostResult? Result, bool Died, bool Killed, string Noise)
{
    /// <summary>All that it printed.</summary>
    public IReadOnlyList<string> Lines { get; init; } = [];
}

/// <summary>A host as a child process.</summary>
internal sealed class HostProcess : IDisposable
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(20);

    /// <summary>This program: where build.ps1 has it compiled ahead of time, so, for a host lives too short to get that back.</summary>
    public static string Program { get; } = Environment.GetEnvironmentVariable("CCEXPORT_CHAOS_HOST") is { Length: > 0 } compiled
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

    public static HostProcess Start(HostOptions options) => Start([Program, .. options.ToArguments()], []);

    /// <param name="arguments">Of <c>dotnet</c>; its process is the host itself, and no child of it.</param>
    public static HostProcess Start(IEnumerable<string> arguments, Dictionary<string, string> environment)
    {
        var start = new ProcessStartInfo("dotnet", arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        // A host lives for some seconds: compiling anything better than once would cost more than it gives.
        start.Environment["DOTNET_TC_CallCountingDelayMs"] = "10000";
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        return new HostProcess(Process.Start(start)!);
    }

    /// <summary>Runs one to its end, or kills it after a while if it is still alive then.</summary>
    public static async Task<HostEnd> RunAsync(HostOptions options, TimeSpan? killAfter = null)
    {
        using HostProcess host = Start(options);
        return await host.ToItsEndAsync(killAfter is { } time ? over => Task.Delay(time, over) : null);
    }

    /// <param name="moment">Ends when it is to be killed, if it is still alive then.</param>
    public async Task<HostEnd> ToItsEndAsync(Func<CancellationToken, Task>? moment)
    {
        if (moment is null) return await EndAsync();
        using var over = new CancellationTokenSource();
        Task ended = _process.WaitForExitAsync();
        if (await Task.WhenAny(ended, moment(over.Token)) != ended) Kill();
        await over.CancelAsync();
        return await EndAsync();
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
        return new HostEnd(result, lines.Any(l => l.StartsWith(Reaper.LastWords, StringComparison.Ordinal)), _killed && result is null, await _error) { Lines = lines };
    }

    public void Dispose() => _process.Dispose();
}
