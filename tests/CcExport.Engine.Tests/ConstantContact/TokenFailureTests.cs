using CcExport.Engine.ConstantContact;
using CcExport.Engine.ConstantContact.Tokens;
using CcExport.Engine.Tests.ConstantContact.Support;

namespace CcExport.Engine.Tests.ConstantContact;

/// <summary>What ends a connection (one answer alone), and what does not.</summary>
public class TokenFailureTests
{
    private static readonly TimeSpan AlmostADay = TimeSpan.FromHours(23.95);
    private static readonly TimeSpan OverADay = TimeSpan.FromHours(24.1);

    private static CancellationToken None => CancellationToken.None;

    [Theory]
    [InlineData(400)]
    [InlineData(401)]
    public async Task Invalid_grant_signs_the_connection_out_and_says_how_to_sign_in(int status)
    {
        await using var wired = new Wired();
        wired.Jumping.Jump(OverADay);
        wired.Server.Always(Wired.Token, Wired.Refusal("invalid_grant", status));
        AccessTokens tokens = wired.Tokens();
        CcException[] all = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Assert.ThrowsAsync<CcException>(() => tokens.GetAsync(None)))));
        Assert.All(all, e => Assert.Equal(("SignInAgain", CcErrorKind.Authentication), (e.ErrorId, e.Kind)));
        Assert.Contains("Remove-CcConnection -Name 'Main'", all[0].Remedy, StringComparison.Ordinal);
        Assert.Contains("New-CcConnection -Name 'Main'", all[0].Remedy, StringComparison.Ordinal);
        Assert.Equal(wired.Time.GetUtcNow(), wired.Record.SignedOutAt!.Value, TimeSpan.FromMinutes(1));
        Assert.Equal("SignInAgain", (await Assert.ThrowsAsync<CcException>(() => wired.Tokens().GetAsync(None))).ErrorId);
        Assert.Single(wired.Refreshes);
    }

    [Fact]
    public async Task Invalid_grant_ends_nothing_when_someone_signed_in_again_meanwhile()
    {
        await using var wired = new Wired();
        wired.Jumping.Jump(OverADay);
        wired.Server.Always(Wired.Token, _ =>
        {
            wired.Connections[wired.Id] = wired.Record with { SecretsVersion = 5, Secrets = AccessTokensTests.Stored(wired, 7).Protect(wired.Box, wired.Id) };
            return Wired.Refusal("invalid_grant");
        });
        Assert.Equal(Wired.AccessToken(7), (await wired.Tokens().GetAsync(None)).Value);
        Assert.Null(wired.Record.SignedOutAt);
    }

    [Theory]
    [InlineData("invalid_client", 401, "ClientRefused")]
    [InlineData("unauthorized_client", 400, "ClientRefused")]
    [InlineData("invalid_request", 400, "SignInRefused")]
    [InlineData("access_denied", 403, "SignInRefused")]
    public async Task Other_refusals_end_nothing(string error, int status, string id)
    {
        await using var wired = new Wired();
        wired.Jumping.Jump(OverADay);
        wired.Server.Always(Wired.Token, Wired.Refusal(error, status));
        CcException refused = await Assert.ThrowsAsync<CcException>(() => wired.Tokens().GetAsync(None));
        Assert.Equal((id, CcErrorKind.Authentication), (refused.ErrorId, refused.Kind));
        Assert.Null(wired.Record.SignedOutAt);
        Assert.Single(wired.Refreshes);
    }

    public static TheoryData<string> Passing => ["429 empty", "429 text", "429 json", "500 html", "503", "200 html", "200 array", "200 no token", "drop", "temporarily"];

    [Theory]
    [MemberData(nameof(Passing))]
    public async Task Trouble_on_the_way_is_tried_again(string kind)
    {
        Reply trouble = kind switch
        {
            "429 empty" => new Reply(429),
            "429 text" => new Reply(429, "slow") { ContentType = "text/plain" },
            "429 json" => Reply.Json("""{"error_key":"throttled","error_message":"Too Many Requests"}""", 429),
            "500 html" => new Reply(500, "<html>") { ContentType = "text/html" },
            "200 html" => new Reply(200, "<html>") { ContentType = "text/html" },
            "200 array" => Reply.Json("[]"),
            "200 no token" => Reply.Json("{}"),
            "drop" => Reply.Lost,
            "temporarily" => Wired.Refusal("temporarily_unavailable"),
            _ => new Reply(503),
        };
        await using var wired = new Wired();
        wired.Jumping.Jump(OverADay);
        wired.Server.Script(Wired.Token, trouble, trouble);
        Assert.Equal(Wired.AccessToken(2), (await wired.Tokens().GetAsync(None)).Value);
        Assert.Equal(3, wired.Refreshes.Length);
        Assert.Null(wired.Record.SignedOutAt);
    }

    [Fact]
    public async Task Trouble_that_stays_is_a_failure_of_the_network_and_all_callers_share_it()
    {
        await using var wired = new Wired();
        wired.Jumping.Jump(OverADay);
        wired.Server.Always(Wired.Token, Wired.ServerFault);
        AccessTokens tokens = wired.Tokens();
        CcException[] all = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Assert.ThrowsAsync<CcException>(() => tokens.GetAsync(None))));
        Assert.All(all, e => Assert.Equal(("SignInUnreachable", CcErrorKind.Connection), (e.ErrorId, e.Kind)));
        Assert.Equal(5, wired.Refreshes.Length);
        Assert.Null(wired.Record.SignedOutAt);
        // Not for ever: who comes later tries anew.
        wired.Server.Always(Wired.Token, _ => wired.IssueNext());
        Assert.Equal(Wired.AccessToken(2), (await tokens.GetAsync(None)).Value);
    }

    [Fact]
    public async Task A_silent_endpoint_times_out_and_is_tried_again()
    {
        await using var wired = new Wired(options: new WireOptions { TokenTimeout = TimeSpan.FromMilliseconds(500) });
        wired.Jumping.Jump(OverADay);
        wired.Server.Script(Wired.Token, Reply.Never);
        // Whichever number: on a busy machine an answer may come too late once more.
        Assert.NotEqual(Wired.AccessToken(1), (await wired.Tokens().GetAsync(None)).Value);
        Assert.True(wired.Refreshes.Length >= 2);
    }

    [Fact]
    public async Task An_endpoint_out_of_reach_does_not_stop_calls_while_the_token_still_works()
    {
        await using var wired = new Wired();
        wired.Jumping.Jump(AlmostADay);
        wired.Server.Always(Wired.Token, Wired.ServerFault);
        AccessTokens tokens = wired.Tokens();
        Assert.Equal(Wired.AccessToken(1), (await tokens.GetAsync(None)).Value);
        Assert.Equal(5, wired.Refreshes.Length);
        // And it is left alone for a while.
        Assert.Equal(Wired.AccessToken(1), (await tokens.GetAsync(None)).Value);
        Assert.Equal(5, wired.Refreshes.Length);
        wired.Jumping.Jump(TimeSpan.FromMinutes(1.1));
        wired.Server.Always(Wired.Token, _ => wired.IssueNext());
        Assert.Equal(Wired.AccessToken(2), (await tokens.GetAsync(None)).Value);
    }

    [Fact]
    public async Task The_token_endpoint_sees_one_request_a_second_over_all_processes()
    {
        await using var wired = new Wired(TimeProvider.System);
        long[] arrived = await Arrivals(wired);
        for (int i = 1; i < arrived.Length; i++)
            Assert.True(System.Diagnostics.Stopwatch.GetElapsedTime(arrived[i - 1], arrived[i]) > TimeSpan.FromSeconds(1));

        static async Task<long[]> Arrivals(Wired wired)
        {
            // Three processes of one application, each with another connection's token.
            TokenEndpoint[] endpoints = [.. Enumerable.Range(0, 3).Select(_ => new TokenEndpoint(wired.Wire, wired.Record.AuthorizationEndpoint, Wired.ClientId, null))];
            await Task.WhenAll(endpoints.Select((endpoint, i) => endpoint.RefreshAsync(Wired.RefreshToken(i), None)));
            return [.. wired.Refreshes.Select(r => r.Arrived)];
        }
    }

    [Fact]
    public async Task A_connection_that_was_removed_says_so()
    {
        await using var wired = new Wired();
        AccessTokens tokens = wired.Tokens();
        await wired.Connections.RemoveAsync(wired.Id, None);
        Assert.Equal("ConnectionNotFound", (await Assert.ThrowsAsync<CcException>(() => tokens.GetAsync(None))).ErrorId);
    }

    [Theory]
    [InlineData("86400", 86_400)]
    [InlineData("28800", 28_800)]
    [InlineData("1795518000", 1_795_518_000 - 1_795_514_400)]
    [InlineData("1795518000000", 1_795_518_000 - 1_795_514_400)]
    [InlineData("0", 28_800)]
    [InlineData("-5", 28_800)]
    [InlineData("soon", 28_800)]
    [InlineData(null, 28_800)]
    public void Expires_in_is_a_duration_or_a_point_in_time(string? expiresIn, long secondsFromNow)
    {
        var now = DateTimeOffset.FromUnixTimeSeconds(1_795_514_400);
        Assert.Equal(now.AddSeconds(secondsFromNow), TokenEndpoint.ExpiryOf(expiresIn, now));
    }
}
