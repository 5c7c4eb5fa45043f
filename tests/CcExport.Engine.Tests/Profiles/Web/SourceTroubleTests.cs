using System.Net;
using System.Text;
using CcExport.Engine.Profiles;
using CcExport.Engine.Profiles.Web;
using CcExport.Simulator.Insights;

namespace CcExport.Engine.Tests.Profiles.Web;

/// <summary>Services in trouble: what passes is waited out, what does not is told without a word of the query, the key or the token.</summary>
public sealed class SourceTroubleTests
{
    [Theory]
    [InlineData(DataverseLimit.Requests, "too many requests of this user in five minutes")]
    [InlineData(DataverseLimit.ExecutionTime, "too much of the server's time")]
    [InlineData(DataverseLimit.Concurrency, "at the same time")]
    public async Task A_throttled_call_waits_to_the_second_and_goes_on(DataverseLimit limit, string why)
    {
        await using Estate estate = await Estate.StartAsync();
        IProfileSource source = estate.Dataverse();
        await source.GetColumnsAsync("VIP", default);
        estate.State.ThrottleNext(2, limit, 37);
        Assert.Equal(100, (await source.RowsAsync("VIP", Estate.Columns)).Count);
        Assert.Equal([TimeSpan.FromSeconds(37), TimeSpan.FromSeconds(37)], estate.Time.Waits);
        Assert.Contains(why, Assert.Single(estate.Warnings), StringComparison.Ordinal);
        Assert.Equal(2, estate.Details.Count(d => d.Contains("asks to wait 37 s", StringComparison.Ordinal) && d.Contains(why, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task The_limit_of_requests_is_kept_by_waiting()
    {
        await using Estate estate = await Estate.StartAsync(10_000);
        estate.State.Set(s => (s.PageCap, s.RequestsPerFiveMinutes) = (100, 50));
        Assert.Equal(3334, (await estate.ReadAsync("Newsletter")).Count);
        Assert.InRange(estate.Time.Waits.Count, 1, 3);
    }

    [Fact]
    public async Task Throttling_that_does_not_end_is_a_limit()
    {
        await using Estate estate = await Estate.StartAsync();
        estate.State.ThrottleNext(1000, DataverseLimit.ExecutionTime, 1);
        CcException e = await Readers.FailsAsync("SourceThrottled", () => estate.ReadAsync("VIP"));
        Assert.Equal(CcErrorKind.Limit, e.Kind);
        Assert.Contains("0x80072321", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(503)]
    [InlineData(504)]
    [InlineData(408)]
    public async Task Faults_that_pass_are_tried_again(int status)
    {
        await using Estate estate = await Estate.StartAsync(20_000);
        estate.State.OnCall = call =>
        {
            if (call == InsightsCall.Profiles && estate.State.Calls(call) == 1) estate.State.FailNext(3, status);
        };
        Estate.Same(estate.Expected(i => i % 3 == 0), await estate.ReadAsync("Newsletter"));
        Assert.Equal([1, 2, 4], estate.Time.Waits.Select(w => w.TotalSeconds));
        Assert.Empty(estate.Warnings);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Half_an_answer_is_none(bool cut)
    {
        await using Estate estate = await Estate.StartAsync(20_000);
        int told = 0;
        estate.State.OnCall = call =>
        {
            if (call is not (InsightsCall.Profiles or InsightsCall.Memberships) || told++ > 3) return;
            if (cut) estate.State.CutNext(1);
            else estate.State.TruncateNext(1);
        };
        Estate.Same(estate.Expected(i => i % 3 == 0), await estate.ReadAsync("Newsletter"));
        Assert.Empty(estate.Warnings);
    }

    [Theory]
    [InlineData(true, "SourceUnreachable")]
    [InlineData(false, "SourceUnavailable")]
    public async Task What_does_not_pass_ends_the_reading(bool cut, string id)
    {
        await using Estate estate = await Estate.StartAsync();
        estate.State.OnCall = call =>
        {
            if (call != InsightsCall.Memberships) return;
            if (cut) estate.State.CutNext(20);
            else estate.State.FailNext(20, 502);
            estate.State.OnCall = null;
        };
        // The first page of memberships arrives; there is no second one, so the profiles meet it.
        await Readers.FailsAsync(id, () => estate.ReadAsync("Newsletter"));
        Assert.Equal(PageClient.Tries - 1, estate.Time.Waits.Count);
    }

    [Fact]
    public async Task A_refused_token_is_renewed_once()
    {
        await using Estate estate = await Estate.StartAsync(10_000);
        estate.State.RegisterToken("second", estate.Simulator.DataverseUrl, DateTimeOffset.MaxValue);
        estate.Tokens = new TestTokens(renewed => renewed == 0 ? Estate.Token : "second");
        IProfileSource source = estate.Dataverse();
        await source.GetColumnsAsync("VIP", default);
        estate.State.RevokeToken(Estate.Token);
        Assert.Equal(1000, (await source.RowsAsync("VIP", Estate.Columns)).Count);
        Assert.Equal(1, estate.Tokens.Renewed);
        Assert.All(estate.Tokens.Scopes, s => Assert.Equal(estate.Simulator.DataverseUrl + "/.default", s));
    }

    [Theory]
    [InlineData("expired")]
    [InlineData("other")]
    [InlineData("unknown")]
    public async Task A_token_that_stays_refused_ends_the_reading(string token)
    {
        await using Estate estate = await Estate.StartAsync();
        estate.State.RegisterToken("expired", estate.Simulator.DataverseUrl, estate.Time.GetUtcNow());
        estate.State.RegisterToken("other", InsightsEstate.InsightsAudience, DateTimeOffset.MaxValue);
        estate.Tokens = new TestTokens(_ => token);
        CcException e = await Readers.FailsAsync("SourceSignInRefused", () => estate.ReadAsync("VIP"));
        Assert.Equal((CcErrorKind.Authentication, 1), (e.Kind, estate.Tokens.Renewed));
    }

    [Fact]
    public async Task Who_may_not_read_is_told_what_to_ask_for()
    {
        await using Estate estate = await Estate.StartAsync();
        estate.State.Set(s => s.Allowed = false);
        CcException e = await Readers.FailsAsync("SourceAccessDenied", () => estate.ReadAsync("VIP"));
        Assert.Equal(CcErrorKind.Permission, e.Kind);
        Assert.Contains("Viewer", e.Remedy, StringComparison.Ordinal);
        e = await Readers.FailsAsync("SourceAccessDenied", () => estate.Insights().RowsAsync("VIP", "EMail"));
        Assert.Contains("APIs", e.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nobody_there_is_told_as_that()
    {
        await using Estate estate = await Estate.StartAsync();
        await estate.Simulator.DisposeAsync();
        CcException e = await Readers.FailsAsync("SourceUnreachable", () => estate.ReadAsync("VIP"));
        Assert.Equal(CcErrorKind.Connection, e.Kind);
    }

    [Fact]
    public async Task A_connection_that_takes_too_long_is_nobody_there_and_no_stop()
    {
        int asked = 0;
        IProfileSource source = Scripted(_ =>
        {
            asked++;
            throw new OperationCanceledException("The connection could not be established within the ConnectTimeout.", new TimeoutException());
        });
        CcException e = await Readers.FailsAsync("SourceUnreachable", () => source.GetSegmentsAsync(default));
        Assert.Equal((CcErrorKind.Connection, PageClient.Tries), (e.Kind, asked));
    }

    [Fact]
    public async Task A_stop_while_a_connection_is_made_is_a_stop()
    {
        int asked = 0;
        using var stop = new CancellationTokenSource();
        IProfileSource source = Scripted(_ =>
        {
            asked++;
            stop.Cancel();
            throw new OperationCanceledException(stop.Token);
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => source.GetSegmentsAsync(stop.Token));
        Assert.Equal(1, asked);
    }

    public static TheoryData<string, string> Answers => new()
    {
        { "<html>Sign in</html>", "SourceAnswerUnreadable" },
        { "{\"value\":[{\"msdynci_customerid\":\"x\"}]", "SourceUnreachable" },
        { "{\"value\":[{\"msdynci_customerid\":\"x\"},{\"a\":1}", "SourceAnswerUnreadable" },
        { "{\"value\":7}", "SourceAnswerUnreadable" },
        { "{\"values\":[]}", "SourceAnswerUnreadable" },
        { "{\"value\":[\"x\"]}", "SourceAnswerUnreadable" },
        { "{\"value\":[]} {}", "SourceAnswerUnreadable" },
        { "", "SourceUnreachable" },
        { "{\"value\":[],\"@odata.nextLink\":\"https://elsewhere.example/api/data/v9.2/x\"}", "SourceLinkRefused" },
        { "{\"value\":[],\"@odata.nextLink\":\"http://org.crm.dynamics.com/api/data/v9.2/x\"}", "SourceLinkRefused" },
        { "{\"value\":[],\"@odata.nextLink\":\"https://org.crm.dynamics.com/other\"}", "SourceLinkRefused" },
        { "{\"value\":[],\"@odata.nextLink\":\"https://org.crm.dynamics.com@evil.example/api/data/v9.2/\"}", "SourceLinkRefused" },
        { "{\"value\":[],\"@odata.nextLink\":\"/api/data/v9.2/x\"}", "SourceLinkRefused" },
    };

    /// <summary>Answers of no simulator: what stands between, and whoever would like to have the token.</summary>
    [Theory]
    [MemberData(nameof(Answers))]
    public async Task Answers_of_another_kind_end_the_reading(string answer, string id)
    {
        var asked = new List<Uri>();
        IProfileSource source = Scripted(request =>
        {
            asked.Add(request.RequestUri!);
            string path = request.RequestUri!.AbsoluteUri;
            return path.Contains("segmentmetadata'", StringComparison.Ordinal) ? new HttpResponseMessage(HttpStatusCode.NotFound) : Ok(answer);
        });
        await Readers.FailsAsync(id, () => source.GetSegmentsAsync(default));
        Assert.All(asked, a => Assert.Equal("org.crm.dynamics.com", a.Host));
    }

    [Fact]
    public async Task Bytes_that_are_no_text_end_the_reading()
    {
        IProfileSource source = Scripted(request => request.RequestUri!.AbsoluteUri.Contains("segmentmetadata'", StringComparison.Ordinal) ? new HttpResponseMessage(HttpStatusCode.NotFound)
            : new HttpResponseMessage(HttpStatusCode.OK) { Content = new ByteArrayContent([.. "{\"value\":[{\"a\":\""u8, 0xC3, 0x28, .. "\"}]}"u8]) });
        await Readers.FailsAsync("SourceAnswerUnreadable", () => source.GetSegmentsAsync(default));
    }

    [Fact]
    public async Task A_link_that_leads_to_itself_is_not_followed_for_ever()
    {
        IProfileSource source = Scripted(request => request.RequestUri!.AbsoluteUri.Contains("segmentmetadata'", StringComparison.Ordinal) ? new HttpResponseMessage(HttpStatusCode.NotFound)
            : Ok("{\"value\":[],\"@odata.nextLink\":\"https://org.crm.dynamics.com/api/data/v9.2/again\"}"));
        await Readers.FailsAsync("SourceLinkRefused", () => source.GetSegmentsAsync(default));
    }

    [Theory]
    [InlineData(HttpStatusCode.BadRequest)]
    [InlineData(HttpStatusCode.Found)]
    [InlineData(HttpStatusCode.Forbidden)]
    [InlineData(HttpStatusCode.NotFound)]
    [InlineData(HttpStatusCode.InternalServerError)]
    public async Task Words_of_the_service_are_never_repeated(HttpStatusCode status)
    {
        const string Mark = "kanarie";
        IProfileSource source = Scripted(request => new HttpResponseMessage(status)
        {
            Content = new StringContent($$$"""{"error":{"code":"{{{Mark}}}-0123456789","message":"{{{Mark}}} {{{request.RequestUri}}} {{{request.Headers.Authorization}}}"}}"""),
            Headers = { Location = new Uri($"https://{Mark}.example/") },
        });
        CcException e = await Assert.ThrowsAsync<CcException>(() => source.GetColumnsAsync("A", default));
        string told = e.ToString() + e.Remedy + e.Subject;
        Assert.DoesNotContain(Mark, told, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(Estate.Token, told, StringComparison.Ordinal);
        Assert.DoesNotContain("$select", told, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"error":{"code":"0x80072322","message":"m"}}""", "0x80072322")]
    [InlineData("""{"errorCode":40012,"message":"m"}""", "40012")]
    [InlineData("""{"errorCode":"NotFound"}""", "NotFound")]
    [InlineData("""{"errorCode":"a1b2c3d4e5f6g7h8i9j0"}""", null)]
    [InlineData("""{"error":{"code":"p@example.com"}}""", null)]
    [InlineData("<html>", null)]
    [InlineData("", null)]
    public void Only_a_code_that_can_be_one_is_told(string body, string? code) => Assert.Equal(code, WebService.CodeOf(Encoding.UTF8.GetBytes(body)));

    private static HttpResponseMessage Ok(string body) => new(HttpStatusCode.OK) { Content = new StringContent(body, Encoding.UTF8, "application/json") };

    private static IProfileSource Scripted(Func<HttpRequestMessage, HttpResponseMessage> answer)
    {
        var reference = new SourceReference { Dataverse = new Uri("https://org.crm.dynamics.com") };
        return SourceKinds.Find(reference).Open(reference, new SourceContext { Time = new SteppingTime(), Tokens = new TestTokens(_ => Estate.Token), Network = new Script(answer) });
    }

    private sealed class Script(Func<HttpRequestMessage, HttpResponseMessage> answer) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => Task.FromResult(answer(request));
    }
}
