using System.Globalization;
using System.Text;

namespace CcExport.Chaos;

/// <summary>The people of one run, and what must become of each: written down while they are made, without asking the engine.</summary>
internal sealed class Population
{
    /// <summary>In every address and nowhere else, so that one is found wherever it lies.</summary>
    public const string Domain = "@chaos.example";

    /// <summary>What the service takes at most; some addresses are longer and yet well-formed.</summary>
    public const int EmailMaxLength = 50;

    public required string Csv { get; init; }
    public int Read { get; private set; }
    public int Invalid { get; private set; }
    public int Duplicate { get; private set; }
    /// <summary>Addresses that must reach the service, in lower case, and the row that they come from.</summary>
    public Dictionary<string, int> Sent { get; } = [];
    public HashSet<string> OptedOut { get; } = [];
    public HashSet<string> Refused { get; } = [];

    /// <summary>On the list before the run, under other names.</summary>
    public HashSet<string> Renamed { get; } = [];
    /// <summary>On the list before the run, just as they are sent.</summary>
    public HashSet<string> AsTheyAre { get; } = [];

    public static string FirstName(int row) => string.Create(CultureInfo.InvariantCulture, $"First{row}");
    public static string LastName(int row) => string.Create(CultureInfo.InvariantCulture, $"Last{row}");

    public static Population Make(string path, string tag, int profiles, Random chance, bool optedOut = true)
    {
        var people = new Population { Csv = path };
        var text = new StringBuilder("CustomerId,FirstName,LastName,EMail\n");
        List<string> plain = [];
        for (int i = 1; i <= profiles; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"K{i},{FirstName(i)},{LastName(i)},{people.Next(i, tag, plain, chance, optedOut)}\n");
        }
        people.Read = profiles;
        File.WriteAllText(path, text.ToString());
        return people;
    }

    private string Next(int i, string tag, List<string> plain, Random chance, bool optedOut)
    {
        double fate = chance.NextDouble();
        if (fate < 0.01)
        {
            Invalid++;
            return chance.Next(2) == 0 ? "" : $"nobody{i}";
        }
        if (fate < 0.03 && plain.Count > 0)
        {
            Duplicate++;
            return plain[chance.Next(plain.Count)].ToUpperInvariant();
        }
        string address = string.Create(CultureInfo.InvariantCulture, $"p{i}.{tag}{Domain}");
        if (fate is >= 0.03 and < 0.04)
        {
            address = new string('x', 40) + "." + address;
            Refused.Add(address);
        }
        else
        {
            plain.Add(address);
            if (fate is >= 0.04 and < 0.055 && optedOut) OptedOut.Add(address);
            else if (fate is >= 0.055 and < 0.08) Renamed.Add(address);
            else if (fate is >= 0.08 and < 0.09) AsTheyAre.Add(address);
        }
        Sent.Add(address, i);
        return address;
    }
}
