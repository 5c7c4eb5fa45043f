using System.Globalization;
using System.Text;

namespace CcExport.Chaos;

/// <summary>Adds up the runs and makes the table.</summary>
internal sealed class Tally
{
    private readonly List<RunReport> _runs = [];

    public void Add(RunReport run) => _runs.Add(run);

    public int Kills => _runs.Sum(r => r.Kills.Count);

    public bool IsClean => _runs.Count > 0 && _runs.All(r => r.IsClean);

    public string Table(TimeSpan wall)
    {
        var text = new StringBuilder();
        void Line(string name, object value) => text.AppendLine(CultureInfo.InvariantCulture, $"  {name,-34}{value,10}");
        Dictionary<string, int> kills = _runs.SelectMany(r => r.Kills).GroupBy(k => k).ToDictionary(g => g.Key, g => g.Count());

        Line("runs", _runs.Count);
        Line("hosts started", _runs.Sum(r => r.Hosts));
        Line("kills in all", kills.Values.Sum());
        text.AppendLine(CultureInfo.InvariantCulture, $"  {"killed at step",-24}{"before",10}{"after",10}");
        foreach (string step in KillPlan.Steps)
        {
            (int before, int after) = (kills.GetValueOrDefault(step + " before"), kills.GetValueOrDefault(step + " after"));
            text.AppendLine(CultureInfo.InvariantCulture, $"    {step,-22}{before,10}{after,10}");
        }
        text.AppendLine(CultureInfo.InvariantCulture, $"    {"any moment",-22}{kills.GetValueOrDefault("any moment"),20}");
        text.AppendLine("  faults met");
        foreach (IGrouping<string, int> kind in _runs.SelectMany(r => r.Faults).GroupBy(f => f.Key, f => f.Value).OrderBy(g => g.Key, StringComparer.Ordinal))
            Line("  " + kind.Key, kind.Sum());
        Line("  access tokens expired", _runs.Sum(r => r.Expiries));
        text.AppendLine("  jobs that did not complete");
        foreach (IGrouping<string, int> end in _runs.SelectMany(r => r.Jobs).GroupBy(j => j.Key, j => j.Value).OrderBy(g => g.Key, StringComparer.Ordinal))
            Line("  " + end.Key, end.Sum());
        Line("  contacts sent once more for them", _runs.Sum(r => r.OnceMore));
        Line("  contacts refused, done by neither", _runs.Sum(r => r.FailedTwice));
        Line("  runs that read their list back", _runs.Count(r => r.Plan.Verify));
        text.AppendLine("  must be zero");
        Line("  lost", _runs.Sum(r => r.Lost));
        Line("  twice", _runs.Sum(r => r.Twice));
        Line("  dead refresh tokens used", _runs.Sum(r => r.DeadTokens));
        Line("  balances not as made", _runs.Count(r => r.BalanceOff));
        Line("  rejections not as counted", _runs.Count(r => r.RejectionsOff));
        Line("  calls over the limit", _runs.Sum(r => r.OverLimit));
        Line("  runs not at their end", _runs.Count(r => r.NotAtItsEnd));
        Line("  homes with an address in clear", _runs.Count(r => r.AddressInClear));
        Line("  spools not empty", _runs.Count(r => r.SpoolLeft));
        text.AppendLine("  counted apart");
        Line("  contacts left in doubt", _runs.Sum(r => r.InDoubt));
        Line("  sent once more, there before", _runs.Sum(r => r.Needless));
        Line("  runs with contacts in doubt", _runs.Count(r => r.InDoubt > 0));
        Line("  deaths in the rotation window", _runs.Sum(r => r.RotationDeaths));
        Line("wall time", wall.ToString(@"h\:mm\:ss", CultureInfo.InvariantCulture));
        return text.ToString();
    }
}
