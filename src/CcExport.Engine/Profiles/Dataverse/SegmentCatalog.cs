using System.Text;
using System.Text.Json;
using CcExport.Engine.Profiles.Web;

namespace CcExport.Engine.Profiles.Dataverse;

/// <summary>
/// The segments of an environment: from the table that holds what is known of them where there is one, else from the memberships. How that table calls its
/// columns is not documented, so they are found in the metadata by what they must be about.
/// </summary>
internal sealed class SegmentCatalog(PageClient client, SourceContext context)
{
    private const string Table = "mscipriv_segmentmetadata", What = "the segments";

    private IReadOnlyList<Segment>? _segments;
    private string? _address;
    private Layout? _layout;

    private sealed record Layout(string Name, string? Friendly, string? State, string? Size, string? Evaluated, string? Running)
    {
        public IEnumerable<string> All => new[] { Name, Friendly, State, Size, Evaluated, Running }.OfType<string>();
    }

    /// <summary>By name.</summary>
    public async Task<IReadOnlyList<Segment>> GetAsync(CancellationToken ct) => _segments ??= await ReadAsync(ct).ConfigureAwait(false);

    /// <summary>Looks again when all is read: what was renewed meanwhile is not of one time.</summary>
    public async Task WarnOfChangesAsync(IReadOnlyList<Segment> read, CancellationToken ct)
    {
        if (_address is null) return;
        if (await LookAgain.TryAsync(() => ReadTableAsync(ct), context, ct).ConfigureAwait(false) is not { } now) return;
        foreach (Segment before in read) LookAgain.Compare(before, now, context);
    }

    private async Task<IReadOnlyList<Segment>> ReadAsync(CancellationToken ct)
    {
        await FindTableAsync(ct).ConfigureAwait(false);
        if (_address is not null && await ReadTableAsync(ct).ConfigureAwait(false) is { } told) return told;
        _address = null;
        context.Verbose("This environment does not tell its segments: their names are read from all memberships.");
        return await ReadMembershipsAsync(ct).ConfigureAwait(false);
    }

    private async Task FindTableAsync(CancellationToken ct)
    {
        string address = $"{client.Service.Root}EntityDefinitions(LogicalName='{Table}')?$select=EntitySetName,PrimaryNameAttribute&$expand=Attributes($select={TableColumns.Facts})";
        using JsonDocument? answer = await JsonAnswer.TryGetAsync(client, address, What, ct).ConfigureAwait(false);
        if (answer is null || JsonAnswer.Text(answer.RootElement, "EntitySetName") is not { } set || !answer.RootElement.TryGetProperty("Attributes", out JsonElement attributes)) return;
        string[] names = [.. (JsonAnswer.Items(attributes) ?? []).Where(TableColumns.IsRead).Select(a => JsonAnswer.Text(a, "LogicalName")).OfType<string>()];
        string? name = names.FirstOrDefault(n => n is "mscipriv_segmentname" or "mscipriv_name") ?? JsonAnswer.Text(answer.RootElement, "PrimaryNameAttribute");
        if (name is null) return;
        _layout = new Layout(name, Ending(names, "friendlyname", "displayname"), Ending(names, "_state", "segmentstate"), Ending(names, "membercount", "entitycount", "_size"),
            Ending(names, "evaluationdate", "evaluatedon", "lastrefreshedon"), Ending(names, "evaluationstatus", "jobstatus"));
        _address = client.Service.Root + Queries.Select(set, _layout.All);
    }

    private static string? Ending(string[] names, params string[] endings)
        => endings.Select(e => names.FirstOrDefault(n => n.EndsWith(e, StringComparison.Ordinal))).FirstOrDefault(n => n is not null);

    /// <summary>Null where the identity may not see the table, or a column is not what its name says.</summary>
    private async Task<IReadOnlyList<Segment>?> ReadTableAsync(CancellationToken ct)
    {
        Layout layout = _layout!;
        List<Segment> all = [];
        string? address = _address;
        while (address is not null)
        {
            using JsonDocument? page = await JsonAnswer.TryGetAsync(client, address, What, ct).ConfigureAwait(false);
            if (page is null) return null;
            foreach (JsonElement item in JsonAnswer.Items(page.RootElement) ?? throw client.Unexpected(What))
            {
                if (JsonAnswer.Text(item, layout.Name) is not { Length: > 0 } name) continue;
                all.Add(new Segment
                {
                    Name = name,
                    DisplayName = JsonAnswer.Text(item, layout.Friendly) is { Length: > 0 } friendly ? friendly : name,
                    State = SegmentStates.Of(JsonAnswer.Text(item, layout.State)),
                    Size = JsonAnswer.Number(item, layout.Size),
                    LastEvaluated = JsonAnswer.Time(item, layout.Evaluated),
                    IsRefreshing = JsonAnswer.Text(item, layout.Running) is "Running" or "running",
                });
            }
            address = PageChain.Follow(client, JsonAnswer.Text(page.RootElement, "@odata.nextLink"), What);
        }
        return [.. all.OrderBy(s => s.Name, StringComparer.Ordinal)];
    }

    private async Task<IReadOnlyList<Segment>> ReadMembershipsAsync(CancellationToken ct)
    {
        var sizes = new SortedDictionary<string, long>(StringComparer.Ordinal);
        var texts = new Dictionary<string, long>(StringComparer.Ordinal);
        var row = new JsonRow([Queries.TypeColumn, Queries.SegmentsColumn], []);
        string? TakePage(PageBody body)
        {
            var page = new JsonPage(body.Text, row);
            while (page.NextRow(out RowFault fault))
            {
                if (fault != RowFault.None) throw MembershipRow.Unreadable(client.Service.Place);
                ReadOnlySpan<ProfileBatch.Field> fields = row.Fields;
                if (!MembershipRow.IsOfCustomer(Members.Value(body, fields[0]))) continue;
                string text = Encoding.UTF8.GetString(Members.Value(body, fields[1]));
                // A profile in no segment.
                if (text.Length > 0) texts[text] = texts.GetValueOrDefault(text) + 1;
            }
            return PageChain.Follow(client, page.NextLink, What);
        }
        await foreach (PageBody _ in PageChain.ReadAsync(client, [client.Service.Root + Queries.AllMemberships], What, TakePage, ct).ConfigureAwait(false)) { }
        foreach ((string text, long rows) in texts)
        {
            foreach (string name in MembershipRow.Names(Encoding.UTF8.GetBytes(text), client.Service.Place).Distinct(StringComparer.Ordinal)) sizes[name] = sizes.GetValueOrDefault(name) + rows;
        }
        return [.. sizes.Select(s => new Segment { Name = s.Key, DisplayName = s.Key, Size = s.Value })];
    }
}
