using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Web;

namespace CcExport.Simulator.Tests;

public sealed class SignInTests
{
    private const string Redirect = "http://127.0.0.1:51234/callback/";
    private const string Authorize = "/oauth2/default/v1/authorize";
    private const string DeviceGrant = "urn:ietf:params:oauth:grant-type:device_code";
    private const string Verifier = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJ";

    [Fact]
    public async Task A_rotating_token_works_once_and_its_reuse_is_counted()
    {
        await using Service service = await Service.StartAsync(signIn: false);
        string first = service.Simulator.RefreshToken;
        Answer good = await Refresh(service, first);
        Answer again = await Refresh(service, first);
        Assert.NotEqual(first, good.Json.GetProperty("refresh_token").GetString());
        Assert.Equal(HttpStatusCode.BadRequest, again.Status);
        Assert.Equal("invalid_grant", again.Json.GetProperty("error").GetString());
        Assert.Equal("The refresh token is invalid or expired.", again.Json.GetProperty("error_description").GetString());
        Assert.Equal(1, service.State.TokenLog.DeadRefreshTokens);
        Assert.Equal(HttpStatusCode.OK, (await Refresh(service, service.Simulator.RefreshToken)).Status);
        Assert.Equal(2, service.State.TokenLog.Refreshes);
    }

    [Fact]
    public async Task Reuse_can_end_the_whole_family()
    {
        await using Service service = await Service.StartAsync(s => s.RevokeFamilyOnReuse = true, signIn: false);
        string first = service.Simulator.RefreshToken;
        string second = (await Refresh(service, first)).Json.GetProperty("refresh_token").GetString()!;
        await Refresh(service, first);
        Assert.Equal(HttpStatusCode.BadRequest, (await Refresh(service, second)).Status);
    }

    [Fact]
    public async Task A_long_lived_token_stays_the_same_and_lives_180_days_from_its_last_use()
    {
        await using Service service = await Service.StartAsync(s => s.Rotating = false, signIn: false);
        string token = service.Simulator.RefreshToken;
        service.Time.Advance(TimeSpan.FromDays(179));
        Assert.Equal(token, (await Refresh(service, token)).Json.GetProperty("refresh_token").GetString());
        service.Time.Advance(TimeSpan.FromDays(179));
        Assert.Equal(HttpStatusCode.OK, (await Refresh(service, token)).Status);
        service.Time.Advance(TimeSpan.FromDays(180));
        Assert.Equal(HttpStatusCode.BadRequest, (await Refresh(service, token)).Status);
    }

    [Fact]
    public async Task An_access_token_looks_like_a_JWT_and_dies_after_a_day()
    {
        await using Service service = await Service.StartAsync();
        string[] parts = service.Token!.Split('.');
        Assert.Equal(3, parts.Length);
        JsonElement claims = JsonDocument.Parse(Base64Url.DecodeFromChars(parts[1])).RootElement;
        Assert.Equal(service.Simulator.ClientId, claims.GetProperty("cid").GetString());
        Assert.Equal("https://api.cc.email/v3", claims.GetProperty("aud").GetString());
        Assert.Equal(Service.Start.AddDays(1).ToUnixTimeSeconds(), claims.GetProperty("exp").GetInt64());
        Assert.Contains("contact_data", claims.GetProperty("scp").EnumerateArray().Select(s => s.GetString()));
        Assert.NotEmpty(claims.GetProperty("platform_user_id").GetString()!);

        service.Time.Advance(TimeSpan.FromSeconds(86_399));
        Assert.Equal(HttpStatusCode.OK, (await service.GetAsync("/v3/contact_lists")).Status);
        service.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("unauthorized", (await service.GetAsync("/v3/contact_lists")).ErrorKey);
    }

    [Fact]
    public async Task All_access_tokens_can_be_ended_at_once()
    {
        await using Service service = await Service.StartAsync();
        Assert.Equal(HttpStatusCode.NoContent, (await service.PostAsync("/admin/tokens/expire", new { })).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await service.GetAsync("/v3/contact_lists")).Status);
        await service.RefreshAsync();
        Assert.Equal(HttpStatusCode.OK, (await service.GetAsync("/v3/contact_lists")).Status);
    }

    [Theory]
    [InlineData("wrong", null, HttpStatusCode.Unauthorized)]
    [InlineData(null, "wrong", HttpStatusCode.Unauthorized)]
    [InlineData(null, null, HttpStatusCode.OK)]
    public async Task The_client_must_be_known(string? id, string? secret, HttpStatusCode expected)
    {
        await using Service service = await Service.StartAsync(signIn: false);
        Answer answer = await service.TokenAsync(("grant_type", "refresh_token"), ("refresh_token", service.Simulator.RefreshToken),
            ("client_id", id ?? service.Simulator.ClientId), ("client_secret", secret ?? service.Simulator.ClientSecret));
        Assert.Equal(expected, answer.Status);
        if (expected != HttpStatusCode.OK) Assert.Equal("invalid_client", answer.Json.GetProperty("error").GetString());
    }

    [Fact]
    public async Task A_confidential_client_redeems_a_code_with_a_Basic_header()
    {
        await using Service service = await Service.StartAsync(s => s.AutoConsent = ConsentMode.Allow, signIn: false);
        string code = CodeOf(await Ask(service));
        var request = new HttpRequestMessage(HttpMethod.Post, service.Simulator.AuthorizationEndpoint
            + $"/token?grant_type=authorization_code&code={code}&redirect_uri={Uri.EscapeDataString(Redirect)}");
        string pair = $"{service.Simulator.ClientId}:{service.Simulator.ClientSecret}";
        request.Headers.Authorization = new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(pair)));
        Answer answer = await service.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.True(answer.Json.TryGetProperty("refresh_token", out _));
        Assert.Equal(HttpStatusCode.BadRequest, (await Redeem(service, code, null)).Status);
    }

    [Fact]
    public async Task A_public_client_needs_the_verifier_of_its_challenge()
    {
        await using Service service = await Service.StartAsync(s => s.AutoConsent = ConsentMode.Allow, signIn: false);
        string challenge = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(Verifier)));
        string query = $"&code_challenge={challenge}&code_challenge_method=S256";
        Answer wrong = await Redeem(service, CodeOf(await Ask(service, query)), Verifier.Replace('0', '9'));
        Assert.Equal("invalid_grant", wrong.Json.GetProperty("error").GetString());
        Assert.Equal(HttpStatusCode.OK, (await Redeem(service, CodeOf(await Ask(service, query)), Verifier)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await Redeem(service, CodeOf(await Ask(service)), null)).Status);
        Assert.Equal(1, service.State.TokenLog.Codes);
    }

    [Fact]
    public async Task A_code_dies_after_five_minutes()
    {
        await using Service service = await Service.StartAsync(s => s.AutoConsent = ConsentMode.Allow, signIn: false);
        string challenge = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(Verifier)));
        string code = CodeOf(await Ask(service, $"&code_challenge={challenge}&code_challenge_method=S256"));
        service.Time.Advance(TimeSpan.FromMinutes(5));
        Assert.Contains("authorization code", (await Redeem(service, code, Verifier)).Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("allow", "code")]
    [InlineData("deny", "error")]
    public async Task The_consent_page_goes_back_with_the_answer_and_the_state(string decision, string parameter)
    {
        await using Service service = await Service.StartAsync(signIn: false);
        Answer page = await Ask(service);
        Assert.Equal("text/html", page.ContentType);
        string ticket = page.Body.Split("name=\"ticket\" value=\"")[1].Split('"')[0];
        Answer back = await service.FormAsync(Authorize + "/decision", ("ticket", ticket), ("decision", decision));
        Assert.Equal(HttpStatusCode.Redirect, back.Status);
        var query = HttpUtility.ParseQueryString(back.Headers.Location!.Query);
        Assert.StartsWith(Redirect, back.Headers.Location.ToString(), StringComparison.Ordinal);
        Assert.NotEmpty(query[parameter]!);
        Assert.Equal("s t", query["state"]);
        Assert.Equal(HttpStatusCode.BadRequest, (await service.FormAsync(Authorize + "/decision", ("ticket", ticket), ("decision", "allow"))).Status);
    }

    [Theory]
    [InlineData("https://evil.example.com/callback")]
    [InlineData("ftp://127.0.0.1/x")]
    public async Task An_unregistered_address_is_never_redirected_to(string redirect)
    {
        await using Service service = await Service.StartAsync(s => s.AutoConsent = ConsentMode.Allow, signIn: false);
        Answer answer = await service.GetAsync($"{Authorize}?client_id={service.Simulator.ClientId}&response_type=code&scope=contact_data&state=x"
            + $"&redirect_uri={Uri.EscapeDataString(redirect)}");
        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Null(answer.Headers.Location);
    }

    [Fact]
    public async Task A_missing_state_and_an_unknown_scope_are_errors()
    {
        await using Service service = await Service.StartAsync(s => s.AutoConsent = ConsentMode.Allow, signIn: false);
        string start = $"{Authorize}?client_id={service.Simulator.ClientId}&response_type=code&redirect_uri={Uri.EscapeDataString(Redirect)}";
        Assert.Contains("error=invalid_request", (await service.GetAsync(start + "&scope=contact_data")).Headers.Location!.Query, StringComparison.Ordinal);
        Assert.Contains("error=invalid_scope", (await service.GetAsync(start + "&state=1&scope=nope")).Headers.Location!.Query, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_offline_access_there_is_no_refresh_token()
    {
        await using Service service = await Service.StartAsync(s => s.AutoConsent = ConsentMode.Allow, signIn: false);
        Answer device = await Device(service, "contact_data");
        Answer reply = await Poll(service, device);
        Assert.Equal(HttpStatusCode.OK, reply.Status);
        Assert.False(reply.Json.TryGetProperty("refresh_token", out _));
    }

    [Fact]
    public async Task A_device_waits_is_slowed_down_and_gets_its_tokens()
    {
        await using Service service = await Service.StartAsync(signIn: false);
        Answer device = await Device(service);
        Assert.Equal(5, device.Json.GetProperty("interval").GetInt32());
        Assert.Equal(600, device.Json.GetProperty("expires_in").GetInt32());
        Assert.Equal("authorization_pending", Error(await Poll(service, device)));
        service.Time.Advance(TimeSpan.FromSeconds(4));
        Assert.Equal("slow_down", Error(await Poll(service, device)));

        // The interval has grown by five seconds.
        service.Time.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal("slow_down", Error(await Poll(service, device)));
        service.Time.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal("authorization_pending", Error(await Poll(service, device)));

        string code = device.Json.GetProperty("user_code").GetString()!;
        Assert.Contains(code, (await service.GetAsync("/device?user_code=" + code)).Body, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.BadRequest, (await service.FormAsync("/device", ("user_code", "NOPE-NOPE"), ("decision", "allow"))).Status);
        Assert.Equal(HttpStatusCode.OK, (await service.FormAsync("/device", ("user_code", code.ToLowerInvariant()), ("decision", "allow"))).Status);
        service.Time.Advance(TimeSpan.FromSeconds(15));
        Answer reply = await Poll(service, device);
        Assert.Equal(HttpStatusCode.OK, reply.Status);
        Assert.True(reply.Json.TryGetProperty("refresh_token", out _));
        Assert.Equal(2, service.State.TokenLog.SlowDowns);
        service.Time.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal("invalid_grant", Error(await Poll(service, device)));
    }

    [Fact]
    public async Task A_device_is_refused_or_comes_too_late()
    {
        await using Service service = await Service.StartAsync(signIn: false);
        Answer refused = await Device(service);
        await service.PostAsync("/admin/device/deny", new { userCode = refused.Json.GetProperty("user_code").GetString() });
        Assert.Equal("access_denied", Error(await Poll(service, refused)));
        Answer late = await Device(service);
        service.Time.Advance(TimeSpan.FromSeconds(600));
        Assert.Equal("expired_token", Error(await Poll(service, late)));
    }

    [Fact]
    public async Task Other_grants_are_not_offered()
    {
        await using Service service = await Service.StartAsync(signIn: false);
        Assert.Equal("unsupported_grant_type", Error(await service.TokenAsync(
            ("grant_type", "client_credentials"), ("client_id", service.Simulator.ClientId), ("client_secret", service.Simulator.ClientSecret))));
    }

    private static string Error(Answer answer)
    {
        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        return answer.Json.GetProperty("error").GetString()!;
    }

    private static Task<Answer> Refresh(Service service, string token) =>
        service.TokenAsync(("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", service.Simulator.ClientId));

    private static Task<Answer> Ask(Service service, string more = "") => service.GetAsync(
        $"{Authorize}?client_id={service.Simulator.ClientId}&response_type=code&scope=contact_data+offline_access&state=s%20t"
        + $"&redirect_uri={Uri.EscapeDataString(Redirect)}{more}");

    private static string CodeOf(Answer answer) => HttpUtility.ParseQueryString(answer.Headers.Location!.Query)["code"]!;

    private static Task<Answer> Redeem(Service service, string code, string? verifier) => service.TokenAsync(
        ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", Redirect), ("client_id", service.Simulator.ClientId),
        ("code_verifier", verifier ?? ""));

    private static Task<Answer> Device(Service service, string scope = "contact_data offline_access") => service.FormAsync(
        "/oauth2/default/v1/device/authorize", ("client_id", service.Simulator.ClientId), ("scope", scope), ("response_type", "code"));

    private static Task<Answer> Poll(Service service, Answer device) => service.TokenAsync(("grant_type", DeviceGrant),
        ("device_code", device.Json.GetProperty("device_code").GetString()!), ("client_id", service.Simulator.ClientId));
}
