using CcExport.Engine.ConstantContact.SignIn;
using CcExport.Engine.ConstantContact.Tokens;
using CcExport.Engine.Tests.ConstantContact.Support;

namespace CcExport.Engine.Tests.ConstantContact;

public class DeviceCodeSignInTests
{
    private const string Begin = "POST /oauth/device/authorize";
    private const string Codes = """{"device_code":"dev-1","user_code":"ABCD-EFGH","verification_uri":"https://id.example/activate","verification_uri_complete":"https://id.example/activate?user_code=ABCD-EFGH","expires_in":600,"interval":3}""";

    private readonly RecordingPrompt _prompt = new();

    private static CancellationToken None => CancellationToken.None;

    private Task<SignInResult> SignIn(Wired wired, CancellationToken ct = default)
        => new DeviceCodeSignIn(wired.Wire, new TokenEndpoint(wired.Wire, wired.Record.AuthorizationEndpoint, Wired.ClientId, null), _prompt).RunAsync(ct);

    /// <summary>Waits between polls; shorter ones belong to the one request a second.</summary>
    private static double[] Polls(Wired wired) => [.. wired.Jumping.Waits.Select(w => w.TotalSeconds).Where(s => s > 2)];

    [Fact]
    public async Task Shows_the_code_and_waits_for_the_person()
    {
        await using var wired = new Wired();
        wired.Server.Always(Begin, Reply.Json(Codes));
        wired.Server.Script(Wired.Token, Wired.Refusal("authorization_pending"), Wired.Refusal("authorization_pending"));
        SignInResult result = await SignIn(wired);
        Assert.Equal((Wired.AccessToken(2), Wired.RefreshToken(2)), (result.AccessToken, result.RefreshToken));
        (string code, Uri where, Uri? complete, DateTimeOffset until) = Assert.Single(_prompt.Codes);
        Assert.Equal(("ABCD-EFGH", "https://id.example/activate", "https://id.example/activate?user_code=ABCD-EFGH"), (code, where.AbsoluteUri, complete?.AbsoluteUri));
        Assert.True(until > wired.Time.GetUtcNow() + TimeSpan.FromMinutes(9));
        Request begin = Assert.Single(wired.Server.To(Begin));
        Assert.Equal(("app-1", "contact_data offline_access account_read", "code"), (begin.Form["client_id"], begin.Form["scope"], begin.Form["response_type"]));
        Assert.NotEmpty(begin.Form["state"]);
        Assert.Null(begin.Header("Authorization"));
        Assert.Equal(3, wired.Refreshes.Length);
        Assert.All(wired.Refreshes, poll => Assert.Equal(
            ("app-1", "dev-1", "urn:ietf:params:oauth:grant-type:device_code"), (poll.Form["client_id"], poll.Form["device_code"], poll.Form["grant_type"])));
        Assert.Equal([3, 3, 3], Polls(wired));
    }

    [Fact]
    public async Task Slows_down_when_told_to_and_when_the_line_is_bad()
    {
        await using var wired = new Wired();
        wired.Server.Always(Begin, Reply.Json(Codes));
        wired.Server.Script(Wired.Token, Wired.Refusal("slow_down"), Wired.Refusal("authorization_pending"), new Reply(429), Reply.Lost);
        await SignIn(wired);
        Assert.Equal([3, 8, 8, 13, 18], Polls(wired));
    }

    [Theory]
    [InlineData("access_denied", "SignInDenied")]
    [InlineData("expired_token", "DeviceCodeExpired")]
    [InlineData("invalid_grant", "SignInRefused")]
    [InlineData("invalid_client", "ClientRefused")]
    [InlineData("unsupported_grant_type", "SignInRefused")]
    public async Task Ends_with_the_reason(string error, string id)
    {
        await using var wired = new Wired();
        wired.Server.Always(Begin, Reply.Json(Codes));
        wired.Server.Script(Wired.Token, Wired.Refusal("authorization_pending"), Wired.Refusal(error));
        Assert.Equal((id, CcErrorKind.Authentication), await Failure(SignIn(wired)));
        Assert.Equal(2, wired.Refreshes.Length);
    }

    [Fact]
    public async Task Ends_when_the_code_runs_out()
    {
        await using var wired = new Wired();
        wired.Server.Always(Begin, Reply.Json("""{"device_code":"d","user_code":"u","verification_uri":"https://id.example/"}"""));
        wired.Server.Always(Wired.Token, Wired.Refusal("authorization_pending"));
        Assert.Equal("DeviceCodeExpired", (await Failure(SignIn(wired))).Id);
        // Ten minutes at five seconds and one request a second besides.
        Assert.InRange(wired.Refreshes.Length, 90, 120);
    }

    [Fact]
    public async Task Says_when_there_is_no_refresh_token()
    {
        await using var wired = new Wired();
        wired.Server.Always(Begin, Reply.Json(Codes));
        wired.Server.Always(Wired.Token, Reply.Json($$"""{"access_token":"{{Wired.AccessToken(2)}}","expires_in":28800}"""));
        Assert.Equal("NoRefreshToken", (await Failure(SignIn(wired))).Id);
    }

    [Theory]
    [InlineData("{}", 200, "SignInRefused")]
    [InlineData("[]", 200, "SignInUnreachable")]
    [InlineData("""{"device_code":"d","user_code":"u","verification_uri":"javascript:alert(1)"}""", 200, "SignInRefused")]
    [InlineData("""{"error":"invalid_client"}""", 401, "ClientRefused")]
    [InlineData("""{"error":"invalid_scope","error_description":"no"}""", 400, "SignInRefused")]
    public async Task Says_when_it_cannot_even_begin(string body, int status, string id)
    {
        await using var wired = new Wired();
        wired.Server.Always(Begin, Reply.Json(body, status));
        Assert.Equal(id, (await Failure(SignIn(wired))).Id);
        Assert.Empty(_prompt.Codes);
    }

    [Fact]
    public async Task Stops_when_the_person_does()
    {
        await using var wired = new Wired(TimeProvider.System);
        wired.Server.Always(Begin, Reply.Json(Codes));
        using var stop = new CancellationTokenSource();
        Task<SignInResult> signIn = SignIn(wired, stop.Token);
        while (_prompt.Codes.Count == 0) await Task.Delay(5);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => signIn.WaitAsync(TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public async Task A_refresh_token_from_elsewhere_is_taken_over_and_used_up()
    {
        await using var wired = new Wired();
        wired.Server.Script(Wired.Token, new Reply(429));
        SignInResult result = await new RefreshTokenSignIn(new TokenEndpoint(wired.Wire, wired.Record.AuthorizationEndpoint, Wired.ClientId, "s3cret"))
            .RunAsync(Wired.RefreshToken(1), None);
        Assert.Equal(Wired.RefreshToken(2), result.RefreshToken);
        Assert.Equal(TimeSpan.FromHours(24), result.ExpiresAt - result.IssuedAt);
        ConnectionSecrets secrets = ConnectionSecrets.Unprotect(wired.Box, wired.Id, ConnectionSecrets.From(result, "s3cret").Protect(wired.Box, wired.Id));
        Assert.Equal((result.RefreshToken, result.AccessToken, result.ExpiresAt, "s3cret"), (secrets.RefreshToken, secrets.AccessToken, secrets.ExpiresAt, secrets.ClientSecret));
    }

    [Fact]
    public async Task A_refresh_token_that_is_used_up_is_refused_with_the_reason()
    {
        await using var wired = new Wired();
        wired.Server.Always(Wired.Token, Wired.Refusal("invalid_grant"));
        Assert.Equal(("SignInRefused", CcErrorKind.Authentication), await Failure(
            new RefreshTokenSignIn(new TokenEndpoint(wired.Wire, wired.Record.AuthorizationEndpoint, Wired.ClientId, null)).RunAsync(Wired.RefreshToken(1), None)));
    }

    private static async Task<(string Id, CcErrorKind Kind)> Failure(Task signIn)
    {
        CcException failed = await Assert.ThrowsAsync<CcException>(() => signIn);
        return (failed.ErrorId, failed.Kind);
    }
}
