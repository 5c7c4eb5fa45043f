namespace CcExport.Chaos;

/// <summary>The same chaos at full size: the staged module in PowerShell, one run after the other.</summary>
internal static class PwshCommand
{
    public static async Task<Tally> RunAsync(ChaosOptions options, string shell, string manifest, TextWriter log)
    {
        if (!File.Exists(shell) || !File.Exists(manifest)) throw new ArgumentException($"'{shell}' or '{manifest}' is not there: build.ps1 chaos pwsh gives both.");
        string folder = Directory.CreateTempSubdirectory("ccexport-chaos-people-").FullName;
        try
        {
            // Made once, since they take longer than a run's beginning.
            Population people = Population.Make(Path.Combine(folder, "people.csv"), "m", options.Profiles, new Random(options.Seed));
            // Starting takes a second or two, reading a million three or four, and four imports go in a second at most.
            int imports = (people.Sent.Count + PwshHosts.Rows - 1) / PwshHosts.Rows;
            TimeSpan length = TimeSpan.FromSeconds(3 + (options.Profiles / 100_000.0));
            return await ChaosCommand.RunAsync(
                options with { Parallel = 1, Tell = true }, new PwshHosts(shell, manifest, people), index => RunPlan.MakeLarge(index, options.Seed, length, imports),
                $"pwsh --seed {options.Seed} --profiles {options.Profiles}", log);
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }
}
