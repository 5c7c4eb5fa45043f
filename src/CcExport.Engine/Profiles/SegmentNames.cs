namespace CcExport.Engine.Profiles;

/// <summary>Finds a segment by the name that a person gave.</summary>
internal static class SegmentNames
{
    private const int Shown = 40;

    /// <summary>The segment of that exact name, else without regard to case.</summary>
    public static T Find<T>(string asked, IReadOnlyList<T> segments, Func<T, string> nameOf, Func<T, string> placeOf, string source)
    {
        T[] found = [.. segments.Where(segment => nameOf(segment) == asked)];
        if (found.Length == 0) found = [.. segments.Where(segment => nameOf(segment).Equals(asked, StringComparison.OrdinalIgnoreCase))];
        if (found.Length == 1) return found[0];
        if (found.Length > 1)
        {
            throw new CcException("SegmentAmbiguous", CcErrorKind.InvalidArgument,
                $"'{source}' has more than one segment '{asked}': {string.Join(", ", found.Select(placeOf).Take(Shown))}.",
                "Rename or remove all but one.")
            { Subject = asked };
        }
        string[] names = [.. segments.Select(nameOf)];
        string more = names.Length > Shown ? $", … ({names.Length} in all)" : "";
        string list = names.Length == 0 ? "(none)" : string.Join(", ", names.Take(Shown)) + more;
        string? near = Columns.Nearest(asked, names);
        throw new CcException("SegmentNotFound", CcErrorKind.NotFound, $"'{source}' has no segment '{asked}'. It has: {list}.",
            near is null ? "Name one that exists (Get-CcSegment lists them)." : $"Did you mean '{near}'?")
        { Subject = asked };
    }

    public static CcException None(string folder) => new("NoSegments", CcErrorKind.NotFound,
        $"'{folder}' holds no file that can be a segment.",
        "Put .csv, .tsv, .txt, .json, .jsonl or .ndjson files there (also with .gz) or .parquet files, or name the folder of a Customer Insights export.")
    { Subject = folder };
}
