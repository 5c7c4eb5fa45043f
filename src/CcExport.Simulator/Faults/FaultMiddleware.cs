using System.Diagnostics;
using CcExport.Simulator.Api;

namespace CcExport.Simulator.Faults;

/// <summary>Keeps the log of calls and lets the faults in force act on them, before and after the call is processed.</summary>
internal static class FaultMiddleware
{
    public static async Task Run(HttpContext context, RequestDelegate next, Simulation simulation)
    {
        string path = context.Request.Path.Value ?? "";
        bool isService = path.StartsWith("/v3", StringComparison.Ordinal) || path.StartsWith("/oauth2", StringComparison.Ordinal);
        if (!isService)
        {
            await next(context);
            return;
        }

        DateTimeOffset at = simulation.Now;
        long started = Stopwatch.GetTimestamp();
        FaultEffect? fault;
        lock (simulation.Gate) fault = simulation.FaultBook.Meet(context.Request.Method, path);
        bool dropped = false;
        try
        {
            dropped = await Act(context, next, simulation, fault);
        }
        finally
        {
            lock (simulation.Gate)
            {
                simulation.CallLog.Answered(new CallRecord(
                    at, context.Request.Method, path, Caller.ClientId(context), dropped ? 0 : context.Response.StatusCode,
                    Stopwatch.GetElapsedTime(started).TotalMilliseconds, fault?.Kind.ToString()));
            }
        }

        // After the log: whoever sees the broken line finds the call in it.
        if (dropped) context.Abort();
    }

    /// <summary>True when the connection is to be closed without an answer.</summary>
    private static async Task<bool> Act(HttpContext context, RequestDelegate next, Simulation simulation, FaultEffect? fault)
    {
        if (fault is null)
        {
            await next(context);
            return false;
        }

        if (fault.DelayMs > 0)
            await Task.Delay(TimeSpan.FromMilliseconds(fault.DelayMs), simulation.Clock.Source, context.RequestAborted);

        switch (fault.Kind)
        {
            case FaultKind.Delay:
                await next(context);
                return false;
            case FaultKind.Drop:
                Caller.CountArrival(context, simulation);
                return true;
            case FaultKind.ProcessThenDrop or FaultKind.ProcessThenStatus:
                Stream real = context.Response.Body;
                context.Response.Body = new MemoryStream();
                await next(context);
                context.Response.Body = real;
                if (fault.Kind == FaultKind.ProcessThenDrop) return true;
                context.Response.Headers.Clear();
                await Answer(context, fault, 503);
                return false;
            case FaultKind.Throttle:
                Caller.CountArrival(context, simulation);
                await Answer(context, fault with { Body = fault.Body ?? Reply.ThrottledBody }, 429);
                return false;
            case FaultKind.Html:
                Caller.CountArrival(context, simulation);
                await Answer(context, fault with { Body = fault.Body ?? HtmlPage, ContentType = "text/html" }, 502);
                return false;
            default:
                Caller.CountArrival(context, simulation);
                await Answer(context, fault, 503);
                return false;
        }
    }

    private const string HtmlPage =
        "<!DOCTYPE HTML><html><head><title>ERROR: The request could not be satisfied</title></head>"
        + "<body><h1>502 ERROR</h1><p>The request could not be satisfied.</p></body></html>";

    private static async Task Answer(HttpContext context, FaultEffect fault, int status)
    {
        context.Response.StatusCode = fault.Status ?? status;
        context.Response.ContentType = fault.ContentType ?? "application/json";
        if (fault.RetryAfter is { } seconds) context.Response.Headers.RetryAfter = seconds.ToString();
        if (fault.Body is { } body) await context.Response.WriteAsync(body, context.RequestAborted);
    }
}
