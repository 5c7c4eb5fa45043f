using System.Net;
using System.Text.Json;

namespace CcExport.Simulator.Tests;

public sealed class JobTests
{
    [Fact]
    public async Task Jobs_go_through_their_states_by_the_clock()
    {
        await using Service service = await Service.StartAsync(s =>
        {
            s.JobStartDelayMs = 1_000;
            s.JobDurationMs = 2_000;
            s.JobPerRowMicroseconds = 500_000;
        });
        Answer created = await service.ImportAsync(new { email = "a@example.com" }, new { email = "b@example.com" });
        service.Time.Advance(TimeSpan.FromMilliseconds(999));
        Assert.Equal("initialized", State(await service.ActivityAsync(created)));
        service.Time.Advance(TimeSpan.FromMilliseconds(1));
        JsonElement running = await service.ActivityAsync(created);
        Assert.Equal("processing", State(running));
        Assert.Equal(0, running.GetProperty("status").GetProperty("items_total_count").GetInt32());
        Assert.Equal(JsonValueKind.Null, running.GetProperty("completed_at").ValueKind);
        service.Time.Advance(TimeSpan.FromMilliseconds(2_999));
        Assert.Equal("processing", State(await service.ActivityAsync(created)));
        service.Time.Advance(TimeSpan.FromMilliseconds(1));
        JsonElement done = await service.ActivityAsync(created);
        Assert.Equal("completed", State(done));
        Assert.Equal("2026-11-24T10:00:04.000Z", done.GetProperty("completed_at").GetString());
    }

    [Fact]
    public async Task Only_so_many_jobs_run_side_by_side_and_a_long_step_is_like_many_short_ones()
    {
        await using Service service = await Service.StartAsync(s =>
        {
            s.JobStartDelayMs = 0;
            s.JobDurationMs = 1_000;
            s.JobPerRowMicroseconds = 0;
            s.JobParallelism = 2;
        });
        for (int i = 0; i < 5; i++) await service.ImportAsync(new { email = $"p{i}@example.com" });
        Assert.Equal(2, service.State.Activities().Count(a => a.State == "processing"));
        service.Time.Advance(TimeSpan.FromSeconds(10));
        double[] ends = [.. service.State.Activities().Select(a => (a.CompletedAt!.Value - Service.Start).TotalSeconds)];
        Assert.Equal([1, 1, 2, 2, 3], ends);
    }

    [Theory]
    [InlineData(JobOutcome.Failed, "failed", 0)]
    [InlineData(JobOutcome.TimedOut, "timed_out", 0)]
    [InlineData(JobOutcome.Cancelled, "cancelled", 0)]
    [InlineData(JobOutcome.PartialFailure, "failed", 2)]
    [InlineData(JobOutcome.Stuck, "processing", 0)]
    public async Task A_job_can_end_badly(JobOutcome outcome, string state, int applied)
    {
        await using Service service = await Service.StartAsync();
        service.State.PlanJobs(outcome);
        JsonElement bad = await service.ImportAndFinishAsync(
            [.. Enumerable.Range(0, 4).Select(i => new { email = $"p{i}@example.com" })]);
        Assert.Equal(state, State(bad));
        Assert.Equal(applied, service.State.Contacts().Count);
        Assert.Equal("completed", State(await service.ImportAndFinishAsync(new { email = "next@example.com" })));
    }

    [Fact]
    public async Task A_stuck_job_can_be_let_go()
    {
        await using Service service = await Service.StartAsync(s => s.JobOutcome = JobOutcome.Stuck);
        Answer created = await service.ImportAsync(new { email = "a@example.com" });
        service.Time.Advance(TimeSpan.FromDays(1));
        await service.RefreshAsync();
        Assert.Equal("processing", State(await service.ActivityAsync(created)));
        string id = created.Json.GetProperty("activity_id").GetString()!;
        Answer released = await service.PostAsync($"/admin/jobs/{id}", new { outcome = "completed" });
        Assert.True(released.Json.GetProperty("found").GetBoolean());
        Assert.Equal("completed", State(await service.ActivityAsync(created)));
        Assert.Single(service.State.Contacts());
    }

    [Fact]
    public async Task Counters_are_absent_or_early_or_without_the_header_by_the_switches()
    {
        await using Service service = await Service.StartAsync(s => s.CountersAbsent = true);
        Assert.False((await service.ImportAndFinishAsync(new { email = "a@example.com" })).TryGetProperty("status", out _));
        service.State.Set(s =>
        {
            s.CountersAbsent = false;
            s.CountersWhileRunning = true;
            s.CountHeaderRow = false;
        });
        Answer created = await service.ImportAsync(new { email = "a@example.com" });
        Assert.Equal(1, created.Json.GetProperty("status").GetProperty("items_total_count").GetInt32());
    }

    [Fact]
    public async Task The_queue_is_capped()
    {
        await using Service service = await Service.StartAsync(s => s.QueueLimit = 3);
        for (int i = 0; i < 3; i++) Assert.Equal(HttpStatusCode.Created, (await service.ImportAsync(new { email = "a@example.com" })).Status);
        Answer over = await service.ImportAsync(new { email = "a@example.com" });
        Assert.Equal(HttpStatusCode.TooManyRequests, over.Status);
        Assert.Contains("queued activities", over.Body, StringComparison.Ordinal);
        service.Finish();
        Assert.Equal(HttpStatusCode.Created, (await service.ImportAsync(new { email = "a@example.com" })).Status);
    }

    [Theory]
    [InlineData(ActivityOrder.NewestFirst)]
    [InlineData(ActivityOrder.OldestFirst)]
    public async Task Activities_are_paged_completely_in_their_order(ActivityOrder order)
    {
        await using Service service = await Service.StartAsync(s => s.ActivityOrder = order);
        List<string> made = [];
        for (int i = 0; i < 7; i++)
            made.Add((await service.ImportAsync(new { email = "a@example.com" })).Json.GetProperty("activity_id").GetString()!);
        service.Finish();
        List<string> read = [];
        string? next = "/v3/activities?limit=3&state=completed";
        int pages = 0;
        while (next is not null)
        {
            JsonElement page = (await service.GetAsync(next)).Json;
            read.AddRange(page.GetProperty("activities").EnumerateArray().Select(a => a.GetProperty("activity_id").GetString()!));
            next = Next(page);
            Assert.StartsWith("/v3/activities?cursor=", next ?? "/v3/activities?cursor=", StringComparison.Ordinal);
            pages++;
        }

        if (order == ActivityOrder.NewestFirst) made.Reverse();
        Assert.Equal(made, read);
        Assert.Equal(3, pages);
        Assert.Equal(HttpStatusCode.BadRequest, (await service.GetAsync("/v3/activities?state=initialized")).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await service.GetAsync("/v3/activities?limit=501")).Status);
    }

    [Fact]
    public async Task An_activity_is_forgotten_after_ten_days()
    {
        await using Service service = await Service.StartAsync();
        Answer created = await service.ImportAsync(new { email = "a@example.com" });
        service.Time.Advance(TimeSpan.FromDays(10));
        await service.RefreshAsync();
        string id = created.Json.GetProperty("activity_id").GetString()!;
        Assert.Equal(HttpStatusCode.NotFound, (await service.GetAsync("/v3/activities/" + id)).Status);
        Assert.Equal(0, (await service.GetAsync("/v3/activities")).Json.GetProperty("activities").GetArrayLength());
    }

    [Fact]
    public async Task Jobs_run_while_nobody_looks()
    {
        await using RunningSimulator simulator = await SimulatorHost.StartAsync(new SimulatorOptions
        {
            Switches = new SimulatorSwitches { RateLimit = RateLimitMode.Off, JobStartDelayMs = 0, JobDurationMs = 1 },
        });
        simulator.State.AddContact("a@example.com");
        var done = new TaskCompletionSource();
        simulator.State.Changed += () => done.TrySetResult();
        using var http = new HttpClient();
        string token = JsonDocument.Parse(await (await http.PostAsync(simulator.AuthorizationEndpoint + "/token", new FormUrlEncodedContent(
            new Dictionary<string, string>
            {
                ["grant_type"] = "refresh_token",
                ["refresh_token"] = simulator.RefreshToken,
                ["client_id"] = simulator.ClientId,
            }))).Content.ReadAsStringAsync()).RootElement.GetProperty("access_token").GetString()!;
        http.DefaultRequestHeaders.Authorization = new("Bearer", token);
        await http.PostAsync(simulator.ApiEndpoint + "/activities/contacts_json_import", new StringContent(
            $"{{\"import_data\":[{{\"email\":\"b@example.com\"}}],\"list_ids\":[\"{simulator.ListId}\"]}}", null, "application/json"));
        await done.Task.WaitAsync(TimeSpan.FromSeconds(20));

        // The job list is read without moving it along.
        for (int i = 0; i < 400; i++)
        {
            lock (simulator.State.Gate)
            {
                if (simulator.State.Jobs.All is [{ IsTerminal: true }]) return;
            }

            await Task.Delay(50);
        }

        Assert.Fail("The job was not run by the timer.");
    }

    private static string? Next(JsonElement page) =>
        page.TryGetProperty("_links", out JsonElement links) && links.ValueKind == JsonValueKind.Object
            ? links.GetProperty("next").GetProperty("href").GetString()
            : null;

    private static string State(JsonElement activity) => activity.GetProperty("state").GetString()!;
}
