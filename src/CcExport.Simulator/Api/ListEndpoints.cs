using System.Text.Json;
using CcExport.Simulator.Jobs;
using CcExport.Simulator.State;

namespace CcExport.Simulator.Api;

/// <summary>Contact lists.</summary>
internal static class ListEndpoints
{
    private const int MaxLists = 1_000;

    public static void Map(IEndpointRouteBuilder routes, Simulation simulation)
    {
        var read = new Needs("contacts:lists:read", "contact_data");
        var write = new Needs("contacts:lists:write", "contact_data");
        routes.MapGet("/v3/contact_lists", context => Lists(context, simulation)).WithMetadata(read);
        routes.MapGet("/v3/contact_lists/{id}", context => Single(context, simulation)).WithMetadata(read);
        routes.MapPost("/v3/contact_lists", context => Create(context, simulation)).WithMetadata(write);
        routes.MapPut("/v3/contact_lists/{id}", context => Update(context, simulation)).WithMetadata(write);
        routes.MapDelete("/v3/contact_lists/{id}", context => Delete(context, simulation)).WithMetadata(write);
    }

    private static Task Lists(HttpContext context, Simulation simulation)
    {
        int limit = Request.Limit(context, 1_000, 50);
        bool count = Request.Flag(context, "include_count");
        string? members = Request.OneOf(context, "include_membership_count", "all", "active");
        string? status = Request.OneOf(context, "status", "all", "active", "deleted");
        string? name = Request.Query(context, "name");
        long from = Request.Cursor(context)?.Next ?? 0;
        return Reply.Json(context, simulation, 200, json =>
        {
            List<ContactList> found = [.. simulation.Account.Lists.Where(l =>
                (status == "all" || (status == "deleted") == (l.DeletedAt is not null))
                && (name is null || string.Equals(l.Name, name, StringComparison.OrdinalIgnoreCase)))];
            List<ContactList> page = [.. found.Where(l => l.Number >= from).Take(limit + 1)];
            json.Object(() =>
            {
                json.Array("lists", page.Take(limit), list => Write(json, list, members));
                if (count) json.Number("lists_count", found.Count);
                ActivityEndpoints.WriteNext(json, context, limit, page.Count > limit ? page[limit].Number : null);
            });
        });
    }

    private static Task Single(HttpContext context, Simulation simulation)
    {
        string? members = Request.OneOf(context, "include_membership_count", "all", "active");
        ContactList list = Find(context, simulation);
        return Reply.Json(context, simulation, 200, json => Write(json, list, members));
    }

    private static async Task Create(HttpContext context, Simulation simulation)
    {
        JsonElement body = await Request.Body(context);
        ContactList list;
        lock (simulation.Gate)
        {
            string name = CheckName(simulation, body, null);
            if (simulation.Account.Lists.Count(l => l.DeletedAt is null) >= MaxLists)
                throw ApiException.Validation("The account has the maximum number of lists.");
            list = simulation.Account.AddList(name, Request.Text(body, "description"), simulation.Now);
            SetFavorite(list, body);
        }

        await Reply.Json(context, simulation, 201, json => Write(json, list, null));
    }

    private static async Task Update(HttpContext context, Simulation simulation)
    {
        JsonElement body = await Request.Body(context);
        ContactList list;
        lock (simulation.Gate)
        {
            list = Find(context, simulation);
            list.Name = CheckName(simulation, body, list);
            list.Description = Request.Text(body, "description");
            SetFavorite(list, body);
            list.UpdatedAt = simulation.Now;
        }

        await Reply.Json(context, simulation, 200, json => Write(json, list, null));
    }

    private static Task Delete(HttpContext context, Simulation simulation)
    {
        Job job;
        lock (simulation.Gate)
        {
            ContactList list = Find(context, simulation);
            if (list.DeletedAt is not null) throw ApiException.NotFound("list_id was not found.");
            ImportEndpoint.CheckQueue(simulation);
            job = new ListDeleteJob(simulation.Ids.Guid(), simulation.Jobs.NextSequence, simulation.Now, [list]);
            simulation.Jobs.Add(job);
        }

        simulation.Notify();
        context.Response.Headers.Location = $"/v3/activities/{job.Id}";
        return Reply.Json(context, simulation, 202, json => ActivityEndpoints.Write(json, job, simulation));
    }

    private static ContactList Find(HttpContext context, Simulation simulation)
    {
        string id = ActivityEndpoints.Id(context);
        if (!Guid.TryParseExact(id, "D", out _)) throw ApiException.Validation("list_id is in an invalid format.");
        return simulation.Account.List(id) ?? throw ApiException.NotFound("list_id was not found.");
    }

    private static string CheckName(Simulation simulation, JsonElement body, ContactList? self)
    {
        string? name = Request.Text(body, "name");
        if (name is not { Length: >= 1 and <= 255 }) throw ApiException.Validation("name must have 1 to 255 characters");
        bool taken = simulation.Account.Lists.Any(l =>
            l != self && l.DeletedAt is null && string.Equals(l.Name, name, StringComparison.OrdinalIgnoreCase));
        return taken ? throw ApiException.Conflict("A list with this name exists already.") : name;
    }

    private static void SetFavorite(ContactList list, JsonElement body)
    {
        if (body.TryGetProperty("favorite", out JsonElement value) && value.ValueKind is JsonValueKind.True or JsonValueKind.False)
            list.Favorite = value.GetBoolean();
    }

    private static void Write(JsonOut json, ContactList list, string? members) => json.Object(() =>
    {
        json.Text("list_id", list.Id);
        json.Text("name", list.Name);
        json.Text("description", list.Description);
        json.Flag("favorite", list.Favorite);
        json.Time("created_at", list.CreatedAt);
        json.Time("updated_at", list.UpdatedAt);
        if (list.DeletedAt is not null) json.Time("deleted_at", list.DeletedAt);
        if (members is not null) json.Number("membership_count", members == "all" ? list.Members : list.ActiveMembers);
    });
}
