using System.Text;
using CcExport.Simulator.State;

namespace CcExport.Simulator.Api;

/// <summary>Contacts: pages of them, one, and how many.</summary>
internal static class ContactEndpoints
{
    private static readonly string[] Statuses =
        ["all", "active", "deleted", "not_set", "pending_confirmation", "temp_hold", "unsubscribed"];

    private static readonly string[] Includes =
        ["custom_fields", "list_memberships", "phone_numbers", "street_addresses", "taggings", "notes"];

    public static void Map(IEndpointRouteBuilder routes, Simulation simulation)
    {
        var needs = new Needs("contacts:read", "contact_data");
        routes.MapGet("/v3/contacts", context => List(context, simulation)).WithMetadata(needs);
        routes.MapGet("/v3/contacts/counts", context => Counts(context, simulation)).WithMetadata(needs);
        routes.MapGet("/v3/contacts/{id}", context => Single(context, simulation)).WithMetadata(needs);
    }

    /// <summary>Whether a contact has one of the states by which calls choose.</summary>
    public static bool HasStatus(in ContactRow row, IReadOnlyCollection<string> statuses)
    {
        if (statuses.Count == 0) return !row.Deleted;
        foreach (string status in statuses)
        {
            bool has = status switch
            {
                "all" => true,
                "deleted" => row.Deleted,
                "active" => !row.Deleted && row.Permission is Permission.Implicit or Permission.Explicit,
                _ => !row.Deleted && Account.PermissionText(row.Permission) == status,
            };
            if (has) return true;
        }

        return false;
    }

    private static Task Counts(HttpContext context, Simulation simulation) =>
        Reply.Json(context, simulation, 200, json => json.Object(() =>
        {
            Account account = simulation.Account;
            int all = Enum.GetValues<Permission>().Sum(account.Count);
            json.Number("total", all);
            json.Number("explicit", account.Count(Permission.Explicit));
            json.Number("implicit", account.Count(Permission.Implicit));
            json.Number("pending", account.Count(Permission.PendingConfirmation));
            json.Number("unsubscribed", account.Count(Permission.Unsubscribed));
            json.Number("new_subscriber", 0);
        }));

    private static Task Single(HttpContext context, Simulation simulation)
    {
        HashSet<string> include = Set(context, "include", Includes);
        string id = ActivityEndpoints.Id(context);
        if (!Guid.TryParseExact(id, "D", out _)) throw ApiException.Validation("contact_id is in an invalid format.");
        int index;
        lock (simulation.Gate)
        {
            if (!simulation.Ids.TryContactIndex(id, out index) || index >= simulation.Account.Contacts.Count)
                throw ApiException.NotFound("contact_id was not found.");
        }

        return Reply.Json(context, simulation, 200, json => Write(json, simulation, index, include));
    }

    private static Task List(HttpContext context, Simulation simulation)
    {
        int limit = Request.Limit(context, 500, 50);
        HashSet<string> statuses = Set(context, "status", Statuses);
        HashSet<string> include = Set(context, "include", Includes);
        string? email = Request.Query(context, "email");
        DateTimeOffset? after = Request.Time(context, "updated_after");
        DateTimeOffset? before = Request.Time(context, "updated_before");
        bool count = Request.Flag(context, "include_count");
        string[]? listIds = Request.Query(context, "lists")?.Split(',', StringSplitOptions.TrimEntries);
        if (listIds is { Length: > 25 } || listIds?.All(l => Guid.TryParseExact(l, "D", out _)) == false)
            throw ApiException.Validation("lists does not have a valid value");
        int from = (int)(Request.Cursor(context)?.Next ?? 0);

        return Reply.Json(context, simulation, 200, json =>
        {
            Account account = simulation.Account;
            List<int>? lists = listIds is null ? null : [.. listIds.Select(account.List).Where(l => l is not null).Select(l => l!.Number)];
            bool Matches(int index)
            {
                ref ContactRow row = ref account.Contacts[index];
                if (!HasStatus(row, statuses)) return false;
                if (after is { } a && row.UpdatedTicks <= a.UtcTicks) return false;
                if (before is { } b && row.UpdatedTicks >= b.UtcTicks) return false;
                int set = row.Lists;
                return lists is null || lists.Exists(l => account.Sets.Contains(set, l));
            }

            List<int> page = [];
            int total = 0;
            if (email is not null)
            {
                int index = account.Contacts.Find(Encoding.UTF8.GetBytes(email));
                if (index >= 0 && Matches(index)) page.Add(index);
                total = page.Count;
            }
            else
            {
                for (int index = count ? 0 : from; index < account.Contacts.Count && (count || page.Count <= limit); index++)
                {
                    if (!Matches(index)) continue;
                    total++;
                    if (index >= from && page.Count <= limit) page.Add(index);
                }
            }

            json.Object(() =>
            {
                json.Array("contacts", page.Take(limit), index => Write(json, simulation, index, include));
                if (count) json.Number("contacts_count", total);
                ActivityEndpoints.WriteNext(json, context, limit, page.Count > limit ? page[limit] : null);
            });
        });
    }

    private static HashSet<string> Set(HttpContext context, string name, string[] allowed)
    {
        string[] values = Request.Query(context, name)?.Split(',', StringSplitOptions.TrimEntries) ?? [];
        return values.All(allowed.Contains) ? [.. values] : throw ApiException.Validation($"{name} does not have a valid value");
    }

    private static void Write(JsonOut json, Simulation simulation, int index, HashSet<string> include) => json.Object(() =>
    {
        Account account = simulation.Account;
        ContactRow row = account.Contacts[index];
        ContactView view = simulation.View(index);
        DateTimeOffset? optedOut = account.OptedOutAt.TryGetValue(index, out DateTimeOffset at) ? at : null;
        json.Text("contact_id", view.Id);
        json.Object("email_address", () =>
        {
            json.Text("address", view.Email);
            json.Text("permission_to_send", view.Permission);
            json.Time("created_at", view.CreatedAt);
            json.Time("updated_at", view.UpdatedAt);
            bool optedIn = row.Permission is Permission.Implicit or Permission.Explicit;
            json.Text("opt_in_source", optedIn ? "Account" : null);
            json.Time("opt_in_date", optedIn ? view.CreatedAt : null);
            json.Text("opt_out_source", optedOut is null ? null : "Contact");
            json.Time("opt_out_date", optedOut);
            json.Text("opt_out_reason", null);
            json.Text("confirm_status", row.Permission == Permission.PendingConfirmation ? "pending" : "off");
        });
        foreach (string name in new[] { "first_name", "last_name", "job_title", "company_name" })
            json.Text(name, view.Fields.GetValueOrDefault(name));
        foreach (string name in new[] { "birthday_month", "birthday_day" })
        {
            if (view.Fields.TryGetValue(name, out string? number)) json.Number(name, long.Parse(number));
            else json.Text(name, null);
        }

        json.Text("anniversary", view.Fields.GetValueOrDefault("anniversary"));
        json.Text("update_source", "Account");
        json.Text("create_source", "Account");
        json.Time("created_at", view.CreatedAt);
        json.Time("updated_at", view.UpdatedAt);
        if (row.Deleted) json.Time("deleted_at", account.DeletedAt[index]);
        if (include.Contains("custom_fields")) WriteCustom(json, account, view);
        if (include.Contains("phone_numbers")) WritePhones(json, view);
        if (include.Contains("street_addresses")) WriteAddresses(json, view);
        if (include.Contains("list_memberships")) json.Array("list_memberships", view.ListIds, json.Writer.WriteStringValue);
        if (include.Contains("taggings")) json.Array<string>("taggings", [], json.Writer.WriteStringValue);
        if (include.Contains("notes")) json.Array<string>("notes", [], json.Writer.WriteStringValue);
    });

    private static void WriteCustom(JsonOut json, Account account, ContactView view) =>
        json.Array("custom_fields", account.Fields.Custom.Where(c => view.Fields.ContainsKey(c.Field.Name)), custom => json.Object(() =>
        {
            json.Text("custom_field_id", custom.Id);
            json.Text("value", view.Fields[custom.Field.Name]);
        }));

    private static void WritePhones(JsonOut json, ContactView view) =>
        json.Array("phone_numbers", view.Fields.Keys.Where(k => k.EndsWith("phone", StringComparison.Ordinal)), key => json.Object(() =>
        {
            json.Text("phone_number", view.Fields[key]);
            json.Text("kind", key == "phone" ? "other" : key[..key.IndexOf('_', StringComparison.Ordinal)]);
        }));

    private static void WriteAddresses(JsonOut json, ContactView view)
    {
        string[] parts = ["street", "city", "state", "zip", "country"];
        IEnumerable<string> places = new[] { "", "home_", "work_", "other_" }
            .Where(place => parts.Any(part => view.Fields.ContainsKey(place + part)));
        json.Array("street_addresses", places, place => json.Object(() =>
        {
            json.Text("kind", place is "" ? "other" : place[..^1]);
            string? street = view.Fields.GetValueOrDefault(place + "street");
            string? street2 = view.Fields.GetValueOrDefault(place + "street2");
            json.Text("street", street2 is null ? street : $"{street} {street2}".Trim());
            json.Text("city", view.Fields.GetValueOrDefault(place + "city"));
            json.Text("state", view.Fields.GetValueOrDefault(place + "state"));
            json.Text("postal_code", view.Fields.GetValueOrDefault(place + "zip"));
            json.Text("country", view.Fields.GetValueOrDefault(place + "country"));
        }));
    }
}
