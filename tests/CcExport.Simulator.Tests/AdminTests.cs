using System.Net;
using System.Text.Json;

namespace CcExport.Simulator.Tests;

public sealed class AdminTests
{
    [Fact]
    public async Task Options_change_what_is_named_and_refuse_what_is_unknown()
    {
        await using Service service = await Service.StartAsync();
        Answer changed = await service.PostAsync("/admin/options", new { rateLimit = "bucket", contactLimit = 5 });
        Assert.Equal("bucket", changed.Json.GetProperty("rateLimit").GetString());
        Assert.Equal(RateLimitMode.Bucket, service.State.Switches.RateLimit);
        Assert.Equal(5, service.State.Switches.ContactLimit);
        Assert.Equal(50, service.State.Switches.ErrorLineCap);
        Assert.Equal(HttpStatusCode.BadRequest, (await service.PostAsync("/admin/options", new { rateLimmit = "off" })).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await service.PostAsync("/admin/options", new { rateLimit = "never" })).Status);
        Assert.Equal(RateLimitMode.Bucket, service.State.Switches.RateLimit);
    }

    [Fact]
    public async Task Contacts_are_seeded()
    {
        await using Service service = await Service.StartAsync();
        Answer made = await service.PostAsync("/admin/contacts", new object[]
        {
            new { email = "a@example.com", permission = "unsubscribed" },
            new { email = "b@example.com", listIds = new[] { service.Simulator.ListId }, fields = new Dictionary<string, string> { ["first_name"] = "B" } },
            new { email = "c@example.com", deleted = true },
        });
        Assert.Equal(HttpStatusCode.OK, made.Status);
        Assert.Equal("unsubscribed", service.State.Contact("a@example.com")!.Permission);
        Assert.Equal("B", Assert.Single(service.State.Contacts(service.Simulator.ListId)).Fields["first_name"]);
        Assert.True(service.State.Contact("c@example.com")!.Deleted);
        Assert.Equal(HttpStatusCode.BadRequest, (await service.PostAsync("/admin/contacts", new { email = "bad" })).Status);
    }

    [Fact]
    public async Task The_clock_is_moved_by_hand_and_the_jobs_with_it()
    {
        await using Service service = await Service.StartAsync();
        await service.ImportAsync(new { email = "a@example.com" });
        Answer moved = await service.PostAsync("/admin/clock/advance", new { hours = 1, seconds = 30 });
        Assert.Equal(Service.Start.AddHours(1).AddSeconds(30), moved.Json.GetProperty("now").GetDateTimeOffset());
        Assert.Equal("completed", service.State.Activities()[0].State);
    }

    [Fact]
    public async Task State_and_statistics_say_what_happened()
    {
        await using Service service = await Service.StartAsync(s => s.Nulls = NullForm.Omit);
        await service.ImportAndFinishAsync(new { email = "a@example.com", first_name = "Ada" }, new { email = "bad" });
        service.State.AddFault(new FaultRule { Match = new FaultMatch { Path = "nowhere" }, Effect = new FaultEffect { Kind = FaultKind.Drop } });
        JsonElement state = (await service.GetAsync("/admin/state")).Json;
        Assert.Equal(1, state.GetProperty("lists")[0].GetProperty("members").GetInt32());
        Assert.Equal("Ada", state.GetProperty("shown").GetProperty("contacts")[0].GetProperty("name").GetString());
        JsonElement job = state.GetProperty("jobs")[0];
        Assert.Equal("completed", job.GetProperty("state").GetString());
        Assert.Equal(1, job.GetProperty("correctable").GetInt32());
        Assert.Equal(60, state.GetProperty("calls").GetProperty("bars").GetArrayLength());
        Assert.Equal(1, state.GetProperty("faults").GetArrayLength());
        Assert.Equal("omit", state.GetProperty("switches").GetProperty("nulls").GetString());
        JsonElement stats = (await service.GetAsync("/admin/stats")).Json;
        Assert.Equal(2, stats.GetProperty("calls").GetProperty("total").GetInt32());
        Assert.Equal(1, stats.GetProperty("tokens").GetProperty("refreshes").GetInt32());
        await service.DeleteAsync("/admin/stats");
        Assert.Equal(0, service.State.Statistics().Total);
    }

    [Fact]
    public async Task A_list_can_be_taken_out_whole()
    {
        await using Service service = await Service.StartAsync();
        object[] rows = [.. Enumerable.Range(0, 9_000).Select(i => new { email = $"p{i}@example.com", first_name = $"Ümit, {i}" })];
        await service.ImportAndFinishAsync(rows);
        string csv = (await service.GetAsync($"/admin/lists/{service.Simulator.ListId}/contacts.csv")).Body;
        string[] lines = csv.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(9_001, lines.Length);
        Assert.StartsWith("email,permission,first_name,", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("p8999@example.com,implicit,\"Ümit, 8999\",", lines[9_000], StringComparison.Ordinal);
        string[] objects = (await service.GetAsync($"/admin/lists/{service.Simulator.ListId}/contacts.ndjson")).Body
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(9_000, objects.Select(o => JsonDocument.Parse(o).RootElement.GetProperty("email").GetString()).Distinct().Count());
        Assert.Equal(HttpStatusCode.NotFound, (await service.GetAsync($"/admin/lists/{Guid.NewGuid()}/contacts.csv")).Status);
    }

    [Fact]
    public async Task The_page_needs_nothing_from_elsewhere()
    {
        await using RunningSimulator simulator = await SimulatorHost.StartAsync(new SimulatorOptions { PageTitle = "A <b> title" });
        using var http = new HttpClient();
        string page = await http.GetStringAsync(simulator.Url + "/");
        Assert.Contains("A &lt;b&gt; title", page, StringComparison.Ordinal);
        Assert.DoesNotContain("http://", page, StringComparison.Ordinal);
        Assert.DoesNotContain("https://", page, StringComparison.Ordinal);
        Assert.DoesNotContain("src=", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_same_seed_gives_the_same_ids()
    {
        await using RunningSimulator one = await SimulatorHost.StartAsync(new SimulatorOptions { Seed = 5 });
        await using RunningSimulator two = await SimulatorHost.StartAsync(new SimulatorOptions { Seed = 5 });
        await using RunningSimulator other = await SimulatorHost.StartAsync(new SimulatorOptions { Seed = 6 });
        Assert.Equal((one.ClientId, one.RefreshToken, one.ListId), (two.ClientId, two.RefreshToken, two.ListId));
        Assert.NotEqual(one.ListId, other.ListId);
        Assert.NotEqual(one.Url, two.Url);
    }
}
