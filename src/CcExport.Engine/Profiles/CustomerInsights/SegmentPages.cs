using System.Globalization;
using System.IO.Hashing;
using CcExport.Engine.Profiles.Web;

namespace CcExport.Engine.Profiles.CustomerInsights;

/// <summary>
/// The members of one segment, page by page. How large a page can be is not documented, and a short one says nothing: only an empty page ends the reading,
/// or a service that links its pages and links no more. One that gives the same pages again, because it does not know <c>$skip</c>, is found out.
/// </summary>
/// <param name="size">Members that the segment is told to have; null: not told.</param>
/// <param name="key">The column by which a profile is known when it comes twice; null: the table has none.</param>
internal sealed class SegmentPages(PageClient client, string segment, long? size, IReadOnlyList<string> columns, string? key) : IDisposable
{
    private const string What = "the profiles";

    private readonly JsonRow _row = new(key is null ? columns : [.. columns, key], columns);
    private readonly IdTable _ids = new(1);
    // One entry a page: how it begins or, where profiles have no key, all that is in it.
    private readonly HashSet<UInt128> _pages = [];
    private readonly XxHash128 _content = new();
    private readonly string _address = string.Create(CultureInfo.InvariantCulture,
        $"{client.Service.Root}data/Customer?$filter={Uri.EscapeDataString($"IsMemberOfSegment('{segment.Replace("'", "''", StringComparison.Ordinal)}')")}"
        + $"&$select={Uri.EscapeDataString(string.Join(',', (key is null ? columns : columns.Append(key)).Distinct(StringComparer.Ordinal)))}&$top={CustomerInsightsSource.PageRows}");
    private long _skip;
    private bool _linked;

    public ProfileBatch Batch { get; } = new(columns.Count) { FirstRow = 1 };

    /// <summary>Rows of profiles that had come before.</summary>
    public long Again { get; private set; }

    public string First => _address;

    /// <summary>Takes a page and returns the address of the next one. <c>PagingRepeats</c> when the service gives a page again.</summary>
    public string? Take(PageBody body)
    {
        var page = new JsonPage(body.Text, _row);
        int rows = 0, again = 0, fresh = 0;
        UInt128? first = null;
        _content.Reset();
        while (page.NextRow(out RowFault fault))
        {
            ReadOnlySpan<ProfileBatch.Field> fields = _row.Fields;
            rows++;
            if (key is not null && fields[columns.Count] is { Length: > 0 } id)
            {
                UInt128 number = IdTable.Of(body.Bytes.AsSpan(id.Start, id.Length));
                first ??= number;
                if (!_ids.Mark(number, 0))
                {
                    again++;
                    continue;
                }
                fresh++;
            }
            else
            {
                Add(body, fields);
            }
            fields[..columns.Count].CopyTo(Batch.AddRow(fault));
        }
        // It begins as one that was, and nobody in it is new: not some rows that moved from page to page.
        if (rows > 0 && !_pages.Add(first ?? _content.GetCurrentHashAsUInt128()) && fresh == 0) return Repeats();
        Again += again;
        if (page.NextLink is not null || _linked)
        {
            _linked = true;
            return PageChain.Follow(client, page.NextLink, What);
        }
        _skip += rows;
        return rows == 0 ? null : string.Create(CultureInfo.InvariantCulture, $"{_address}&$skip={_skip}");
    }

    private void Add(PageBody body, ReadOnlySpan<ProfileBatch.Field> fields)
    {
        foreach (ProfileBatch.Field field in fields)
        {
            _content.Append([(byte)(field.Length < 0 ? 1 : 2)]);
            if (field.Length > 0) _content.Append(body.Bytes.AsSpan(field.Start, field.Length));
        }
    }

    private string? Repeats()
    {
        Batch.Clear();
        // All members had come: only the question for more of them was answered with some of them.
        if (Batch.FirstRow - 1 == size) return null;
        throw new CcException("PagingRepeats", CcErrorKind.Service,
            FormattableString.Invariant($"{client.Service.Name}, asked for more profiles of '{segment}' after {Batch.FirstRow - 1:N0}, gave a page again that it had given before: the others cannot be read."),
            "If a refresh is running, run the export again when it is over. Otherwise read the segment by a Dataverse source.")
        { Subject = segment };
    }

    public void Dispose() => _ids.Dispose();
}
