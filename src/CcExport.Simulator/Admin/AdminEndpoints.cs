using System.Text.Json;
using System.Text.Json.Nodes;
using CcExport.Simulator.Api;
using CcExport.Simulator.Insights;
using CcExport.Simulator.State;

namespace CcExport.Simulator.Admin;

/// <summary>What tests and demonstrations do to the service from outside. No token, no limit, not in the log.</summary>
internal static class AdminEndpoints
{
    public static void Map(IEndpointRouteBuilder routes, Simulation simulation)
    {
        AdminState.Map(routes, simulation);
        void Post<T>(string path, Func<T, object?> handle) =>
            routes.MapPost("/admin/" + path, context => Guarded(context, async () => handle(await Read<T>(context))));
        void Do(string path, Action act) => routes.MapPost("/admin/" + path, context => Answer(context, () =>
        {
            act();
            return null;
        }));

        routes.MapPost("/admin/faults", context => Guarded(context, async () =>
        {
            foreach (FaultRule rule in await ReadMany<FaultRule>(context)) simulation.AddFault(rule);
            return null;
        }));
        routes.MapDelete("/admin/faults", context => Answer(context, () =>
        {
            simulation.ClearFaults();
            return null;
        }));
        routes.MapPost("/admin/contacts", context => Guarded(context, async () =>
        {
            IReadOnlyList<SeedContact> contacts = await ReadMany<SeedContact>(context);
            return contacts.Select(c => simulation.AddContact(c.Email, c.Permission, c.ListIds, c.Fields, c.Deleted)).ToList();
        }));
        routes.MapPost("/admin/options", context => Guarded(context, async () =>
        {
            SimulatorSwitches next = Merge(simulation.Switches, await Read<JsonObject>(context));
            simulation.Replace(next);
            return next;
        }));
        routes.MapPost("/admin/insights", context => Guarded(context, async () =>
        {
            InsightsSwitches next = Merge(simulation.Insights.Switches, await Read<JsonObject>(context));
            simulation.Insights.Replace(next);
            return next;
        }));
        Post<Span>("clock/advance", span =>
        {
            simulation.Advance(span.ToTimeSpan());
            return new { now = simulation.Now };
        });
        Post<Member>("contacts/leave", m => simulation.LeaveList(m.Email, m.ListId));
        Post<Member>("contacts/join", m => simulation.JoinList(m.Email, m.ListId));
        Post<Person>("contacts/unsubscribe", p => simulation.Unsubscribe(p.Email));
        Post<Person>("contacts/resubscribe", p => simulation.Resubscribe(p.Email));
        Post<Edit>("contacts/edit", e => simulation.EditContact(e.Email, e.Fields));
        Post<Person>("contacts/delete", p => simulation.DeleteContact(p.Email));
        Post<SeedList>("lists", list => simulation.AddList(list.Name));
        Post<SeedField>("fields", field => new { name = simulation.AddCustomField(field.Label, field.Type) });
        Post<Consent>("device/approve", c => new { found = simulation.AnswerDevice(true, c.UserCode) });
        Post<Consent>("device/deny", c => new { found = simulation.AnswerDevice(false, c.UserCode) });
        Post<TokenScope>("tokens/issue", s => new { refreshToken = simulation.IssueRefreshToken(s.Scope) });
        Do("tokens/expire", simulation.ExpireAccessTokens);
        Do("tokens/revoke", simulation.RevokeRefreshTokens);
        Post<Calls>("throttle", c =>
        {
            simulation.ThrottleNext(c.Number);
            return null;
        });
        Post<Calls>("budget", c =>
        {
            simulation.SetCallsToday(c.Number);
            return null;
        });
        Post<Plan>("jobs/plan", plan =>
        {
            simulation.PlanJobs(plan.Outcomes);
            return null;
        });
        routes.MapPost("/admin/jobs/{id}", context => Guarded(context, async () =>
        {
            JobEnd end = await Read<JobEnd>(context);
            bool found = simulation.EndJob(ActivityEndpoints.Id(context), end.Outcome);
            return new { found };
        }));
        routes.MapGet("/admin/lists/{id}/contacts.csv", context => Dump(context, simulation, csv: true));
        routes.MapGet("/admin/lists/{id}/contacts.ndjson", context => Dump(context, simulation, csv: false));
    }

    private static Task Dump(HttpContext context, Simulation simulation, bool csv)
    {
        ContactList? list;
        lock (simulation.Gate)
        {
            simulation.AdvanceJobs();
            list = simulation.Account.List(ActivityEndpoints.Id(context));
        }

        return list is null
            ? Write(context, 404, new { error = "No such list." })
            : ContactFile.Dump(context, simulation, list, csv);
    }

    private static T Merge<T>(T now, JsonObject changes)
    {
        JsonObject all = JsonSerializer.SerializeToNode(now, AdminJson.Web)!.AsObject();
        foreach ((string name, JsonNode? value) in changes) all[name] = value?.DeepClone();
        return all.Deserialize<T>(AdminJson.Web)!;
    }

    public static Task Answer(HttpContext context, Func<object?> handle)
    {
        async Task<object?> Handle()
        {
            await Task.CompletedTask;
            return handle();
        }

        return Guarded(context, Handle);
    }

    private static async Task Guarded(HttpContext context, Func<Task<object?>> handle)
    {
        object? result;
        try
        {
            result = await handle();
        }
        catch (Exception e) when (e is JsonException or ArgumentException or FormatException)
        {
            await Write(context, 400, new { error = e.Message });
            return;
        }

        if (result is null) context.Response.StatusCode = 204;
        else await Write(context, 200, result);
    }

    private static Task Write(HttpContext context, int status, object value) =>
        Reply.Send(context, status, "application/json", JsonSerializer.SerializeToUtf8Bytes(value, AdminJson.Web));

    private static async Task<T> Read<T>(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        ReadOnlySpan<byte> json = body.GetBuffer().AsSpan(0, (int)body.Length);
        return JsonSerializer.Deserialize<T>(json.IsEmpty ? "{}"u8 : json, AdminJson.Web)
            ?? throw new JsonException("An object is expected.");
    }

    /// <summary>One object or an array of them.</summary>
    private static async Task<IReadOnlyList<T>> ReadMany<T>(HttpContext context)
    {
        JsonNode body = await Read<JsonNode>(context);
        return body is JsonArray array
            ? [.. array.Select(n => n.Deserialize<T>(AdminJson.Web)!)]
            : [body.Deserialize<T>(AdminJson.Web)!];
    }

    private sealed record Span(double Milliseconds, double Seconds, double Hours, double Days)
    {
        public TimeSpan ToTimeSpan() => TimeSpan.FromMilliseconds(Milliseconds) + TimeSpan.FromSeconds(Seconds)
            + TimeSpan.FromHours(Hours) + TimeSpan.FromDays(Days);
    }

    private sealed record SeedContact
    {
        public required string Email { get; init; }

        public string Permission { get; init; } = "implicit";

        public bool Deleted { get; init; }

        public string[]? ListIds { get; init; }

        public Dictionary<string, string>? Fields { get; init; }
    }

    private record Person
    {
        public required string Email { get; init; }
    }

    private sealed record Member : Person
    {
        public required string ListId { get; init; }
    }

    private sealed record Edit : Person
    {
        public required Dictionary<string, string> Fields { get; init; }
    }

    private sealed record SeedList
    {
        public required string Name { get; init; }
    }

    private sealed record SeedField
    {
        public required string Label { get; init; }

        public string Type { get; init; } = "string";
    }

    private sealed record Consent(string? UserCode);

    private sealed record TokenScope(string? Scope);

    private sealed record Calls
    {
        public required int Number { get; init; }
    }

    private sealed record Plan
    {
        public required JobOutcome[] Outcomes { get; init; }
    }

    private sealed record JobEnd
    {
        public required JobOutcome Outcome { get; init; }
    }
}
