using System.Net;
using System.Text;
using System.Text.Json;

namespace CcExport.Simulator.Tests;

public sealed class ErrorAndFaultTests
{
    [Theory]
    [InlineData(BodyForm.Array, """[{"error_key":"access_denied","error_message":"Request forbidden due to insufficient user privileges."}]""")]
    [InlineData(BodyForm.Object, """{"error_key":"access_denied","error_message":"Request forbidden due to insufficient user privileges."}""")]
    [InlineData(BodyForm.Gateway, """{"message":"Forbidden"}""")]
    public async Task A_missing_privilege_is_403_in_three_forms(BodyForm form, string body)
    {
        await using Service service = await Service.StartAsync(s =>
        {
            s.Privileges = ["contacts:lists:read"];
            s.ForbiddenBody = form;
        });
        Answer answer = await service.ImportAsync(new { email = "a@example.com" });
        Assert.Equal(HttpStatusCode.Forbidden, answer.Status);
        Assert.Equal(body, answer.Body);
        Assert.Equal(HttpStatusCode.OK, (await service.GetAsync("/v3/contact_lists")).Status);
        Assert.Equal(HttpStatusCode.OK, (await service.GetAsync("/v3/account/user/privileges")).Status);
    }

    [Fact]
    public async Task A_missing_scope_is_403_too()
    {
        await using Service service = await Service.StartAsync();
        string token = service.State.IssueRefreshToken("contact_data offline_access");
        Answer reply = await service.TokenAsync(("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", service.Simulator.ClientId));
        service.Token = reply.Json.GetProperty("access_token").GetString();
        Assert.Equal(HttpStatusCode.Forbidden, (await service.GetAsync("/v3/account/summary")).Status);
        Assert.Equal(HttpStatusCode.OK, (await service.GetAsync("/v3/contact_lists")).Status);
    }

    [Fact]
    public async Task The_gateway_knows_no_other_paths()
    {
        await using Service service = await Service.StartAsync();
        foreach (string path in new[] { "/v2/contacts", "/v3/nope", "/.well-known/openid-configuration" })
        {
            Answer answer = await service.GetAsync(path);
            Assert.Equal(HttpStatusCode.Forbidden, answer.Status);
            Assert.Equal("""{"message":"Forbidden"}""", answer.Body);
        }
    }

    [Fact]
    public async Task Wrong_media_types_and_methods_are_told()
    {
        await using Service service = await Service.StartAsync();
        HttpRequestMessage plain = service.Authorized(HttpMethod.Post, "/v3/activities/contacts_json_import");
        plain.Content = new StringContent("{}", Encoding.UTF8, "text/plain");
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, (await service.SendAsync(plain)).Status);
        HttpRequestMessage xml = service.Authorized(HttpMethod.Get, "/v3/contact_lists");
        xml.Headers.Accept.ParseAdd("application/xml");
        Assert.Equal(HttpStatusCode.NotAcceptable, (await service.SendAsync(xml)).Status);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await service.DeleteAsync("/v3/contacts/counts")).Status);
    }

    [Fact]
    public async Task Errors_nulls_and_timestamps_take_their_other_form()
    {
        await using Service service = await Service.StartAsync(s =>
        {
            s.ErrorBody = BodyForm.Object;
            s.Nulls = NullForm.Omit;
            s.Timestamps = TimestampForm.Offset;
        });
        Answer missing = await service.GetAsync("/v3/activities/" + Guid.NewGuid());
        Assert.Equal(JsonValueKind.Object, missing.Json.ValueKind);
        Answer created = await service.ImportAsync(new { email = "a@example.com" });
        Assert.False(created.Json.TryGetProperty("started_at", out _));
        Assert.Equal("2026-11-24T05:00:00-05:00", created.Json.GetProperty("created_at").GetString());
        Assert.False((await service.GetAsync("/v3/contact_lists")).Json.TryGetProperty("_links", out _));
    }

    [Theory]
    [InlineData(FaultKind.ProcessThenDrop)]
    [InlineData(FaultKind.ProcessThenStatus)]
    public async Task A_lost_reply_leaves_the_job_behind(FaultKind kind)
    {
        await using Service service = await Service.StartAsync();
        await service.PostAsync("/admin/faults", new { match = new { method = "POST", path = "contacts_json_import", nth = 2 }, effect = new { kind = kind.ToString() } });
        Assert.Equal(HttpStatusCode.Created, (await service.ImportAsync(new { email = "a@example.com" })).Status);
        if (kind == FaultKind.ProcessThenDrop)
        {
            await Assert.ThrowsAsync<HttpRequestException>(() => service.ImportAsync(new { email = "b@example.com" }));
            Assert.Contains(service.State.Calls(), c => c is { Status: 0, Fault: "ProcessThenDrop" });
        }
        else
        {
            Answer answer = await service.ImportAsync(new { email = "b@example.com" });
            Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.Status);
            Assert.Equal("", answer.Body);
        }

        Assert.Equal(2, service.State.Activities().Count);
        Assert.Equal(HttpStatusCode.Created, (await service.ImportAsync(new { email = "c@example.com" })).Status);
        service.Finish();
        Assert.Equal(3, service.State.Contacts().Count);
    }

    [Fact]
    public async Task A_call_dropped_before_its_processing_leaves_nothing()
    {
        await using Service service = await Service.StartAsync();
        service.State.AddFault(new FaultRule { Match = new FaultMatch { Method = "POST" }, Effect = new FaultEffect { Kind = FaultKind.Drop } });
        await Assert.ThrowsAsync<HttpRequestException>(() => service.ImportAsync(new { email = "a@example.com" }));
        Assert.Empty(service.State.Activities());
        Assert.Equal(1, service.State.Statistics().Total);
        service.State.ClearFaults();
        Assert.Equal(HttpStatusCode.Created, (await service.ImportAsync(new { email = "a@example.com" })).Status);
    }

    [Fact]
    public async Task A_lost_token_reply_has_rotated_the_token()
    {
        await using Service service = await Service.StartAsync(signIn: false);
        string before = service.Simulator.RefreshToken;
        service.State.AddFault(new FaultRule
        {
            Match = new FaultMatch { Path = "/token", Count = 1 },
            Effect = new FaultEffect { Kind = FaultKind.ProcessThenDrop },
        });
        await Assert.ThrowsAsync<HttpRequestException>(service.RefreshAsync);
        Assert.NotEqual(before, service.Simulator.RefreshToken);
        Answer again = await service.TokenAsync(("grant_type", "refresh_token"), ("refresh_token", before), ("client_id", service.Simulator.ClientId));
        Assert.Equal(HttpStatusCode.BadRequest, again.Status);
    }

    [Fact]
    public async Task A_fault_answers_with_a_body_of_its_own_so_many_times()
    {
        await using Service service = await Service.StartAsync();
        await service.PostAsync("/admin/faults", new[]
        {
            new { match = new { path = "contact_lists", count = 2 }, effect = new { kind = "status", status = 500, body = "[]", retryAfter = 7 } },
        });
        Answer first = await service.GetAsync("/v3/contact_lists");
        Assert.Equal(HttpStatusCode.InternalServerError, first.Status);
        Assert.Equal("[]", first.Body);
        Assert.Equal(TimeSpan.FromSeconds(7), first.Headers.RetryAfter!.Delta);
        Assert.Equal(HttpStatusCode.InternalServerError, (await service.GetAsync("/v3/contact_lists")).Status);
        Assert.Equal(HttpStatusCode.OK, (await service.GetAsync("/v3/contact_lists")).Status);
        Assert.Equal(2, (await service.GetAsync("/admin/faults")).Json[0].GetProperty("met").GetInt32());
        await service.DeleteAsync("/admin/faults");
        Assert.Equal(0, (await service.GetAsync("/admin/faults")).Json.GetArrayLength());
    }

    [Fact]
    public async Task A_gateway_in_trouble_answers_in_HTML()
    {
        await using Service service = await Service.StartAsync();
        service.State.AddFault(new FaultRule { Effect = new FaultEffect { Kind = FaultKind.Html } });
        Answer answer = await service.GetAsync("/v3/contact_lists");
        Assert.Equal(HttpStatusCode.BadGateway, answer.Status);
        Assert.Equal("text/html", answer.ContentType);
    }

    [Fact]
    public async Task Chance_can_be_repeated()
    {
        async Task<string> Run()
        {
            await using Service service = await Service.StartAsync();
            service.State.AddFault(new FaultRule
            {
                Match = new FaultMatch { Probability = 0.5, Seed = 7 },
                Effect = new FaultEffect { Kind = FaultKind.Throttle },
            });
            string run = "";
            for (int i = 0; i < 20; i++) run += (await service.GetAsync("/v3/contact_lists")).Status == HttpStatusCode.OK ? "." : "x";
            return run;
        }

        string first = await Run();
        Assert.Contains('.', first);
        Assert.Contains('x', first);
        Assert.Equal(first, await Run());
    }

    [Fact]
    public async Task A_delay_is_waited_on_the_clock()
    {
        await using Service service = await Service.StartAsync();
        service.State.AddFault(new FaultRule { Effect = new FaultEffect { Kind = FaultKind.Delay, DelayMs = 60_000 } });
        Task<Answer> waiting = service.GetAsync("/v3/contact_lists");
        for (int i = 0; i < 600 && !waiting.IsCompleted; i++)
        {
            // The call needs real time to arrive before the clock can wake it.
            if (service.State.FaultBook.Entries.First().Met == 0) Assert.False(waiting.IsCompleted);
            else service.Time.Advance(TimeSpan.FromSeconds(60));
            await Task.Delay(20);
        }

        Assert.Equal(HttpStatusCode.OK, (await waiting).Status);
    }
}
