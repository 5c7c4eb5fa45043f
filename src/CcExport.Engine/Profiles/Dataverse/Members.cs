using System.IO.Hashing;
using System.Runtime.CompilerServices;
using System.Text;
using CcExport.Engine.Profiles.Web;

namespace CcExport.Engine.Profiles.Dataverse;

/// <summary>Who is in the asked segments: a table of ids, and while they are few, the ids as they are written.</summary>
internal sealed class Members : IDisposable
{
    private const string What = "the memberships";

    /// <summary>Ids kept as text for look-ups; more than that are found by a scan.</summary>
    private const int MostTexts = 128 * 1024;

    /// <summary>Lists of segments that are remembered as they are written. Profiles have few different ones.</summary>
    private const int MostLists = 4096;

    private readonly IReadOnlyList<Segment> _segments;
    private readonly PageClient _client;
    private readonly SourceContext _context;
    private readonly byte[][] _names;
    private readonly string?[] _providers;
    private readonly long[] _counts;
    private readonly Dictionary<UInt128, int[]> _lists = [];
    private readonly JsonRow _row = new([Queries.CustomerId, Queries.TypeColumn, Queries.ProviderColumn, Queries.SegmentsColumn], [], asWritten: Queries.SegmentsColumn);
    private MemoryStream? _texts = new();
    private long _others, _unlike;

    public Members(IReadOnlyList<Segment> segments, PageClient client, SourceContext context)
    {
        (_segments, _client, _context) = (segments, client, context);
        _names = [.. segments.Select(s => Encoding.UTF8.GetBytes(s.Name))];
        (_providers, _counts) = (new string?[segments.Count], new long[segments.Count]);
        Ids = new IdTable(segments.Count + 1);
    }

    /// <summary>Mark i: in segment i. The mark after the last: its profile has come.</summary>
    public IdTable Ids { get; }

    public int Segments => _segments.Count;
    public int SeenMark => _segments.Count;
    public string NameOf(int segment) => _segments[segment].Name;
    public long CountOf(int segment) => _counts[segment];

    /// <summary>The most rows that a page with another behind it had; 0: there was one page.</summary>
    public int PageRows { get; private set; }

    /// <summary>The ids as they are written, each with a line feed; empty when they are too many.</summary>
    public ReadOnlyMemory<byte> Texts => _texts is null ? default : _texts.GetBuffer().AsMemory(0, (int)_texts.Length);

    public async Task ReadAsync(CancellationToken ct)
    {
        foreach (Segment segment in _segments)
        {
            if (segment.IsRefreshing) _context.Doubt($"The segment '{segment.Name}' is being refreshed: memberships and profiles may be of different times. Run the export when the refresh is over.");
        }
        IEnumerable<string> addresses = Queries.MembershipsOf(_segments.Select(s => s.Name)).Select(q => _client.Service.Root + q);
        await foreach (PageBody _ in PageChain.ReadAsync(_client, addresses, What, Take, ct).ConfigureAwait(false)) { }
        for (int i = 0; i < _counts.Length; i++)
        {
            if (_segments[i].Size is { } size && size != _counts[i])
                _context.Doubt(FormattableString.Invariant($"The segment '{NameOf(i)}' is said to have {size:N0} members, and {_counts[i]:N0} were read. Its data in Dataverse may not be up to date yet, or a refresh is running."));
        }
        _context.Verbose(FormattableString.Invariant($"{Ids.Count:N0} members were read; {_unlike:N0} rows with a similar name and {_others:N0} that are of no customer were left out."));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ReadOnlySpan<byte> Value(PageBody body, ProfileBatch.Field field) => field.Length > 0 ? body.Bytes.AsSpan(field.Start, field.Length) : default;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private string? Take(PageBody body)
    {
        var page = new JsonPage(body.Text, _row);
        int rows = 0;
        while (page.NextRow(out RowFault fault))
        {
            ReadOnlySpan<ProfileBatch.Field> fields = _row.Fields;
            rows++;
            if (fault != RowFault.None) throw NoId();
            TakeRow(Value(body, fields[0]), Value(body, fields[1]), Value(body, fields[2]), Value(body, fields[3]));
        }
        if (page.NextLink is not null) PageRows = Math.Max(PageRows, rows);
        return PageChain.Follow(_client, page.NextLink, What);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void TakeRow(ReadOnlySpan<byte> id, ReadOnlySpan<byte> type, ReadOnlySpan<byte> provider, ReadOnlySpan<byte> list)
    {
        if (!MembershipRow.IsOfCustomer(type))
        {
            _others++;
            return;
        }
        int[] found = SegmentsOf(list);
        if (found.Length == 0)
        {
            _unlike++;
            return;
        }
        if (id.IsEmpty) throw NoId();
        UInt128 number = IdTable.Of(id);
        long before = Ids.Count;
        foreach (int segment in found)
        {
            CheckProvider(segment, provider);
            if (Ids.Mark(number, segment)) _counts[segment]++;
        }
        if (Ids.Count > before) Keep(id);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int[] SegmentsOf(ReadOnlySpan<byte> list)
    {
        UInt128 hash = XxHash128.HashToUInt128(list);
        if (_lists.TryGetValue(hash, out int[]? found)) return found;
        found = MembershipRow.Find(MembershipRow.Unescape(list, _client.Service.Place), _names, _client.Service.Place);
        if (_lists.Count < MostLists) _lists.Add(hash, found);
        return found;
    }

    /// <summary>Two providers with a segment of one name: whose members these are cannot be told, and both would be sent.</summary>
    private void CheckProvider(int segment, ReadOnlySpan<byte> provider)
    {
        string? known = _providers[segment];
        if (known is null) _providers[segment] = Encoding.UTF8.GetString(provider);
        else if (known.Length != provider.Length || !System.Text.Ascii.Equals(provider, known)) CheckOther(segment, known, Encoding.UTF8.GetString(provider));
    }

    private void CheckOther(int segment, string known, string other)
    {
        if (known.Equals(other, StringComparison.OrdinalIgnoreCase)) return;
        throw new CcException("SegmentAmbiguous", CcErrorKind.InvalidData,
            $"Two providers have a segment '{NameOf(segment)}' in this environment, and its members cannot be told apart.", "Rename one of the two segments, then try again.")
        { Subject = NameOf(segment) };
    }

    private void Keep(ReadOnlySpan<byte> id)
    {
        if (_texts is null) return;
        if (Ids.Count > MostTexts || id.Contains((byte)'\n'))
        {
            _texts = null;
            return;
        }
        _texts.Write(id);
        _texts.WriteByte((byte)'\n');
    }

    private CcException NoId() => new("MembershipUnreadable", CcErrorKind.InvalidData, "A row of the segment memberships does not say of which customer it is.",
        "Wait until a refresh of Customer Insights - Data is over, then try again.")
    { Subject = _client.Service.Place };

    public void Dispose()
    {
        Ids.Dispose();
        _texts = null;
    }
}
