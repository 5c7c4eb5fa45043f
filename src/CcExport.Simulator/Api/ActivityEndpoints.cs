using CcExport.Simulator.Jobs;

namespace CcExport.Simulator.Api;

/// <summary>Reading of activities.</summary>
internal static class ActivityEndpoints
{
    public static void Map(IEndpointRouteBuilder routes, Simulation simulation)
    {
        var needs = new Needs("contacts:write", "contact_data");
        routes.MapGet("/v3/activities", context => List(context, simulation)).WithMetadata(needs);
        routes.MapGet("/v3/activities/{id}", context => Single(context, simulation)).WithMetadata(needs);
    }

    public static void Write(JsonOut json, Job job, Simulation simulation)
    {
        SimulatorSwitches switches = simulation.Switches;
        json.Object(() =>
        {
            json.Text("activity_id", job.Id);
            json.Text("state", Job.StateText(job.State));
            json.Time("started_at", job.StartedAt);
            json.Time("completed_at", job.CompletedAt);
            json.Time("created_at", job.CreatedAt);
            json.Time("updated_at", job.UpdatedAt);
            if (job is ImportJob import) json.Text("source_file_name", import.FileName);
            json.Number("percent_done", PercentDone(job, simulation.Now));
            json.Array("activity_errors", job.Messages, json.Writer.WriteStringValue);
            if (!switches.CountersAbsent) json.Object("status", () => WriteCounters(json, job, switches));
            json.Object("_links", () =>
            {
                json.Link("self", $"/v3/activities/{job.Id}");
                if (job.ResultsHref is { } results) json.Link("results", results);
            });
        });
    }

    /// <summary>How far a job seems to be: by its time, as its rows are all applied at the end.</summary>
    public static int PercentDone(Job job, DateTimeOffset now)
    {
        if (job.IsTerminal) return 100;
        if (job is not { StartedAt: { } start, DueAt: { } due } || due <= start) return 1;
        return Math.Clamp((int)((now - start) / (due - start) * 100), 1, 99);
    }

    private static void WriteCounters(JsonOut json, Job job, SimulatorSwitches switches)
    {
        int total = job.ItemsTotal;
        if (total == 0 && switches.CountersWhileRunning && job.HasRowCounters) total = job.Rows + (switches.CountHeaderRow ? 1 : 0);
        json.Number("items_total_count", total);
        if (job.HasRowCounters)
        {
            json.Number("person_count", job.Persons);
            json.Number("error_count", job.Errors);
            json.Number("correctable_count", job.Correctable);
            json.Number("cannot_add_to_list_count", job.CannotAdd);
        }
        else
        {
            json.Number("items_completed_count", job.ItemsCompleted);
            json.Number("list_count", job.ListCount);
        }
    }

    private static Task Single(HttpContext context, Simulation simulation)
    {
        Job? job;
        lock (simulation.Gate) job = simulation.Jobs.Find(Id(context), simulation.Now);
        if (job is null) throw ApiException.NotFound("activity_id was not found.");
        return Reply.Json(context, simulation, 200, json => Write(json, job, simulation));
    }

    private static Task List(HttpContext context, Simulation simulation)
    {
        int limit = Request.Limit(context, 500, 50);
        string? state = Request.OneOf(context, "state", "processing", "completed", "cancelled", "failed", "timed_out");
        long? from = Request.Cursor(context)?.Next;
        bool newest = simulation.Switches.ActivityOrder == ActivityOrder.NewestFirst;
        return Reply.Json(context, simulation, 200, json =>
        {
            IEnumerable<Job> known = simulation.Jobs.Known(simulation.Now).Where(j => state is null || Job.StateText(j.State) == state);
            IEnumerable<Job> ordered = newest
                ? known.Where(j => from is null || j.Sequence <= from).OrderByDescending(j => j.Sequence)
                : known.Where(j => from is null || j.Sequence >= from);
            List<Job> page = [.. ordered.Take(limit + 1)];
            json.Object(() =>
            {
                json.Array("activities", page.Take(limit), job => Write(json, job, simulation));
                WriteNext(json, context, limit, page.Count > limit ? page[limit].Sequence : null);
            });
        });
    }

    /// <summary>Without a further page the links are null or absent, by the switch.</summary>
    public static void WriteNext(JsonOut json, HttpContext context, int limit, long? next, long? count = null)
    {
        if (next is { } place) json.Object("_links", () => json.Link("next", Request.NextHref(context, limit, place, count)));
        else json.Text("_links", null);
    }

    public static string Id(HttpContext context) => (string)context.Request.RouteValues["id"]!;
}
