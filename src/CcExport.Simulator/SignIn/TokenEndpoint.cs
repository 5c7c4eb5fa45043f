using System.Text;
using CcExport.Simulator.Api;
using CcExport.Simulator.Limits;

namespace CcExport.Simulator.SignIn;

/// <summary><c>POST …/token</c> and <c>POST …/device/authorize</c>. Parameters come in the form or in the query, as in the field.</summary>
internal static class TokenEndpoint
{
    public const string Base = "/oauth2/default/v1";

    public static void Map(IEndpointRouteBuilder routes, Simulation simulation)
    {
        var window = new RollingWindow();
        routes.MapPost(Base + "/token", context => Guarded(context, simulation, async p =>
        {
            bool fits;
            lock (simulation.Gate)
            {
                fits = window.Take(simulation.Clock.Elapsed, 1) || !simulation.Switches.TokenRateLimit;
                if (!fits) simulation.Tokens.Log.Throttled++;
            }

            if (!fits)
            {
                await Reply.Send(context, 429, "application/json", Encoding.UTF8.GetBytes(Reply.ThrottledBody));
                return;
            }

            TokenReply reply;
            lock (simulation.Gate) reply = Grant(context, simulation, p);
            await Write(context, simulation, reply);
        }));
        routes.MapPost(Base + "/device/authorize", context => Guarded(context, simulation, p => Device(context, simulation, p)));
    }

    /// <summary>Form over query.</summary>
    public static async Task<Func<string, string?>> Parameters(HttpContext context)
    {
        IFormCollection? form = context.Request.HasFormContentType ? await context.Request.ReadFormAsync(context.RequestAborted) : null;
        return name =>
        {
            if (form is not null && form.TryGetValue(name, out var value) && value.Count > 0) return value.ToString();
            return context.Request.Query.TryGetValue(name, out value) ? value.ToString() : null;
        };
    }

    private static async Task Guarded(HttpContext context, Simulation simulation, Func<Func<string, string?>, Task> handle)
    {
        try
        {
            await handle(await Parameters(context));
        }
        catch (SignInException e)
        {
            context.Response.Headers.CacheControl = "no-cache, no-store";
            await Reply.Json(context, simulation, e.Status, json => json.Object(() =>
            {
                json.Text("error", e.Error);
                json.Text("error_description", e.Message);
            }));
        }
    }

    private static TokenReply Grant(HttpContext context, Simulation simulation, Func<string, string?> p)
    {
        TokenService tokens = simulation.Tokens;
        string? type = p("grant_type");
        bool hasSecret = Authenticate(context, simulation, p);
        string Need(string name) => p(name) is { Length: > 0 } value
            ? value
            : throw new SignInException(400, "invalid_request", $"The parameter '{name}' is missing.");
        return type switch
        {
            "refresh_token" => tokens.Refresh(Need("refresh_token")),
            "authorization_code" => tokens.Redeem(Need("code"), Need("redirect_uri"), p("code_verifier"), hasSecret),
            "urn:ietf:params:oauth:grant-type:device_code" => tokens.PollDevice(Need("device_code")),
            null or "" => throw new SignInException(400, "invalid_request", "The parameter 'grant_type' is missing."),
            _ => throw new SignInException(400, "unsupported_grant_type", "The authorization grant type is not supported."),
        };
    }

    /// <summary>True with the right secret; without one the client is public.</summary>
    private static bool Authenticate(HttpContext context, Simulation simulation, Func<string, string?> p)
    {
        string? id = p("client_id");
        string? secret = p("client_secret");
        bool encoded = false;
        string header = context.Request.Headers.Authorization.ToString();
        if (header.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase))
        {
            (id, secret) = Basic(header[6..]);
            encoded = true;
        }

        TokenService tokens = simulation.Tokens;
        bool right = secret == tokens.ClientSecret || (encoded && secret is not null && Uri.UnescapeDataString(secret) == tokens.ClientSecret);
        bool publicClient = string.IsNullOrEmpty(secret) && !simulation.Switches.SecretRequired;
        if (id is null || (id != tokens.ClientId && Uri.UnescapeDataString(id) != tokens.ClientId) || !(right || publicClient))
            throw new SignInException(401, "invalid_client", "Client authentication failed.");
        return right;
    }

    private static (string? Id, string? Secret) Basic(string value)
    {
        try
        {
            string text = Encoding.UTF8.GetString(Convert.FromBase64String(value.Trim()));
            int colon = text.IndexOf(':', StringComparison.Ordinal);
            return colon < 0 ? (null, null) : (text[..colon], text[(colon + 1)..]);
        }
        catch (FormatException)
        {
            return (null, null);
        }
    }

    private static Task Device(HttpContext context, Simulation simulation, Func<string, string?> p)
    {
        if (p("client_id") != simulation.Tokens.ClientId) throw new SignInException(401, "invalid_client", "Invalid value for 'client_id' parameter.");
        string scope = p("scope") ?? throw new SignInException(400, "invalid_scope", "The parameter 'scope' is missing.");
        TokenService.CheckScope(scope);
        DeviceGrant grant;
        lock (simulation.Gate) grant = simulation.Tokens.StartDevice(scope);
        string page = $"{context.Request.Scheme}://{context.Request.Host}/device";
        return Reply.Json(context, simulation, 200, json => json.Object(() =>
        {
            json.Text("device_code", grant.DeviceCode);
            json.Text("user_code", grant.UserCode);
            json.Text("verification_uri", page);
            json.Text("verification_uri_complete", $"{page}?user_code={grant.UserCode}");
            json.Number("expires_in", simulation.Switches.DeviceExpiresInSeconds);
            json.Number("interval", grant.Interval);
        }));
    }

    private static Task Write(HttpContext context, Simulation simulation, TokenReply reply)
    {
        context.Response.Headers.CacheControl = "no-cache, no-store";
        return Reply.Json(context, simulation, 200, json => json.Object(() =>
        {
            json.Text("token_type", "Bearer");
            json.Number("expires_in", reply.ExpiresIn);
            json.Text("access_token", reply.AccessToken);
            json.Text("scope", reply.Scope);
            if (reply.RefreshToken is not null) json.Text("refresh_token", reply.RefreshToken);
        }));
    }
}
