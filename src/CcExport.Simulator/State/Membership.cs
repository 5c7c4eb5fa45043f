namespace CcExport.Simulator.State;

/// <summary>When and why memberships change: what the log says of it, and what it does to the contact.</summary>
internal readonly record struct MembershipAct(DateTimeOffset At, MembershipCause Cause, string? ActivityId, SimulatorSwitches Switches);

/// <summary>One change in the log: no text of its own, so that a million of them stay cheap.</summary>
internal readonly record struct MembershipEntry(long Ticks, string? ActivityId, int Contact, int List, MembershipCause Cause, bool Joined);

/// <summary>The sets that hold at least one of some lists. Asked for each contact, worked out once for each set.</summary>
internal sealed class SetFilter(MembershipSets sets, IReadOnlyList<int> lists)
{
    private readonly List<bool> _known = [];

    public bool Has(int set)
    {
        while (_known.Count <= set) _known.Add(sets.Lists(_known.Count).ContainsAny(lists));
        return _known[set];
    }
}

internal static class ListNumbers
{
    public static bool ContainsAny(this ReadOnlySpan<int> numbers, IReadOnlyList<int> wanted)
    {
        foreach (int number in numbers)
        {
            if (wanted.Contains(number)) return true;
        }

        return false;
    }
}
