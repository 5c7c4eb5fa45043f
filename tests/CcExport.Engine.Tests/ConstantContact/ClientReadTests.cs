using System.Globalization;
using CcExport.Engine.ConstantContact;
using CcExport.Engine.Tests.ConstantContact.Support;
using Microsoft.Extensions.Time.Testing;

namespace CcExport.Engine.Tests.ConstantContact;

public class ClientReadTests
{
    private static CancellationToken None => CancellationToken.None;

    [Fact]
    public async Task Sends_the_token_and_says_who_asks()
    {
        await using var wired = new Wired();
        wired.Server.Always(Wired.Privileges, Reply.Json("""[{"privilege_id":30,"privilege_name":"contacts:write"},{"privilege_id":31},null,{"privilege_name":"contacts:read"}]"""));
        ConstantContactClient client = wired.Client();
        Assert.Equal(["contacts:write", "contacts:read"], await client.GetPrivilegesAsync(None));
        Request request = Assert.Single(wired.Server.Requests);
        Assert.Equal(Wired.AccessToken(1), request.Bearer);
        Assert.Equal("application/json", request.Header("Accept"));
        Assert.StartsWith("CcExport/", request.Header("User-Agent"), StringComparison.Ordinal);
        Assert.Null(request.Header("Cookie"));
        Assert.Equal(1, client.Calls);
    }

    [Fact]
    public async Task Reads_all_pages_of_lists_and_tolerates_what_is_missing()
    {
        await using var wired = new Wired();
        wired.Server.Always(Wired.Lists, request => Reply.Json(request.Target.Contains("cursor=2", StringComparison.Ordinal)
            ? """{"lists":[{"list_id":"c","name":null},{"name":"no id"},{}],"_links":{"next":null}}"""
            : """
              {"lists":[{"list_id":"a","name":"A","description":"","membership_count":7,"created_at":"2026-01-02T03:04:05-05:00","deleted_at":"2026-11-24T10:15:02.417Z"},
              {"list_id":"b","name":"B","membership_count":null,"created_at":null,"unknown":[1]}],"_links":{"next":{"href":"NEXT"}}}
              """.Replace("NEXT", request.Target.Contains("cursor=1", StringComparison.Ordinal)
                ? wired.Server.Origin + "/v3/contact_lists?cursor=2" : "/v3/contact_lists?cursor=1", StringComparison.Ordinal)));
        IReadOnlyList<ContactList> lists = await wired.Client().GetListsAsync(None);
        Assert.Equal(["a", "b", "a", "b", "c"], lists.Select(l => l.ListId));
        Assert.Equal(new DateTimeOffset(2026, 1, 2, 8, 4, 5, TimeSpan.Zero), lists[0].CreatedAt);
        Assert.Equal(417, lists[0].DeletedAt!.Value.Millisecond);
        Assert.Equal((7L, null, "Main"), (lists[0].MembershipCount, lists[1].MembershipCount, lists[0].Connection));
        Assert.Null(lists[0].Description);
        Assert.Equal("c", lists[4].Name);
        Assert.Contains("limit=500", wired.Server.To(Wired.Lists)[0].Target, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://evil.example/v3/contact_lists?cursor=1")]
    [InlineData("//evil.example/v3/contact_lists?cursor=1")]
    [InlineData("/v3/contacts?cursor=1")]
    [InlineData("/v3/contact_lists/../contacts?cursor=1")]
    [InlineData("http://someone@127.0.0.1/v3/contact_lists?cursor=1")]
    [InlineData("ftp:/v3/contact_lists")]
    public async Task Refuses_a_page_link_that_leads_elsewhere(string href)
    {
        await using var wired = new Wired();
        wired.Server.Always(Wired.Lists, Reply.Json("""{"lists":[],"_links":{"next":{"href":"NEXT"}}}""".Replace("NEXT", href, StringComparison.Ordinal)));
        CcException refused = await Assert.ThrowsAsync<CcException>(() => wired.Client().GetListsAsync(None));
        Assert.Equal("PageLinkRefused", refused.ErrorId);
        Assert.Single(wired.Server.Requests);
    }

    [Fact]
    public async Task Refuses_pages_that_go_in_a_circle()
    {
        await using var wired = new Wired();
        wired.Server.Always(Wired.Lists, Reply.Json("""{"lists":[],"_links":{"next":{"href":"/v3/contact_lists?cursor=1"}}}"""));
        Assert.Equal("PageLinkRefused", (await Assert.ThrowsAsync<CcException>(() => wired.Client().GetListsAsync(None))).ErrorId);
        Assert.Equal(2, wired.Server.Requests.Count);
    }

    [Fact]
    public async Task Gives_null_for_a_list_or_job_that_does_not_exist()
    {
        await using var wired = new Wired();
        wired.Server.Always("GET /v3/contact_lists/gone", Reply.Json("""[{"error_key":"contacts.api.not_found","error_message":"no"}]""", 404));
        wired.Server.Always("GET /v3/contact_lists/odd%20id", Reply.Json("""[{"error_key":"contacts.api.not_found","error_message":"invalid format"}]""", 400));
        wired.Server.Always("GET /v3/activities/gone", new Reply(404));
        ConstantContactClient client = wired.Client();
        Assert.Null(await client.GetListAsync("gone", None));
        Assert.Null(await client.GetListAsync("odd id", None));
        Assert.Null(await client.GetActivityAsync("gone", None));
        Assert.Contains("include_membership_count=all", wired.Server.Requests.First().Target, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reads_the_account_the_counts_and_the_fields()
    {
        await using var wired = new Wired();
        wired.Server.Script("GET /v3/account/summary", Reply.Json("""{"encoded_account_id":"p07e1","organization_name":"Org"}"""), new Reply(403));
        wired.Server.Always("GET /v3/contacts/counts", Reply.Json("""{"total":9,"explicit":"3","implicit":4,"pending":null,"unsubscribed":2}"""));
        wired.Server.Always("GET /v3/contact_custom_fields", Reply.Json("""{"custom_fields":[{"custom_field_id":"f1","label":"Tier","name":"tier","type":"string"},{"label":"no name"}]}"""));
        ConstantContactClient client = wired.Client();
        Assert.Equal(new AccountSummary("p07e1", "Org"), await client.GetAccountAsync(None));
        Assert.Null(await client.GetAccountAsync(None));
        Assert.Equal(new ContactCounts(9, 3, 4, 0, 2), await client.GetContactCountsAsync(None));
        CustomField field = Assert.Single(await client.GetCustomFieldsAsync(None));
        Assert.Equal(("f1", "cf:tier", "Tier", "string"), (field.CustomFieldId, field.MapKey, field.Label, field.Type));
        Assert.Equal(4, wired.Server.Requests.Count);
    }

    [Fact]
    public async Task Reads_jobs_with_and_without_counters()
    {
        await using var wired = new Wired();
        wired.Server.Always("GET /v3/activities", Reply.Json("""
            {"activities":[{"activity_id":"1","state":"completed","created_at":"2026-11-24T10:15:02.417Z","percent_done":100,
            "activity_errors":["Line 2: Invalid email bad@example.com",{"message":"Line 3: Invalid birthday"},7,null],
            "status":{"items_total_count":11,"error_count":1,"correctable_count":2,"cannot_add_to_list_count":3}},
            {"activity_id":"2","status":null,"activity_errors":null},{"_links":{"self":{"href":"/v3/activities/3"}},"state":"sleeping"},{"state":"lost"}]}
            """));
        IReadOnlyList<Activity> jobs = await wired.Client().GetActivitiesAsync(None);
        Assert.Equal(["1", "2", "3"], jobs.Select(j => j.ActivityId));
        Assert.Equal((11L, 1L, 2L, 3L), (jobs[0].ItemsTotal, jobs[0].ErrorCount, jobs[0].CorrectableCount, jobs[0].CannotAddToList));
        Assert.Equal(["Line 2: Invalid email <address>", "Line 3: Invalid birthday"], jobs[0].Errors);
        Assert.Equal((null, null, false), (jobs[1].ItemsTotal, jobs[1].CreatedAt, jobs[1].IsTerminal));
        Assert.False(jobs[2].IsTerminal);
        Assert.Contains("limit=500", wired.Server.Requests.First().Target, StringComparison.Ordinal);
    }

    public static TheoryData<string, int, string> Passing => new()
    {
        { "throttled", 429, """{"error_key":"throttled","error_message":"Too Many Requests"}""" },
        { "unknown429", 429, "" },
        { "fault", 503, "<html>" },
        { "proxy", 408, "" },
        { "drop", 0, "" },
        { "cut", 200, """{"lists":[{"list_id":"half"}]}""" },
    };

    [Theory]
    [MemberData(nameof(Passing))]
    public async Task Asks_again_while_trouble_passes(string kind, int status, string body)
    {
        await using var wired = new Wired();
        Reply trouble = kind == "drop" ? Reply.Lost : new Reply(status, body) { Cut = kind == "cut" };
        wired.Server.Script(Wired.Lists, trouble, trouble, trouble, trouble);
        wired.Server.Always(Wired.Lists, Reply.Json("""{"lists":[{"list_id":"a"}]}"""));
        ConstantContactClient client = wired.Client();
        Assert.Single(await client.GetListsAsync(None));
        Assert.Equal(5, client.Calls);
        Assert.Equal([1.25, 2.5, 5, 10], wired.Jumping.Waits.Select(w => w.TotalSeconds).Where(s => s > 1.2));
    }

    [Theory]
    [InlineData(429, "Throttled", CcErrorKind.Limit)]
    [InlineData(503, "ServiceUnavailable", CcErrorKind.Service)]
    [InlineData(0, "ServiceUnreachable", CcErrorKind.Connection)]
    public async Task Gives_up_after_the_last_try(int status, string id, CcErrorKind kind)
    {
        await using var wired = new Wired();
        wired.Server.Always(Wired.Lists, status == 0 ? Reply.Lost : new Reply(status));
        CcException failed = await Assert.ThrowsAsync<CcException>(() => wired.Client().GetListsAsync(None));
        Assert.Equal((id, kind), (failed.ErrorId, failed.Kind));
        Assert.Equal(5, wired.Server.Requests.Count);
    }

    [Fact]
    public async Task Refreshes_once_for_a_call_and_not_once_for_each_try()
    {
        await using var wired = new Wired();
        wired.Server.Script(Wired.Lists, new Reply(401), Wired.ServerFault);
        wired.Server.Always(Wired.Lists, new Reply(401));
        CcException failed = await Assert.ThrowsAsync<CcException>(() => wired.Client().GetListsAsync(None));
        Assert.Equal(("AccessTokenRefused", CcErrorKind.Authentication), (failed.ErrorId, failed.Kind));
        Assert.Equal((3, 1), (wired.Server.To(Wired.Lists).Length, wired.Refreshes.Length));
    }

    [Fact]
    public async Task Tells_its_own_time_out_from_the_callers_stop()
    {
        await using var wired = new Wired(options: new WireOptions { ReadTimeout = TimeSpan.FromMilliseconds(200), Tries = 2 });
        wired.Server.Always(Wired.Lists, Reply.Never);
        ConstantContactClient client = wired.Client();
        Assert.Equal("ServiceTimeout", (await Assert.ThrowsAsync<CcException>(() => client.GetListsAsync(None))).ErrorId);
        Assert.Equal(2, client.Calls);

        await using var patient = new Wired();
        patient.Server.Always(Wired.Lists, Reply.Never);
        using var stop = new CancellationTokenSource();
        Task<IReadOnlyList<ContactList>> stopped = patient.Client().GetListsAsync(stop.Token);
        while (patient.Server.Requests.IsEmpty) await Task.Delay(5);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => stopped.WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.Single(patient.Server.Requests);
    }

    [Theory]
    [InlineData("7", 7)]
    [InlineData("600", 60)]
    public async Task Obeys_a_retry_after_within_reason(string value, double seconds)
    {
        await using var wired = new Wired();
        wired.Server.Script(Wired.Lists, Wired.Throttled with { Headers = [("Retry-After", value)] });
        wired.Server.Always(Wired.Lists, Reply.Json("""{"lists":[]}"""));
        await wired.Client().GetListsAsync(None);
        Assert.Contains(TimeSpan.FromSeconds(seconds), wired.Jumping.Waits);
    }

    [Fact]
    public async Task Follows_no_redirect()
    {
        await using var wired = new Wired(options: new WireOptions { Tries = 1 });
        wired.Server.Always(Wired.Lists, new Reply(302) { Headers = [("Location", wired.Server.Origin + "/elsewhere")] });
        await Assert.ThrowsAsync<CcException>(() => wired.Client().GetListsAsync(None));
        Assert.Single(wired.Server.Requests);
    }

    [Theory]
    [InlineData("<html>Sign in to the hotel's network</html>")]
    [InlineData("[]")]
    [InlineData("")]
    public async Task Says_when_an_answer_is_not_the_services(string body)
    {
        await using var wired = new Wired();
        wired.Server.Always(Wired.Lists, new Reply(200, body));
        Assert.Equal("AnswerUnreadable", (await Assert.ThrowsAsync<CcException>(() => wired.Client().GetListsAsync(None))).ErrorId);
        Assert.Single(wired.Server.Requests);
    }

    [Fact]
    public async Task Measures_the_services_clock()
    {
        await using var wired = new Wired();
        DateTimeOffset theirs = wired.Time.GetUtcNow().AddSeconds(90);
        wired.Server.Always(Wired.Lists, Reply.Json("""{"lists":[]}""") with { Headers = [("Date", theirs.ToString("R", CultureInfo.InvariantCulture))] });
        ConstantContactClient client = wired.Client();
        Assert.Equal(TimeSpan.Zero, client.ServerSkew);
        await client.GetListsAsync(None);
        Assert.Equal(90.5, client.ServerSkew.TotalSeconds);
    }

    // What each answer says, in seconds ahead of our clock and how long it took, and what is believed after it (half a second more: the header has whole ones).
    [Theory]
    [InlineData("90/0/200", 90.5)]
    [InlineData("90/4/200 91/1/200", 91)]
    [InlineData("90/1/200 92/4/200", 90)]
    [InlineData("90/1/200 1990/4/200", 1988.5)]
    [InlineData("90/1/200 -1990/0/200", -1989.5)]
    [InlineData("90/1/200 -1990/0/503", 90)]
    [InlineData("-1990/0/503", -1989.5)]
    [InlineData("-1990/0/503 90/1/200", 90)]
    public void The_quickest_answer_tells_the_time_until_a_clock_is_set_and_a_gateways_only_while_there_is_no_other(string answers, double expected)
    {
        var time = new FakeTimeProvider();
        var clock = new ServerClock(time);
        foreach (double[] answer in answers.Split(' ').Select(a => a.Split('/').Select(p => double.Parse(p, CultureInfo.InvariantCulture)).ToArray()))
        {
            DateTimeOffset sent = time.GetUtcNow(), received = sent.AddSeconds(answer[1]);
            clock.Note(sent.AddSeconds(answer[0]), sent, received, answer[2] == 200);
        }
        Assert.Equal(expected, clock.Skew.TotalSeconds);
    }
}
