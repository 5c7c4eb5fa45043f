using System.Text.Json;
using CcExport.Simulator.Jobs;
using CcExport.Simulator.State;

namespace CcExport.Simulator.Api;

/// <summary>The activities beside imports: memberships, deletions, exports.</summary>
internal static class JobEndpoints
{
    public static void Map(IEndpointRouteBuilder routes, Simulation simulation)
    {
        var needs = new Needs("contacts:write", "contact_data");
        routes.MapPost("/v3/activities/add_list_memberships", c => Membership(c, simulation, add: true)).WithMetadata(needs);
        routes.MapPost("/v3/activities/remove_list_memberships", c => Membership(c, simulation, add: false)).WithMetadata(needs);
        routes.MapPost("/v3/activities/list_delete", c => ListDelete(c, simulation)).WithMetadata(needs);
        routes.MapPost("/v3/activities/contact_delete", c => ContactDelete(c, simulation)).WithMetadata(needs);
        routes.MapPost("/v3/activities/contact_exports", c => Export(c, simulation)).WithMetadata(needs);
    }

    private static async Task Membership(HttpContext context, Simulation simulation, bool add)
    {
        JsonElement body = await Request.Body(context);
        if (!body.TryGetProperty("source", out JsonElement source) || source.ValueKind != JsonValueKind.Object)
            throw ApiException.Validation("source is required");
        await Start(context, simulation, now =>
        {
            ContactChoice choice = Choose(simulation, source, body);
            return new MembershipJob(simulation.Ids.Guid(), simulation.Jobs.NextSequence, now, choice, TargetLists(simulation, body, 50), add);
        });
    }

    private static async Task ListDelete(HttpContext context, Simulation simulation)
    {
        JsonElement body = await Request.Body(context);
        await Start(context, simulation, now =>
            new ListDeleteJob(simulation.Ids.Guid(), simulation.Jobs.NextSequence, now, TargetLists(simulation, body, 100)));
    }

    private static async Task ContactDelete(HttpContext context, Simulation simulation)
    {
        JsonElement body = await Request.Body(context);
        await Start(context, simulation, now =>
            new ContactDeleteJob(simulation.Ids.Guid(), simulation.Jobs.NextSequence, now, Choose(simulation, body, body)));
    }

    private static async Task Export(HttpContext context, Simulation simulation)
    {
        JsonElement body = await Request.Body(context);
        foreach (string name in new[] { "tag_ids", "segment_id", "new_subscriber" })
        {
            if (Has(body, name)) throw ApiException.Validation($"{name} is not simulated");
        }

        bool all = !Has(body, "list_ids") && !Has(body, "contact_ids");
        IReadOnlyList<string> statuses = Request.Text(body, "status") is { } status ? [status] : Request.Texts(body, "status", 10) ?? [];
        if (!statuses.All(StatusFilter.Known.Contains)) throw ApiException.Validation("status does not have a valid value");
        await Start(context, simulation, now => new ExportJob(
            simulation.Ids.Guid(), simulation.Jobs.NextSequence, now, simulation.Ids.Guid(),
            all ? new ContactChoice([], [], false, Except(simulation, body)) { Everybody = true } : Choose(simulation, body, body),
            Request.Texts(body, "fields", 200) ?? [], statuses));
    }

    private static async Task Start(HttpContext context, Simulation simulation, Func<DateTimeOffset, Job> make)
    {
        Job job;
        lock (simulation.Gate)
        {
            ImportEndpoint.CheckQueue(simulation);
            job = make(simulation.Now);
            simulation.Jobs.Add(job);
        }

        await Reply.Json(context, simulation, 201, json => ActivityEndpoints.Write(json, job, simulation));
        simulation.Notify();
    }

    private static List<ContactList> TargetLists(Simulation simulation, JsonElement body, int max)
    {
        IReadOnlyList<string> ids = Request.Texts(body, "list_ids", max) ?? [];
        return ids.Count > 0 ? Lists(simulation, ids) : throw ApiException.Validation("list_ids is required");
    }

    private static List<ContactList> Lists(Simulation simulation, IEnumerable<string> ids) =>
        [.. ids.Select(id => simulation.Account.List(id) is { DeletedAt: null } list
            ? list
            : throw ApiException.NotFound($"list_id {id} was not found."))];

    /// <summary>Exactly one of ids, lists and everybody; addresses are no way to choose.</summary>
    private static ContactChoice Choose(Simulation simulation, JsonElement source, JsonElement body)
    {
        IReadOnlyList<string>? contactIds = Request.Texts(source, "contact_ids", 500);
        IReadOnlyList<string>? listIds = Request.Texts(source, "list_ids", 50);
        bool active = source.TryGetProperty("all_active_contacts", out JsonElement all) && all.ValueKind == JsonValueKind.True;
        int ways = (contactIds is { Count: > 0 } ? 1 : 0) + (listIds is { Count: > 0 } ? 1 : 0) + (active ? 1 : 0);
        if (ways != 1) throw ApiException.Validation("Exactly one source is required.");
        HashSet<int> except = Except(simulation, body);
        if (except.Count > 0 && contactIds is { Count: > 0 }) throw ApiException.Validation("exclude is for lists and for all contacts only.");
        return new ContactChoice([.. Indices(simulation, contactIds ?? []).Distinct()], Lists(simulation, listIds ?? []), active, except);
    }

    private static HashSet<int> Except(Simulation simulation, JsonElement body) =>
        body.TryGetProperty("exclude", out JsonElement exclude) && exclude.ValueKind == JsonValueKind.Object
            ? [.. Indices(simulation, Request.Texts(exclude, "contact_ids", 500) ?? [])]
            : [];

    private static bool Has(JsonElement body, string name) =>
        body.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null;

    private static IEnumerable<int> Indices(Simulation simulation, IEnumerable<string> ids)
    {
        foreach (string id in ids)
        {
            if (!Guid.TryParseExact(id, "D", out _)) throw ApiException.Validation("contact_id is in an invalid format.");
            if (simulation.Ids.TryContactIndex(id, out int index) && index < simulation.Account.Contacts.Count) yield return index;
        }
    }
}
