using System.Globalization;
using CcExport.Chaos;

// Proves what a run promises by breaking it: hosts are killed at every step, raced, and frozen, and the service is asked what it has.
switch (args)
{
    case ["host", _, _, ..]:
        return await HostCommand.RunAsync(HostOptions.Parse(args.AsSpan(1)));
    case ["run", ..]:
        var options = new ChaosOptions();
        for (int i = 1; i + 1 < args.Length; i += 2)
        {
            int value = int.Parse(args[i + 1], CultureInfo.InvariantCulture);
            options = args[i].TrimStart('-').ToLowerInvariant() switch
            {
                "runs" => options with { Runs = value },
                "seed" => options with { Seed = value },
                "parallel" => options with { Parallel = value },
                "profiles" => options with { Profiles = value },
                "batch" => options with { Batch = value },
                "kills" => options with { MostKills = value },
                "only" or "index" => options with { Only = value },
                _ => throw new ArgumentException($"'{args[i]}' is not known."),
            };
        }
        return (await ChaosCommand.RunAsync(options, Console.Out)).IsClean ? 0 : 1;
    case ["race"]:
        return (await RaceCommand.RunAsync(Console.Out)).Count == 0 ? 0 : 1;
    case ["wake"]:
        return (await WakeCommand.RunAsync(Console.Out)).Count == 0 ? 0 : 1;
    default:
        Console.Error.WriteLine("run [--runs N] [--seed S] [--parallel P] [--profiles N] [--batch N] [--kills N] [--only I] | race | wake");
        return 2;
}
