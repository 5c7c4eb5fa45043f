using System.Globalization;

namespace CcExport.Chaos;

/// <summary>What one host is told on its command line.</summary>
internal sealed record HostOptions(string Home, string Export)
{
    /// <summary>Where it ends itself; null: nowhere.</summary>
    public KillPlan? Kill { get; init; }
    /// <summary>Life of the run's lease in milliseconds; null: as in production.</summary>
    public int? LeaseLife { get; init; }
    /// <summary>Waits of the wire as in production, for hosts that nobody kills.</summary>
    public bool Patient { get; init; }
    /// <summary>The list is read back at the end.</summary>
    public bool Verify { get; init; }

    public IEnumerable<string> ToArguments()
    {
        yield return "host";
        yield return Home;
        yield return Export;
        if (Kill is not null) yield return "--die=" + Kill;
        if (LeaseLife is { } life) yield return "--lease=" + life.ToString(CultureInfo.InvariantCulture);
        if (Patient) yield return "--patient";
        if (Verify) yield return "--verify";
    }

    public static HostOptions Parse(ReadOnlySpan<string> arguments)
    {
        var options = new HostOptions(arguments[0], arguments[1]);
        foreach (string argument in arguments[2..])
        {
            string value = argument[(argument.IndexOf('=', StringComparison.Ordinal) + 1)..];
            options = argument.Split('=')[0] switch
            {
                "--die" => options with { Kill = KillPlan.Parse(value) },
                "--lease" => options with { LeaseLife = int.Parse(value, CultureInfo.InvariantCulture) },
                "--patient" => options with { Patient = true },
                "--verify" => options with { Verify = true },
                _ => throw new ArgumentException($"'{argument}' is not known."),
            };
        }
        return options;
    }
}
