using System.Runtime.CompilerServices;
using CcExport.Engine.Profiles.Web;

namespace CcExport.Engine.Profiles.Dataverse;

/// <summary>
/// Segments of Customer Insights - Data in the tables of a Dataverse environment. Who is in a segment and what is known of them are two tables that only
/// this side can join: memberships are read first, and then their profiles, by their ids or by a scan of all, whichever takes fewer requests.
/// </summary>
internal sealed class DataverseSource : IReadsTogether
{
    private readonly SourceContext _context;
    private readonly PageClient _client;
    private readonly SegmentCatalog _catalog;
    private IReadOnlyList<string>? _columns;

    public static SourceKind Kind { get; } = new(
        _ => "Dataverse", reference => reference.Dataverse is { IsAbsoluteUri: false } relative ? relative.OriginalString : reference.Dataverse is { } address ? Environment(address).AbsoluteUri.TrimEnd('/') : null, reference => WebService.CheckSafe(reference.Dataverse!),
        _ => SourceKinds.ExportUser, (reference, context) => new DataverseSource(reference.Dataverse!, context))
    {
        Scope = reference => ScopeOf(reference.Dataverse!),
    };

    private DataverseSource(Uri address, SourceContext context)
    {
        _context = context;
        Uri environment = Environment(address);
        _client = new PageClient(context, new WebService
        {
            Name = "Dataverse",
            Root = new Uri(environment, "api/data/v9.2/"),
            Scope = ScopeOf(address),
            Place = environment.AbsoluteUri.TrimEnd('/'),
            Headers = [("OData-MaxVersion", "4.0"), ("OData-Version", "4.0"), ("Prefer", Queries.Prefer)],
            ExplainThrottle = Throttles.Explain,
            AccessRemedy = "Give it the role Viewer in Customer Insights - Data (Settings > Permissions), which carries the right to read these tables.",
        });
        _catalog = new SegmentCatalog(_client, context);
    }

    private static string ScopeOf(Uri address) => Environment(address) is var environment && environment.IsLoopback ? environment.AbsoluteUri + ".default"
        : environment.GetLeftPart(UriPartial.Authority) + "/.default";

    /// <summary>The environment's root with a slash at the end, whatever of its Web API's address was pasted.</summary>
    private static Uri Environment(Uri address)
    {
        string text = address.GetLeftPart(UriPartial.Path);
        int api = text.IndexOf("/api/data", StringComparison.OrdinalIgnoreCase);
        return new Uri((api < 0 ? text : text[..api]).TrimEnd('/') + "/");
    }

    public Task<IReadOnlyList<Segment>> GetSegmentsAsync(CancellationToken ct) => _catalog.GetAsync(ct);

    public async Task<IReadOnlyList<string>> GetColumnsAsync(string segment, CancellationToken ct)
    {
        await FindAsync(segment, ct).ConfigureAwait(false);
        return _columns ??= await TableColumns.ReadAsync(_client, Queries.ProfileTable, ct).ConfigureAwait(false);
    }

    public async IAsyncEnumerable<ProfileBatch> ReadAsync(string segment, IReadOnlyList<string> columns, [EnumeratorCancellation] CancellationToken ct)
    {
        await foreach ((_, ProfileBatch batch) in ReadTogetherAsync([segment], columns, ct).ConfigureAwait(false)) yield return batch;
    }

    public async IAsyncEnumerable<(int Segment, ProfileBatch Batch)> ReadTogetherAsync(
        IReadOnlyList<string> segments, IReadOnlyList<string> columns, [EnumeratorCancellation] CancellationToken ct)
    {
        var asked = new Segment[segments.Count];
        for (int i = 0; i < asked.Length; i++) asked[i] = await FindAsync(segments[i], ct).ConfigureAwait(false);
        IReadOnlyList<string> existing = await GetColumnsAsync(segments[0], ct).ConfigureAwait(false);
        List<string> found = [.. Columns.Find(columns, existing, segments[0]).Select(i => existing[i])];

        using var members = new Members(asked, _client, _context);
        await members.ReadAsync(ct).ConfigureAwait(false);
        var profiles = new MemberProfiles(members, found, _client, _context);
        await foreach ((int segment, ProfileBatch batch) in profiles.ReadAsync(ct).ConfigureAwait(false)) yield return (segment, batch);
        profiles.Report();
        await _catalog.WarnOfChangesAsync(asked, ct).ConfigureAwait(false);
        _context.Verbose(FormattableString.Invariant($"Dataverse answered {_client.Requests:N0} requests."));
    }

    private async Task<Segment> FindAsync(string name, CancellationToken ct)
        => SegmentNames.Find(name, await _catalog.GetAsync(ct).ConfigureAwait(false), segment => segment.Name, segment => segment.Name, _client.Service.Place);
}
