using System.Text;

namespace CcExport.Engine.ConstantContact.SignIn;

/// <summary>The pages that the browser shows at the end of its way: whole HTTP answers, without script and without anything from elsewhere.</summary>
internal static class RedirectPage
{
    public static byte[] Done { get; } = Page("200 OK", "You are signed in", "Close this page and return to PowerShell, which goes on by itself.");

    public static byte[] Declined { get; } = Page("200 OK", "You are not signed in", "Constant Contact gave no permission. Return to PowerShell, which says more.");

    public static byte[] NotOurs { get; } = Page("400 Bad Request", "This answer belongs to another sign-in",
        "PowerShell still waits for its own. Go back to the page that it opened, or begin again.");

    public static byte[] NotFound { get; } = Page("404 Not Found", "Nothing is here", "This address only waits for the end of a sign-in.");

    private static byte[] Page(string status, string heading, string text)
    {
        string html = $$"""
            <!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{heading}}</title>
            <style>:root{color-scheme:light dark}body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:18vh auto;padding:0 1.5rem}h1{font-size:1.5rem;font-weight:600}</style>
            </head><body><h1>{{heading}}</h1><p>{{text}}</p></body></html>
            """;
        byte[] body = Encoding.UTF8.GetBytes(html);
        string head = $"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {body.Length}\r\nConnection: close\r\n"
            + "Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n"
            + "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n\r\n";
        return [.. Encoding.ASCII.GetBytes(head), .. body];
    }
}
