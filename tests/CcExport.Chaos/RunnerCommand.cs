using System.Diagnostics;
using System.Globalization;
using CcExport.Engine;
using CcExport.Engine.Exports;
using CcExport.Engine.Upload;

namespace CcExport.Chaos;

/// <summary>
/// A process that does what <c>Invoke-CcExport -Due</c> does, again and again until nothing is due. Store, home and certificate come by the environment, as in production. What goes wrong
/// with an export is said on the error stream.
/// </summary>
internal static class RunnerCommand
{
    /// <summary>Before it looks again while others are at all that is due.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    public static async Task<int> RunAsync(bool quick)
    {
        RunnerResult result;
        try
        {
            await using CcEngine engine = quick ? await OpenQuickAsync() : await CcEngine.OpenAsync(default);
            result = await WorkAsync(engine);
        }
        catch (Exception e)
        {
            // Whatever it is: the orchestrator has to see it, for an unexpected end is a finding.
            Console.Error.WriteLine(e is CcException known ? $"{known.ErrorId}: {known.Message}" : e.ToString());
            return 1;
        }
        Console.Out.WriteLine(result.ToLine());
        return 0;
    }

    private static Task<CcEngine> OpenQuickAsync() => CcEngine.OpenSharedAsync(Engine.Store.CcHome.Resolve(), Environment.GetEnvironmentVariable("CCEXPORT_STORE")!,
        parts => parts with { Upload = new UploadOptions { FirstPoll = TimeSpan.FromMilliseconds(100), LookInterval = TimeSpan.FromMilliseconds(500) } }, default);

    private static async Task<RunnerResult> WorkAsync(CcEngine engine)
    {
        var result = new RunnerResult();
        while (true)
        {
            long began = Stopwatch.GetTimestamp();
            List<(string Export, DateTimeOffset DueAt)> due = [];
            int looked = 0;
            foreach (ScheduledExport export in await engine.GetScheduledAsync(default))
            {
                looked++;
                if ((export.IsKnown ? export.DueAt : await engine.FindDueAsync(export.Name, Silent.Observer, default)) is { } at) due.Add((export.Name, at));
            }
            result = result with { Looks = result.Looks + 1, Looked = result.Looked + looked, Looking = result.Looking + Stopwatch.GetElapsedTime(began) };
            if (due.Count == 0) return result;
            int ran = 0;
            while (due.Count > 0 && await engine.ClaimDueAsync(due, default) is { } claim)
            {
                due.RemoveAll(d => d.Export == claim.Export);
                await using (claim)
                {
                    if (await RunAsync(engine, claim)) ran++;
                    else result = result with { InVain = result.InVain + 1 };
                }
            }
            result = result with { Runs = result.Runs + ran };
            if (ran == 0) await Task.Delay(Pause);
        }
    }

    private static async Task<bool> RunAsync(CcEngine engine, DueClaim claim)
    {
        try
        {
            return await engine.InvokeDueAsync(claim, new RunRequest { ExportName = claim.Export }, Silent.Observer, default) is not null;
        }
        catch (CcException e)
        {
            Console.Error.WriteLine($"{claim.Export}: {e.ErrorId}: {e.Message}");
            return true;
        }
    }
}

/// <summary>What a runner has done by the time that nothing is due any more.</summary>
internal sealed record RunnerResult
{
    private const string Mark = "runner";

    public int Runs { get; init; }
    /// <summary>Exports that it took and somebody else had done by then.</summary>
    public int InVain { get; init; }
    public int Looks { get; init; }
    /// <summary>Exports that were asked whether they are due, and how long that took.</summary>
    public int Looked { get; init; }
    public TimeSpan Looking { get; init; }

    public string ToLine() => string.Create(CultureInfo.InvariantCulture, $"{Mark} {Runs} {InVain} {Looks} {Looked} {Looking.Ticks}");

    public static RunnerResult? FromLine(string line) => line.Split(' ') is [Mark, var runs, var vain, var looks, var looked, var ticks]
        ? new RunnerResult
        {
            Runs = int.Parse(runs, CultureInfo.InvariantCulture),
            InVain = int.Parse(vain, CultureInfo.InvariantCulture),
            Looks = int.Parse(looks, CultureInfo.InvariantCulture),
            Looked = int.Parse(looked, CultureInfo.InvariantCulture),
            Looking = TimeSpan.FromTicks(long.Parse(ticks, CultureInfo.InvariantCulture)),
        }
        : null;
}
