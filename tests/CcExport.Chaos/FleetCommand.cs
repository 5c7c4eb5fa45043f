using System.Diagnostics;
using System.Globalization;
using CcExport.Engine;
using CcExport.Engine.Exports;
using CcExport.Engine.Store;
using CcExport.Simulator;

namespace CcExport.Chaos;

/// <summary>
/// Many exports of many accounts, all due at once, on a real PostgreSQL server, shared by runner processes that die: each must run once, within its key's limits. Says what it cost.
/// </summary>
internal static class FleetCommand
{
    /// <summary>True when all was exact.</summary>
    /// <param name="server">Whoever may make databases and roles on a PostgreSQL server.</param>
    public static async Task<bool> RunAsync(FleetOptions options, string server, TextWriter log)
    {
        if (server.Length == 0)
        {
            await log.WriteLineAsync("CCEXPORT_TEST_POSTGRES names no PostgreSQL server; 'build.ps1 fleet' starts one.");
            return false;
        }
        long began = Stopwatch.GetTimestamp();
        await using FleetYard yard = await FleetYard.OpenAsync(options, server);
        IReadOnlyList<FleetExport> exports = await yard.FillAsync(options);
        await DatabaseLoad.CountStatementsAsync(yard.Store);
        await log.WriteLineAsync($"{options}: set up in {Seconds(Stopwatch.GetElapsedTime(began))}");
        await Task.Delay(DatabaseLoad.Lag);
        DatabaseLoad before = await DatabaseLoad.ReadAsync(yard.Store);

        var fleet = new Fleet(options, yard.Environment);
        await fleet.RunAsync();
        await Task.Delay(DatabaseLoad.Lag);
        DatabaseLoad load = await DatabaseLoad.ReadAsync(yard.Store) - before;
        IReadOnlyList<(string Text, long Calls, double Milliseconds)> dearest = await DatabaseLoad.DearestAsync(yard.Store, 8);

        IReadOnlyList<Run> runs;
        await using (CcEngine engine = await yard.OpenEngineAsync(parts => parts)) runs = await engine.GetRunsAsync(null, null, default);
        FleetVerdict verdict = await FleetJudge.JudgeAsync(yard, exports, runs);
        verdict.Findings.AddRange(fleet.Findings);
        await log.WriteLineAsync(Table(options, yard, fleet, verdict, load, runs));
        foreach ((string text, long calls, double milliseconds) in dearest)
            await log.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"  {calls,9} x {milliseconds / calls,8:0.000} ms = {milliseconds / 1000,7:0.0} s  {text[..Math.Min(text.Length, 110)]}"));
        foreach (string finding in verdict.Findings.Take(40)) await log.WriteLineAsync("  " + finding);
        await log.WriteLineAsync(verdict.IsExact ? "exact" : "NOT EXACT");
        return verdict.IsExact;
    }

    private static string Table(FleetOptions options, FleetYard yard, Fleet fleet, FleetVerdict verdict, DatabaseLoad load, IReadOnlyList<Run> runs)
    {
        var text = new StringWriter(CultureInfo.InvariantCulture);
        void Line(string name, object value) => text.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {name,-48}{value,16}"));
        CallStatistics[] calls = [.. yard.Services.Select(s => s.State.Statistics())];
        long all = calls.Sum(c => c.Total), most = calls.Max(c => c.Total);
        double n = Math.Max(1, verdict.Completed);
        TimeSpan[] times = [.. runs.Where(r => r.Status is RunStatus.Completed or RunStatus.CompletedWithErrors).Select(r => r.Duration ?? default).Order()];

        Line("exports due, profiles of each, keys", $"{options.Exports} x {options.Profiles}, {options.Keys}");
        Line("runners at a time / started / killed", $"{options.Runners} / {fleet.Started} / {fleet.Kills}");
        text.WriteLine("  must be as many as exports");
        Line("  runs that came to their end", verdict.Completed);
        text.WriteLine("  must be zero");
        Line("  exports without one / with two", $"{verdict.Missing} / {verdict.Twice}");
        Line("  runs open / exports due still", $"{verdict.Open} / {verdict.StillDue}");
        Line("  balances not as made", verdict.BalancesOff);
        Line("  contacts in doubt", verdict.InDoubt);
        Line("  exports with another number of imports than 1", verdict.OtherImports);
        Line("  contacts carried twice", verdict.CarriedTwice);
        Line("  contacts not on their list as sent", verdict.NotOnList);
        Line("  contacts on a list that nobody sent there", verdict.Strangers);
        Line("  keys over 4 a second or their day", verdict.KeysOverLimit);
        Line("  calls refused (429)", verdict.RefusedCalls);
        text.WriteLine("  counted apart");
        Line("  runs given up before they sent", verdict.GivenUp);
        Line("  most calls of a key in any second", calls.Max(c => c.MaxInAnySecond));
        Line("  calls / of the busiest key / a run", string.Create(CultureInfo.InvariantCulture, $"{all} / {most} / {all / n:0.0}"));
        foreach ((string route, int count) in calls.SelectMany(c => c.ByRoute).GroupBy(r => r.Key, r => r.Value).Select(g => (g.Key, g.Sum())).OrderByDescending(r => r.Item2))
            Line("    " + route, string.Create(CultureInfo.InvariantCulture, $"{count} / {count / n:0.00}"));
        if (times.Length > 0) Line("  a run: median / slowest tenth", $"{Seconds(times[times.Length / 2])} / {Seconds(times[times.Length * 9 / 10])}");
        Line("  claims in vain (runners that lived)", $"{fleet.Results.Sum(r => r.InVain)} ({fleet.Results.Count})");
        int looked = fleet.Results.Sum(r => r.Looked);
        if (looked > 0) Line("  asking one export whether it is due", string.Create(CultureInfo.InvariantCulture, $"{fleet.Results.Sum(r => r.Looking.TotalMilliseconds) / looked:0.00} ms"));
        text.WriteLine("  the database, a run");
        Line("  statements", string.Create(CultureInfo.InvariantCulture, $"{load.Statements / n:0}"));
        Line("  transactions / rolled back", string.Create(CultureInfo.InvariantCulture, $"{load.Transactions / n:0} / {load.RolledBack / n:0.0}"));
        Line("  rows returned by scans / fetched", string.Create(CultureInfo.InvariantCulture, $"{load.RowsReturned / n:0} / {load.RowsRead / n:0}"));
        Line("  rows inserted / updated / deleted", string.Create(CultureInfo.InvariantCulture, $"{load.Inserted / n:0} / {load.Updated / n:0} / {load.Deleted / n:0}"));
        Line("  blocks read / bytes grown / bytes of its log", string.Create(CultureInfo.InvariantCulture, $"{load.BlocksRead / n:0.0} / {load.Bytes / n:0} / {load.WalBytes / n:0}"));
        Line("  processor seconds of 100 runs", string.Create(CultureInfo.InvariantCulture, $"{load.ProcessorSeconds / n * 100:0.0}"));
        (int files, long bytes) = Kept(yard.Home.Root);
        Line("the folder, a run: files / bytes left in it", string.Create(CultureInfo.InvariantCulture, $"{files / n:0.0} / {bytes / n:0}"));
        double floor = most / 4.0;
        Line("time", Seconds(fleet.Wall));
        Line("floor of the limits (busiest key's calls / 4)", Seconds(TimeSpan.FromSeconds(floor)));
        return text.ToString();
    }

    private static (int Files, long Bytes) Kept(string folder)
    {
        FileInfo[] files = new DirectoryInfo(folder).GetFiles("*", SearchOption.AllDirectories);
        return (files.Length, files.Sum(f => f.Length));
    }

    private static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.0} s");
}
