using System.Text.RegularExpressions;

namespace CcExport.Simulator.Insights;

/// <summary>The few forms of queries that the tables take.</summary>
internal static partial class DataverseQuery
{
    /// <summary>The texts of <c>contains(column,'…') or contains(…)</c>; null when it is something else.</summary>
    public static IReadOnlyList<string>? Contains(string filter, string column) => Terms(filter, ContainsForm(), column);

    /// <summary>The texts of <c>column eq '…' or column eq '…'</c>; null when it is something else.</summary>
    public static IReadOnlyList<string>? Equal(string filter, string column) => Terms(filter, EqualForm(), column);

    /// <summary>The text of <c>IsMemberOfSegment('…')</c>; null when it is something else.</summary>
    public static string? Member(string filter) => MemberForm().Match(filter) is { Success: true } match ? Plain(match.Groups[1].Value) : null;

    private static List<string>? Terms(string filter, Regex form, string column)
    {
        List<string> terms = [];
        int at = 0;
        while (true)
        {
            Match match = form.Match(filter, at);
            if (!match.Success || match.Index != at || match.Groups["column"].Value != column) return null;
            terms.Add(Plain(match.Groups["text"].Value));
            at += match.Length;
            if (at == filter.Length) return terms;
            if (string.CompareOrdinal(filter, at, " or ", 0, 4) != 0) return null;
            at += 4;
        }
    }

    private static string Plain(string quoted) => quoted.Replace("''", "'", StringComparison.Ordinal);

    [GeneratedRegex(@"contains\((?<column>\w+),\s*'(?<text>(?:[^']|'')*)'\)")]
    private static partial Regex ContainsForm();

    [GeneratedRegex(@"(?<column>\w+) eq '(?<text>(?:[^']|'')*)'")]
    private static partial Regex EqualForm();

    [GeneratedRegex(@"^IsMemberOfSegment\('((?:[^']|'')*)'\)$")]
    private static partial Regex MemberForm();
}
