using System.Diagnostics;
using System.Globalization;

namespace CcExport.Model;

/// <param name="Index">One history alone; null: all from 0.</param>
internal sealed record ModelOptions(int Runs = 10_000, int Seed = 1, int? Index = null, int Parallel = 2)
{
    /// <summary>Null when they cannot be understood.</summary>
    public static ModelOptions? Parse(ReadOnlySpan<string> args)
    {
        var options = new ModelOptions();
        for (int i = 0; i < args.Length; i += 2)
        {
            if (i + 1 == args.Length || !int.TryParse(args[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out int number)) return null;
            switch (args[i].TrimStart('-').ToLowerInvariant())
            {
                case "runs": options = options with { Runs = number }; break;
                case "seed": options = options with { Seed = number }; break;
                case "index": options = options with { Index = number }; break;
                case "parallel": options = options with { Parallel = number }; break;
                default: return null;
            }
        }
        return options;
    }
}

/// <summary>Plays histories by the thousand.</summary>
internal static class ModelCommand
{
    private const int MostReports = 5;

    public static async Task<Tally> RunAsync(ModelOptions options, TextWriter output)
    {
        var tally = new Tally();
        var began = Stopwatch.StartNew();
        IEnumerable<int> indexes = options.Index is { } only ? [only] : Enumerable.Range(0, options.Runs);
        await Parallel.ForEachAsync(indexes, new ParallelOptions { MaxDegreeOfParallelism = options.Parallel }, async (index, _) =>
        {
            History history = Author.Write(options.Seed, index);
            (string What, int Steps)? failure = await Player.PlayAsync(history, tally);
            tally.History(failure is not null);
            if (failure is { } found && tally.Divergences <= MostReports) await ReportAsync(history, found, output);
            if (tally.Histories % 500 == 0)
                await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{tally.Line}; {tally.Histories / began.Elapsed.TotalSeconds:N1} histories a second"));
        });
        foreach (string line in tally.Details) await output.WriteLineAsync(line);
        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{tally.Line} ({began.Elapsed.TotalSeconds:N0} s, {tally.Histories / began.Elapsed.TotalSeconds:N1} histories a second)"));
        return tally;
    }

    private static async Task ReportAsync(History history, (string What, int Steps) failure, TextWriter output)
    {
        (History small, string what) = await Shrinker.ShrinkAsync(history, failure);
        List<string> lines =
        [
            $"DIVERGENCE in history {history.Index}: {failure.What}",
            string.Create(CultureInfo.InvariantCulture, $"  Again: build.ps1 model -Seed {history.Seed} -Index {history.Index}"),
            $"  Smallest: {what}",
            $"  {small.Setup.Lists} list(s), touches {small.Setup.Touches}, {small.Setup.FewContacts} contacts by pages, {small.Setup.ErrorLines} lines, hurried {small.Setup.Hurried}, a crowd of {small.Setup.Crowd}",
        ];
        lines.AddRange(small.Setup.Exports.Select(e => $"  {e.Name}: list {e.List}, {e.Mode}, email {string.Join(' ', e.Fields)}, batches of {e.BatchSize}"));
        lines.AddRange(small.Steps.Select(s => $"    {s}"));
        await output.WriteLineAsync(string.Join(Environment.NewLine, lines));
    }
}
