using System.Net;
using System.Net.Sockets;
using System.Text;
using CcExport.Engine.ConstantContact;
using CcExport.Engine.Tests.ConstantContact.Support;

namespace CcExport.Engine.Tests.ConstantContact;

/// <summary>The one call that must not be repeated blindly: certain refusals are, doubt never is.</summary>
public class ClientImportTests
{
    private const string Accepted = """{"activity_id":"job-1","state":"initialized","created_at":"2026-11-24T10:15:02.417Z","status":{}}""";
    private static readonly byte[] Body = Encoding.UTF8.GetBytes("""{"import_data":[{"email":"jane@example.com","first_name":"Žoë"}],"list_ids":["l"]}""");

    private static CancellationToken None => CancellationToken.None;

    [Fact]
    public async Task Sends_the_bytes_as_they_are()
    {
        await using var wired = new Wired();
        wired.Server.Always(Wired.Import, Reply.Json(Accepted, 201));
        byte[] pooled = [1, 2, 3, .. Body, 4, 5];
        Activity activity = await wired.Client().ImportAsync(pooled.AsMemory(3, Body.Length), None);
        Assert.Equal(("job-1", "initialized", null), (activity.ActivityId, activity.State, activity.ItemsTotal));
        Request request = Assert.Single(wired.Server.Requests);
        Assert.Equal(Body, request.Body);
        Assert.Equal("application/json", request.Header("Content-Type"));
        Assert.Null(request.Header("Expect"));
        Assert.Null(request.Header("Transfer-Encoding"));
    }

    [Theory]
    [InlineData(202, """{"_links":{"self":{"href":"/v3/activities/job-1"}}}""")]
    [InlineData(200, """{"activity_id":"job-1","state":null,"created_at":null,"status":null,"activity_errors":null}""")]
    public async Task Takes_any_success_that_names_the_job(int status, string body)
    {
        await using var wired = new Wired();
        wired.Server.Always(Wired.Import, Reply.Json(body, status));
        Assert.Equal("job-1", (await wired.Client().ImportAsync(Body, None)).ActivityId);
    }

    public static TheoryData<string> Doubts => ["drop", "drop at head", "cut answer", "never", "500", "502", "503", "504", "408", "302", "html", "empty", "no id", "bad id", "half json"];

    [Theory]
    [MemberData(nameof(Doubts))]
    public async Task Is_in_doubt_at_once_and_never_sent_again(string kind)
    {
        Reply reply = kind switch
        {
            "drop" => Reply.Lost,
            "drop at head" => Reply.Lost with { DropAtHead = true },
            "cut answer" => Reply.Json(Accepted, 201) with { Cut = true },
            "never" => Reply.Never,
            "html" => new Reply(200, "<html>") { ContentType = "text/html" },
            "empty" => new Reply(201),
            "no id" => Reply.Json("{}", 201),
            "bad id" => Reply.Json("""{"activity_id":null,"_links":{"self":{"href":"/v3/contacts/x"}}}""", 201),
            "half json" => Reply.Json(Accepted[..20], 201),
            _ => new Reply(int.Parse(kind, System.Globalization.CultureInfo.InvariantCulture), "jane@example.com"),
        };
        await using var wired = new Wired(options: new WireOptions { ImportTimeout = TimeSpan.FromMilliseconds(kind == "never" ? 3000 : 60_000) });
        wired.Server.Always(Wired.Import, reply);
        // Larger than the socket's buffers, so that "drop at head" cuts a body that is on its way.
        byte[] body = kind == "drop at head" ? new byte[30_000_000] : Body;
        ConstantContactClient client = wired.Client();
        InDoubtException doubt = await Assert.ThrowsAsync<InDoubtException>(() => client.ImportAsync(body, None));
        Assert.Equal(1, client.Calls);
        Assert.Single(wired.Server.To(Wired.Import));
        Assert.DoesNotContain("jane", doubt.ToString(), StringComparison.Ordinal);
        Assert.Equal(1, wired.Ledger.Released);
    }

    [Fact]
    public async Task Is_repeated_when_throttled_for_that_is_a_refusal()
    {
        await using var wired = new Wired();
        wired.Server.Script(Wired.Import, Wired.Throttled, Wired.Throttled, new Reply(429), Wired.Throttled with { Cut = true });
        wired.Server.Always(Wired.Import, Reply.Json(Accepted, 201));
        ConstantContactClient client = wired.Client();
        Assert.Equal("job-1", (await client.ImportAsync(Body, None)).ActivityId);
        Assert.Equal(5, client.Calls);
        Assert.All(wired.Server.To(Wired.Import), request => Assert.Equal(Body, request.Body));
    }

    [Fact]
    public async Task Ends_in_a_certain_failure_when_throttled_for_too_long()
    {
        await using var wired = new Wired();
        wired.Server.Always(Wired.Import, Wired.Throttled);
        Assert.Equal("Throttled", (await Assert.ThrowsAsync<CcException>(() => wired.Client().ImportAsync(Body, None))).ErrorId);
        Assert.Equal(5, wired.Server.Requests.Count);
    }

    [Fact]
    public async Task Is_repeated_when_nothing_left_this_machine()
    {
        await using var wired = new Wired();
        using var closed = new TcpListener(IPAddress.Loopback, 0);
        closed.Start();
        int port = ((IPEndPoint)closed.LocalEndpoint).Port;
        closed.Stop();
        wired.Connections[wired.Id] = wired.Record with { ApiEndpoint = new Uri($"http://127.0.0.1:{port}/v3") };
        ConstantContactClient client = wired.Client();
        CcException failed = await Assert.ThrowsAsync<CcException>(() => client.ImportAsync(Body, None));
        Assert.Equal(("ServiceUnreachable", CcErrorKind.Connection), (failed.ErrorId, failed.Kind));
        Assert.Equal(5, client.Calls);
        Assert.Equal(5, wired.Ledger.Released);
    }

    [Fact]
    public async Task Is_repeated_once_with_a_new_token_after_401()
    {
        await using var wired = new Wired();
        wired.Server.Always(Wired.Import, request => request.Bearer == Wired.AccessToken(2)
            ? Reply.Json(Accepted, 201) : Reply.Json("""{"error_key":"unauthorized","error_message":"Unauthorized"}""", 401));
        ConstantContactClient client = wired.Client();
        await client.ImportAsync(Body, None);
        Assert.Equal(2, client.Calls);
        Assert.Single(wired.Refreshes);
        await client.ImportAsync(Body, None);
        Assert.Equal(3, client.Calls);
    }

    [Fact]
    public async Task Gives_up_when_the_new_token_is_refused_as_well()
    {
        await using var wired = new Wired();
        wired.Server.Always(Wired.Import, new Reply(401));
        ConstantContactClient client = wired.Client();
        Assert.Equal("AccessTokenRefused", (await Assert.ThrowsAsync<CcException>(() => client.ImportAsync(Body, None))).ErrorId);
        Assert.Equal(2, client.Calls);
        Assert.Single(wired.Refreshes);
    }

    [Theory]
    [InlineData(400, "ServiceRefused", CcErrorKind.Service)]
    [InlineData(404, "ServiceRefused", CcErrorKind.Service)]
    [InlineData(409, "ServiceConflict", CcErrorKind.Conflict)]
    [InlineData(413, "ServiceRefused", CcErrorKind.Service)]
    public async Task Says_the_services_own_words_without_anyones_address(int status, string id, CcErrorKind kind)
    {
        await using var wired = new Wired();
        string body = $$"""[{"error_key":"contacts.api.validation.error","error_message":"list_ids: jane@example.com, {{Wired.AccessToken(1)}} is no list."}]""";
        wired.Server.Always(Wired.Import, new Reply(status, body) { Headers = [("x-amzn-RequestId", "req-77")] });
        CcException refused = await Assert.ThrowsAsync<CcException>(() => wired.Client().ImportAsync(Body, None));
        Assert.Equal((id, kind), (refused.ErrorId, refused.Kind));
        Assert.Contains("list_ids: <address>, <token> is no list", refused.Message, StringComparison.Ordinal);
        Assert.Contains($"HTTP {status}, contacts.api.validation.error, request req-77", refused.Message, StringComparison.Ordinal);
        Assert.Single(wired.Server.Requests);
    }

    [Theory]
    [InlineData("""{"error_key":"too_many","error_message":"More than 1,000 activities are queued."}""")]
    [InlineData("""[{"error_key":"x.y","error_message":"Exceeds 1000 activities"}]""")]
    public async Task Tells_a_full_queue_from_a_throttled_key(string body)
    {
        await using var wired = new Wired();
        wired.Server.Always(Wired.Import, Reply.Json(body, 429));
        CcException refused = await Assert.ThrowsAsync<CcException>(() => wired.Client().ImportAsync(Body, None));
        Assert.Equal(("ActivityQueueFull", CcErrorKind.Limit), (refused.ErrorId, refused.Kind));
        Assert.Single(wired.Server.Requests);
    }

    [Fact]
    public async Task Stops_when_the_caller_wants_to()
    {
        await using var wired = new Wired();
        wired.Server.Always(Wired.Import, Reply.Never);
        using var stop = new CancellationTokenSource();
        Task<Activity> import = wired.Client().ImportAsync(Body, stop.Token);
        while (wired.Server.Requests.IsEmpty) await Task.Delay(5);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => import.WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.Equal(1, wired.Ledger.Released);
    }

    [Fact]
    public async Task Keeps_the_answer_when_the_place_cannot_be_given_back()
    {
        await using var wired = new Wired();
        wired.Ledger.FailRelease = true;
        wired.Server.Always(Wired.Import, Reply.Json(Accepted, 201));
        Assert.Equal("job-1", (await wired.Client().ImportAsync(Body, None)).ActivityId);
    }
}
