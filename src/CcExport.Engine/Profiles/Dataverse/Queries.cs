using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;

namespace CcExport.Engine.Profiles.Dataverse;

/// <summary>The requests to the tables of Customer Insights - Data, relative to the Web API's root.</summary>
internal static class Queries
{
    /// <summary>The most rows that a page can have; an answer may have fewer and still be followed by another.</summary>
    public const int PageRows = 5000;

    /// <summary>Sent with every request: a link to a next page is good with the same one only.</summary>
    public static readonly string Prefer = string.Create(CultureInfo.InvariantCulture, $"odata.maxpagesize={PageRows}");

    public const string ProfileTable = "msdynci_customerprofile", Profiles = "msdynci_customerprofiles", Memberships = "msdynci_segmentmemberships",
        CustomerId = "msdynci_customerid", SegmentsColumn = "msdynci_segments", TypeColumn = "msdynci_segmentmembershiptype", ProviderColumn = "msdynci_segmentprovider";

    /// <summary>Ids of one look-up, and bytes of its filter: addresses this long pass every gateway.</summary>
    public const int LookupIds = 75, LookupBytes = 6000;

    private const int MembershipFilterBytes = 4000;

    public static string Select(string set, IEnumerable<string> columns, string? filter = null)
        => $"{set}?$select={string.Join(',', columns.Distinct(StringComparer.Ordinal))}{(filter is null ? "" : "&$filter=" + filter)}";

    /// <summary>
    /// Memberships of these segments, in as few chains of pages as their names fit into. The quotes belong to the searched text, so that Foo does not find
    /// Foo_2. It is only a filter before the rows are looked at: the service compares without regard to case, and text is text.
    /// </summary>
    public static IEnumerable<string> MembershipsOf(IEnumerable<string> segments)
    {
        string[] columns = [CustomerId, TypeColumn, ProviderColumn, SegmentsColumn];
        var filter = new StringBuilder();
        foreach (string segment in segments)
        {
            string term = string.Join(" or ", Spellings(segment).Select(s => $"contains({SegmentsColumn},'{s.Replace("'", "''", StringComparison.Ordinal)}')"));
            string escaped = Uri.EscapeDataString(filter.Length > 0 ? " or " + term : term);
            if (filter.Length > 0 && filter.Length + escaped.Length > MembershipFilterBytes)
            {
                yield return Select(Memberships, columns, filter.ToString());
                filter.Clear();
                escaped = Uri.EscapeDataString(term);
            }
            filter.Append(escaped);
        }
        yield return Select(Memberships, columns, filter.ToString());
    }

    public static string AllMemberships { get; } = Select(Memberships, [TypeColumn, SegmentsColumn]);

    /// <summary>A name as it can stand in a JSON text, with its quotes: writers differ in what they escape.</summary>
    private static IEnumerable<string> Spellings(string name)
        => new[] { JavaScriptEncoder.UnsafeRelaxedJsonEscaping, JavaScriptEncoder.Default }.Select(e => $"\"{e.Encode(name)}\"").Distinct(StringComparer.Ordinal);

    /// <summary>One term of a look-up by ids, escaped.</summary>
    public static string IdTerm(ReadOnlySpan<byte> id)
        => Uri.EscapeDataString($"{CustomerId} eq '{Encoding.UTF8.GetString(id).Replace("'", "''", StringComparison.Ordinal)}'");

    public static string Or { get; } = Uri.EscapeDataString(" or ");

    public static string RowCount { get; } = $"RetrieveTotalRecordCount(EntityNames=@p1)?@p1={Uri.EscapeDataString($"['{ProfileTable}']")}";

    public static string Attributes(string table) => $"EntityDefinitions(LogicalName='{table}')/Attributes?$select={TableColumns.Facts},DisplayName";
}

/// <summary>Why Dataverse says that there were too many calls: three limits of five minutes, told apart by a code.</summary>
internal static class Throttles
{
    public static string Explain(string? code) => code?.ToUpperInvariant() switch
    {
        "0X80072322" or "-2147015902" => "too many requests of this user in five minutes (0x80072322)",
        "0X80072321" or "-2147015903" => "the requests of this user took too much of the server's time in five minutes (0x80072321)",
        "0X80072326" or "-2147015898" => "too many requests of this user at the same time (0x80072326)",
        _ => "too many calls",
    };
}
