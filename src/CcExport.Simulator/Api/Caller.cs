using CcExport.Simulator.SignIn;

namespace CcExport.Simulator.Api;

/// <summary>Who calls: taken from the bearer token once for each call.</summary>
internal static class Caller
{
    private const string GrantKey = "caller.grant";
    private const string ClientKey = "caller.client";
    private const string CountedKey = "caller.counted";

    public static string ClientId(HttpContext context) => context.Items[ClientKey] as string ?? "";

    public static AccessGrant? Grant(HttpContext context) => context.Items[GrantKey] as AccessGrant;

    public static void Identify(HttpContext context, Simulation simulation)
    {
        string header = context.Request.Headers.Authorization.ToString();
        if (!header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)) return;
        AccessGrant? grant = simulation.Tokens.FindAccess(header[7..].Trim(), out bool known);
        context.Items[GrantKey] = grant;
        if (known) context.Items[ClientKey] = simulation.Tokens.ClientId;
    }

    /// <summary>An API call counts the moment it is here, also when a fault swallows it.</summary>
    public static void CountArrival(HttpContext context, Simulation simulation)
    {
        string path = context.Request.Path.Value ?? "";
        if (!path.StartsWith("/v3", StringComparison.Ordinal) || !context.Items.TryAdd(CountedKey, true)) return;
        lock (simulation.Gate)
        {
            Identify(context, simulation);
            string route = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "(unknown)";
            simulation.CallLog.Arrived(ClientId(context), $"{context.Request.Method} {route}");
        }
    }
}
