using System.Text;
using CcExport.Simulator.State;

namespace CcExport.Simulator.Api;

/// <summary>What <c>GET /contacts</c> was asked for, and the finding of it: one way through the account for a page at most.</summary>
internal sealed class ContactQuery
{
    private readonly StatusFilter _statuses;
    private readonly string? _email;
    private readonly IReadOnlyList<string>? _listIds;
    private readonly Span _updated;
    private readonly Span _created;
    private readonly Span _optedOut;
    private readonly bool _count;
    private readonly int _from;
    private readonly long? _counted;

    public ContactQuery(HttpContext context)
    {
        // A filter that is not simulated must not look as if it had let everybody through.
        foreach (string name in new[] { "tags", "segment_id" })
        {
            if (Request.Query(context, name) is not null) throw ApiException.Validation($"{name} is not simulated");
        }

        Limit = Request.Limit(context, 500, 50);
        _statuses = new StatusFilter(Request.Set(context, "status", StatusFilter.Known));
        _email = Request.Query(context, "email");
        _updated = Span.Of(context, "updated");
        _created = Span.Of(context, "created");
        _optedOut = Span.Of(context, "optout");
        _count = Request.Flag(context, "include_count");
        _listIds = Request.Query(context, "lists")?.Split(',', StringSplitOptions.TrimEntries);
        if (_listIds is { Count: > 25 } || _listIds?.All(l => Guid.TryParseExact(l, "D", out _)) == false)
            throw ApiException.Validation("lists does not have a valid value");
        var cursor = Request.Cursor(context);
        _from = (int)Math.Min(cursor?.Next ?? 0, int.MaxValue);
        _counted = cursor?.Count;
    }

    public int Limit { get; }

    /// <summary>The contacts of the page; where there are more, the place of the next; and how many match in all, if asked for.</summary>
    public (List<int> Page, int? Next, long? Count) Run(Account account)
    {
        SetFilter? lists = _listIds is null
            ? null
            : new SetFilter(account.Sets, [.. _listIds.Select(account.List).Where(l => l is not null).Select(l => l!.Number)]);
        if (_email is not null)
        {
            int index = account.Contacts.Find(Encoding.UTF8.GetBytes(_email));
            List<int> one = index >= 0 && Matches(account, lists, index) ? [index] : [];
            return (one, null, _count ? one.Count : null);
        }

        // Counted for the first page; the cursor carries the number on.
        bool count = _count && _counted is null;
        var page = new List<int>();
        int? next = null;
        long total = 0;
        for (int index = count ? 0 : _from; index < account.Contacts.Count && (count || next is null); index++)
        {
            if (!Matches(account, lists, index)) continue;
            total++;
            if (index < _from || next is not null) continue;
            if (page.Count < Limit) page.Add(index);
            else next = index;
        }

        return (page, next, !_count ? null : count ? total : _counted);
    }

    private bool Matches(Account account, SetFilter? lists, int index)
    {
        ref ContactRow row = ref account.Contacts[index];
        if (!_statuses.Has(row) || !_updated.Has(row.UpdatedTicks) || !_created.Has(row.CreatedTicks)) return false;
        if (lists?.Has(row.Lists) == false) return false;
        return _optedOut.IsOpen || (account.OptedOutAt.TryGetValue(index, out DateTimeOffset at) && _optedOut.Has(at.UtcTicks));
    }

    /// <summary>Between two times, neither of them included.</summary>
    private readonly record struct Span(long After, long Before)
    {
        public bool IsOpen => After < 0 && Before == long.MaxValue;

        public static Span Of(HttpContext context, string name) => new(
            Request.Time(context, name + "_after")?.UtcTicks ?? -1, Request.Time(context, name + "_before")?.UtcTicks ?? long.MaxValue);

        public bool Has(long ticks) => ticks > After && ticks < Before;
    }
}
