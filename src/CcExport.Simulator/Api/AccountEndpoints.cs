using System.Text.Json;
using CcExport.Simulator.State;

namespace CcExport.Simulator.Api;

/// <summary>The account, its user's privileges and its custom fields.</summary>
internal static class AccountEndpoints
{
    private static readonly string[] Types =
        ["string", "date", "datetime", "currency", "text_area", "number", "boolean", "single_select", "multi_select"];

    public static void Map(IEndpointRouteBuilder routes, Simulation simulation)
    {
        routes.MapGet("/v3/account/summary", context => Summary(context, simulation)).WithMetadata(new Needs("account:read", "account_read"));
        routes.MapGet("/v3/account/user/privileges", context => Privileges(context, simulation)).WithMetadata(new Needs(null, null));
        routes.MapGet("/v3/contact_custom_fields", context => Fields(context, simulation))
            .WithMetadata(new Needs("contacts:read", "contact_data"));
        routes.MapPost("/v3/contact_custom_fields", context => CreateField(context, simulation))
            .WithMetadata(new Needs("contacts:write", "contact_data"));
    }

    private static Task Summary(HttpContext context, Simulation simulation) =>
        Reply.Json(context, simulation, 200, json => json.Object(() =>
        {
            json.Text("contact_email", "owner@example.com");
            json.Text("contact_phone", null);
            json.Text("country_code", "US");
            json.Text("encoded_account_id", "a07e1" + simulation.Tokens.UserId[..8]);
            json.Text("first_name", "Avery");
            json.Text("last_name", "Simmons");
            json.Text("organization_name", "Example Outfitters");
            json.Text("organization_phone", null);
            json.Text("state_code", "MA");
            json.Text("time_zone_id", "US/Eastern");
            json.Text("website", "https://www.example.com");
        }));

    private static Task Privileges(HttpContext context, Simulation simulation) =>
        Reply.Json(context, simulation, 200, json =>
        {
            json.Writer.WriteStartArray();
            foreach (string privilege in simulation.Switches.Privileges)
            {
                json.Object(() =>
                {
                    json.Number("privilege_id", 10 + (Math.Max(0, Array.IndexOf(SimulatorSwitches.AccountManager, privilege)) * 5));
                    json.Text("privilege_name", privilege);
                });
            }

            json.Writer.WriteEndArray();
        });

    private static Task Fields(HttpContext context, Simulation simulation)
    {
        int limit = Request.Limit(context, 100, 50);
        int from = (int)(Request.Cursor(context)?.Next ?? 0);
        return Reply.Json(context, simulation, 200, json =>
        {
            IReadOnlyList<CustomField> all = simulation.Account.Fields.Custom;
            json.Object(() =>
            {
                json.Array("custom_fields", all.Skip(from).Take(limit), field => Write(json, field));
                ActivityEndpoints.WriteNext(json, context, limit, from + limit < all.Count ? from + limit : null);
            });
        });
    }

    private static async Task CreateField(HttpContext context, Simulation simulation)
    {
        JsonElement body = await Request.Body(context);
        string? label = Request.Text(body, "label");
        string? type = Request.Text(body, "type");
        if (label is not { Length: >= 1 and <= 50 }) throw ApiException.Validation("label must have 1 to 50 characters");
        if (!Types.Contains(type)) throw ApiException.Validation("type does not have a valid value");
        CustomField field;
        lock (simulation.Gate)
        {
            FieldTable fields = simulation.Account.Fields;
            if (fields.FindCustom(label) is not null) throw ApiException.Conflict("A custom field with this label exists already.");
            if (fields.Custom.Count >= FieldTable.MaxCustom) throw ApiException.Validation("The account has the maximum number of custom fields.");
            field = fields.AddCustom(simulation.Ids.Guid(), label, type!, simulation.Now);
        }

        await Reply.Json(context, simulation, 201, json => Write(json, field));
    }

    private static void Write(JsonOut json, CustomField field) => json.Object(() =>
    {
        json.Text("custom_field_id", field.Id);
        json.Text("label", field.Label);
        json.Text("name", field.Name);
        json.Text("type", field.Type);
        json.Time("updated_at", field.CreatedAt);
        json.Time("created_at", field.CreatedAt);
    });
}
