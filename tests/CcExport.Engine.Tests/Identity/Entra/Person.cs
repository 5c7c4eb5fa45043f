using System.Net;
using System.Text.RegularExpressions;
using CcExport.Engine.ConstantContact.SignIn;
using CcExport.Simulator.Entra;

namespace CcExport.Engine.Tests.Identity.Entra;

/// <summary>A person with a browser: reads the page, presses a button, and is sent back to where the page says.</summary>
internal sealed partial class Person(EntraAuthority entra) : ISignInPrompt, IDisposable
{
    private readonly HttpClient _browser = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseProxy = false,
        SslOptions = { RemoteCertificateValidationCallback = static (_, _, _, _) => true },
    })
    { Timeout = TimeSpan.FromSeconds(20) };

    /// <summary>What she presses; null: she goes away and never comes back.</summary>
    public bool? Agrees { get; set; } = true;

    /// <summary>Who she says she is; null: the first of the list.</summary>
    public string? UserName { get; set; }

    public bool HasBrowser { get; set; } = true;

    public List<Uri> Opened { get; } = [];

    public List<string> Codes { get; } = [];

    /// <summary>The last page she saw.</summary>
    public string LastPage { get; private set; } = "";

    /// <summary>Ends when the browser shows its last page.</summary>
    public Task SigningIn { get; private set; } = Task.CompletedTask;

    public void ShowDeviceCode(string userCode, Uri verificationUri, Uri? verificationUriComplete, DateTimeOffset expiresAt)
    {
        Codes.Add(userCode);
        Opened.Add(verificationUri);
        if (Agrees is { } agrees) Assert.True(entra.AnswerDevice(agrees, userCode));
    }

    public Task<bool> OpenBrowserAsync(Uri address, CancellationToken ct)
    {
        if (!HasBrowser) return Task.FromResult(false);
        Opened.Add(address);
        // A browser opens, and the person acts on her own.
        if (Agrees is { } agrees) SigningIn = SignInAsync(address, agrees);
        return Task.FromResult(true);
    }

    public void ShowAddress(Uri address)
    {
        Opened.Add(address);
        SigningIn = SignInAsync(address, Agrees ?? false);
    }

    public void Dispose() => _browser.Dispose();

    private async Task SignInAsync(Uri address, bool agrees)
    {
        LastPage = await _browser.GetStringAsync(address);
        using HttpResponseMessage decided = await _browser.PostAsync(new Uri(address, "/entra/decision"), new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["ticket"] = Ticket().Match(LastPage).Groups[1].Value,
            ["user"] = UserName ?? "",
            ["decision"] = agrees ? "allow" : "deny",
        }));
        string page = await decided.Content.ReadAsStringAsync();
        var fields = Field().Matches(page).ToDictionary(m => m.Groups[1].Value, m => WebUtility.HtmlDecode(m.Groups[2].Value));
        for (int tries = 0; ; tries++)
        {
            try
            {
                using HttpResponseMessage back = decided.StatusCode == HttpStatusCode.Redirect ? await _browser.GetAsync(decided.Headers.Location)
                    : await _browser.PostAsync(new Uri(WebUtility.HtmlDecode(Action().Match(page).Groups[1].Value)), new FormUrlEncodedContent(fields));
                LastPage = await back.Content.ReadAsStringAsync();
                return;
            }
            catch (HttpRequestException) when (tries < 50)
            {
                // The library listens a moment after it has opened the browser.
                await Task.Delay(100);
            }
        }
    }

    [GeneratedRegex("name=\"ticket\" value=\"([^\"]+)\"")]
    private static partial Regex Ticket();

    [GeneratedRegex("<input type=\"hidden\" name=\"([^\"]+)\" value=\"([^\"]*)\">")]
    private static partial Regex Field();

    [GeneratedRegex("action=\"([^\"]+)\"")]
    private static partial Regex Action();
}
