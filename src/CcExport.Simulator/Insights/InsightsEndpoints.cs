using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;

namespace CcExport.Simulator.Insights;

/// <summary>The Customer Insights API: instances, segments, members with their profiles, refresh jobs.</summary>
internal sealed class InsightsEndpoints(InsightsEstate estate)
{
    public const string Root = "/insights/v1";

    public static void Map(WebApplication app, InsightsEstate estate)
    {
        var endpoints = new InsightsEndpoints(estate);
        app.MapGet(Root + "/{**rest}", endpoints.Answer);
    }

    private async Task Answer(HttpContext context, string rest)
    {
        estate.Saw(context.Features.Get<IHttpRequestFeature>()!.RawTarget);
        if (await InsightsReply.Before(context, estate) is not { } reply) return;
        if (estate.TokenCheck.Refuse(context.Request.Headers.Authorization, InsightsEstate.InsightsAudience) is { } refusal)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
            await Error(context, 401, 401, refusal);
        }
        else if (context.Request.Headers["Ocp-Apim-Subscription-Key"] != estate.SubscriptionKey)
            await Error(context, 401, 401, "Access denied due to missing or invalid subscription key.");
        else if (reply.Limit is { } limit) await Busy(context, TimeSpan.FromSeconds(limit.Seconds));
        else if (estate.InsightsCalls.Take(estate.Clock.Elapsed, estate.Switches.InsightsCallsPerMinute) is { } wait) await Busy(context, wait);
        else if (!estate.Switches.Allowed) await Error(context, 403, 403, "The user has no role in this instance.");
        else await Table(context, rest, reply);
    }

    private Task Table(HttpContext context, string rest, InsightsReply reply)
    {
        if (estate.Switches.Refuses == InsightsCall.Jobs && rest.EndsWith("workflows/main/jobs", StringComparison.Ordinal)) return Error(context, 403, 403, "The user has no role for this.");
        if (rest == "instances") return Small(context, InsightsCall.Instances, reply, new[] { Instance() });
        string own = $"instances/{estate.InstanceId:D}";
        if (!rest.StartsWith(own, StringComparison.OrdinalIgnoreCase)) return Error(context, 404, 404, "The instance was not found.");
        return rest[own.Length..].Trim('/') switch
        {
            "" => Small(context, InsightsCall.Instances, reply, Instance()),
            "manage/segments" => Small(context, InsightsCall.Segments, reply, estate.Segments.Select(Segment)),
            "manage/entities" => Small(context, InsightsCall.Metadata, reply, new[] { Table() }),
            "manage/entities/Customer" => Small(context, InsightsCall.Metadata, reply, Table()),
            "workflows/main/jobs" or "manage/workflows/main/jobs" => Small(context, InsightsCall.Jobs, reply, new[]
            {
                new { jobId = Guid.Empty, jobType = "full", operationType = "all", jobStatus = estate.Switches.Refreshing ? "running" : "successful" },
            }),
            "data/Customer" => Members(context, reply),
            _ => Error(context, 404, 404, "The resource was not found."),
        };
    }

    private object Instance() => new { instanceId = estate.InstanceId, name = "Simulated", region = "westeurope" };

    private static object Table() => new
    {
        name = "Customer",
        qualifiedEntityName = "Customer",
        entityType = "profile",
        attributes = ProfileColumn.All.Select(c => new { name = c.Insights, dataType = c.InsightsType }),
    };

    private object Segment(SimulatedSegment segment) => new
    {
        name = segment.Name,
        friendlyName = segment.FriendlyName,
        kind = "default",
        state = segment.State,
        evaluationStatus = new { jobStatus = segment.EvaluationStatus, evaluationDate = segment.EvaluatedAt.UtcDateTime, entityCount = segment.ToldSize ?? estate.SizeOf(segment) },
        instanceId = estate.InstanceId,
    };

    private async Task Members(HttpContext context, InsightsReply reply)
    {
        IQueryCollection query = context.Request.Query;
        string name = DataverseQuery.Member(query["$filter"].ToString()) ?? "";
        SimulatedSegment? segment = estate.Segments.FirstOrDefault(s => s.Name == name);
        string[] asked = query["$select"].ToString().Split(',', StringSplitOptions.RemoveEmptyEntries);
        ProfileColumn?[] columns = asked.Length == 0 ? [.. ProfileColumn.All] : [.. asked.Select(a => ProfileColumn.All.FirstOrDefault(c => c.Insights == a))];
        if (segment is null || columns.Contains(null))
        {
            await Error(context, 400, 400, $"The query '{query["$filter"]}' is not valid.");
            return;
        }
        estate.OnCall?.Invoke(InsightsCall.Profiles);
        InsightsSwitches switches = estate.Switches;
        int top = Math.Min(Number(query["$top"].ToString(), switches.InsightsPageCap), switches.InsightsPageCap), skip = Number(query["$skip"].ToString(), 0);
        if (skip == switches.InsightsShortPageAt) top = Math.Max(1, top / 2);
        if (switches.InsightsIgnoresSkip && !switches.InsightsNextLink) skip = 0;
        if (skip > 0) skip = Math.Max(0, skip + switches.ShiftBetweenPages);
        using var json = new JsonBytes();
        json.Raw("{\"@odata.context\":\"$metadata#Customer\",\"value\":["u8);
        int empty = json.Length;
        bool more = Rows(json, segment, skip, top, columns!);
        if (json.Length > empty) json.Back(1);
        json.Raw("]"u8);
        if (more && switches.InsightsNextLink)
        {
            json.Raw(",\"@odata.nextLink\":"u8);
            json.Text($"{context.Request.Scheme}://{context.Request.Host}{context.Request.Path}?$filter={Uri.EscapeDataString(query["$filter"].ToString())}&$select={string.Join(',', asked)}&$top={query["$top"]}&$skip={skip + top}");
        }
        json.Raw("}"u8);
        estate.Count(InsightsCall.Profiles);
        await reply.Send(context, json.Written);
    }

    private bool Rows(JsonBytes json, SimulatedSegment segment, int skip, int top, ProfileColumn[] columns)
    {
        int rows = 0;
        foreach (SimulatedProfile profile in estate.Written.Where(p => p.Segments.Contains(segment.Name)))
        {
            if (skip-- > 0) continue;
            if (rows++ == top) return true;
            Row(json, columns, (column, _) => ProfileWriter.Value(json, profile, column.Field), 0);
        }
        for (long i = 0; i < estate.Profiles; i++)
        {
            if (!segment.Has(i) || estate.Gone(i) || skip-- > 0) continue;
            if (rows++ == top) return true;
            Row(json, columns, (column, number) => estate.Writer.Value(json, number, column.Field), i);
        }
        return false;
    }

    private static void Row(JsonBytes json, ProfileColumn[] columns, Action<ProfileColumn, long> value, long number)
    {
        int start = json.Length;
        foreach (ProfileColumn column in columns)
        {
            // The comma before the first one becomes the brace.
            json.Raw(json.Length == start ? [(byte)'{', .. column.InsightsPrefix[1..]] : column.InsightsPrefix);
            value(column, number);
        }
        json.Raw("},"u8);
    }

    private static int Number(string text, int otherwise) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : otherwise;

    private Task Small(HttpContext context, InsightsCall kind, InsightsReply reply, object answer)
    {
        estate.OnCall?.Invoke(kind);
        estate.Count(kind);
        return reply.Send(context, JsonSerializer.SerializeToUtf8Bytes(answer));
    }

    private static Task Busy(HttpContext context, TimeSpan wait)
    {
        context.Response.Headers.RetryAfter = InsightsReply.Seconds(wait);
        return Error(context, 429, 429, "Rate limit is exceeded. Try again later.");
    }

    /// <summary>The documented form of an error.</summary>
    private static Task Error(HttpContext context, int status, int code, string words)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(new
        {
            errorCode = code,
            message = words,
            httpStatusCode = status,
            exceptionCulprit = status < 500 ? "user" : "system",
            resultSeverity = "error",
            @params = Array.Empty<string>(),
            ciResults = Array.Empty<string>(),
        });
    }
}
