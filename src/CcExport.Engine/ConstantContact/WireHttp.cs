using System.Reflection;

namespace CcExport.Engine.ConstantContact;

/// <summary>The process's one connection pool to Constant Contact.</summary>
internal static class WireHttp
{
    public static string UserAgent { get; } = "CcExport/" + (typeof(WireHttp).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0");

    public static HttpClient Shared { get; } = Create();

    private static HttpClient Create()
    {
        var handler = new SocketsHttpHandler
        {
            // Long enough to reuse, short enough to notice that a name points elsewhere.
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            // An import sent on a connection that the other side has just closed for idleness is in doubt for nothing.
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(20),
            ConnectTimeout = TimeSpan.FromSeconds(15),
            UseCookies = false,
            // A redirect would carry the bearer token and the contacts to wherever it points.
            AllowAutoRedirect = false,
            // Somebody who listens here has no part in what goes there: no traceparent.
            ActivityHeadersPropagator = null,
            Proxy = new LoopbackPastProxy(HttpClient.DefaultProxy),
        };
        // Time-outs are set for each try: the client's own can't be told from the caller's cancellation.
        var http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        http.DefaultRequestHeaders.ExpectContinue = false;
        http.DefaultRequestHeaders.UserAgent.ParseAdd(UserAgent);
        return http;
    }
}
