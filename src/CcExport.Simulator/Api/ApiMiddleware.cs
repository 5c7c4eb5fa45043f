using CcExport.Simulator.Limits;
using CcExport.Simulator.SignIn;

namespace CcExport.Simulator.Api;

/// <summary>What a route asks of its caller; both gates answer 403.</summary>
internal sealed record Needs(string? Privilege, string? Scope);

/// <summary>What every API call passes, in the gateway's order: token, rate, route, scope and privilege, then the handler.</summary>
internal static class ApiMiddleware
{
    public static async Task Run(HttpContext context, RequestDelegate next, Simulation simulation)
    {
        Caller.CountArrival(context, simulation);
        try
        {
            Verdict verdict;
            AccessGrant? grant;
            lock (simulation.Gate)
            {
                grant = Caller.Grant(context);
                verdict = grant is null ? Verdict.Pass : simulation.Rates.Ask(simulation.Switches);
                simulation.AdvanceJobs();
            }

            if (grant is null) throw Unauthorized(context);
            if (verdict != Verdict.Pass) throw TooMany(context, simulation, verdict);
            if (context.GetEndpoint() is not { } endpoint)
                throw new ApiException(403, "", "Forbidden") { Form = BodyForm.Gateway };
            CheckRights(simulation, grant, endpoint.Metadata.GetMetadata<Needs>());
            CheckMediaTypes(context);
            if (simulation.Switches.ReplyDelayMs is > 0 and var wait)
                await Task.Delay(TimeSpan.FromMilliseconds(wait), simulation.Clock.Source, context.RequestAborted);
            await next(context);
            if (context.Response is { StatusCode: 405, HasStarted: false })
                throw new ApiException(405, "contacts.api.method_not_allowed", "Method not allowed.");
        }
        catch (ApiException e)
        {
            await Reply.Error(context, simulation, e);
        }
    }

    private static ApiException Unauthorized(HttpContext context)
    {
        context.Response.Headers.WWWAuthenticate = "Bearer realm=api.cc.email";
        context.Response.Headers["x-amzn-ErrorType"] = "UnauthorizedException";
        return new ApiException(401, "unauthorized", "Unauthorized") { Form = BodyForm.Object };
    }

    private static ApiException TooMany(HttpContext context, Simulation simulation, Verdict verdict)
    {
        bool quota = verdict == Verdict.QuotaExceeded;
        if (simulation.Switches.RetryAfter)
        {
            DateTimeOffset now = simulation.Now;
            double wait = quota ? (now.UtcDateTime.Date.AddDays(1) - now.UtcDateTime).TotalSeconds : 1;
            context.Response.Headers.RetryAfter = Math.Ceiling(wait).ToString("F0", System.Globalization.CultureInfo.InvariantCulture);
        }

        return quota
            ? new ApiException(429, "quota_exceeded", "Limit Exceeded") { Form = BodyForm.Object }
            : new ApiException(429, "throttled", "Too Many Requests") { Form = BodyForm.Object };
    }

    private static void CheckRights(Simulation simulation, AccessGrant grant, Needs? needs)
    {
        if (needs is null) return;
        bool scope = needs.Scope is null || grant.HasScope(needs.Scope);
        bool privilege = needs.Privilege is null || simulation.Switches.Privileges.Contains(needs.Privilege);
        if (!scope || !privilege) throw ApiException.Forbidden();
    }

    private static void CheckMediaTypes(HttpContext context)
    {
        HttpRequest request = context.Request;
        bool hasBody = HttpMethods.IsPost(request.Method) || HttpMethods.IsPut(request.Method);
        if (hasBody && request.ContentType?.Split(';')[0].Trim().Equals("application/json", StringComparison.OrdinalIgnoreCase) != true)
            throw new ApiException(415, "contacts.api.unsupported_media_type", "Content type is not supported.");
        string accept = request.Headers.Accept.ToString();
        bool csv = request.Path.StartsWithSegments("/v3/contact_exports");
        if (accept.Length > 0 && !accept.Contains("*/*", StringComparison.Ordinal) && !accept.Contains("application/*", StringComparison.Ordinal)
            && !accept.Contains(csv ? "text/csv" : "json", StringComparison.OrdinalIgnoreCase))
            throw new ApiException(406, "contacts.api.not_acceptable", "The requested representation is not available.");
    }
}
