using System.Net;
using System.Text;
using CcExport.Simulator.Api;

namespace CcExport.Simulator.Entra;

/// <summary>The pages of the tenant: where a person signs in and agrees, and where the code of a device is entered.</summary>
internal static class EntraPages
{
    public static void Map(IEndpointRouteBuilder routes, EntraAuthority authority)
    {
        routes.MapGet("/{tenant}/oauth2/v2.0/authorize", context => Authorize(context, authority));
        routes.MapPost("/entra/decision", context => Decide(context, authority));
        routes.MapGet("/entra/device", context => Html(context, 200, DeviceForm("")));
        routes.MapPost("/entra/device", context => DecideDevice(context, authority));
    }

    private static Task Authorize(HttpContext context, EntraAuthority authority)
    {
        string? P(string name) => Request.Query(context, name);
        try
        {
            EntraEndpoints.CheckTenant(context, authority, out _);
            EntraApplication application = authority.Application(P("client_id"));
            string redirect = P("redirect_uri") ?? "";
            if (!IsRegistered(application, redirect))
                throw new EntraException(400, "invalid_request", 50011, "The redirect URI specified in the request does not match the redirect URIs configured for the application.");
            if (P("response_type") != "code") throw new EntraException(400, "unsupported_response_type", 700051, "The response type is not enabled.");
            if (P("code_challenge") is not { } challenge || P("code_challenge_method") != "S256")
                throw new EntraException(400, "invalid_request", 9002325, "Proof Key for Code Exchange is required for cross-origin authorization code redemption.");
            string scope = P("scope") ?? "";
            string ticket = authority.Ask(new EntraAsk(application.ClientId, redirect, scope, P("state") ?? "", challenge, P("nonce"), P("response_mode") == "form_post"));
            return Html(context, 200, $"""
                <h1>Sign in</h1>
                <p>An application asks for these rights:</p><p><code>{Encode(scope)}</code></p>
                <form method="post" action="/entra/decision">
                  <input type="hidden" name="ticket" value="{Encode(ticket)}">
                  <select name="user" aria-label="As">{string.Concat(authority.Users.Select(u => $"<option>{Encode(u.UserName)}</option>"))}</select>
                  <button name="decision" value="allow" autofocus>Accept</button> <button name="decision" value="deny" class="quiet">Cancel</button>
                </form>
                """);
        }
        catch (EntraException e)
        {
            // Never sent back to an address that nobody registered, and Entra shows the rest itself too.
            return Html(context, 400, $"<h1>Sorry, but we’re having trouble signing you in.</h1><p role=\"alert\" class=\"bad\">{Encode(e.Message)}</p>");
        }
    }

    private static async Task Decide(HttpContext context, EntraAuthority authority)
    {
        IFormCollection form = await context.Request.ReadFormAsync(context.RequestAborted);
        if (authority.Answer(form["ticket"].ToString(), form["user"], form["decision"] == "allow") is not { } answer)
        {
            await Html(context, 400, "<h1>Too late</h1><p>This request was answered already.</p>");
            return;
        }
        (string, string)[] values = answer.Code is { } code
            ? [("code", code), ("state", answer.Ask.State)]
            : [("error", "access_denied"), ("error_description", "AADSTS65004: User declined to consent to access the app."), ("state", answer.Ask.State)];
        if (!answer.Ask.FormPost)
        {
            context.Response.Redirect($"{answer.Ask.RedirectUri}?{string.Join('&', values.Select(v => $"{v.Item1}={Uri.EscapeDataString(v.Item2)}"))}");
            return;
        }
        string fields = string.Concat(values.Select(v => $"<input type=\"hidden\" name=\"{v.Item1}\" value=\"{Encode(v.Item2)}\">"));
        await Html(context, 200, $"""
            <form id="back" method="post" action="{Encode(answer.Ask.RedirectUri)}">{fields}<button>Continue</button></form>
            <script>document.getElementById('back').submit()</script>
            """);
    }

    private static async Task DecideDevice(HttpContext context, EntraAuthority authority)
    {
        IFormCollection form = await context.Request.ReadFormAsync(context.RequestAborted);
        bool allow = form["decision"] == "allow";
        bool found = form["user_code"].ToString() is { Length: > 0 } code && authority.AnswerDevice(allow, code);
        await Html(context, found ? 200 : 400, found
            ? $"<h1>{(allow ? "You have signed in" : "You have declined")}</h1><p>You can close this page.</p>"
            : DeviceForm("<p role=\"alert\" class=\"bad\">That code didn’t work.</p>"));
    }

    /// <summary>The port of a loopback address may be any, as Entra has it for localhost.</summary>
    private static bool IsRegistered(EntraApplication application, string redirect)
        => application.RedirectUris.Contains(redirect)
            || (Uri.TryCreate(redirect, UriKind.Absolute, out Uri? uri) && uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback
                && application.RedirectUris.Any(r => new Uri(r) is var known && known.Host == uri.Host && known.AbsolutePath == uri.AbsolutePath));

    private static string DeviceForm(string note) => $"""
        <h1>Enter code</h1><p>Enter the code that your app or device shows.</p>{note}
        <form method="post" action="/entra/device">
          <input name="user_code" aria-label="Code" autocomplete="off" autofocus>
          <button name="decision" value="allow">Allow</button> <button name="decision" value="deny" class="quiet">Deny</button>
        </form>
        """;

    private static string Encode(string text) => WebUtility.HtmlEncode(text);

    private static Task Html(HttpContext context, int status, string content) => Reply.Send(context, status, "text/html; charset=utf-8", Encoding.UTF8.GetBytes($$$"""
        <!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
        <title>Simulated sign-in of an organisation</title><style>
        :root{color-scheme:light dark;--ink:#22262e;--paper:#eef1f5;--card:#fff;--accent:#0a6a55}
        @media(prefers-color-scheme:dark){:root{--ink:#e6eaf2;--paper:#11151c;--card:#1a202b;--accent:#59c9ae}}
        body{font:16px/1.5 system-ui,sans-serif;background:var(--paper);color:var(--ink);display:grid;place-items:center;min-height:90vh;margin:1rem}
        main{background:var(--card);padding:2rem 2.2rem;border-radius:6px;max-width:26rem;box-shadow:0 6px 30px #0002}
        h1{font-size:1.35rem;margin:0 0 .6rem}code{word-break:break-word}.bad{color:#d33}small{opacity:.65}
        input:not([type=hidden]),select{font:inherit;width:100%;box-sizing:border-box;padding:.5rem;margin:.4rem 0 1rem}
        button{font:inherit;padding:.55rem 1.3rem;border-radius:4px;border:1px solid var(--accent);background:var(--accent);color:var(--card)}
        .quiet{background:none;color:var(--ink);border-color:#8886}
        </style></head><body><main>{{{content}}}<p><small>This is a simulator. No real organisation is involved.</small></p></main></body></html>
        """));
}
