using System.Diagnostics;

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
}

/// <summary>Many runs, each with a service and a home of its own, each with hosts that are killed.</summary>
internal static class ChaosCommand
{
    public static async Task<Tally> RunAsync(ChaosOptions options, TextWriter log)
    {
        long began = Stopwatch.GetTimestamp();
        var tally = new Tally();
        int done = 0;
        using var writing = new SemaphoreSlim(1, 1);
        IEnumerable<int> indexes = options.Only is { } only ? [only] : Enumerable.Range(0, options.Runs);
        await Parallel.ForEachAsync(indexes, new ParallelOptions { MaxDegreeOfParallelism = options.Parallel }, async (index, ct) =>
        {
            RunPlan plan = RunPlan.Make(index, options.Seed, options.MostKills);
            RunReport report;
            try
            {
                report = await new OneRun(plan, options.Profiles, options.Batch).RunAsync();
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
                if (!report.IsClean || report.InDoubt > 0 || options.Only is not null) await TellAsync(report, options, log);
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

    private static async Task TellAsync(RunReport report, ChaosOptions options, TextWriter log)
    {
        await log.WriteLineAsync($"run {report.Plan.Index}: {(report.IsClean ? "clean" : "NOT CLEAN")}; again: run --seed {options.Seed} --only {report.Plan.Index} "
            + $"--profiles {options.Profiles} --batch {options.Batch} --kills {options.MostKills}");
        await log.WriteLineAsync($"  planned: {string.Join(", ", report.Plan.Kills.Select(k => k.Step?.ToString() ?? $"after {k.After!.Value.TotalMilliseconds:F0} ms"))}");
        await log.WriteLineAsync($"  faults: {string.Join(", ", report.Plan.Faults.Select(f => $"{f.Effect.Kind} {f.Match.Method} {f.Match.Nth}x{f.Match.Count}"))}");
        if (report.Plan.JobsFail || report.Plan.Verify)
            await log.WriteLineAsync($"  jobs: {string.Join(", ", report.Jobs.Select(j => $"{j.Value} {j.Key}"))}{(report.Plan.Verify ? "; the list is read back" : "")}");
        await log.WriteLineAsync($"  killed: {string.Join(", ", report.Kills)}; {report.Hosts} hosts");
        foreach (string finding in report.Findings) await log.WriteLineAsync("  " + finding);
    }
}
