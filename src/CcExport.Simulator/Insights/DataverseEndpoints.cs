using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;

namespace CcExport.Simulator.Insights;

/// <summary>The Dataverse Web API of an environment: its tables of Customer Insights - Data, read only.</summary>
internal sealed class DataverseEndpoints(InsightsEstate estate)
{
    public const string Environment = "/dataverse", Root = Environment + "/api/data/v9.2/";

    private static readonly string[] MembershipColumns =
        [DataverseTables.CustomerId, DataverseTables.SegmentsColumn, DataverseTables.Type, DataverseTables.Provider, DataverseTables.Identifier];

    private readonly DataverseTables _tables = new(estate);
    private int _working;

    public static void Map(WebApplication app, InsightsEstate estate)
    {
        var endpoints = new DataverseEndpoints(estate);
        app.MapGet(Root + "{**rest}", endpoints.Answer);
    }

    private string[] SegmentColumns => estate.Switches.TellsSegmentState
        ? ["mscipriv_segmentmetadataid", "mscipriv_name", "mscipriv_friendlyname", "mscipriv_state", "mscipriv_membercount", "mscipriv_evaluationdate", "mscipriv_evaluationstatus"]
        : ["mscipriv_segmentmetadataid", "mscipriv_name", "mscipriv_friendlyname"];

    private async Task Answer(HttpContext context)
    {
        string rest = context.Request.Path.Value![Root.Length..];
        InsightsCall kind = KindOf(rest);
        int working = Interlocked.Increment(ref _working);
        try
        {
            estate.Saw(context.Features.Get<IHttpRequestFeature>()!.RawTarget);
            if (await InsightsReply.Before(context, estate) is not { } body) return;
            InsightsSwitches switches = estate.Switches;
            if (estate.TokenCheck.Refuse(context.Request.Headers.Authorization, $"{context.Request.Scheme}://{context.Request.Host}{Environment}") is { } refusal) await Error(context, 401, "0x80072560", refusal);
            else if (!switches.Allowed || switches.Refuses == kind) await Error(context, 403, "0x80040220", "SecLib::AccessCheckEx failed. PrivilegeName: prvReadmsdynci_customerprofile");
            else if (working > switches.ConcurrentRequests) await Throttle(context, DataverseLimit.Concurrency, 2);
            else if (estate.DataverseCalls.Take(estate.Clock.Elapsed, switches.RequestsPerFiveMinutes) is { } wait) await Throttle(context, DataverseLimit.Requests, (int)Math.Ceiling(wait.TotalSeconds));
            else if (body.Limit is { } limit) await Throttle(context, limit.Which, limit.Seconds);
            else
            {
                estate.OnCall?.Invoke(kind);
                await Table(context, rest, kind, body);
            }
        }
        finally
        {
            Interlocked.Decrement(ref _working);
        }
    }

    private static InsightsCall KindOf(string rest) => rest switch
    {
        "msdynci_segmentmemberships" => InsightsCall.Memberships,
        "msdynci_customerprofiles" => InsightsCall.Profiles,
        "mscipriv_segmentmetadataset" => InsightsCall.Segments,
        _ when rest.StartsWith("EntityDefinitions", StringComparison.Ordinal) => InsightsCall.Metadata,
        _ when rest.StartsWith("RetrieveTotalRecordCount", StringComparison.Ordinal) => InsightsCall.RowCount,
        _ => InsightsCall.Other,
    };

    private Task Table(HttpContext context, string rest, InsightsCall kind, InsightsReply reply)
    {
        if (context.Request.Query.ContainsKey("$skip")) return Error(context, 400, "0x80060888", "The query parameter Skip is not supported");
        string filter = context.Request.Query["$filter"].ToString();
        switch (kind)
        {
            case InsightsCall.Memberships:
                IReadOnlyList<string>? contains = null;
                if (filter.Length > 0 && (contains = DataverseQuery.Contains(filter, DataverseTables.SegmentsColumn)) is null) return BadFilter(context, filter);
                return Select(context, MembershipColumns) is { } columns
                    ? Page(context, kind, reply, (json, position, most) => _tables.Memberships(json, position, most, contains, columns)) : BadSelect(context);
            case InsightsCall.Profiles:
                IReadOnlyList<string>? ids = null;
                if (filter.Length > 0 && (ids = DataverseQuery.Equal(filter, DataverseTables.CustomerId)) is null) return BadFilter(context, filter);
                if (Select(context, [.. ProfileColumn.OfTable.Select(c => c.Dataverse)]) is not { } names) return BadSelect(context);
                ProfileColumn[] profile = [.. names.Select(n => ProfileColumn.OfTable.First(c => c.Dataverse == n))];
                return Page(context, kind, reply, (json, position, most) => ids is null ? _tables.Profiles(json, position, most, profile) : _tables.ProfilesOf(json, position, most, ids, profile));
            case InsightsCall.Segments when estate.Switches.HasSegmentTable:
                return Select(context, SegmentColumns) is { } known ? Page(context, kind, reply, (json, position, most) => _tables.Segments(json, position, most, known)) : BadSelect(context);
            case InsightsCall.Metadata:
                return Metadata(context, rest, reply);
            case InsightsCall.RowCount when estate.Switches.KnowsRowCount:
                return Small(context, kind, reply, new
                {
                    EntityRecordCountCollection = new { Count = 1, IsReadOnly = false, Keys = new[] { "msdynci_customerprofile" }, Values = new[] { estate.Switches.ToldProfiles ?? (estate.Profiles + estate.Written.Count) } },
                });
            default:
                return Error(context, 404, "0x8006088a", $"Resource not found for the segment '{rest}'.");
        }
    }

    private static string[]? Select(HttpContext context, string[] all)
    {
        string[] asked = context.Request.Query["$select"].ToString().Split(',', StringSplitOptions.RemoveEmptyEntries);
        return asked.Length == 0 ? all : asked.All(all.Contains) ? asked : null;
    }

    private async Task Page(HttpContext context, InsightsCall kind, InsightsReply reply, Func<JsonBytes, long, int, long?> rows)
    {
        InsightsSwitches switches = estate.Switches;
        string prefer = context.Request.Headers["Prefer"].ToString(), target = context.Features.Get<IHttpRequestFeature>()!.RawTarget;
        PagePlace place = new(0, 1, prefer);
        if (target.Contains("$skiptoken", StringComparison.OrdinalIgnoreCase))
        {
            if (estate.Links.Find(target) is not { } found || found.Prefer != prefer)
            {
                await Error(context, 400, "0x80060888", $"Malformed Paging Cookie in '{target}'");
                return;
            }
            place = found;
        }
        int size = 5_000;
        if (prefer.StartsWith("odata.maxpagesize=", StringComparison.Ordinal) && int.TryParse(prefer["odata.maxpagesize=".Length..], NumberStyles.None, CultureInfo.InvariantCulture, out int asked) && asked is > 0 and <= 5_000)
        {
            size = asked;
            context.Response.Headers["Preference-Applied"] = prefer;
        }
        using var json = new JsonBytes();
        json.Raw("{\"@odata.context\":\"$metadata\",\"value\":["u8);
        int empty = json.Length;
        long? next = rows(json, place.Position, Math.Min(size, switches.PageCap));
        if (json.Length > empty) json.Back(1);
        json.Raw("]"u8);
        if (next is { } position)
        {
            position = Math.Max(0, position + switches.ShiftBetweenPages);
            json.Raw(",\"@odata.nextLink\":"u8);
            json.Text($"{context.Request.Scheme}://{context.Request.Host}" + estate.Links.Make(target, new PagePlace(position, place.Page + 1, prefer)));
        }
        json.Raw("}"u8);
        estate.Count(kind);
        await reply.Send(context, json.Written);
    }

    private Task Metadata(HttpContext context, string rest, InsightsReply reply)
    {
        if (rest == "EntityDefinitions(LogicalName='msdynci_customerprofile')/Attributes")
        {
            return Small(context, InsightsCall.Metadata, reply, new
            {
                value = ProfileColumn.OfTable.Select(c => Attribute(c.Dataverse, c.DataverseType, c.Label))
                    .Append(Attribute("ownerid", "Owner", "Owner")).Append(Attribute("owneridname", "String", null, of: "ownerid"))
                    .Append(Attribute("createdbyname", "String", null, of: "createdby")),
            });
        }
        return rest == "EntityDefinitions(LogicalName='mscipriv_segmentmetadata')" && estate.Switches.HasSegmentTable
            ? Small(context, InsightsCall.Metadata, reply, new
            {
                EntitySetName = "mscipriv_segmentmetadataset",
                PrimaryNameAttribute = "mscipriv_name",
                Attributes = SegmentColumns.Select(c => Attribute(c, "String", c)),
            })
            : Error(context, 404, "0x80060888", "Could not find an entity with the given name.");
    }

    private static object Attribute(string name, string type, string? label, string? of = null)
        => new { LogicalName = name, AttributeType = type, AttributeOf = of, IsValidForRead = true, IsValidODataAttribute = of is null, DisplayName = new { UserLocalizedLabel = label is null ? null : new { Label = label, LanguageCode = 1033 } } };

    private Task Small(HttpContext context, InsightsCall kind, InsightsReply reply, object answer)
    {
        estate.Count(kind);
        return reply.Send(context, JsonSerializer.SerializeToUtf8Bytes(answer));
    }

    private static Task BadFilter(HttpContext context, string filter) => Error(context, 400, "0x80060888", $"The query '{filter}' is not valid.");

    private static Task BadSelect(HttpContext context) => Error(context, 400, "0x80060888", "Could not find a property named in $select on the type.");

    private static Task Throttle(HttpContext context, DataverseLimit limit, int seconds)
    {
        context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        (string code, string words) = limit switch
        {
            DataverseLimit.Requests => ("0x80072322", "Number of requests exceeded the limit of 6000 over time window of 300 seconds."),
            DataverseLimit.ExecutionTime => ("0x80072321", "Combined execution time of incoming requests exceeded limit of 1200000 milliseconds over time window of 300 seconds."),
            _ => ("0x80072326", "Number of concurrent requests exceeded the limit of 52."),
        };
        return Error(context, 429, code, words);
    }

    private static Task Error(HttpContext context, int status, string code, string words)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(new { error = new { code, message = words } });
    }
}
