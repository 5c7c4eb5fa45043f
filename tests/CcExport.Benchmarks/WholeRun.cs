using System.Diagnostics;
using System.Globalization;
using CcExport.Engine;
using CcExport.Engine.Exports;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;

namespace CcExport.Benchmarks;

/// <summary>
/// A whole run of the engine over a service in another process, without a shell around it: as the product is, or with the spool and the
/// journal of runs in memory. What the two differ by is what durability costs: encryption, files, transactions and flushes.
/// </summary>
internal static class WholeRun
{
    /// <summary>Prints one JSON line: the process's usage, and the processor time of the run alone.</summary>
    public static async Task<int> RunAsync(string path, string listId, bool durable)
    {
        await using CcEngine engine = await CcEngine.OpenAsync(CcHome.Resolve(), TimeProvider.System, parts => durable ? parts : InMemory(parts), default);
        var request = new RunRequest
        {
            Connection = "Simulator",
            ListId = listId,
            Map = new Dictionary<string, string> { ["email"] = "EMail", ["first_name"] = "FirstName", ["last_name"] = "LastName" },
            Source = new SourceReference { Path = path },
            MaxProfiles = 100_000_000,
        };
        using var me = Process.GetCurrentProcess();
        TimeSpan before = me.TotalProcessorTime;
        Run run = await engine.InvokeAsync(request, new Nobody(), default);
        me.Refresh();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $$"""
            {"cpu":{{me.TotalProcessorTime.TotalSeconds:F3}},"runCpu":{{(me.TotalProcessorTime - before).TotalSeconds:F3}},"wall":{{(DateTime.Now - me.StartTime).TotalSeconds:F3}},"peakMB":{{me.PeakWorkingSet64 / 1e6:F1}},"sent":{{run.Sent}},"accepted":{{run.Accepted}},"batches":{{run.Batches}},"status":"{{run.Status}}"}
            """));
        return run.Status == RunStatus.Completed ? 0 : 1;
    }

    private static EngineParts InMemory(EngineParts parts) => parts with
    {
        Store = new MemoryStore(parts.Store),
        OpenSpool = new MemorySpools().Open,
    };

    private sealed class Nobody : IRunObserver
    {
        public void Progress(RunProgress progress)
        {
        }

        public void Warning(string message)
        {
        }

        public void Verbose(string message)
        {
        }
    }
}
