using System.Globalization;

namespace CcExport.Simulator.Insights;

/// <summary>How one call is answered: whole, in part, or not as it should be.</summary>
internal sealed class InsightsReply
{
    private readonly InsightsFault? _fault;

    private InsightsReply(InsightsFault? fault) => _fault = fault;

    /// <summary>The limit that this call has hit, if one.</summary>
    public (DataverseLimit Which, int Seconds)? Limit => _fault is { Status: 429 } fault ? (fault.Limit, fault.Seconds) : null;

    /// <summary>What meets every call first; null when it is answered already.</summary>
    public static async Task<InsightsReply?> Before(HttpContext context, InsightsEstate estate)
    {
        if (estate.Switches.ReplyDelayMs is > 0 and var delay) await Task.Delay(TimeSpan.FromMilliseconds(delay), estate.Clock.Source, context.RequestAborted);
        InsightsFault? fault = estate.Faults.Next();
        if (fault is null or { Status: 200 or 429 }) return new InsightsReply(fault);
        context.Response.StatusCode = fault.Status;
        await context.Response.WriteAsync("<html><body>The service is unavailable.</body></html>");
        return null;
    }

    /// <summary>Sends in pieces, as a service does that writes rows while it reads them.</summary>
    public async Task Send(HttpContext context, ReadOnlyMemory<byte> body)
    {
        context.Response.ContentType = "application/json; odata.metadata=minimal";
        if (_fault is { Cuts: true } or { Truncates: true }) body = body[..(body.Length / 2)];
        await context.Response.Body.WriteAsync(body, context.RequestAborted);
        if (_fault is not { Cuts: true }) return;
        await context.Response.Body.FlushAsync(context.RequestAborted);
        context.Abort();
    }

    /// <summary>Seconds for a header.</summary>
    public static string Seconds(TimeSpan wait) => Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
}
