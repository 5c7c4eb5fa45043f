using System.Collections.Concurrent;
using System.Globalization;

namespace CcExport.Simulator.Insights;

/// <summary>Where a chain of pages goes on.</summary>
/// <param name="Prefer">The header of the request that the link came with.</param>
internal sealed record PagePlace(long Position, int Page, string Prefer);

/// <summary>The links to next pages that are out: whatever differs from one of them by a byte is none.</summary>
internal sealed class PageLinks
{
    private const int Most = 20_000;

    private readonly ConcurrentDictionary<string, PagePlace> _places = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _order = new();

    public PagePlace? Find(string target) => _places.GetValueOrDefault(target);

    /// <summary>A link with all kinds of escapes in it, as the real ones have: whoever tidies it up has another one.</summary>
    public string Make(string target, PagePlace place)
    {
        int token = target.IndexOf("&$skiptoken=", StringComparison.Ordinal);
        string link = (token < 0 ? target : target[..token]) + string.Create(CultureInfo.InvariantCulture,
            $"&$skiptoken=%3ccookie%20pagenumber=%22{place.Page}%22%20pagingcookie=%22%253ccookie%2520page%253d%2522{place.Page}%2522%253e%253cid%2520last%253d%2522%7b{place.Position:x}%7d%2522%7e%2d%253c%252fcookie%253e%22%20istracking=%22False%22%20/%3E");
        if (_places.TryAdd(link, place))
        {
            _order.Enqueue(link);
            while (_order.Count > Most && _order.TryDequeue(out string? oldest)) _places.TryRemove(oldest, out _);
        }
        return link;
    }
}
