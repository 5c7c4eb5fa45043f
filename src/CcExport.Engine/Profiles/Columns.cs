namespace CcExport.Engine.Profiles;

/// <summary>Finds asked columns among those that exist, and says what is wrong when it can't.</summary>
internal static class Columns
{
    /// <summary>Positions of <paramref name="asked"/> in <paramref name="existing"/>: the exact name, else without regard to case.</summary>
    /// <param name="place">What the columns belong to, for the message: a file's or a segment's name.</param>
    public static int[] Find(IReadOnlyList<string> asked, IReadOnlyList<string> existing, string place)
    {
        var found = new int[asked.Count];
        for (int i = 0; i < found.Length; i++) found[i] = Find(asked[i], existing, place);
        return found;
    }

    /// <summary>Asked columns as a segment spells them; one that it does not name yet as it was asked for, where others may follow.</summary>
    public static IReadOnlyList<string> Spell(IReadOnlyList<string> asked, IReadOnlyList<string> existing, IProfileSource source, string segment)
    {
        bool all = source.HasAllColumns(segment);
        return [.. asked.Select(name => !all && !existing.Contains(name, StringComparer.OrdinalIgnoreCase) ? name : existing[Find(name, existing, segment)])];
    }

    /// <summary>What has to be said of columns that a segment does not name yet; null: it names all.</summary>
    public static string? Late(IEnumerable<string> spelled, IReadOnlyList<string> existing, string segment)
        => spelled.Except(existing).ToArray() is { Length: > 0 } late
            ? $"The first records of '{segment}' have no '{string.Join("', '", late)}'. It is looked for in all of them; if none has it, that is an error." : null;

    private static int Find(string asked, IReadOnlyList<string> existing, string place)
    {
        int position = Only(asked, existing, StringComparison.Ordinal, place);
        if (position < 0) position = Only(asked, existing, StringComparison.OrdinalIgnoreCase, place);
        if (position >= 0) return position;
        string? near = LookLikeData(existing) ? null : Nearest(asked, existing);
        throw new CcException("ColumnNotFound", CcErrorKind.InvalidArgument,
            $"'{place}' has no column '{asked}'. It has: {Names(existing)}.",
            near is null
                ? "Map a column that exists. If the first line of a file is data and not a header, name the columns with -Header."
                : $"Did you mean '{near}'? If the first line of a file is data and not a header, name the columns with -Header.")
        { Subject = place };
    }

    private static int Only(string asked, IReadOnlyList<string> existing, StringComparison comparison, string place)
    {
        int position = -1;
        for (int i = 0; i < existing.Count; i++)
        {
            if (!existing[i].Equals(asked, comparison)) continue;
            if (position >= 0)
            {
                throw new CcException("ColumnAmbiguous", CcErrorKind.InvalidArgument,
                    $"'{place}' has more than one column '{asked}': columns {position + 1} and {i + 1}.",
                    "Rename one of them in the file, or name all columns with -Header.")
                { Subject = place };
            }
            position = i;
        }
        return position;
    }

    /// <summary>A name that is an address or a number (but for a year) is no name of a column.</summary>
    public static bool LookLikeData(IReadOnlyList<string> names)
        => names.Any(name => name.Contains('@', StringComparison.Ordinal) || (name.Any(char.IsAsciiDigit) && !name.Any(char.IsLetter) && !IsYear(name)));

    private static bool IsYear(string name) => name.Length == 4 && name.All(char.IsAsciiDigit) && (name.StartsWith("19", StringComparison.Ordinal) || name.StartsWith("20", StringComparison.Ordinal));

    /// <summary>The names, unless they are none: the first line of a file without a header holds a person, who is nobody's message.</summary>
    private static string Names(IReadOnlyList<string> existing)
        => LookLikeData(existing) ? "a first line that looks like data"
            : existing.Count == 0 ? "(none)" : string.Join(", ", existing.Take(40)) + (existing.Count > 40 ? $", … ({existing.Count} in all)" : "");

    /// <summary>The existing name that was probably meant: one spelled nearly so, else one that holds it (<c>EMail</c>: <c>msdynci_emailaddress1</c>).</summary>
    public static string? Nearest(string asked, IReadOnlyList<string> existing)
        => existing.Select(name => (name, distance: Distance(asked.ToUpperInvariant(), name.ToUpperInvariant())))
            .Where(x => x.distance <= Math.Max(2, asked.Length / 3)).OrderBy(x => x.distance).Select(x => x.name).FirstOrDefault()
            ?? existing.Where(name => Letters(asked).Length > 2 && Letters(name).Contains(Letters(asked), StringComparison.Ordinal)).OrderBy(name => name.Length).FirstOrDefault();

    private static string Letters(string name) => string.Concat(name.Where(char.IsLetterOrDigit)).ToUpperInvariant();

    /// <summary>Levenshtein's distance, two rows at a time.</summary>
    private static int Distance(string a, string b)
    {
        int[] previous = [.. Enumerable.Range(0, b.Length + 1)], current = new int[b.Length + 1];
        for (int i = 1; i <= a.Length; i++)
        {
            current[0] = i;
            for (int j = 1; j <= b.Length; j++)
                current[j] = Math.Min(Math.Min(current[j - 1], previous[j]) + 1, previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
            (previous, current) = (current, previous);
        }
        return previous[b.Length];
    }
}
