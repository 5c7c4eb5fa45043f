using System.Text;
using CcExport.Engine.ConstantContact;
using CcExport.Engine.ConstantContact.Tokens;
using CcExport.Engine.Tests.ConstantContact.Support;

namespace CcExport.Engine.Tests.ConstantContact;

public class AccessTokensTests
{
    private static readonly TimeSpan AlmostADay = TimeSpan.FromHours(23.95);

    private static CancellationToken None => CancellationToken.None;

    [Fact]
    public async Task Uses_the_stored_token_until_shortly_before_its_end()
    {
        await using var wired = new Wired();
        AccessTokens tokens = wired.Tokens();
        wired.Jumping.Jump(TimeSpan.FromHours(23.9));
        Assert.Equal(Wired.AccessToken(1), (await tokens.GetAsync(None)).Value);
        Assert.Empty(wired.Refreshes);
        wired.Jumping.Jump(TimeSpan.FromMinutes(2));
        Assert.Equal(Wired.AccessToken(2), (await tokens.GetAsync(None)).Value);
        Assert.Equal(Wired.RefreshToken(2), wired.Secrets.RefreshToken);
        Assert.Equal(wired.Time.GetUtcNow(), wired.Record.RefreshTokenIssuedAt, TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task Does_not_refresh_a_short_lived_token_before_every_call()
    {
        await using var wired = new Wired(life: TimeSpan.FromMinutes(4));
        AccessTokens tokens = wired.Tokens();
        wired.Jumping.Jump(TimeSpan.FromMinutes(2.9));
        await tokens.GetAsync(None);
        Assert.Empty(wired.Refreshes);
        wired.Jumping.Jump(TimeSpan.FromMinutes(0.2));
        await tokens.GetAsync(None);
        Assert.Single(wired.Refreshes);
    }

    [Fact]
    public async Task Asks_as_a_public_application_without_a_secret()
    {
        await using var wired = new Wired();
        wired.Jumping.Jump(AlmostADay);
        await wired.Tokens().GetAsync(None);
        Request request = Assert.Single(wired.Refreshes);
        Assert.Null(request.Header("Authorization"));
        Assert.Equal(
            new Dictionary<string, string> { ["grant_type"] = "refresh_token", ["refresh_token"] = Wired.RefreshToken(1), ["client_id"] = Wired.ClientId },
            request.Form.ToDictionary());
    }

    [Fact]
    public async Task Asks_with_a_basic_header_when_there_is_a_secret_and_keeps_it()
    {
        await using var wired = new Wired(clientSecret: "s3cret");
        wired.Jumping.Jump(AlmostADay);
        await wired.Tokens().GetAsync(None);
        Assert.Equal("Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("app-1:s3cret")), Assert.Single(wired.Refreshes).Header("Authorization"));
        Assert.Equal("s3cret", wired.Secrets.ClientSecret);
    }

    [Fact]
    public async Task Eight_callers_share_one_refresh()
    {
        await using var wired = new Wired();
        wired.Jumping.Jump(AlmostADay);
        wired.Server.Always(Wired.Token, _ => wired.IssueNext() with { Delay = TimeSpan.FromMilliseconds(100) });
        AccessTokens tokens = wired.Tokens();
        AccessToken[] all = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => tokens.GetAsync(None))));
        Assert.All(all, token => Assert.Equal(Wired.AccessToken(2), token.Value));
        Assert.Single(wired.Refreshes);
    }

    [Fact]
    public async Task Eight_callers_that_were_refused_share_one_refresh()
    {
        await using var wired = new Wired();
        AccessTokens tokens = wired.Tokens();
        AccessToken refused = await tokens.GetAsync(None);
        AccessToken[] all = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => tokens.ReplaceAsync(refused, None))));
        Assert.All(all, token => Assert.Equal(Wired.AccessToken(2), token.Value));
        Assert.Single(wired.Refreshes);
    }

    [Fact]
    public async Task Two_processes_share_one_refresh()
    {
        // In real time: where waits are over at once, whoever waits for a lease would outlive it.
        await using var wired = new Wired(TimeProvider.System, life: TimeSpan.Zero);
        wired.Server.Always(Wired.Token, _ => wired.IssueNext() with { Delay = TimeSpan.FromMilliseconds(50) });
        AccessTokens[] processes = [wired.Tokens(), wired.Tokens()];
        AccessToken[] all = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() => processes[i % 2].GetAsync(None))));
        Assert.All(all, token => Assert.Equal(Wired.AccessToken(2), token.Value));
        Assert.Single(wired.Refreshes);
    }

    [Fact]
    public async Task Waits_for_another_machines_lease_and_uses_what_it_stored()
    {
        await using var wired = new Wired();
        wired.Jumping.Jump(AlmostADay);
        string lease = "token/" + wired.Id;
        wired.Leases.Hold(lease, wired.Time.GetUtcNow() + TimeSpan.FromMinutes(1));
        int looks = 0;
        wired.Leases.WhenTaken = name =>
        {
            if (name != lease || ++looks < 3) return;
            wired.Connections[wired.Id] = wired.Record with { SecretsVersion = 2, Secrets = Stored(wired, 7).Protect(wired.Box, wired.Id) };
            wired.Leases.Free(lease);
        };
        Assert.Equal(Wired.AccessToken(7), (await wired.Tokens().GetAsync(None)).Value);
        Assert.Equal(3, looks);
        Assert.Empty(wired.Refreshes);
        Assert.False(wired.Leases.IsHeld(lease, wired.Time.GetUtcNow()));
    }

    [Fact]
    public async Task The_new_refresh_token_is_stored_before_the_new_access_token_is_used()
    {
        await using var wired = new Wired();
        wired.Jumping.Jump(AlmostADay);
        wired.Server.Always(Wired.Privileges, request =>
        {
            Assert.Equal(Wired.AccessToken(2), request.Bearer);
            return Reply.Json($$"""[{"privilege_name":"{{wired.Connections.Saves}}:{{wired.Secrets.RefreshToken}}"}]""");
        });
        wired.Connections.BeforeSave = _ => Assert.Empty(wired.Server.To(Wired.Privileges));
        Assert.Equal([$"1:{Wired.RefreshToken(2)}"], await wired.Client().GetPrivilegesAsync(None));
    }

    [Fact]
    public async Task A_refresh_that_could_not_be_stored_is_not_used_and_not_lost()
    {
        await using var wired = new Wired();
        wired.Jumping.Jump(AlmostADay);
        wired.Server.Always(Wired.Privileges, Reply.Json("[]"));
        wired.Connections.BeforeSave = _ => throw new CcException("StoreFull", CcErrorKind.Storage, "The disk is full.");
        ConstantContactClient client = wired.Client();
        Assert.Equal("StoreFull", (await Assert.ThrowsAsync<CcException>(() => client.GetPrivilegesAsync(None))).ErrorId);
        Assert.Empty(wired.Server.To(Wired.Privileges));
        wired.Connections.BeforeSave = null;
        await client.GetPrivilegesAsync(None);
        // Its predecessor is dead at the server: asking again with that would have ended the connection.
        Assert.Single(wired.Refreshes);
        Assert.Equal(Wired.RefreshToken(2), wired.Secrets.RefreshToken);
    }

    [Fact]
    public async Task A_caller_who_leaves_does_not_lose_the_answer_that_is_on_its_way()
    {
        await using var wired = new Wired();
        wired.Jumping.Jump(AlmostADay);
        using var answer = new ManualResetEventSlim();
        wired.Server.Always(Wired.Token, _ => IssueWhen(answer, wired));
        AccessTokens tokens = wired.Tokens();
        using var stop = new CancellationTokenSource();
        Task<AccessToken> leaving = tokens.GetAsync(stop.Token);
        while (wired.Refreshes.Length == 0) await Task.Delay(5);
        await stop.CancelAsync();
        // It ends although the server has not answered yet.
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaving.WaitAsync(TimeSpan.FromSeconds(10)));
        answer.Set();
        Assert.Equal(Wired.AccessToken(2), (await tokens.GetAsync(None)).Value);
        Assert.Equal(Wired.RefreshToken(2), wired.Secrets.RefreshToken);
        Assert.Single(wired.Refreshes);
    }

    [Fact]
    public async Task Disposing_lets_an_answer_on_its_way_arrive()
    {
        await using var wired = new Wired(TimeProvider.System, new WireOptions { LeavePatience = TimeSpan.FromSeconds(20) }, life: TimeSpan.Zero);
        using var answer = new ManualResetEventSlim();
        wired.Server.Always(Wired.Token, _ => IssueWhen(answer, wired));
        AccessTokens tokens = wired.Tokens();
        using var stop = new CancellationTokenSource();
        Task<AccessToken> leaving = tokens.GetAsync(stop.Token);
        while (wired.Refreshes.Length == 0) await Task.Delay(5);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaving);
        Task disposing = tokens.DisposeAsync().AsTask();
        Assert.False(disposing.IsCompleted);
        answer.Set();
        await disposing;
        Assert.Equal(Wired.RefreshToken(2), wired.Secrets.RefreshToken);
    }

    [Fact]
    public async Task Disposing_does_not_wait_for_ever()
    {
        await using var wired = new Wired(TimeProvider.System, new WireOptions { LeavePatience = TimeSpan.FromMilliseconds(50) }, life: TimeSpan.Zero);
        wired.Server.Always(Wired.Token, Reply.Never);
        AccessTokens tokens = wired.Tokens();
        using var stop = new CancellationTokenSource();
        Task<AccessToken> leaving = tokens.GetAsync(stop.Token);
        while (wired.Refreshes.Length == 0) await Task.Delay(5);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaving);
        await tokens.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_long_lived_refresh_token_stays_even_when_it_is_not_repeated()
    {
        await using var wired = new Wired();
        wired.Server.Script(Wired.Token,
            Wired.Issue(2, refresh: Wired.RefreshToken(1)),
            Reply.Json($$"""{"access_token":"{{Wired.AccessToken(3)}}","expires_in":86400}"""));
        AccessTokens tokens = wired.Tokens();
        for (int i = 2; i <= 3; i++)
        {
            wired.Jumping.Jump(AlmostADay);
            Assert.Equal(Wired.AccessToken(i), (await tokens.GetAsync(None)).Value);
            Assert.Equal(Wired.RefreshToken(1), wired.Secrets.RefreshToken);
        }
    }

    [Fact]
    public async Task Keeps_what_a_person_stored_meanwhile()
    {
        await using var wired = new Wired();
        wired.Jumping.Jump(AlmostADay);
        wired.Connections.BeforeSave = id =>
        {
            wired.Connections.BeforeSave = null;
            wired.Connections[id] = wired.Record with { SecretsVersion = 9, Secrets = Stored(wired, 7).Protect(wired.Box, id) };
        };
        Assert.Equal(Wired.AccessToken(7), (await wired.Tokens().GetAsync(None)).Value);
        Assert.Equal(Wired.RefreshToken(7), wired.Secrets.RefreshToken);
    }

    [Fact]
    public async Task Begins_again_when_it_slept_past_its_lease()
    {
        await using var wired = new Wired();
        wired.Jumping.Jump(AlmostADay);
        wired.Leases.LoseOnRenew = true;
        Assert.Equal(Wired.AccessToken(2), (await wired.Tokens().GetAsync(None)).Value);
        Assert.Single(wired.Refreshes);
    }

    private static Reply IssueWhen(ManualResetEventSlim answer, Wired wired)
    {
        answer.Wait();
        return wired.IssueNext();
    }

    internal static ConnectionSecrets Stored(Wired wired, int number) => new()
    {
        RefreshToken = Wired.RefreshToken(number),
        AccessToken = Wired.AccessToken(number),
        IssuedAt = wired.Time.GetUtcNow(),
        ExpiresAt = wired.Time.GetUtcNow().AddHours(24),
    };
}
