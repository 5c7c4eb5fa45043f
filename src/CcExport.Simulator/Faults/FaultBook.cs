namespace CcExport.Simulator.Faults;

/// <summary>The faults in force. The first rule that meets a call has it.</summary>
internal sealed class FaultBook
{
    private readonly List<Entry> _entries = [];

    public IEnumerable<(FaultRule Rule, int Seen, int Met)> Entries => _entries.Select(e => (e.Rule, e.Seen, e.Met));

    public void Add(FaultRule rule) => _entries.Add(new Entry(rule));

    public void Clear() => _entries.Clear();

    public FaultEffect? Meet(string method, string path)
    {
        foreach (Entry entry in _entries)
        {
            if (entry.Meets(method, path)) return entry.Rule.Effect;
        }

        return null;
    }

    private sealed class Entry(FaultRule rule)
    {
        private readonly Random _chance = new(rule.Match.Seed);

        public FaultRule Rule => rule;

        public int Seen { get; private set; }

        public int Met { get; private set; }

        public bool Meets(string method, string path)
        {
            FaultMatch match = rule.Match;
            if (match.Method is not null && !string.Equals(match.Method, method, StringComparison.OrdinalIgnoreCase)) return false;
            if (match.Path is not null && !path.Contains(match.Path, StringComparison.OrdinalIgnoreCase)) return false;
            Seen++;
            if (Seen < match.Nth) return false;
            int? count = match.Count ?? (match.Nth is null ? null : 1);
            if (Met >= count) return false;
            if (match.Probability is { } share && _chance.NextDouble() >= share) return false;
            Met++;
            return true;
        }
    }
}
