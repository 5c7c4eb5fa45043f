using System.Text.Json;
using CcExport.Simulator.State;

namespace CcExport.Simulator.Api;

/// <summary>Contacts: pages of them, one and the changing of it, and how many.</summary>
internal static class ContactEndpoints
{
    private static readonly string[] Includes =
        ["custom_fields", "list_memberships", "phone_numbers", "street_addresses", "taggings", "notes"];

    public static void Map(IEndpointRouteBuilder routes, Simulation simulation)
    {
        var needs = new Needs("contacts:read", "contact_data");
        routes.MapGet("/v3/contacts", context => List(context, simulation)).WithMetadata(needs);
        routes.MapGet("/v3/contacts/counts", context => Counts(context, simulation)).WithMetadata(needs);
        routes.MapGet("/v3/contacts/{id}", context => Single(context, simulation)).WithMetadata(needs);
        routes.MapPut("/v3/contacts/{id}", context => Update(context, simulation))
            .WithMetadata(new Needs("contacts:write", "contact_data"));
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
        HashSet<string> include = Request.Set(context, "include", Includes);
        int index;
        lock (simulation.Gate) index = Find(context, simulation);
        return Reply.Json(context, simulation, 200, json => Write(json, simulation, index, include));
    }

    private static async Task Update(HttpContext context, Simulation simulation)
    {
        JsonElement body = await Request.Body(context);
        int index;
        ContactUpdate update;
        lock (simulation.Gate)
        {
            index = Find(context, simulation);
            update = new ContactUpdate(simulation.Account, index, body, simulation.Switches);
            update.Apply(simulation.Act(MembershipCause.Call));
        }

        await Reply.Json(context, simulation, 200, json => Write(json, simulation, index, update.Given));
    }

    private static int Find(HttpContext context, Simulation simulation)
    {
        string id = ActivityEndpoints.Id(context);
        if (!Guid.TryParseExact(id, "D", out _)) throw ApiException.Validation("contact_id is in an invalid format.");
        return simulation.Ids.TryContactIndex(id, out int index) && index < simulation.Account.Contacts.Count
            ? index
            : throw ApiException.NotFound("contact_id was not found.");
    }

    private static Task List(HttpContext context, Simulation simulation)
    {
        var query = new ContactQuery(context);
        HashSet<string> include = Request.Set(context, "include", Includes);
        return Reply.Json(context, simulation, 200, json =>
        {
            (List<int> page, int? next, long? count) = query.Run(simulation.Account);
            json.Object(() =>
            {
                json.Array("contacts", page, index => Write(json, simulation, index, include));
                if (count is { } total) json.Number("contacts_count", total);
                ActivityEndpoints.WriteNext(json, context, query.Limit, next, count);
            });
        });
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
            bool again = account.OptedInAt.TryGetValue(index, out DateTimeOffset since);
            json.Text("opt_in_source", !optedIn ? null : again ? "Contact" : "Account");
            json.Time("opt_in_date", !optedIn ? null : again ? since : view.CreatedAt);
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
