using System.Globalization;
using CcExport.Benchmarks;

// A workshop for measuring: makes data, and runs what has no cmdlet. Each run tells its own CPU time and peak memory at its end.
switch (args)
{
    case ["generate", var rows, var path]:
        TestData.WriteCsv(path, long.Parse(rows, CultureInfo.InvariantCulture));
        return 0;
    case ["generate-folder", var rows, var path]:
        TestData.WriteFolder(path, int.Parse(rows, CultureInfo.InvariantCulture));
        return 0;
    case ["check", var source, var contacts]:
        return IndependentCheck.Run(source, contacts);
    case ["floor", var path]:
        Console.WriteLine(Floor.Run(path));
        Usage.Print();
        return 0;
    case ["engine", var path]:
        Console.WriteLine(await EngineOnly.RunAsync(path, "csv"));
        Usage.Print();
        return 0;
    case ["parse", var path]:
        Console.WriteLine(await EngineOnly.ParseAsync(path));
        Usage.Print();
        return 0;
    case ["durable" or "memory", var path, var list]:
        return await WholeRun.RunAsync(path, list, durable: args[0] == "durable");
    default:
        Console.Error.WriteLine("generate ROWS FILE | generate-folder ROWS FOLDER | check SOURCE CONTACTS.NDJSON | floor FILE | engine FILE | parse FILE | durable FILE LISTID | memory FILE LISTID");
        return 2;
}
