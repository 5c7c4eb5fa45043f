using System.Buffers.Text;
using System.Text.Json;
using CcExport.Simulator.Api;

namespace CcExport.Simulator.Entra;

/// <summary>The token endpoint of the tenant, its device endpoint, and what describes them.</summary>
internal static class EntraEndpoints
{
    public static void Map(IEndpointRouteBuilder routes, EntraAuthority authority)
    {
        routes.MapPost("/{tenant}/oauth2/v2.0/token", context => AnswerAsync(context, authority, "", p => Grant(context, authority, p)));
        routes.MapPost("/{tenant}/oauth2/v2.0/devicecode", context => AnswerAsync(context, authority, "device_authorization", p => Device(context, authority, p)));
        routes.MapGet("/{tenant}/v2.0/.well-known/openid-configuration", context => Write(context, 200, w => Describe(context, w)));
        routes.MapGet("/common/discovery/instance", context => Write(context, 200, w => Discover(context, w)));
        routes.MapGet("/{tenant}/discovery/v2.0/keys", context => Write(context, 200, w =>
        {
            w.WriteStartArray("keys");
            w.WriteEndArray();
        }));
    }

    /// <summary>Runs one call through the faults in force, and writes down how it went.</summary>
    public static async Task AnswerAsync(HttpContext context, EntraAuthority authority, string grant, Func<Func<string, string?>, Action<Utf8JsonWriter>> handle)
    {
        IFormCollection? form = context.Request.HasFormContentType ? await context.Request.ReadFormAsync(context.RequestAborted) : null;
        string? P(string name) => form is not null && form.TryGetValue(name, out var value) ? value.ToString()
            : context.Request.Query.TryGetValue(name, out value) ? value.ToString() : null;
        string what = grant.Length > 0 ? grant : P("grant_type") ?? "";
        void Log(int status, string? error) => authority.Log(new EntraCall(what, P("client_id"), P("scope") ?? P("resource"), status, error));
        try
        {
            if (authority.MeetFault() is { } fault)
            {
                if (fault.Status == 0)
                {
                    Log(0, null);
                    context.Abort();
                    return;
                }
                throw new EntraException(fault.Status, fault.Error, fault.Code, fault.Text) { SubError = fault.SubError, RetryAfter = fault.RetryAfter };
            }
            Action<Utf8JsonWriter> write = handle(P);
            Log(200, null);
            context.Response.Headers.CacheControl = "no-store, no-cache";
            await Write(context, 200, write);
        }
        catch (EntraException e)
        {
            Log(e.Status, e.Error);
            if (e.RetryAfter is { } seconds) context.Response.Headers.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
            string trace = Guid.NewGuid().ToString();
            await Write(context, e.Status, w =>
            {
                w.WriteString("error", e.Error);
                w.WriteString("error_description", $"{e.Message} Trace ID: {trace} Correlation ID: {trace} Timestamp: {authority.Now:u}");
                w.WriteStartArray("error_codes");
                w.WriteNumberValue(e.Code);
                w.WriteEndArray();
                w.WriteString("timestamp", authority.Now.ToString("u"));
                w.WriteString("trace_id", trace);
                w.WriteString("correlation_id", trace);
                if (e.SubError is not null) w.WriteString("suberror", e.SubError);
            });
        }
    }

    private static Action<Utf8JsonWriter> Grant(HttpContext context, EntraAuthority authority, Func<string, string?> p)
    {
        CheckTenant(context, authority, out bool isNamed);
        EntraApplication application = authority.Application(p("client_id"));
        string Need(string name) => p(name) is { Length: > 0 } value ? value
            : throw new EntraException(400, "invalid_request", 900144, $"The request body must contain the following parameter: '{name}'.");
        string grant = Need("grant_type");
        if (grant == "client_credentials" || !application.AllowPublicClient || p("client_secret") is not null || p("client_assertion") is not null)
            ClientProof.Check(authority, application, p, $"https://{context.Request.Host}{context.Request.Path}");
        EntraReply reply = grant switch
        {
            "authorization_code" => authority.Redeem(application, Need("code"), Need("redirect_uri"), p("code_verifier")),
            "refresh_token" => authority.Refresh(application, Need("refresh_token"), Need("scope")),
            "device_code" or "urn:ietf:params:oauth:grant-type:device_code" => authority.PollDevice(application, Need("device_code")),
            "client_credentials" when !isNamed => throw new EntraException(400, "invalid_request", 50059, "No tenant-identifying information found in either the request or implied by any provided credentials."),
            "client_credentials" => authority.ForApplication(application.ClientId, Need("scope")),
            _ => throw new EntraException(400, "unsupported_grant_type", 70003, $"The app requested an unsupported grant type '{grant}'."),
        };
        return w => Write(w, authority, reply);
    }

    private static void Write(Utf8JsonWriter w, EntraAuthority authority, EntraReply reply)
    {
        w.WriteString("token_type", "Bearer");
        w.WriteNumber("expires_in", reply.ExpiresIn);
        w.WriteNumber("ext_expires_in", reply.ExpiresIn);
        w.WriteString("access_token", reply.AccessToken);
        if (reply.User is null) return;
        w.WriteString("scope", reply.Scope);
        if (reply.RefreshToken is not null) w.WriteString("refresh_token", reply.RefreshToken);
        w.WriteString("id_token", reply.IdToken);
        w.WriteString("client_info", Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(new { uid = reply.User.Id, utid = authority.TenantId })));
    }

    private static Action<Utf8JsonWriter> Device(HttpContext context, EntraAuthority authority, Func<string, string?> p)
    {
        CheckTenant(context, authority, out _);
        EntraApplication application = authority.Application(p("client_id"));
        if (!application.AllowPublicClient)
            throw new EntraException(401, "invalid_client", 7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.");
        EntraDevice device = authority.StartDevice(application, p("scope") ?? "");
        string page = $"{context.Request.Scheme}://{context.Request.Host}/entra/device";
        return w =>
        {
            w.WriteString("device_code", device.DeviceCode);
            w.WriteString("user_code", device.UserCode);
            w.WriteString("verification_uri", page);
            w.WriteNumber("expires_in", 900);
            w.WriteNumber("interval", authority.DeviceIntervalSeconds);
            w.WriteString("message", $"To sign in, use a web browser to open the page {page} and enter the code {device.UserCode} to authenticate.");
        };
    }

    /// <param name="isNamed">Whether the address names the tenant itself, not any of several.</param>
    public static void CheckTenant(HttpContext context, EntraAuthority authority, out bool isNamed)
    {
        string tenant = (string)context.Request.RouteValues["tenant"]!;
        isNamed = tenant.Equals(authority.TenantId, StringComparison.OrdinalIgnoreCase) || tenant.Equals("simulator.example", StringComparison.OrdinalIgnoreCase);
        if (!isNamed && tenant is not ("common" or "organizations")) throw new EntraException(400, "invalid_request", 90002, $"Tenant '{tenant}' not found.");
    }

    private static void Describe(HttpContext context, Utf8JsonWriter w)
    {
        string tenant = $"https://{context.Request.Host}/{context.Request.RouteValues["tenant"]}";
        w.WriteString("issuer", $"{tenant}/v2.0");
        w.WriteString("authorization_endpoint", $"{tenant}/oauth2/v2.0/authorize");
        w.WriteString("token_endpoint", $"{tenant}/oauth2/v2.0/token");
        w.WriteString("device_authorization_endpoint", $"{tenant}/oauth2/v2.0/devicecode");
        w.WriteString("jwks_uri", $"{tenant}/discovery/v2.0/keys");
    }

    private static void Discover(HttpContext context, Utf8JsonWriter w)
    {
        string host = context.Request.Host.ToString();
        w.WriteString("tenant_discovery_endpoint", $"https://{host}/common/v2.0/.well-known/openid-configuration");
        w.WriteString("api-version", "1.1");
        w.WriteStartArray("metadata");
        w.WriteStartObject();
        w.WriteString("preferred_network", host);
        w.WriteString("preferred_cache", host);
        w.WriteStartArray("aliases");
        w.WriteStringValue(host);
        w.WriteEndArray();
        w.WriteEndObject();
        w.WriteEndArray();
    }

    private static async Task Write(HttpContext context, int status, Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }

        await Reply.Send(context, status, "application/json; charset=utf-8", buffer.ToArray());
    }
}
