using System.Diagnostics;
using System.Globalization;

namespace CcExport.Chaos;

/// <summary>What <c>run</c> is told.</summary>
internal sealed record ChaosOptions
{
    public int Runs { get; init; } = 30;
    public int Seed { get; init; } = 1;
    public int Parallel { get; init; } = 6;
    public int Profiles { get; init; } = 6000;
    public int Batch { get; init; } = 500;
    /// <summary>Kills of one run, at most.</summary>
    public int MostKills { get; init; } = 4;
    /// <summary>This run alone, as it was within the whole.</summary>
    public int? Only { get; init; }
    /// <summary>Each run is told of when it is over, not only those that show something.</summary>
    public bool Tell { get; init; }

    public static ChaosOptions Parse(ChaosOptions options, ReadOnlySpan<string> arguments)
    {
        for (int i = 0; i + 1 < arguments.Length; i += 2)
        {
            int value = int.Parse(arguments[i + 1], CultureInfo.InvariantCulture);
            options = arguments[i].TrimStart('-').ToLowerInvariant() switch
            {
                "runs" => options with { Runs = value },
                "seed" => options with { Seed = value },
                "parallel" => options with { Parallel = value },
                "profiles" => options with { Profiles = value },
                "batch" => options with { Batch = value },
                "kills" => options with { MostKills = value },
                "only" or "index" => options with { Only = value },
                _ => throw new ArgumentException($"'{arguments[i]}' is not known."),
            };
        }
        return options;
    }
}

/// <summary>Many runs, each with a service and a home of its own, each with hosts that are killed.</summary>
internal static class ChaosCommand
{
    public static Task<Tally> RunAsync(ChaosOptions options, TextWriter log) => RunAsync(
        options, new EngineHosts(options.Profiles, options.Batch), index => RunPlan.Make(index, options.Seed, options.MostKills),
        $"run --seed {options.Seed} --profiles {options.Profiles} --batch {options.Batch} --kills {options.MostKills}", log);

    /// <param name="command">Repeats the whole.</param>
    public static async Task<Tally> RunAsync(ChaosOptions options, IHosts hosts, Func<int, RunPlan> planned, string command, TextWriter log)
    {
        long began = Stopwatch.GetTimestamp();
        var tally = new Tally();
        int done = 0;
        using var writing = new SemaphoreSlim(1, 1);
        IEnumerable<int> indexes = options.Only is { } only ? [only] : Enumerable.Range(0, options.Runs);
        await Parallel.ForEachAsync(indexes, new ParallelOptions { MaxDegreeOfParallelism = options.Parallel }, async (index, ct) =>
        {
            RunPlan plan = planned(index);
            RunReport report;
            try
            {
                report = await new OneRun(plan, hosts).RunAsync();
            }
            catch (Exception e)
            {
                // One run that cannot be judged is a finding, and the others go on.
                report = new RunReport(plan) { NotAtItsEnd = true };
                report.Findings.Add(e.ToString());
            }
            await writing.WaitAsync(ct);
            try
            {
                tally.Add(report);
                if (!report.IsClean || report.InDoubt > 0 || options.Only is not null || options.Tell) await TellAsync(report, command, log);
                if (++done % 10 == 0) await log.WriteLineAsync($"{done} runs, {Stopwatch.GetElapsedTime(began):h\\:mm\\:ss}");
            }
            finally
            {
                writing.Release();
            }
        });
        await log.WriteLineAsync(tally.Table(Stopwatch.GetElapsedTime(began)));
        return tally;
    }

    private static async Task TellAsync(RunReport report, string command, TextWriter log)
    {
        await log.WriteLineAsync($"run {report.Plan.Index}: {(report.IsClean ? "clean" : "NOT CLEAN")}; again: {command} --only {report.Plan.Index}");
        await log.WriteLineAsync($"  planned: {string.Join(", ", report.Plan.Kills)}");
        await log.WriteLineAsync($"  faults: {string.Join(", ", report.Plan.Faults.Select(f => $"{f.Effect.Kind} {f.Match.Method} {f.Match.Nth}x{f.Match.Count}"))}");
        if (report.Plan.JobsFail || report.Plan.Verify)
            await log.WriteLineAsync($"  jobs: {string.Join(", ", report.Jobs.Select(j => $"{j.Value} {j.Key}"))}{(report.Plan.Verify ? "; the list is read back" : "")}");
        await log.WriteLineAsync($"  killed: {string.Join(", ", report.Kills)}; {report.Hosts} hosts");
        foreach (string finding in report.Findings) await log.WriteLineAsync("  " + finding);
    }
}
