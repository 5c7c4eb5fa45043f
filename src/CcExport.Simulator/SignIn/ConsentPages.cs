using System.Net;
using System.Text;
using CcExport.Simulator.Api;

namespace CcExport.Simulator.SignIn;

/// <summary>The two pages on which a person agrees: for browsers and for devices.</summary>
internal static class ConsentPages
{
    public static void Map(IEndpointRouteBuilder routes, Simulation simulation)
    {
        routes.MapGet(TokenEndpoint.Base + "/authorize", context => Authorize(context, simulation));
        routes.MapPost(TokenEndpoint.Base + "/authorize/decision", context => Decide(context, simulation));
        routes.MapGet("/device", context => Html(context, 200, DeviceForm(context.Request.Query["user_code"].ToString(), "")));
        routes.MapPost("/device", context => DecideDevice(context, simulation));
    }

    private static Task Authorize(HttpContext context, Simulation simulation)
    {
        string? P(string name) => Request.Query(context, name);
        if (P("client_id") != simulation.Tokens.ClientId)
            return Html(context, 400, Message("Invalid client", "The client_id is not known."));
        string? redirect = P("redirect_uri");
        bool registered;
        lock (simulation.Gate) registered = redirect is not null && simulation.Tokens.IsRegistered(redirect);

        // Never redirect to an address that nobody registered.
        if (!registered)
            return Html(context, 400, Message("Bad redirect", "The 'redirect_uri' parameter must be a Login redirect URI in the client app settings."));
        string? state = P("state");
        if (state is null) return BackWithError(context, redirect!, null, "invalid_request", "The authentication request has an invalid 'state' parameter.");
        if (P("response_type") != "code")
            return BackWithError(context, redirect!, state, "unsupported_response_type", "The response type is not supported by the authorization server.");
        if (P("code_challenge") is not null && P("code_challenge_method") != "S256")
            return BackWithError(context, redirect!, state, "invalid_request", "The 'code_challenge_method' must be S256.");
        try
        {
            TokenService.CheckScope(P("scope") ?? "");
        }
        catch (SignInException e)
        {
            return BackWithError(context, redirect!, state, e.Error, e.Message);
        }

        string ticket;
        lock (simulation.Gate) ticket = simulation.Tokens.Ask(new AuthorizeRequest(redirect!, P("scope")!, state, P("code_challenge")));
        if (simulation.Switches.AutoConsent != ConsentMode.Ask)
            return Answer(context, simulation, ticket, simulation.Switches.AutoConsent == ConsentMode.Allow);
        return Html(context, 200, $"""
            <h1>Allow access?</h1>
            <p>An application asks to use the simulated account <b>Example Outfitters</b> with these rights:</p>
            <p><code>{Encode(P("scope")!)}</code></p>
            <form method="post" action="{TokenEndpoint.Base}/authorize/decision">
              <input type="hidden" name="ticket" value="{Encode(ticket)}">
              <button name="decision" value="allow" autofocus>Allow</button>
              <button name="decision" value="deny" class="quiet">Deny</button>
            </form>
            """);
    }

    private static async Task Decide(HttpContext context, Simulation simulation)
    {
        Func<string, string?> p = await TokenEndpoint.Parameters(context);
        await Answer(context, simulation, p("ticket") ?? "", p("decision") == "allow");
    }

    private static Task Answer(HttpContext context, Simulation simulation, string ticket, bool allow)
    {
        string? address;
        lock (simulation.Gate) address = simulation.Tokens.Answer(ticket, allow);
        if (address is null) return Html(context, 400, Message("Too late", "This request was answered already."));
        context.Response.Redirect(address);
        return Task.CompletedTask;
    }

    private static async Task DecideDevice(HttpContext context, Simulation simulation)
    {
        Func<string, string?> p = await TokenEndpoint.Parameters(context);
        string code = p("user_code") ?? "";
        bool allow = p("decision") == "allow";
        bool found = code.Length > 0 && simulation.AnswerDevice(allow, code);
        await Html(context, found ? 200 : 400, found
            ? Message(allow ? "Device connected" : "Device refused", "You can close this page.")
            : DeviceForm(code, "<p role=\"alert\" class=\"bad\">No device waits with this code.</p>"));
    }

    private static Task BackWithError(HttpContext context, string redirect, string? state, string error, string description)
    {
        char join = redirect.Contains('?') ? '&' : '?';
        string address = $"{redirect}{join}error={error}&error_description={Uri.EscapeDataString(description)}";
        context.Response.Redirect(state is null ? address : $"{address}&state={Uri.EscapeDataString(state)}");
        return Task.CompletedTask;
    }

    private static string DeviceForm(string code, string note) => $"""
        <h1>Connect a device</h1>
        <p>Enter the code that the device shows.</p>{note}
        <form method="post" action="/device">
          <input name="user_code" aria-label="Code" value="{Encode(code)}" autocomplete="off" autocapitalize="characters" placeholder="XXXX-XXXX" autofocus>
          <button name="decision" value="allow">Allow</button>
          <button name="decision" value="deny" class="quiet">Deny</button>
        </form>
        """;

    private static string Message(string title, string text) => $"<h1>{Encode(title)}</h1><p>{Encode(text)}</p>";

    private static string Encode(string text) => WebUtility.HtmlEncode(text);

    private static Task Html(HttpContext context, int status, string content) => Reply.Send(context, status, "text/html; charset=utf-8",
        Encoding.UTF8.GetBytes($$$"""
            <!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
            <title>Simulated sign-in</title><style>
            :root{color-scheme:light dark;--ink:#1c2330;--paper:#f4f6f9;--card:#fff;--accent:#1f5fd1}
            @media(prefers-color-scheme:dark){:root{--ink:#e6eaf2;--paper:#11151c;--card:#1a202b;--accent:#7aa7ff}}
            body{font:16px/1.5 system-ui,sans-serif;background:var(--paper);color:var(--ink);display:grid;place-items:center;min-height:90vh;margin:1rem}
            main{background:var(--card);padding:2rem 2.2rem;border-radius:14px;max-width:26rem;box-shadow:0 6px 30px #0002}
            h1{font-size:1.35rem;margin:0 0 .6rem}code{word-break:break-word}.bad{color:#d33}small{opacity:.65}
            input:not([type=hidden]){font:600 1.2rem ui-monospace,monospace;width:100%;box-sizing:border-box;padding:.5rem;margin:.4rem 0 1rem}
            button{font:inherit;padding:.55rem 1.3rem;border-radius:8px;border:1px solid var(--accent);background:var(--accent);color:var(--card)}
            .quiet{background:none;color:var(--ink);border-color:#8886}
            </style></head><body><main>{{{content}}}<p><small>This is a simulator. No real account is involved.</small></p></main></body></html>
            """));
}
