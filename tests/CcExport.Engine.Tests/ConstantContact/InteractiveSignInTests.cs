using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Web;
using CcExport.Engine.ConstantContact.SignIn;
using CcExport.Engine.ConstantContact.Tokens;
using CcExport.Engine.Tests.ConstantContact.Support;

namespace CcExport.Engine.Tests.ConstantContact;

public class InteractiveSignInTests : IDisposable
{
    private readonly HttpClient _browser = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(10) };
    private readonly RecordingPrompt _prompt = new();
    private readonly List<string> _pages = [];

    public void Dispose() => _browser.Dispose();

    private Task<SignInResult> SignIn(Wired wired, InteractiveOptions? options = null, string? secret = null, CancellationToken ct = default)
        => new InteractiveSignIn(wired.Wire, new TokenEndpoint(wired.Wire, wired.Record.AuthorizationEndpoint, Wired.ClientId, secret), _prompt, options ?? new()).RunAsync(ct);

    private static Dictionary<string, string> Query(Uri address)
    {
        System.Collections.Specialized.NameValueCollection query = HttpUtility.ParseQueryString(address.Query);
        return query.AllKeys.ToDictionary(key => key!, key => query[key]!);
    }

    /// <summary>A browser that comes back with these answers, one after another; STATE stands for the state that it was given.</summary>
    private void Comes(params string[] answers) => _prompt.Browser = async address =>
    {
        Dictionary<string, string> asked = Query(address);
        foreach (string answer in answers) _pages.Add(await Get(asked["redirect_uri"] + answer.Replace("STATE", asked["state"], StringComparison.Ordinal)));
        return true;
    };

    private async Task<string> Get(string address)
    {
        using HttpResponseMessage response = await _browser.GetAsync(new Uri(address));
        return $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}";
    }

    [Fact]
    public async Task Goes_out_with_pkce_and_state_and_comes_back_with_tokens()
    {
        await using var wired = new Wired();
        Uri? opened = null;
        Comes("?code=c-1&state=STATE&scope=contact_data");
        Func<Uri, Task<bool>> browser = _prompt.Browser!;
        _prompt.Browser = address => browser(opened = address);
        SignInResult result = await SignIn(wired, new InteractiveOptions { Prompt = "login" });
        Assert.Equal((Wired.AccessToken(2), Wired.RefreshToken(2)), (result.AccessToken, result.RefreshToken));

        Dictionary<string, string> asked = Query(opened!);
        Assert.Equal(wired.Server.Origin + "/oauth/authorize", opened!.GetLeftPart(UriPartial.Path));
        Assert.Equal(("app-1", "code", "contact_data offline_access account_read", "S256", "login"),
            (asked["client_id"], asked["response_type"], asked["scope"], asked["code_challenge_method"], asked["prompt"]));
        Assert.StartsWith("http://127.0.0.1:", asked["redirect_uri"], StringComparison.Ordinal);
        Assert.True(asked["state"].Length >= 32);

        IReadOnlyDictionary<string, string> form = Assert.Single(wired.Refreshes).Form;
        Assert.Equal(("authorization_code", "c-1", "app-1", asked["redirect_uri"]), (form["grant_type"], form["code"], form["client_id"], form["redirect_uri"]));
        Assert.InRange(form["code_verifier"].Length, 43, 128);
        string challenge = Convert.ToBase64String(SHA256.HashData(Encoding.ASCII.GetBytes(form["code_verifier"]))).TrimEnd('=').Replace('+', '-').Replace('/', '_');
        Assert.Equal(challenge, asked["code_challenge"]);

        string page = Assert.Single(_pages);
        Assert.StartsWith("200", page, StringComparison.Ordinal);
        Assert.Contains("return to PowerShell", page, StringComparison.Ordinal);
        Assert.DoesNotContain("c-1", page, StringComparison.Ordinal);
        Assert.Empty(_prompt.Shown);
    }

    [Fact]
    public async Task Uses_a_client_secret_where_there_is_one()
    {
        await using var wired = new Wired();
        Comes("?code=c-1&state=STATE");
        await SignIn(wired, secret: "s3cret");
        Assert.Equal("Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("app-1:s3cret")), Assert.Single(wired.Refreshes).Header("Authorization"));
    }

    [Fact]
    public async Task Refuses_a_wrong_state_and_goes_on_waiting()
    {
        await using var wired = new Wired();
        Comes("?code=evil&state=wrong", "?code=evil", "?error=access_denied&state=", "?code=evil&state=STATE&state=STATE", "?code=c-1&state=STATE");
        await SignIn(wired);
        Assert.Equal(["400", "400", "400", "400", "200"], _pages.Select(page => page[..3]));
        Assert.Equal("c-1", Assert.Single(wired.Refreshes).Form["code"]);
    }

    [Theory]
    [InlineData("?error=access_denied&error_description=no&state=STATE", "SignInDenied")]
    [InlineData("?error=invalid_scope&error_description=bad+scope+for+jane%40example.com&state=STATE", "SignInRefused")]
    [InlineData("?state=STATE", "SignInRefused")]
    public async Task Ends_with_the_reason(string answer, string id)
    {
        await using var wired = new Wired();
        Comes(answer);
        CcException failed = await Assert.ThrowsAsync<CcException>(() => SignIn(wired));
        Assert.Equal((id, CcErrorKind.Authentication), (failed.ErrorId, failed.Kind));
        Assert.DoesNotContain("jane", failed.ToString(), StringComparison.Ordinal);
        Assert.Contains("not signed in", Assert.Single(_pages), StringComparison.Ordinal);
        Assert.Empty(wired.Refreshes);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Shows_the_address_when_no_browser_opens(bool throws)
    {
        await using var wired = new Wired();
        if (throws) _prompt.Browser = _ => throw new InvalidOperationException("no display");
        _prompt.WhenShown = address => _ = Get($"{Query(address)["redirect_uri"]}?code=c-1&state={Query(address)["state"]}");
        await SignIn(wired);
        Assert.Single(_prompt.Shown);
    }

    [Fact]
    public async Task Is_not_held_up_by_a_connection_that_never_asks_nor_by_other_paths()
    {
        await using var wired = new Wired();
        using var silent = new TcpClient();
        _prompt.Browser = async address =>
        {
            Dictionary<string, string> asked = Query(address);
            var redirect = new Uri(asked["redirect_uri"]);
            await silent.ConnectAsync(IPAddress.Loopback, redirect.Port);
            _pages.Add(await Get($"http://127.0.0.1:{redirect.Port}/favicon.ico"));
            _pages.Add(await Get($"http://127.0.0.1:{redirect.Port}/other?code=evil&state={asked["state"]}"));
            using HttpResponseMessage posted = await _browser.PostAsync(new Uri($"{redirect}?code=evil&state={asked["state"]}"), null);
            _pages.Add($"{(int)posted.StatusCode}");
            _pages.Add(await Get($"{redirect}?code=c-1&state={asked["state"]}"));
            return true;
        };
        await SignIn(wired);
        Assert.Equal(["404", "404", "404", "200"], _pages.Select(page => page[..3]));
        Assert.Equal("c-1", Assert.Single(wired.Refreshes).Form["code"]);
    }

    [Theory]
    [InlineData("http://localhost:{0}")]
    [InlineData("http://localhost:{0}/done")]
    [InlineData("http://127.0.0.1:{0}/")]
    public async Task Keeps_to_the_registered_redirect_to_the_letter(string form)
    {
        await using var wired = new Wired();
        string redirect = string.Format(System.Globalization.CultureInfo.InvariantCulture, form, FreePort());
        string? asked = null;
        _prompt.Browser = async address =>
        {
            asked = Query(address)["redirect_uri"];
            _pages.Add(await Get($"{redirect}?code=c-1&state={Query(address)["state"]}"));
            return true;
        };
        await SignIn(wired, new InteractiveOptions { Redirect = new Uri(redirect) });
        Assert.Equal((redirect, redirect), (asked, Assert.Single(wired.Refreshes).Form["redirect_uri"]));
    }

    [Theory]
    [InlineData("https://localhost:8400/")]
    [InlineData("http://cc.example:8400/")]
    [InlineData("http://127.0.0.1:8400/?x=1")]
    public async Task Refuses_a_redirect_that_does_not_lead_here(string redirect)
    {
        await using var wired = new Wired();
        Assert.Equal("RedirectInvalid", (await Assert.ThrowsAsync<CcException>(() => SignIn(wired, new InteractiveOptions { Redirect = new Uri(redirect) }))).ErrorId);
    }

    [Fact]
    public async Task Says_when_the_port_is_taken()
    {
        await using var wired = new Wired();
        CcException failed = await Assert.ThrowsAsync<CcException>(
            () => SignIn(wired, new InteractiveOptions { Redirect = new Uri($"http://127.0.0.1:{wired.Server.Port}/") }));
        Assert.Equal(("RedirectPortInUse", CcErrorKind.Conflict), (failed.ErrorId, failed.Kind));
    }

    [Fact]
    public async Task Gives_up_after_its_time()
    {
        await using var wired = new Wired();
        _prompt.Browser = _ => Task.FromResult(true);
        CcException failed = await Assert.ThrowsAsync<CcException>(() => SignIn(wired, new InteractiveOptions { Timeout = TimeSpan.FromMilliseconds(100) }));
        Assert.Equal("SignInTimeout", failed.ErrorId);
    }

    [Fact]
    public async Task Stops_promptly_and_frees_the_port()
    {
        await using var wired = new Wired();
        int port = FreePort();
        var opened = new TaskCompletionSource();
        _prompt.Browser = _ =>
        {
            opened.SetResult();
            return Task.FromResult(true);
        };
        using var stop = new CancellationTokenSource();
        Task<SignInResult> signIn = SignIn(wired, new InteractiveOptions { Redirect = new Uri($"http://127.0.0.1:{port}/") }, ct: stop.Token);
        await opened.Task;
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => signIn.WaitAsync(TimeSpan.FromSeconds(10)));
        using var again = new TcpListener(IPAddress.Loopback, port);
        again.Start();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
