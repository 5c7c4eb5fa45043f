using System.Globalization;
using System.Runtime.CompilerServices;
using CcExport.Engine.Profiles.Web;

namespace CcExport.Engine.Profiles.CustomerInsights;

/// <summary>
/// Segments of Customer Insights - Data over its own API: the service itself finds the members, a hundred at a time and a hundred times a minute. For
/// large segments that is slow, and Dataverse is the better source.
/// </summary>
internal sealed class CustomerInsightsSource : IProfileSource
{
    /// <summary>Rows asked for at a time: what the service gives by itself.</summary>
    public const int PageRows = 100;

    /// <summary>Calls in any minute.</summary>
    public const int CallsPerMinute = 100;

    /// <summary>Members above which it is said how long it takes.</summary>
    public const int SlowAbove = 50_000;

    private const string What = "the profiles", KeyColumn = "CustomerId";

    private readonly SourceContext _context;
    private readonly PageClient _client;
    private readonly Management _management;

    public static SourceKind Kind { get; } = new(
        _ => "CustomerInsights", reference => reference.CustomerInsights?.ToString("D"), Check, _ => SourceKinds.ExportUser, (reference, context) => new CustomerInsightsSource(reference, context))
    {
        Scope = static _ => Scope,
    };

    private const string Scope = "https://api.ci.ai.microsoft.com/.default";

    private CustomerInsightsSource(SourceReference reference, SourceContext context)
    {
        _context = context;
        Guid instance = reference.CustomerInsights!.Value;
        _client = new PageClient(context, new WebService
        {
            Name = "Customer Insights",
            Root = new Uri($"{Root(reference)}/instances/{instance:D}/"),
            Scope = Scope,
            Place = instance.ToString("D"),
            Headers = [("Ocp-Apim-Subscription-Key", reference.SubscriptionKey!)],
            Pace = new CallPace(CallsPerMinute, TimeSpan.FromMinutes(1), context.Time,
                left => context.Verbose(string.Create(CultureInfo.InvariantCulture, $"Waiting {left.TotalSeconds:N0} s: Customer Insights takes {CallsPerMinute} calls a minute."))),
            SignInRemedy = " A wrong subscription key is answered the same way: make the source again with the one shown in Settings > Permissions > APIs.",
            AccessRemedy = "Enable the API (Settings > Permissions > APIs), give the export user a role in Customer Insights - Data, and check the subscription key.",
        });
        _management = new Management(_client, context);
    }

    private static string Root(SourceReference reference) => (reference.ApiEndpoint ?? new Uri("https://api.ci.ai.dynamics.com/v1")).GetLeftPart(UriPartial.Path).TrimEnd('/');

    private static readonly string[] Hosts = [".dynamics.com", ".dynamics.us", ".dynamics.cn", ".microsoft.com", ".microsoft.us"];

    private static void Check(SourceReference reference)
    {
        if (reference.ApiEndpoint is { } endpoint)
        {
            WebService.CheckSafe(endpoint);
            // The token is good at Microsoft's own API, whoever is asked with it.
            if (!endpoint.IsLoopback && !Hosts.Any(host => endpoint.Host.EndsWith(host, StringComparison.OrdinalIgnoreCase)))
            {
                throw new CcException("SourceHostUnknown", CcErrorKind.InvalidArgument, $"'{endpoint.Host}' is not a host of the Customer Insights API.",
                    "Leave -ApiEndpoint out, or give an address of Microsoft's: https://api.ci.ai.dynamics.com/v1.");
            }
        }
        if (string.IsNullOrWhiteSpace(reference.SubscriptionKey) || reference.SubscriptionKey.Any(c => c is <= ' ' or > '~'))
        {
            throw new CcException("SubscriptionKeyMissing", CcErrorKind.InvalidArgument, "The Customer Insights API needs a subscription key, and none that can be one was given.",
                "Settings > Permissions > APIs in Customer Insights - Data shows two; give one with -SubscriptionKey.");
        }
    }

    public Task<IReadOnlyList<Segment>> GetSegmentsAsync(CancellationToken ct) => _management.GetSegmentsAsync(ct);

    public async Task<IReadOnlyList<string>> GetColumnsAsync(string segment, CancellationToken ct)
    {
        await FindAsync(segment, ct).ConfigureAwait(false);
        return await _management.GetColumnsAsync(ct).ConfigureAwait(false);
    }

    public async IAsyncEnumerable<ProfileBatch> ReadAsync(string segment, IReadOnlyList<string> columns, [EnumeratorCancellation] CancellationToken ct)
    {
        Segment found = await FindAsync(segment, ct).ConfigureAwait(false);
        IReadOnlyList<string> existing = await _management.GetColumnsAsync(ct).ConfigureAwait(false);
        List<string> asked = [.. Columns.Find(columns, existing, found.Name).Select(i => existing[i])];
        WarnOfSlowness(found);
        await _management.WarnOfRefreshAsync(ct).ConfigureAwait(false);
        using var pages = new SegmentPages(_client, found.Name, found.Size, asked, existing.FirstOrDefault(c => c.Equals(KeyColumn, StringComparison.OrdinalIgnoreCase)));
        await foreach (PageBody body in PageChain.ReadAsync(_client, [pages.First], What, pages.Take, ct).ConfigureAwait(false))
        {
            if (pages.Batch.Rows == 0) continue;
            pages.Batch.Text = body.Bytes;
            yield return pages.Batch;
            pages.Batch.FirstRow += pages.Batch.Rows;
            pages.Batch.Clear();
        }
        Report(found, pages);
        await _management.WarnOfChangesAsync(found, ct).ConfigureAwait(false);
    }

    private async Task<Segment> FindAsync(string name, CancellationToken ct)
        => SegmentNames.Find(name, await _management.GetSegmentsAsync(ct).ConfigureAwait(false), segment => segment.Name, segment => segment.Name, _client.Service.Place);

    private void WarnOfSlowness(Segment segment)
    {
        if (segment.Size is not > SlowAbove) return;
        double minutes = Math.Ceiling(segment.Size.Value / (double)(PageRows * CallsPerMinute));
        _context.Warn(FormattableString.Invariant($"'{segment.Name}' has {segment.Size:N0} members; this API gives {PageRows * CallsPerMinute:N0} a minute, so that reading them takes about {minutes:N0} minutes. A Dataverse source is much faster."));
    }

    private void Report(Segment segment, SegmentPages pages)
    {
        long rows = pages.Batch.FirstRow - 1;
        if (pages.Again > 0)
            _context.Doubt(FormattableString.Invariant($"{pages.Again:N0} profiles of '{segment.Name}' came twice, because the segment changed while its pages were read; each was taken once. Others may have been passed over: run the export again when no refresh is running."));
        if (segment.Size is { } size && size != rows)
            _context.Doubt(FormattableString.Invariant($"The segment '{segment.Name}' is said to have {size:N0} members, and {rows:N0} were read. It may have been refreshed meanwhile."));
        _context.Verbose(FormattableString.Invariant($"Customer Insights answered {_client.Requests:N0} requests."));
    }
}
