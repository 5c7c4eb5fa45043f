using System.Buffers;
using System.Text;
using System.Text.Json;

namespace CcExport.Engine.ConstantContact;

/// <summary>
/// The API of one connected account, as typed calls. How a call travels stands in the other part of this class
/// (<c>.Chain</c>): token, budget, send, classify, retry. Failures are <see cref="CcException"/>; see <see cref="ImportAsync"/> for the one
/// call that is not harmless to repeat. Safe for parallel use.
/// </summary>
internal sealed partial class ConstantContactClient
{
    /// <summary>The service's largest page for lists and activities. Its own documents disagree on more.</summary>
    private const int PageSize = 500;
    private const int CustomFieldPageSize = 100;

    /// <summary>What the signed-in user may do: names such as <c>contacts:write</c>. Needs no scope and no privilege itself.</summary>
    public async Task<IReadOnlyList<string>> GetPrivilegesAsync(CancellationToken ct)
    {
        Call call = Call.Read(Resource("account/user/privileges"), "reading the user's privileges", null, null);
        using JsonDocument document = Parse(call, await CallAsync(call, ct).ConfigureAwait(false));
        return Readings.Privileges(document.RootElement);
    }

    /// <summary>Who the account is; null when the connection's scope or its user's privileges do not include that.</summary>
    public async Task<AccountSummary?> GetAccountAsync(CancellationToken ct)
    {
        Call call = CallFor("account/summary", "reading the account", "account:read", "account_read", forbidden: true);
        Answer answer = await CallAsync(call, ct).ConfigureAwait(false);
        if (answer.Verdict == Verdict.Forbidden) return null;
        using JsonDocument document = Parse(call, answer);
        return new(document.RootElement.Text("encoded_account_id"), document.RootElement.Text("organization_name"));
    }

    /// <summary>How many contacts the account holds, by their permission.</summary>
    public async Task<ContactCounts> GetContactCountsAsync(CancellationToken ct)
    {
        Call call = CallFor("contacts/counts", "reading the contact counts", "contacts:read");
        using JsonDocument document = Parse(call, await CallAsync(call, ct).ConfigureAwait(false));
        return Readings.Counts(document.RootElement);
    }

    /// <summary>All lists of the account with their members counted.</summary>
    public Task<IReadOnlyList<ContactList>> GetListsAsync(CancellationToken ct)
        => ReadPagesAsync(
            CallFor($"contact_lists?limit={PageSize}&include_membership_count=all", "reading the lists", "contacts:lists:read"),
            "lists", item => Readings.List(item, _connection), ct);

    /// <summary>One list; null when there is none. A deleted one may still come, with <see cref="ContactList.DeletedAt"/> set.</summary>
    public async Task<ContactList?> GetListAsync(string id, CancellationToken ct)
    {
        Call call = CallFor($"contact_lists/{Uri.EscapeDataString(id)}?include_membership_count=all", "reading the list", "contacts:lists:read", notFound: true);
        Answer answer = await CallAsync(call, ct).ConfigureAwait(false);
        if (answer.Verdict == Verdict.NotFound) return null;
        using JsonDocument document = Parse(call, answer);
        return Readings.List(document.RootElement, _connection) ?? throw Failures.Unreadable(call, _connection, null);
    }

    public Task<IReadOnlyList<CustomField>> GetCustomFieldsAsync(CancellationToken ct)
        => ReadPagesAsync(
            CallFor($"contact_custom_fields?limit={CustomFieldPageSize}", "reading the custom fields", "contacts:read"),
            "custom_fields", item => Readings.CustomField(item, _connection), ct);

    /// <summary>
    /// Sends one import. A <see cref="CcException"/> means that the service certainly does not have it;
    /// <see cref="InDoubtException"/> that it may, in which case it was sent exactly once and is never sent again from here.
    /// Cancelled while on its way it is in doubt as well. <paramref name="body"/> must not change before the task ends.
    /// </summary>
    /// <param name="beforeTry">Asked when the request is about to leave; what it throws means that it did not.</param>
    public async Task<Activity> ImportAsync(ReadOnlyMemory<byte> body, CancellationToken ct, Func<CancellationToken, Task>? beforeTry = null)
    {
        Call call = Call.Import(Resource("activities/contacts_json_import"), body, beforeTry);
        Answer answer = await CallAsync(call, ct).ConfigureAwait(false);
        try
        {
            using JsonDocument document = JsonDocument.Parse(answer.Body);
            return Readings.Activity(document.RootElement)
                ?? throw new InDoubtException($"The import was answered with HTTP {answer.Status} but without an activity id.");
        }
        catch (JsonException fault)
        {
            throw new InDoubtException($"The import was answered with HTTP {answer.Status} and something unreadable.", fault);
        }
    }

    /// <summary>All jobs that the account still remembers (ten days), every page of them.</summary>
    public Task<IReadOnlyList<Activity>> GetActivitiesAsync(CancellationToken ct)
        => ReadPagesAsync(CallFor($"activities?limit={PageSize}", "reading the jobs", "contacts:write"), "activities", Readings.Activity, ct);

    /// <summary>One job; null when the service does not know it (any more).</summary>
    public async Task<Activity?> GetActivityAsync(string id, CancellationToken ct)
    {
        Call call = CallFor($"activities/{Uri.EscapeDataString(id)}", "reading the job", "contacts:write", notFound: true);
        Answer answer = await CallAsync(call, ct).ConfigureAwait(false);
        if (answer.Verdict == Verdict.NotFound) return null;
        using JsonDocument document = Parse(call, answer);
        return Readings.Activity(document.RootElement) ?? throw Failures.Unreadable(call, _connection, null);
    }

    /// <summary>Starts a contact export. Changes nothing, so it may be asked for again; see <see cref="ReadExportAsync"/>.</summary>
    /// <param name="listId">The list; null: the whole account.</param>
    /// <param name="fields">Names such as <c>email_address</c>. The file has other, human headings.</param>
    /// <param name="status">Names such as <c>unsubscribed</c>; empty: the service's own choice.</param>
    public async Task<Activity> StartExportAsync(string? listId, IReadOnlyList<string> fields, IReadOnlyList<string> status, CancellationToken ct)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            Array("list_ids", listId is null ? [] : [listId]);
            Array("fields", fields);
            Array("status", status);
            json.WriteEndObject();

            void Array(string name, IReadOnlyList<string> values)
            {
                if (values.Count == 0) return;
                json.WriteStartArray(name);
                foreach (string value in values) json.WriteStringValue(value);
                json.WriteEndArray();
            }
        }
        Call call = Call.Ask(Resource("activities/contact_exports"), "starting a contact export", "contacts:write", body.WrittenMemory);
        using JsonDocument document = Parse(call, await CallAsync(call, ct).ConfigureAwait(false));
        return Readings.Activity(document.RootElement) ?? throw Failures.Unreadable(call, _connection, null);
    }

    /// <summary>Fetches the CSV of a contact export that has completed; false when the service has it no longer.</summary>
    /// <param name="read">Called again, for the whole file, when the line is cut.</param>
    public async Task<bool> ReadExportAsync(Activity export, Func<Stream, CancellationToken, Task> read, CancellationToken ct)
    {
        Call call = Call.Download(ResultsOf(export), "fetching a contact export", "contacts:read", read);
        return (await CallAsync(call, ct).ConfigureAwait(false)).Verdict == Verdict.Success;
    }

    /// <summary>The link is relative to the host and comes from outside; our token follows it: only to the API itself.</summary>
    private Uri ResultsOf(Activity export)
    {
        Call call = Call.Read(Resource("contact_exports"), "fetching a contact export", "contacts:read");
        if (!Uri.TryCreate(call.Address, export.ResultsHref ?? throw Failures.Unreadable(call, _connection, null), out Uri? file)
            || Uri.Compare(file, _endpoint, UriComponents.SchemeAndServer | UriComponents.UserInfo, UriFormat.UriEscaped, StringComparison.OrdinalIgnoreCase) != 0
            || !file.AbsolutePath.StartsWith(_endpoint.AbsolutePath.TrimEnd('/') + "/", StringComparison.Ordinal))
        {
            throw Failures.PageLinkRefused(call, _connection, "leads elsewhere");
        }
        return file;
    }

    private Uri Resource(string resource) => Endpoints.Below(_endpoint, resource);

    private Call CallFor(string resource, string what, string privilege, string scope = "contact_data", bool notFound = false, bool forbidden = false)
        => Call.Read(Resource(resource), what, privilege, scope, notFound, forbidden);

    private JsonDocument Parse(Call call, Answer answer)
    {
        try
        {
            return JsonDocument.Parse(answer.Body);
        }
        catch (JsonException fault)
        {
            throw Failures.Unreadable(call, _connection, fault);
        }
    }

    /// <summary>
    /// Contacts in pages of 500. Reads no further than the first page when the service says that there are more than <paramref name="most"/>; false then.
    /// </summary>
    public async Task<bool> ReadContactsAsync(ContactQuery query, long most, Action<ContactSeen> each, CancellationToken ct)
    {
        var resource = new StringBuilder($"contacts?limit={PageSize}&include_count=true");
        if (query.Status is { } status) resource.Append("&status=").Append(status);
        if (query.ListId is { } list) resource.Append("&lists=").Append(Uri.EscapeDataString(list));
        if (query.Email is { } email) resource.Append("&email=").Append(Uri.EscapeDataString(email));
        var seen = new HashSet<string>(StringComparer.Ordinal);
        long count = 0;
        for (Call? call = CallFor(resource.ToString(), "reading contacts", "contacts:read"); call is not null;)
        {
            using JsonDocument page = Parse(call, await CallAsync(call, ct).ConfigureAwait(false));
            if (page.RootElement.ValueKind != JsonValueKind.Object) throw Failures.Unreadable(call, _connection, null);
            if (page.RootElement.Count("contacts_count") > most) return false;
            foreach (ContactSeen contact in page.RootElement.Items("contacts").Select(Readings.Contact).OfType<ContactSeen>())
            {
                // A service that does not count is not believed to have few.
                if (++count > most) return false;
                each(contact);
            }
            call = NextPage(call, page.RootElement, seen);
        }
        return true;
    }

    private async Task<IReadOnlyList<T>> ReadPagesAsync<T>(Call first, string items, Func<JsonElement, T?> read, CancellationToken ct)
        where T : class
    {
        var found = new List<T>();
        var seen = new HashSet<string>(StringComparer.Ordinal) { first.Address.PathAndQuery };
        for (Call? call = first; call is not null;)
        {
            using JsonDocument page = Parse(call, await CallAsync(call, ct).ConfigureAwait(false));
            if (page.RootElement.ValueKind != JsonValueKind.Object) throw Failures.Unreadable(call, _connection, null);
            found.AddRange(page.RootElement.Items(items).Select(read).OfType<T>());
            call = NextPage(call, page.RootElement, seen);
        }
        return found;
    }

    /// <summary>The link holds an opaque cursor and is relative to the host. It comes from outside and our token follows it: only to the same resource.</summary>
    private Call? NextPage(Call call, JsonElement page, HashSet<string> seen)
    {
        if (page.Find("_links", "next", "href") is not { ValueKind: JsonValueKind.String } link || link.GetString() is not { Length: > 0 } href) return null;
        if (!Uri.TryCreate(call.Address, href, out Uri? next)
            || Uri.Compare(next, call.Address, UriComponents.SchemeAndServer | UriComponents.UserInfo | UriComponents.Path, UriFormat.UriEscaped,
                StringComparison.OrdinalIgnoreCase) != 0)
        {
            throw Failures.PageLinkRefused(call, _connection, "leads elsewhere");
        }
        if (!seen.Add(next.PathAndQuery)) throw Failures.PageLinkRefused(call, _connection, "leads to a page that was read already");
        return call.At(next);
    }
}
