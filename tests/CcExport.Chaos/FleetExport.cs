using System.Globalization;
using System.Text;

namespace CcExport.Chaos;

/// <summary>One export of the fleet, its people, and what must become of them: written down while they are made, without asking the engine.</summary>
internal sealed class FleetExport
{
    private FleetExport(int number, int key) => (Number, Key) = (number, key);

    public int Number { get; }
    /// <summary>The place of its API key among all.</summary>
    public int Key { get; }
    public string Name => string.Create(CultureInfo.InvariantCulture, $"Export{Number:000}");
    public string ListId { get; set; } = "";
    public int Read { get; private set; }
    public int Invalid { get; private set; }
    public int Duplicate { get; private set; }
    /// <summary>Addresses that must reach the list, and the row that they come from.</summary>
    public Dictionary<string, int> Sent { get; } = [];

    /// <summary>The number of the export that an address was made for.</summary>
    public static int NumberOf(string address)
    {
        int from = address.IndexOf(".e", StringComparison.Ordinal) + 2, to = address.IndexOf('@', StringComparison.Ordinal);
        return int.Parse(address.AsSpan(from, to - from), CultureInfo.InvariantCulture);
    }

    /// <summary>One in a hundred has no address, two in a hundred have somebody else's in capitals.</summary>
    public static FleetExport Make(int number, int keys, int profiles, int seed, string path)
    {
        var export = new FleetExport(number, number % keys) { Read = profiles };
        var chance = new Random(HashCode(seed, number));
        var text = new StringBuilder("CustomerId,FirstName,LastName,EMail\n");
        List<string> made = [];
        for (int i = 1; i <= profiles; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"K{i},{Population.FirstName(i)},{Population.LastName(i)},{export.Next(i, made, chance)}\n");
        }
        File.WriteAllText(path, text.ToString());
        return export;
    }

    private string Next(int i, List<string> made, Random chance)
    {
        double fate = chance.NextDouble();
        if (fate < 0.01)
        {
            Invalid++;
            return "";
        }
        if (fate < 0.03 && made.Count > 0)
        {
            Duplicate++;
            return made[chance.Next(made.Count)].ToUpperInvariant();
        }
        string address = string.Create(CultureInfo.InvariantCulture, $"p{i}.e{Number}{Population.Domain}");
        made.Add(address);
        Sent.Add(address, i);
        return address;
    }

    // The same in every process, which the framework's own is not.
    private static int HashCode(int seed, int number) => unchecked((seed * 7919) + number);
}
