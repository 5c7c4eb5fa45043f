using CcExport.Chaos;

// Proves what a run promises by breaking it: hosts are killed at every step, raced, and frozen, and the service is asked what it has.
switch (args)
{
    case ["host", _, _, ..]:
        return await HostCommand.RunAsync(HostOptions.Parse(args.AsSpan(1)));
    case ["run", ..]:
        return (await ChaosCommand.RunAsync(ChaosOptions.Parse(new ChaosOptions(), args.AsSpan(1)), Console.Out)).IsClean ? 0 : 1;
    case ["pwsh", ..]:
        ChaosOptions large = ChaosOptions.Parse(new ChaosOptions { Runs = 20, Profiles = 1_000_000 }, args.AsSpan(1));
        return (await PwshCommand.RunAsync(large, Environment.GetEnvironmentVariable("CCEXPORT_CHAOS_PWSH") ?? "",
            Environment.GetEnvironmentVariable("CCEXPORT_CHAOS_MODULE") ?? "", Console.Out)).IsClean ? 0 : 1;
    case ["fleet", ..]:
        return await FleetCommand.RunAsync(FleetOptions.Parse(args.AsSpan(1)), Environment.GetEnvironmentVariable("CCEXPORT_TEST_POSTGRES") ?? "", Console.Out) ? 0 : 1;
    case ["runner", .. var quick]:
        return await RunnerCommand.RunAsync(quick is ["--quick"]);
    case ["race"]:
        return (await RaceCommand.RunAsync(Console.Out)).Count == 0 ? 0 : 1;
    case ["wake"]:
        return (await WakeCommand.RunAsync(Console.Out)).Count == 0 ? 0 : 1;
    default:
        Console.Error.WriteLine("run [--runs N] [--seed S] [--parallel P] [--profiles N] [--batch N] [--kills N] [--only I] | pwsh [--runs N] [--seed S] [--profiles N] [--only I] | race | wake | "
            + "fleet [--exports N] [--profiles N] [--keys N] [--runners N] [--killEvery SECONDS] [--seed S]");
        return 2;
}
