using System.Diagnostics;

namespace CcExport.Chaos;

/// <summary>Runner processes of which one is killed every few seconds, and replaced, until each has found nothing that is due.</summary>
internal sealed class Fleet(FleetOptions options, Dictionary<string, string> environment)
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(45);

    private readonly Random _chance = new(options.Seed);
    private readonly Lock _gate = new();
    private readonly List<HostProcess> _alive = [];
    private readonly HashSet<HostProcess> _killed = [];

    public int Started { get; private set; }
    public int Kills { get; private set; }
    /// <summary>Of those that came to their end by themselves.</summary>
    public List<RunnerResult> Results { get; } = [];
    public List<string> Findings { get; } = [];
    public TimeSpan Wall { get; private set; }

    public async Task RunAsync()
    {
        long began = Stopwatch.GetTimestamp();
        using var over = new CancellationTokenSource();
        Task killing = options.KillEvery > 0 ? KillAsync(over.Token) : Task.CompletedTask;
        try
        {
            await Task.WhenAll(Enumerable.Range(0, options.Runners).Select(_ => ReplaceAsync())).WaitAsync(Longest);
        }
        catch (TimeoutException)
        {
            Findings.Add($"Runners were at work still after {Longest.TotalMinutes} minutes.");
            lock (_gate) _alive.ForEach(h => h.Kill());
        }
        Wall = Stopwatch.GetElapsedTime(began);
        await over.CancelAsync();
        await killing;
    }

    /// <summary>One place of the fleet: whoever was killed in it has a successor at once.</summary>
    private async Task ReplaceAsync()
    {
        while (true)
        {
            string[] arguments = options.Quick ? [HostProcess.Program, "runner", "--quick"] : [HostProcess.Program, "runner"];
            using HostProcess host = HostProcess.Start(arguments, environment);
            lock (_gate)
            {
                Started++;
                _alive.Add(host);
            }
            HostEnd end = await host.EndAsync();
            lock (_gate)
            {
                _alive.Remove(host);
                if (end.Noise.Length > 0) Findings.Add("A runner said: " + end.Noise);
                if (end.Lines.Select(RunnerResult.FromLine).FirstOrDefault(r => r is not null) is { } result)
                {
                    Results.Add(result);
                    return;
                }
                if (!_killed.Remove(host))
                {
                    Findings.Add("A runner ended without a word.");
                    return;
                }
            }
        }
    }

    private async Task KillAsync(CancellationToken over)
    {
        try
        {
            while (Kills < options.MostKills)
            {
                await Task.Delay(TimeSpan.FromSeconds(options.KillEvery * (0.5 + _chance.NextDouble())), over);
                lock (_gate)
                {
                    if (_alive.Count == 0) continue;
                    HostProcess victim = _alive[_chance.Next(_alive.Count)];
                    _killed.Add(victim);
                    victim.Kill();
                    Kills++;
                }
            }
        }
        catch (OperationCanceledException)
        {
        }
    }
}
