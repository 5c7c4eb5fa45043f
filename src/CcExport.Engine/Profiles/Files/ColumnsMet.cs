namespace CcExport.Engine.Profiles;

/// <summary>
/// What the files of one segment had, where each record names its own columns: writers leave out what is not there, so that a column may be in one file and not in another, and
/// only the end of the last one tells that nobody has it.
/// </summary>
internal sealed class ColumnsMet
{
    public long Records { get; set; }

    /// <summary>Of the asked columns those that were there.</summary>
    public HashSet<string> Columns { get; } = new(StringComparer.Ordinal);

    public HashSet<string> Names { get; } = new(StringComparer.Ordinal);

    /// <summary>Throws for the first column that no record had.</summary>
    public void ThrowIfMissing(IReadOnlyList<string> asked, string place)
    {
        if (Records == 0) return;
        foreach (string column in asked)
        {
            if (!Columns.Contains(column)) Profiles.Columns.Find([column], [.. Names], place);
        }
    }
}
