using System.Globalization;
using System.Net;
using System.Text.Json;
using CcExport.Simulator.Insights;

namespace CcExport.Simulator.Tests;

/// <summary>The simulated Customer Insights - Data keeps the rules of the two services that show it.</summary>
public sealed class InsightsTests
{
    private const string Profiles = "msdynci_customerprofiles?$select=msdynci_customerid", Prefer = "odata.maxpagesize=5000";

    private sealed record Reply(HttpStatusCode Status, string Body, HttpResponseMessage Message)
    {
        public JsonElement Json => JsonDocument.Parse(Body).RootElement;
        public List<JsonElement> Rows => [.. Json.GetProperty("value").EnumerateArray()];
        public string? Next => Json.TryGetProperty("@odata.nextLink", out JsonElement link) ? link.GetString() : null;
        public string? Code => Json.GetProperty("error").GetProperty("code").GetString();
    }

    private sealed class Client : IAsyncDisposable
    {
        private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler());

        public required RunningSimulator Simulator { get; init; }
        public InsightsEstate Estate => Simulator.State.Insights;
        public string? Token { get; set; } = "d";

        public static async Task<Client> StartAsync(long profiles = 1000)
        {
            RunningSimulator simulator = await SimulatorHost.StartAsync(new SimulatorOptions { Profiles = profiles });
            simulator.State.Insights.RegisterToken("d", simulator.DataverseUrl);
            simulator.State.Insights.RegisterToken("c", InsightsEstate.InsightsAudience);
            return new Client { Simulator = simulator };
        }

        public Task<Reply> DataverseAsync(string rest, string? prefer = Prefer) => GetAsync($"{Simulator.DataverseUrl}/api/data/v9.2/{rest}", prefer);

        public Task<Reply> InsightsAsync(string rest, string? key = null)
        {
            Token = "c";
            return GetAsync($"{Simulator.InsightsUrl}/{rest.Replace("{i}", Simulator.InstanceId.ToString(), StringComparison.Ordinal)}", null, key ?? Simulator.SubscriptionKey);
        }

        public async Task<Reply> GetAsync(string address, string? prefer = Prefer, string? key = null)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(address, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
            if (Token is not null) request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + Token);
            if (prefer is not null) request.Headers.TryAddWithoutValidation("Prefer", prefer);
            if (key is not null) request.Headers.TryAddWithoutValidation("Ocp-Apim-Subscription-Key", key);
            HttpResponseMessage response = await _http.SendAsync(request, default);
            return new Reply(response.StatusCode, await response.Content.ReadAsStringAsync(), response);
        }

        public ValueTask DisposeAsync()
        {
            _http.Dispose();
            return Simulator.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_link_is_good_only_as_it_is_and_with_the_same_Prefer()
    {
        await using Client client = await Client.StartAsync();
        client.Estate.Set(s => s.PageCap = 400);
        Reply first = await client.DataverseAsync(Profiles);
        Assert.Equal((400, Prefer), (first.Rows.Count, first.Message.Headers.GetValues("Preference-Applied").Single()));
        string link = first.Next!;
        foreach (string other in new[] { link + "&x=1", Uri.UnescapeDataString(link), link.Replace("%3c", "%3C", StringComparison.Ordinal), link.Replace("%7e", "~", StringComparison.Ordinal), new Uri(link).AbsoluteUri.Replace("%2d", "-", StringComparison.Ordinal) })
            Assert.Equal(HttpStatusCode.BadRequest, (await client.GetAsync(other)).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await client.GetAsync(link, "odata.maxpagesize=10")).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await client.GetAsync(link, null)).Status);
        List<JsonElement> rows = [.. first.Rows];
        for (string? next = link; next is not null;)
        {
            Reply page = await client.GetAsync(next);
            rows.AddRange(page.Rows);
            next = page.Next;
        }
        Assert.Equal(1000, rows.Select(r => r.GetProperty("msdynci_customerid").GetString()).Distinct().Count());
        Assert.Equal(HttpStatusCode.BadRequest, (await client.DataverseAsync(Profiles + "&$skip=10")).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await client.DataverseAsync("msdynci_customerprofiles?$select=nothing")).Status);
    }

    [Fact]
    public async Task Rows_are_what_a_test_is_told_they_are()
    {
        await using Client client = await Client.StartAsync(300);
        List<JsonElement> rows = (await client.DataverseAsync("msdynci_customerprofiles")).Rows;
        for (int i = 0; i < 300; i++)
        {
            SimulatedProfile p = client.Estate.Profile(i);
            Assert.Equal(
                (p.CustomerId, p.Email, p.FirstName, p.LastName, p.City, p.Country, p.BirthDate, p.Points),
                (Text("customerid"), Text("emailaddress1"), Text("firstname"), Text("lastname"), Text("city"), Text("country"), Text("birthdate"), rows[i].GetProperty("msdynci_points").GetInt32()));
            string? Text(string name) => rows[i].GetProperty("msdynci_" + name).GetString();
        }
        string two = string.Join(" or ", new[] { 7, 250 }.Select(i => $"msdynci_customerid eq '{client.Estate.Profile(i).CustomerId.ToUpperInvariant()}'"));
        Assert.Equal(2, (await client.DataverseAsync($"{Profiles}&$filter={Uri.EscapeDataString(two)}")).Rows.Count);
    }

    [Fact]
    public async Task A_text_filter_is_no_more_than_that()
    {
        await using Client client = await Client.StartAsync();
        async Task<int> Rows(string filter) => (await client.DataverseAsync("msdynci_segmentmemberships?$filter=" + Uri.EscapeDataString(filter))).Rows.Count;
        long vip = client.Estate.SizeOf(client.Estate.Segments[0]), both = Enumerable.Range(0, 1000).Count(i => i % 10 == 3 || i % 20 == 7);
        int foreign = Enumerable.Range(0, 1000).Count(i => i % 50 == 49 && (i % 10 == 3 || i % 20 is 3 or 7));
        Assert.Equal(vip + foreign, await Rows("contains(msdynci_segments,'\"VIP\"')"));
        Assert.Equal(vip + foreign, await Rows("contains(msdynci_segments,'\"vip\"')"));
        Assert.Equal(both + foreign, await Rows("contains(msdynci_segments,'VIP')"));
        Assert.Equal(HttpStatusCode.BadRequest, (await client.DataverseAsync("msdynci_segmentmemberships?$filter=msdynci_segments%20eq%201")).Status);
    }

    [Fact]
    public async Task Tokens_are_for_one_audience_and_end()
    {
        await using Client client = await Client.StartAsync();
        client.Estate.RegisterToken("old", client.Simulator.DataverseUrl, DateTimeOffset.UtcNow.AddMinutes(-1));
        foreach (string? token in new[] { null, "unknown", "c", "old" })
        {
            client.Token = token;
            Assert.Equal(HttpStatusCode.Unauthorized, (await client.DataverseAsync(Profiles)).Status);
        }
        client.Token = "d";
        Assert.Equal(HttpStatusCode.OK, (await client.DataverseAsync(Profiles)).Status);
        client.Estate.RevokeToken("d");
        Assert.Equal(HttpStatusCode.Unauthorized, (await client.DataverseAsync(Profiles)).Status);
    }

    [Theory]
    [InlineData(DataverseLimit.Requests, "0x80072322")]
    [InlineData(DataverseLimit.ExecutionTime, "0x80072321")]
    [InlineData(DataverseLimit.Concurrency, "0x80072326")]
    public async Task The_three_limits_have_their_codes(DataverseLimit limit, string code)
    {
        await using Client client = await Client.StartAsync();
        client.Estate.ThrottleNext(1, limit, 9);
        Reply reply = await client.DataverseAsync(Profiles);
        Assert.Equal((HttpStatusCode.TooManyRequests, code, 9), (reply.Status, reply.Code, (int)reply.Message.Headers.RetryAfter!.Delta!.Value.TotalSeconds));
        Assert.Equal(HttpStatusCode.OK, (await client.DataverseAsync(Profiles)).Status);
    }

    [Fact]
    public async Task Requests_and_work_at_a_time_are_limited()
    {
        await using Client client = await Client.StartAsync();
        client.Estate.Set(s => (s.ConcurrentRequests, s.ReplyDelayMs) = (3, 300));
        Reply[] replies = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => client.DataverseAsync(Profiles)));
        Assert.Contains(replies, r => r.Status == HttpStatusCode.TooManyRequests && r.Code == "0x80072326");
        client.Estate.Set(s => (s.ConcurrentRequests, s.ReplyDelayMs, s.RequestsPerFiveMinutes) = (52, 0, 10));
        for (int i = 0; i < 10; i++) replies[0] = await client.DataverseAsync(Profiles);
        Assert.Equal("0x80072322", (await client.DataverseAsync(Profiles)).Code);
        client.Simulator.State.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(HttpStatusCode.OK, (await client.DataverseAsync(Profiles)).Status);
    }

    [Fact]
    public async Task Columns_and_the_number_of_rows_are_told()
    {
        await using Client client = await Client.StartAsync();
        Reply columns = await client.DataverseAsync("EntityDefinitions(LogicalName='msdynci_customerprofile')/Attributes?$select=LogicalName");
        Assert.Contains(columns.Rows, r => r.GetProperty("LogicalName").GetString() == "msdynci_emailaddress1");
        string count = "RetrieveTotalRecordCount(EntityNames=@p1)?@p1=" + Uri.EscapeDataString("['msdynci_customerprofile']");
        static long Value(Reply reply) => reply.Json.GetProperty("EntityRecordCountCollection").GetProperty("Values")[0].GetInt64();
        Assert.Equal(1000, Value(await client.DataverseAsync(count)));
        client.Estate.Set(s => s.ToldProfiles = 5);
        Assert.Equal(5, Value(await client.DataverseAsync(count)));
        Assert.Equal(HttpStatusCode.NotFound, (await client.DataverseAsync("accounts")).Status);
    }

    [Fact]
    public async Task Customer_Insights_needs_its_key_and_takes_a_hundred_calls_a_minute()
    {
        await using Client client = await Client.StartAsync();
        Reply refused = await client.InsightsAsync("instances", key: "wrong");
        Assert.Equal((HttpStatusCode.Unauthorized, 401, "user"), (refused.Status, refused.Json.GetProperty("httpStatusCode").GetInt32(), refused.Json.GetProperty("exceptionCulprit").GetString()));
        for (int i = 0; i < 100; i++) Assert.Equal(HttpStatusCode.OK, (await client.InsightsAsync("instances")).Status);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await client.InsightsAsync("instances")).Status);
        client.Simulator.State.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(HttpStatusCode.OK, (await client.InsightsAsync("instances/{i}")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await client.InsightsAsync($"instances/{Guid.NewGuid()}")).Status);
    }

    [Fact]
    public async Task Customer_Insights_finds_members_by_itself()
    {
        await using Client client = await Client.StartAsync();
        Reply segments = await client.InsightsAsync("instances/{i}/manage/segments");
        Assert.Equal(100, segments.Json[0].GetProperty("evaluationStatus").GetProperty("entityCount").GetInt32());
        string members = $"instances/{{i}}/data/Customer?$filter={Uri.EscapeDataString("IsMemberOfSegment('Newsletter')")}&$select=CustomerId";
        List<string> ids = [];
        for (int skip = 0; skip < 400; skip += 100)
            ids.AddRange((await client.InsightsAsync(string.Create(CultureInfo.InvariantCulture, $"{members}&$top=500&$skip={skip}"))).Rows.Select(r => r.GetProperty("CustomerId").GetString()!));
        Assert.Equal(Enumerable.Range(0, 1000).Where(i => i % 3 == 0).Select(i => client.Estate.Profile(i).CustomerId), ids);
        client.Estate.Set(s => (s.InsightsNextLink, s.Refreshing) = (true, true));
        Assert.NotNull((await client.InsightsAsync(members)).Next);
        Assert.Equal("running", (await client.InsightsAsync("instances/{i}/workflows/main/jobs")).Json[0].GetProperty("jobStatus").GetString());
        Assert.Equal(HttpStatusCode.BadRequest, (await client.InsightsAsync("instances/{i}/data/Customer?$filter=x")).Status);
    }

    [Fact]
    public async Task Three_million_profiles_cost_nothing_until_they_are_read()
    {
        long before = GC.GetTotalMemory(true);
        await using Client client = await Client.StartAsync(3_000_000);
        Assert.Equal(300_000, client.Estate.SizeOf(client.Estate.Segments[0]));
        Assert.Equal(5000, (await client.DataverseAsync(Profiles)).Rows.Count);
        Assert.InRange(GC.GetTotalMemory(true) - before, long.MinValue, 30_000_000);
    }
}
