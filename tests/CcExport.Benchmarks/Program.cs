using System.Globalization;
using CcExport.Benchmarks;

// A workshop for measuring: makes data, and runs what has no cmdlet. Each run tells its own CPU time and peak memory at its end.
switch (args)
{
    case ["generate", var rows, var path] when path.EndsWith(".parquet", StringComparison.Ordinal):
        await TestData.WriteParquetAsync(path, int.Parse(rows, CultureInfo.InvariantCulture));
        return 0;
    case ["generate", var rows, var path]:
        TestData.WriteCsv(path, long.Parse(rows, CultureInfo.InvariantCulture));
        return 0;
    case ["generate-folder", var rows, var path]:
        TestData.WriteFolder(path, int.Parse(rows, CultureInfo.InvariantCulture));
        return 0;
    case ["check", var source, var contacts]:
        return IndependentCheck.Run(source, contacts);
    case ["floor", var path]:
        Console.WriteLine(path.EndsWith(".parquet", StringComparison.Ordinal) ? await Floor.ParquetAsync(path) : Floor.Run(path));
        Usage.Print();
        return 0;
    case ["sep", var path]:
        Console.WriteLine(Floor.Sep(path));
        Usage.Print();
        return 0;
    case ["encode", var path]:
        Console.WriteLine(await EngineOnly.EncodeAsync(path));
        return 0;
    case ["engine", var path]:
        Console.WriteLine(await EngineOnly.RunAsync(path, "csv"));
        Usage.Print();
        return 0;
    case ["engine", var path, var times]:
        for (int i = 0; i < int.Parse(times, CultureInfo.InvariantCulture); i++)
        {
            TimeSpan before = Environment.CpuUsage.TotalTime;
            long began = System.Diagnostics.Stopwatch.GetTimestamp();
            await EngineOnly.RunAsync(path, "csv");
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"cpu {(Environment.CpuUsage.TotalTime - before).TotalMilliseconds:F0} ms, wall {System.Diagnostics.Stopwatch.GetElapsedTime(began).TotalMilliseconds:F0} ms"));
        }
        return 0;
    case ["parse", var path]:
        Console.WriteLine(await EngineOnly.ParseAsync(path));
        Usage.Print();
        return 0;
    case ["remember", var count]:
        Console.WriteLine(Remembering.Run(int.Parse(count, CultureInfo.InvariantCulture)));
        Usage.Print();
        return 0;
    case ["durable" or "memory", var path, var list]:
        return await WholeRun.RunAsync(path, list, durable: args[0] == "durable");
    case ["history", var home, var runs, var exports]:
        return await History.FillAsync(home, int.Parse(runs, CultureInfo.InvariantCulture), int.Parse(exports, CultureInfo.InvariantCulture));
    case ["insights-host", var profiles]:
        await InsightsHost.RunAsync(long.Parse(profiles, CultureInfo.InvariantCulture));
        return 0;
    case ["dataverse" or "dataverse-read", var profiles, .. var segments]:
        return await InsightsRun.RunAsync(long.Parse(profiles, CultureInfo.InvariantCulture), segments, readOnly: args[0] == "dataverse-read");
    default:
        Console.Error.WriteLine("generate ROWS FILE | generate-folder ROWS FOLDER | check SOURCE CONTACTS.NDJSON | floor FILE | sep FILE | encode FILE | engine FILE [TIMES] | parse FILE | remember COUNT | durable FILE LISTID | memory FILE LISTID | dataverse PROFILES SEGMENT... | dataverse-read PROFILES SEGMENT... | history HOME RUNS EXPORTS");
        return 2;
}
