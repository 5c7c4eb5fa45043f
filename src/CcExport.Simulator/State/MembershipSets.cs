namespace CcExport.Simulator.State;

/// <summary>
/// Most contacts share one of a few combinations of lists, so a contact holds the number of its combination only.
/// Set 0 is the empty one.
/// </summary>
internal sealed class MembershipSets
{
    private readonly List<int[]> _sets = [[]];
    private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal) { [""] = 0 };
    private readonly Dictionary<(int Set, int List), int> _with = [];
    private readonly Dictionary<(int Set, int List), int> _without = [];

    public ReadOnlySpan<int> Lists(int set) => _sets[set];

    public bool Contains(int set, int list) => Array.IndexOf(_sets[set], list) >= 0;

    public int With(int set, int list) => Step(_with, set, list, add: true);

    public int Without(int set, int list) => Step(_without, set, list, add: false);

    private int Step(Dictionary<(int, int), int> known, int set, int list, bool add)
    {
        if (known.TryGetValue((set, list), out int number)) return number;
        int[] lists = add
            ? [.. _sets[set].Where(l => l != list).Append(list).Order()]
            : [.. _sets[set].Where(l => l != list)];
        string key = string.Join(',', lists);
        if (!_numbers.TryGetValue(key, out number))
        {
            number = _sets.Count;
            _sets.Add(lists);
            _numbers.Add(key, number);
        }

        known[(set, list)] = number;
        return number;
    }
}
