namespace CcExport.Engine.Exports;

/// <summary>What the guard judges a run by, all of it known before anything is sent.</summary>
internal sealed record GuardNumbers
{
    public required long Read { get; init; }
    public required long Invalid { get; init; }
    /// <summary>Profiles read of each segment.</summary>
    public IReadOnlyDictionary<string, long> Segments { get; init; } = new Dictionary<string, long>();
    /// <summary>Contacts that the list does not have yet; where that is not known one by one, at most so many.</summary>
    public required long New { get; init; }
    /// <summary>Contacts that the run takes off the list.</summary>
    public long Removals { get; init; }
    /// <summary>Members of the list before; null where the service did not say.</summary>
    public required long? Members { get; init; }
    public ExportMode Mode { get; init; }
    /// <summary>Given shares of the members; null: learnt from the history.</summary>
    public double? MaxShrink { get; init; }
    public double? MaxGrowth { get; init; }
    /// <summary>The last runs that went to their end, newest first.</summary>
    public IReadOnlyList<GuardPast> History { get; init; } = [];
}

/// <summary>An earlier run that went to its end.</summary>
/// <param name="Members">Of the same list, before that run; null where it is not known.</param>
internal sealed record GuardPast(long Read, long? Members, long New, long Removed, IReadOnlyDictionary<string, long> Segments);

/// <summary>Why a run should not go as it is.</summary>
/// <param name="Id">Stable: GuardInvalid, GuardEmpty, GuardSmaller, GuardGrowth, GuardShrink.</param>
internal sealed record GuardFinding(string Id, string Message, string Remedy);

/// <summary>
/// Looks at the whole of a run before anything is sent, and says what is not as it was: that a source is broken, or a definition wrong, shows in its numbers.
/// A function of these numbers and nothing else.
/// </summary>
internal static class Guard
{
    /// <summary>Runs that are learnt from.</summary>
    public const int Learnt = 10;

    /// <summary>Fewer profiles or members than this show nothing: a share of a few is chance.</summary>
    private const int Fewest = 100;

    private const double MostInvalid = 0.1, LeastDrop = 0.5, MostDrop = 0.9, LeastGrowth = 1.0, LeastShrink = 0.1, MostShrink = 0.5;

    /// <summary>What earlier runs have shown may come three times as large.</summary>
    private const double Margin = 3;

    /// <summary>Runs before growth is learnt: the first ones fill the list.</summary>
    private const int RunsForGrowth = 3;

    /// <summary>Shares are not exact in binary: what is on the edge is not over it.</summary>
    private const double Hair = 1e-6;

    public static IReadOnlyList<GuardFinding> Look(GuardNumbers run)
    {
        List<GuardFinding> found = [];
        if (run.Read >= Fewest && run.Invalid > (run.Read * MostInvalid) + Hair)
        {
            found.Add(new("GuardInvalid", FormattableString.Invariant($"{run.Invalid:N0} of the {run.Read:N0} profiles that were read are invalid ({Percent((double)run.Invalid / run.Read)})."),
                "Test-CcExport says why; check that the map names the right columns. -Force sends the others all the same."));
        }
        if ((Empty(run) ?? Smaller(run)) is { } source) found.Add(source);
        if (Growth(run) is { } growth) found.Add(growth);
        if (Shrink(run) is { } shrink) found.Add(shrink);
        return found;
    }

    private static GuardFinding? Empty(GuardNumbers run)
    {
        const string remedy = "Look at the source (Get-CcSegment, Get-CcProfile). -Force goes on all the same.";
        if (run.Read == 0)
        {
            long before = run.History.Select(h => h.Read).FirstOrDefault(r => r > 0);
            if (before > 0) return new("GuardEmpty", FormattableString.Invariant($"No profile was read; an earlier run of this export read {before:N0}."), remedy);
            return run.Mode != ExportMode.Mirror ? null : new("GuardEmpty", "No profile was read, and in the mode Mirror that takes everybody off the list whom this export put there.", remedy);
        }
        // A segment that is empty now and then is nothing to stop for.
        string[] empty = [.. run.Segments.Where(s => s.Value == 0 && Of(run.History, s.Key) is { Count: > 0 } before && before.All(r => r > 0)).Select(s => s.Key)];
        return empty.Length == 0 ? null : new("GuardEmpty", $"Of '{string.Join("', '", empty)}' no profile was read, which was never so before.", remedy);
    }

    private static GuardFinding? Smaller(GuardNumbers run)
    {
        if (Fewer(run.Read, [.. run.History.Select(h => h.Read)]) is { } whole) return Finding("", run.Read, whole);
        foreach ((string segment, long read) in run.Segments)
        {
            if (read > 0 && Fewer(read, Of(run.History, segment)) is { } usual) return Finding($" of '{segment}'", read, usual);
        }
        return null;

        static GuardFinding Finding(string where, long read, double usual) => new("GuardSmaller",
            FormattableString.Invariant($"Only {read:N0} profiles{where} were read; the last runs had {usual:N0} (median)."),
            "Look whether the source is whole (Get-CcSegment, Get-CcProfile). -Force goes on all the same.");
    }

    /// <summary>The median of the earlier ones if there are suddenly so few; else null.</summary>
    private static double? Fewer(long read, List<long> before)
    {
        if (before.Count == 0) return null;
        long[] sorted = [.. before.Order()];
        double median = (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2.0, largest = 0;
        if (median < Fewest) return null;
        for (int i = 1; i < before.Count; i++)
        {
            // The newest stands first: the older of two is the second.
            if (before[i] > 0) largest = Math.Max(largest, (double)(before[i] - before[i - 1]) / before[i]);
        }
        double allowed = Math.Min(MostDrop, Math.Max(LeastDrop, Margin * largest));
        return read < ((1 - allowed) * median) - Hair ? median : null;
    }

    private static List<long> Of(IReadOnlyList<GuardPast> history, string segment)
        => [.. history.Where(h => h.Segments.ContainsKey(segment)).Select(h => h.Segments[segment])];

    private static GuardFinding? Growth(GuardNumbers run)
    {
        if (run.Members is not > 0 || (run.MaxGrowth ?? LearntGrowth(run)) is not { } limit) return null;
        long members = run.Members.Value;
        return run.New <= (members * limit) + Hair ? null : new("GuardGrowth",
            FormattableString.Invariant($"The run would add {run.New:N0} contacts to a list of {members:N0} ({Percent((double)run.New / members)}); {(run.MaxGrowth is null ? "by what earlier runs have shown" : "-MaxGrowth says")}, at most {Percent(limit)}."),
            "Check the segments and the list; allow more with -MaxGrowth, or this once with -Force.");
    }

    private static double? LearntGrowth(GuardNumbers run)
    {
        GuardPast[] known = [.. run.History.Where(h => h.Members is not null)];
        if (known.Length < RunsForGrowth || run.Members < Fewest) return null;
        return Math.Max(LeastGrowth, Margin * known.Where(h => h.Members >= Fewest).Select(h => (double)h.New / h.Members!.Value).DefaultIfEmpty(0).Max());
    }

    private static GuardFinding? Shrink(GuardNumbers run)
    {
        if (run.Members is not > 0 || run.Removals == 0) return null;
        long members = run.Members.Value;
        double limit = run.MaxShrink ?? Math.Min(MostShrink, Math.Max(LeastShrink,
            Margin * run.History.Where(h => h.Members is > 0).Select(h => (double)h.Removed / h.Members!.Value).DefaultIfEmpty(0).Max()));
        return run.Removals <= (members * limit) + Hair ? null : new("GuardShrink",
            FormattableString.Invariant($"The run would take {run.Removals:N0} contacts off a list of {members:N0} ({Percent((double)run.Removals / members)}); {(run.MaxShrink is null ? "by what earlier runs have shown" : "-MaxShrink says")}, at most {Percent(limit)}."),
            "Check that the source is whole; allow more with -MaxShrink, or this once with -Force.");
    }

    private static string Percent(double share) => FormattableString.Invariant($"{share * 100:0.#} %");
}
