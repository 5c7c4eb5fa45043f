using CcExport.Engine.Exports;
using CcExport.Engine.Identity.Entra;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;
using CcExport.Engine.Tests.Exports;
using CcExport.Simulator.Entra;
using CcExport.Simulator.Insights;
using static CcExport.Engine.Tests.Identity.Entra.Tenant;

namespace CcExport.Engine.Tests.Identity.Entra;

/// <summary>The tokens of somebody who is signed in: kept, renewed, shared by processes, and ended.</summary>
public sealed class ExportUserTokensTests
{
    [Theory]
    [InlineData(ExportUserKind.DeviceCode)]
    [InlineData(ExportUserKind.ClientSecret)]
    public async Task A_token_survives_the_process(ExportUserKind kind)
    {
        await using Tenant tenant = await StartAsync();
        await tenant.AddAsync(kind, Crm);
        int calls = tenant.Entra.Calls.Count;
        string first = await tenant.TokenAsync();
        await using SecondEngine other = await tenant.ReopenAsync();
        Assert.Equal(first, (await (await other.OpenAsync()).GetAsync(Crm, false, default)).Value);
        Assert.Equal(calls, tenant.Entra.Calls.Count);
    }

    [Theory]
    [InlineData(ExportUserKind.DeviceCode, "refresh_token")]
    [InlineData(ExportUserKind.ClientSecret, "client_credentials")]
    public async Task A_token_that_was_refused_is_replaced_once_for_all_who_ask(ExportUserKind kind, string grant)
    {
        await using Tenant tenant = await StartAsync();
        await tenant.AddAsync(kind, Crm);
        IAccessTokens tokens = await tenant.OpenAsync();
        string first = (await tokens.GetAsync(Crm, false, default)).Value;
        int before = tenant.Count(grant);
        tenant.Entra.ExpireAccessTokens();
        BearerToken[] all = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(async () => await tokens.GetAsync(Crm, true, default))));
        string second = (await tokens.GetAsync(Crm, false, default)).Value;
        Assert.NotEqual(first, second);
        Assert.Equal(second, all[^1].Value);
        tenant.Good(second);
        // Those that began before the new token was there share it; one that comes later is a refusal of its own.
        Assert.InRange(tenant.Count(grant) - before, 1, 20);
        Assert.Equal(second, (await (await tenant.OpenAsync()).GetAsync(Crm, false, default)).Value);
    }

    [Fact]
    public async Task A_token_near_its_end_is_replaced_before_it()
    {
        await using Tenant tenant = await StartAsync();
        tenant.Entra.TokenSeconds = 200;
        await tenant.AddAsync(ExportUserKind.ClientSecret, Crm);
        IAccessTokens tokens = await tenant.OpenAsync();
        BearerToken first = await tokens.GetAsync(Crm, false, default);
        Assert.InRange(first.ExpiresAt, DateTimeOffset.UtcNow.AddSeconds(150), DateTimeOffset.UtcNow.AddSeconds(210));
        // Within three quarters of its life it is held here, although the library would not give it out again.
        Assert.Equal(first.Value, (await tokens.GetAsync(Crm, false, default)).Value);
        Assert.NotEqual(first.Value, await tenant.TokenAsync());
    }

    [Fact]
    public async Task Two_processes_that_renew_at_once_lose_no_sign_in()
    {
        await using Tenant tenant = await StartAsync();
        // The hardest case: the tenant takes every refresh token once.
        tenant.Entra.RotateStrictly = true;
        await tenant.AddAsync(ExportUserKind.DeviceCode, Crm);
        await using SecondEngine other = await tenant.ReopenAsync();
        IAccessTokens[] readers = [await tenant.OpenAsync(), await other.OpenAsync()];
        for (int round = 0; round < 8; round++)
        {
            BearerToken[] both = await Task.WhenAll(readers.Select(r => Task.Run(async () => await r.GetAsync(Crm, true, default))));
            foreach (BearerToken token in both) tenant.Good(token.Value);
        }
        await using SecondEngine third = await tenant.ReopenAsync();
        tenant.Good((await (await third.OpenAsync()).GetAsync(Crm, true, default)).Value);
        Assert.Equal("Ready", (await tenant.ShownAsync()).State);
    }

    [Fact]
    public async Task What_two_processes_got_for_two_services_is_kept_by_both()
    {
        await using Tenant tenant = await StartAsync();
        await tenant.AddAsync(ExportUserKind.ClientSecret);
        await using SecondEngine other = await tenant.ReopenAsync();
        IAccessTokens here = await tenant.OpenAsync(), there = await other.OpenAsync();
        string[] scopes = [.. Enumerable.Range(0, 6).Select(i => $"https://org{i}.crm.dynamics.com/.default")];
        await Task.WhenAll(scopes.Select((scope, i) => Task.Run(async () => await (i % 2 == 0 ? here : there).GetAsync(scope, false, default))));
        int calls = tenant.Entra.Calls.Count;
        await using SecondEngine third = await tenant.ReopenAsync();
        IAccessTokens later = await third.OpenAsync();
        foreach (string scope in scopes) await later.GetAsync(scope, false, default);
        Assert.Equal(calls, tenant.Entra.Calls.Count);
    }

    [Theory]
    [InlineData(true, "AADSTS50173")]
    [InlineData(false, "AADSTS700082")]
    public async Task A_person_whose_sign_in_has_ended_is_asked_to_sign_in_again(bool revoked, string code)
    {
        await using Tenant tenant = await StartAsync();
        await tenant.AddAsync(ExportUserKind.DeviceCode, Crm);
        IAccessTokens tokens = await tenant.OpenAsync();
        if (revoked) tenant.Entra.RevokeRefreshTokens();
        else tenant.Entra.ExpireRefreshTokens();
        CcException failed = await Assert.ThrowsAsync<CcException>(async () => await tokens.GetAsync(Crm, true, default));
        Assert.Equal(("SignInRequired", CcErrorKind.Authentication, "acme"), (failed.ErrorId, failed.Kind, failed.Subject));
        Assert.Contains(code, failed.Message, StringComparison.Ordinal);
        Assert.Contains("Add-CcExportUser", failed.Remedy, StringComparison.Ordinal);
        Assert.Equal("SignInAgain", (await tenant.ShownAsync()).State);

        await tenant.AddAsync(ExportUserKind.DeviceCode, Crm);
        Assert.Equal("Ready", (await tenant.ShownAsync()).State);
        tenant.Good(await tenant.TokenAsync(renew: true));
    }

    [Fact]
    public async Task A_person_of_whom_more_is_asked_signs_in_again_and_is_ready_once_it_works()
    {
        await using Tenant tenant = await StartAsync();
        await tenant.AddAsync(ExportUserKind.DeviceCode, Crm);
        tenant.Entra.FailNext(EntraFault.InteractionRequired);
        CcException failed = await Assert.ThrowsAsync<CcException>(() => tenant.TokenAsync(Storage));
        Assert.Equal("SignInRequired", failed.ErrorId);
        Assert.Contains("AADSTS50076", failed.Message, StringComparison.Ordinal);
        Assert.Equal("SignInAgain", (await tenant.ShownAsync()).State);
        // Somebody lifted what was asked: nobody has to sign in any more.
        tenant.Good(await tenant.TokenAsync(renew: true));
        Assert.Equal("Ready", (await tenant.ShownAsync()).State);
    }

    [Fact]
    public async Task Reading_ends_when_the_export_user_is_removed_or_another()
    {
        await using Tenant tenant = await StartAsync();
        await tenant.AddAsync(ExportUserKind.ClientSecret, Crm);
        IAccessTokens tokens = await tenant.OpenAsync();
        await tokens.GetAsync(Crm, false, default);
        await tenant.AddAsync(ExportUserKind.DeviceCode, Crm);
        CcException failed = await Assert.ThrowsAsync<CcException>(async () => await tokens.GetAsync(Crm, true, default));
        Assert.Equal(("ExportUserChanged", CcErrorKind.Conflict), (failed.ErrorId, failed.Kind));
        tokens = await tenant.OpenAsync();
        await tenant.Test.Engine.RemoveExportUserAsync("acme", default);
        failed = await Assert.ThrowsAsync<CcException>(async () => await tokens.GetAsync(Crm, true, default));
        Assert.Equal("ExportUserChanged", failed.ErrorId);
        Assert.Empty(await tenant.Test.Engine.GetExportUsersAsync(null, default));
        Assert.Equal("ExportUserNotFound", (await Assert.ThrowsAsync<CcException>(() => tenant.Test.Engine.RemoveExportUserAsync("acme", default))).ErrorId);
        Assert.Equal("ExportUserMissing", (await Assert.ThrowsAsync<CcException>(tenant.OpenAsync)).ErrorId);
    }

    /// <summary>A token is good for an hour: who is removed is not read as for that long.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_token_at_hand_is_given_for_half_a_minute_to_whoever_reads_as_somebody_removed(bool removed)
    {
        var time = new AheadTime();
        await using Tenant tenant = await Tenant.StartAsync(time: time);
        await tenant.AddAsync(ExportUserKind.ClientSecret, Crm);
        IAccessTokens tokens = await tenant.OpenAsync();
        BearerToken token = await tokens.GetAsync(Crm, false, default);
        time.Ahead += TimeSpan.FromSeconds(40);
        Assert.Equal(token, await tokens.GetAsync(Crm, false, default));
        if (removed) await tenant.Test.Engine.RemoveExportUserAsync("acme", default);
        else await tenant.AddAsync(ExportUserKind.DeviceCode, Crm);
        Assert.Equal(token, await tokens.GetAsync(Crm, false, default));
        time.Ahead += TimeSpan.FromSeconds(31);
        // Each time: nobody who reads by several requests goes on with one of them.
        for (int i = 0; i < 3; i++)
        {
            CcException failed = await Assert.ThrowsAsync<CcException>(async () => await tokens.GetAsync(Crm, false, default));
            Assert.Equal(("ExportUserChanged", "acme"), (failed.ErrorId, failed.Subject));
            Assert.Contains(removed ? "removed" : "signed in anew", failed.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_run_that_reads_ends_when_its_export_user_is_removed()
    {
        var time = new AheadTime();
        await using Tenant tenant = await Tenant.StartAsync(time: time);
        TestEngine test = tenant.Test;
        InsightsEstate estate = test.Simulator.State.Insights;
        estate.Profiles = 3000;
        await tenant.AddAsync(ExportUserKind.ClientSecret);
        var place = new SourceReference { CustomerInsights = test.Simulator.InstanceId, ApiEndpoint = new Uri(test.Simulator.InsightsUrl), SubscriptionKey = test.Simulator.SubscriptionKey };
        await test.Engine.AddSourceAsync("S", place, "acme", default);
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", Connection = "acme", ListId = test.ListId, Map = new Dictionary<string, string> { ["email"] = "EMail" }, Source = "S", Segment = ["Newsletter"] }, default);
        int pages = 0;
        estate.OnCall = call =>
        {
            if (call != InsightsCall.Profiles || ++pages != 3) return;
            test.Store.ExportUsers.RemoveAsync(test.Store.ExportUsers.ListAsync(default).GetAwaiter().GetResult()[0].ConnectionId, default).GetAwaiter().GetResult();
            time.Ahead += TimeSpan.FromSeconds(31);
        };
        Run run = await test.Engine.InvokeAsync(new RunRequest { ExportName = "E" }, test.Watcher, default);
        Assert.Equal((RunStatus.Failed, 3), (run.Status, pages));
        Assert.Contains("The export user was removed", run.Message, StringComparison.Ordinal);
        Assert.Empty(test.Simulator.State.Contacts(test.ListId));
    }

    private sealed class AheadTime : TimeProvider
    {
        public TimeSpan Ahead { get; set; }

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + Ahead;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => System.GetElapsedTime(0, System.GetTimestamp()).Ticks + Ahead.Ticks;
    }

    [Fact]
    public async Task A_connection_takes_its_export_user_with_it()
    {
        await using Tenant tenant = await StartAsync();
        await tenant.AddAsync(ExportUserKind.ClientSecret);
        await tenant.Test.Engine.RemoveConnectionAsync("acme", ExportFate.Refuse, tenant.Test.Watcher, default);
        Assert.Empty(await tenant.Test.Engine.GetExportUsersAsync(null, default));
        Assert.Empty(await tenant.Test.Store.ExportUsers.ListAsync(default));
    }

    [Fact]
    public async Task Secrets_of_one_connection_are_no_use_to_another()
    {
        await using Tenant tenant = await StartAsync();
        await tenant.AddAsync(ExportUserKind.ClientSecret, Crm);
        await tenant.Test.ConnectAgainAsync("second");
        ConnectionRecord second = (await tenant.Test.Store.Connections.FindAsync("second", default))!;
        ExportUserRecord stolen = Assert.Single(await tenant.Test.Store.ExportUsers.ListAsync(default)) with { ConnectionId = second.Id };
        await tenant.Test.Store.ExportUsers.SaveAsync(stolen, default);
        IAccessTokens tokens = await Readers.TokensAsync(tenant.Test.Parts, "second", default);
        CcException failed = await Assert.ThrowsAsync<CcException>(async () => await tokens.GetAsync(Crm, false, default));
        Assert.Equal("SecretUnreadable", failed.ErrorId);
        Assert.Equal(["acme", "second"], (await tenant.Test.Engine.GetExportUsersAsync(null, default)).Select(u => u.Connection));
        Assert.Equal("ExportUserAmbiguous", (await Assert.ThrowsAsync<CcException>(() => Readers.TokensAsync(tenant.Test.Parts, null, default))).ErrorId);
    }
}
