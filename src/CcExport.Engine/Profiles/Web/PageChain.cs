using System.Runtime.CompilerServices;
using System.Text.Json;

namespace CcExport.Engine.Profiles.Web;

/// <summary>Takes one page; returns the address of the one that follows it, null when it is the last. What is no page throws <see cref="JsonException"/>.</summary>
internal delegate string? PageTaker(PageBody page);

/// <summary>Pages one after the other, the next one on its way while what was read of one is used.</summary>
internal static class PageChain
{
    /// <summary>Gives control back after each page, whose bytes are valid until the next one is asked for.</summary>
    /// <param name="addresses">Where chains of pages begin.</param>
    public static async IAsyncEnumerable<PageBody> ReadAsync(
        PageClient client, IEnumerable<string> addresses, string what, PageTaker take, [EnumeratorCancellation] CancellationToken ct)
    {
        using IEnumerator<string> first = addresses.GetEnumerator();
        if (!first.MoveNext()) yield break;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        string address = first.Current;
        Task<PageBody>? next = client.GetAsync(address, what, stop.Token);
        try
        {
            while (next is not null)
            {
                using PageBody page = await next.ConfigureAwait(false);
                next = null;
                string? following = Take(client, page, what, take) ?? (first.MoveNext() ? first.Current : null);
                if (following == address) throw Refused(client, what, "leads to the same page again");
                if (following is not null) next = client.GetAsync(address = following, what, stop.Token);
                yield return page;
            }
        }
        finally
        {
            if (next is not null) await DropAsync(next, stop).ConfigureAwait(false);
        }
    }

    private static string? Take(PageClient client, PageBody page, string what, PageTaker take)
    {
        try
        {
            return take(page);
        }
        catch (JsonException)
        {
            // Without it as a cause: it may quote what it could not read.
            throw client.Unexpected(what);
        }
    }

    /// <summary>Whoever reads has had enough: the page on its way is not waited for.</summary>
    private static async Task DropAsync(Task<PageBody> page, CancellationTokenSource stop)
    {
        await stop.CancelAsync().ConfigureAwait(false);
        try
        {
            (await page.ConfigureAwait(false)).Dispose();
        }
        catch (Exception e) when (e is OperationCanceledException or CcException)
        {
            // Nobody needs it.
        }
    }

    /// <summary>A link of the service, as it stands: only to below its own root.</summary>
    public static string? Follow(PageClient client, string? link, string what)
    {
        if (link is null) return null;
        Uri root = client.Service.Root;
        bool ours = Uri.TryCreate(link, UriKind.Absolute, out Uri? to) && to.Scheme == root.Scheme && to.Authority == root.Authority
            && to.UserInfo.Length == 0 && to.AbsolutePath.StartsWith(root.AbsolutePath, StringComparison.Ordinal);
        return ours ? link : throw Refused(client, what, "leads away from the source's own address");
    }

    private static CcException Refused(PageClient client, string what, string why) => new("SourceLinkRefused", CcErrorKind.Service,
        $"The link to the next page of {what} {why}; it was not followed.", "If a gateway stands between and rewrites addresses, give the service's own address.")
    { Subject = client.Service.Place };
}
