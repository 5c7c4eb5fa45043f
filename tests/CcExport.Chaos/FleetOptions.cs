using System.Globalization;

namespace CcExport.Chaos;

/// <summary>What <c>fleet</c> is told.</summary>
internal sealed record FleetOptions
{
    public int Exports { get; init; } = 500;
    /// <summary>Of each export.</summary>
    public int Profiles { get; init; } = 500;
    /// <summary>API keys, each with an account of its own.</summary>
    public int Keys { get; init; } = 20;
    /// <summary>Processes that work at the same time.</summary>
    public int Runners { get; init; } = 8;
    /// <summary>Seconds between two kills, on average; 0: nobody is killed.</summary>
    public double KillEvery { get; init; } = 3;
    /// <summary>After so many the fleet is left alone.</summary>
    public int MostKills { get; init; } = int.MaxValue;
    public int Seed { get; init; } = 1;
    /// <summary>Short waits between two looks at a job, where time is dear; the limits stay what they are.</summary>
    public bool Quick { get; init; }

    public static FleetOptions Parse(ReadOnlySpan<string> arguments)
    {
        var options = new FleetOptions();
        for (int i = 0; i < arguments.Length; i += 2)
        {
            string value = i + 1 < arguments.Length ? arguments[i + 1] : throw new ArgumentException($"'{arguments[i]}' has no value.");
            options = arguments[i].TrimStart('-').ToLowerInvariant() switch
            {
                "exports" => options with { Exports = Whole(value) },
                "profiles" => options with { Profiles = Whole(value) },
                "keys" => options with { Keys = Whole(value) },
                "runners" => options with { Runners = Whole(value) },
                "killevery" => options with { KillEvery = double.Parse(value, CultureInfo.InvariantCulture) },
                "seed" => options with { Seed = Whole(value) },
                _ => throw new ArgumentException($"'{arguments[i]}' is not known."),
            };
        }
        return options;
    }

    private static int Whole(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"fleet -Exports {Exports} -Profiles {Profiles} -Keys {Keys} -Runners {Runners} -KillEvery {KillEvery} -Seed {Seed}");
}
