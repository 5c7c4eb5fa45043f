using System.Globalization;
using CcExport.Engine.ConstantContact;
using CcExport.Engine.Tests.ConstantContact.Support;

namespace CcExport.Engine.Tests.ConstantContact;

/// <summary>403 has several causes and one code; the end of the day's quota; the endpoint in the store.</summary>
public class ClientRefusalTests
{
    private const string Denied = """{"error_key":"access_denied","error_message":"Request forbidden due to insufficient user privileges."}""";
    private const string All = """[{"privilege_name":"contacts:write"},{"privilege_name":"contacts:read"},{"privilege_name":"contacts:lists:read"}]""";
    private const string CampaignCreator = """[{"privilege_name":"contacts:lists:read"}]""";

    private static CancellationToken None => CancellationToken.None;

    private static async Task<CcException> ImportRefused(Wired wired) => await Assert.ThrowsAsync<CcException>(() => wired.Client().ImportAsync("{}"u8.ToArray(), None));

    [Fact]
    public async Task Names_the_missing_privilege_and_who_has_it()
    {
        await using var wired = new Wired();
        wired.Server.Always(Wired.Import, Reply.Json(Denied, 403));
        wired.Server.Always(Wired.Privileges, Reply.Json(CampaignCreator));
        CcException refused = await ImportRefused(wired);
        Assert.Equal(("PrivilegeMissing", CcErrorKind.Permission), (refused.ErrorId, refused.Kind));
        Assert.Contains("contacts:write", refused.Message, StringComparison.Ordinal);
        Assert.Contains("Account Owner and Account Manager", refused.Remedy, StringComparison.Ordinal);
        Assert.Single(wired.Server.To(Wired.Privileges));
    }

    [Fact]
    public async Task Blames_the_scope_when_the_privilege_is_there()
    {
        await using var wired = new Wired();
        wired.Server.Always(Wired.Lists, Reply.Json("""{"message":"Forbidden"}""", 403));
        wired.Server.Always(Wired.Privileges, Reply.Json(All));
        CcException refused = await Assert.ThrowsAsync<CcException>(() => wired.Client().GetListsAsync(None));
        Assert.Equal("ScopeMissing", refused.ErrorId);
        Assert.Contains("New-CcConnection -Name 'Main'", refused.Remedy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(403)]
    [InlineData(401)]
    public async Task Blames_the_application_when_even_the_question_is_refused(int status)
    {
        await using var wired = new Wired();
        wired.Server.Always(Wired.Import, new Reply(403));
        wired.Server.Always(Wired.Privileges, new Reply(status));
        Assert.Equal("ApplicationRefused", (await ImportRefused(wired)).ErrorId);
        Assert.Equal(status == 401 ? 2 : 1, wired.Server.To(Wired.Privileges).Length);
        Assert.Equal("ApplicationRefused", (await Assert.ThrowsAsync<CcException>(() => wired.Client().GetPrivilegesAsync(None))).ErrorId);
    }

    [Fact]
    public async Task Says_so_when_the_reason_cannot_be_found_out()
    {
        await using var wired = new Wired(options: new WireOptions { Tries = 1 });
        wired.Server.Always(Wired.Import, new Reply(403));
        wired.Server.Always(Wired.Privileges, Wired.ServerFault);
        Assert.Equal("AccessDenied", (await ImportRefused(wired)).ErrorId);
    }

    [Theory]
    [InlineData(403, "Your plan does not allow more contacts.")]
    [InlineData(403, "The contact limit of this account is reached, please upgrade.")]
    [InlineData(402, "Billing problem")]
    public async Task Explains_the_plans_limit_without_asking_further(int status, string words)
    {
        await using var wired = new Wired();
        wired.Server.Always(Wired.Import, Reply.Json($$"""{"error_key":"x","error_message":"{{words}}"}""", status));
        CcException refused = await ImportRefused(wired);
        Assert.Equal(("PlanLimitReached", CcErrorKind.Limit), (refused.ErrorId, refused.Kind));
        Assert.Contains("contacts", refused.Remedy, StringComparison.Ordinal);
        Assert.Single(wired.Server.Requests);
    }

    [Theory]
    [InlineData("""{"error_key":"quota_exceeded","error_message":"Limit Exceeded"}""")]
    [InlineData("""[{"error_key":"quota_exceeded","error_message":"Limit Exceeded"}]""")]
    [InlineData("""{"message":"Limit Exceeded"}""")]
    public async Task Ends_the_day_for_every_process_when_the_service_says_so(string body)
    {
        await using var wired = new Wired();
        wired.Server.Always(Wired.Import, Reply.Json(body, 429));
        CcException refused = await ImportRefused(wired);
        Assert.Equal(("QuotaExceeded", CcErrorKind.Limit), (refused.ErrorId, refused.Kind));
        Assert.Contains("2026-11-25 00:00 UTC", refused.Message, StringComparison.Ordinal);
        Assert.True((await wired.Ledger.GetUseAsync(Wired.ClientId, wired.Time.GetUtcNow(), None)).EndedByServer);
        // From the ledger now, without a call.
        Assert.Equal("QuotaExceeded", (await ImportRefused(wired)).ErrorId);
        Assert.Single(wired.Server.Requests);
        wired.Jumping.Jump(TimeSpan.FromHours(14.1));
        await ImportRefused(wired);
        Assert.Equal(2, wired.Server.Requests.Count);
    }

    [Fact]
    public async Task Ends_the_day_by_the_services_clock()
    {
        await using var wired = new Wired();
        // Ours is 00:00:10 already, theirs is still 23:59:40: today must not be lost for yesterday's quota.
        wired.Jumping.Jump(new DateTimeOffset(2026, 11, 25, 0, 0, 10, TimeSpan.Zero) - wired.Time.GetUtcNow());
        var theirs = new DateTimeOffset(2026, 11, 24, 23, 59, 40, TimeSpan.Zero);
        wired.Server.Always(Wired.Import, Reply.Json("""{"error_key":"quota_exceeded"}""", 429) with { Headers = [("Date", theirs.ToString("R", CultureInfo.InvariantCulture))] });
        Assert.Contains("2026-11-25 00:00 UTC", (await ImportRefused(wired)).Message, StringComparison.Ordinal);
        Assert.False((await wired.Ledger.GetUseAsync(Wired.ClientId, wired.Time.GetUtcNow(), None)).EndedByServer);
    }

    [Fact]
    public async Task Stops_at_its_own_count_of_the_day()
    {
        await using var wired = new Wired(options: new WireOptions { CallsPerDay = 2 });
        wired.Server.Always(Wired.Privileges, Reply.Json("[]"));
        ConstantContactClient client = wired.Client();
        await client.GetPrivilegesAsync(None);
        await client.GetPrivilegesAsync(None);
        Assert.Equal("QuotaExceeded", (await Assert.ThrowsAsync<CcException>(() => client.GetPrivilegesAsync(None))).ErrorId);
        Assert.Equal(2, client.Calls);
    }

    [Fact]
    public async Task Does_not_send_the_token_to_an_endpoint_that_is_not_secure()
    {
        await using var wired = new Wired();
        wired.Connections[wired.Id] = wired.Record with { ApiEndpoint = new Uri("http://cc.example/v3") };
        Assert.Equal("EndpointNotSecure", Assert.Throws<CcException>(() => wired.Client()).ErrorId);
    }
}
