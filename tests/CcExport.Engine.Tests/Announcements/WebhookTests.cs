using System.Text;
using System.Text.Json;
using CcExport.Engine.Announcements;
using CcExport.Engine.Tests.ConstantContact.Support;

namespace CcExport.Engine.Tests.Announcements;

/// <summary>One notice on its way, against a real socket.</summary>
public sealed class WebhookTests
{
    private static readonly FailureNotice Notice = new()
    {
        Export = "Spring <sales>",
        Connection = "acme",
        Run = 12,
        Status = "Failed",
        ErrorId = "GuardInvalid",
        Message = "Too many & \"odd\" ones.",
        Remedy = "Look at them.",
        At = new DateTimeOffset(2026, 11, 24, 10, 0, 0, TimeSpan.Zero),
        Machine = "box",
        Numbers = [new("read", 1200L), new("sent", 0L), new("batches", 3)],
    };

    private static Webhook Sender => new(TimeProvider.System) { Pause = TimeSpan.FromMilliseconds(20) };

    private static JsonElement Body(NoticeShape shape, FailureNotice? notice = null) => JsonDocument.Parse(NoticeBody.Write(notice ?? Notice, shape)).RootElement;

    [Theory]
    [InlineData("https://hooks.slack.com/services/T/B/x", NoticeShape.Slack)]
    [InlineData("https://prod-12.westeurope.logic.azure.com:443/workflows/x", NoticeShape.Teams)]
    [InlineData("https://default1.2.environment.api.powerplatform.com/x", NoticeShape.Teams)]
    [InlineData("https://contoso.webhook.office.com/x", NoticeShape.Teams)]
    [InlineData("https://evilwebhook.office.com.example/x", NoticeShape.Json)]
    [InlineData("https://hooks.slack.com.example/x", NoticeShape.Json)]
    public void The_host_says_the_shape(string address, NoticeShape shape) => Assert.Equal(shape, NoticeBody.ShapeOf(new Uri(address)));

    [Fact]
    public void Slack_gets_a_text_in_which_nothing_is_a_link_or_a_mention()
    {
        JsonElement body = Body(NoticeShape.Slack);
        Assert.Equal("text", Assert.Single(body.EnumerateObject()).Name);
        Assert.Equal("*CcExport: run 12 of 'Spring &lt;sales&gt;' failed*\nToo many &amp; \"odd\" ones.\nLook at them.\n`GuardInvalid`  1,200 read, 0 sent", body.GetProperty("text").GetString());
    }

    [Fact]
    public void Teams_gets_a_message_with_an_adaptive_card()
    {
        JsonElement body = Body(NoticeShape.Teams), one = Assert.Single(body.GetProperty("attachments").EnumerateArray());
        Assert.Equal(("message", "application/vnd.microsoft.card.adaptive"), (body.GetProperty("type").GetString(), one.GetProperty("contentType").GetString()));
        JsonElement card = one.GetProperty("content");
        Assert.Equal("AdaptiveCard", card.GetProperty("type").GetString());
        Assert.Equal(["TextBlock", "TextBlock", "TextBlock", "FactSet"], card.GetProperty("body").EnumerateArray().Select(b => b.GetProperty("type").GetString()));
        Assert.Equal("Look at them.", card.GetProperty("body")[2].GetProperty("text").GetString());
        Assert.Equal(["Error", "Machine", "Numbers"], card.GetProperty("body")[3].GetProperty("facts").EnumerateArray().Select(f => f.GetProperty("title").GetString()));
    }

    [Fact]
    public void Others_get_an_object()
    {
        JsonElement body = Body(NoticeShape.Json);
        Assert.Equal(["event", "time", "machine", "export", "connection", "run", "status", "errorId", "message", "remedy", "numbers"], body.EnumerateObject().Select(p => p.Name));
        Assert.Equal(("ExportFailed", "2026-11-24T10:00:00Z", 12, 1200), (body.GetProperty("event").GetString(), body.GetProperty("time").GetString(), body.GetProperty("run").GetInt32(), body.GetProperty("numbers").GetProperty("read").GetInt32()));
        JsonElement none = Body(NoticeShape.Json, Notice with { Run = null, Remedy = null, Status = "NotRun", Numbers = [] });
        Assert.Equal((JsonValueKind.Null, JsonValueKind.Null), (none.GetProperty("run").ValueKind, none.GetProperty("remedy").ValueKind));
        Assert.Contains("'Spring &lt;sales&gt;' could not be run", Body(NoticeShape.Slack, Notice with { Run = null }).GetProperty("text").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://example.com/x")]
    [InlineData("ftp://example.com/x")]
    [InlineData("https://user:word@example.com/x")]
    [InlineData("/x")]
    [InlineData("file:///etc/passwd")]
    public void An_address_that_is_not_safe_is_refused_and_not_quoted(string address)
    {
        CcException e = Assert.Throws<CcException>(() => Webhook.Parse(address));
        Assert.Equal("OnFailureInvalid", e.ErrorId);
        Assert.DoesNotContain("example.com", e.Message + e.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_is_tried_twice_where_that_may_help_and_never_follows()
    {
        await using var server = new ScriptedServer();
        var address = new Uri(server.Origin + "/hook?sig=secret");
        server.Script("POST /hook", new Reply(503), new Reply(202));
        Assert.Null(await Sender.SendAsync(address, NoticeBody.Write(Notice, NoticeShape.Json), default));
        Assert.Equal(2, server.To("POST /hook").Length);
        Assert.StartsWith("application/json", server.To("POST /hook")[0].Header("Content-Type"), StringComparison.Ordinal);
        Assert.Equal("Spring <sales>", JsonDocument.Parse(server.To("POST /hook")[1].Text).RootElement.GetProperty("export").GetString());

        server.Script("POST /hook", new Reply(500), new Reply(500), new Reply(200));
        Assert.Equal("HTTP 500", await Sender.SendAsync(address, [], default));
        Assert.Equal(4, server.To("POST /hook").Length);

        await using var away = new ScriptedServer();
        await using var first = new ScriptedServer();
        first.Always("POST /hook", new Reply(307) { Headers = [("Location", away.Origin + "/hook")] });
        Assert.Equal("HTTP 307", await Sender.SendAsync(new Uri(first.Origin + "/hook"), Encoding.UTF8.GetBytes("{}"), default));
        Assert.Single(first.To("POST /hook"));
        Assert.Empty(away.Requests);
        first.Always("POST /gone", new Reply(410));
        Assert.Equal("HTTP 410", await Sender.SendAsync(new Uri(first.Origin + "/gone"), [], default));
        Assert.Single(first.To("POST /gone"));
    }

    [Fact]
    public async Task A_dead_host_and_a_silent_one_are_given_up()
    {
        Uri dead;
        await using (var server = new ScriptedServer()) dead = new Uri(server.Origin + "/hook");
        string? why = await Sender.SendAsync(dead, [], default);
        Assert.StartsWith("no connection", why, StringComparison.Ordinal);

        await using var silent = new ScriptedServer();
        silent.Always("POST /hook", Reply.Never);
        var quick = new Webhook(new OnceAsked(() => silent.To("POST /hook").Length)) { Pause = TimeSpan.FromMilliseconds(20) };
        Assert.Equal("no answer within 10 seconds", await quick.SendAsync(new Uri(silent.Origin + "/hook"), [], default));
        Assert.Equal(2, silent.To("POST /hook").Length);
    }

    /// <summary>The ten seconds of a try are over as soon as the server has its request, however slow this machine is.</summary>
    private sealed class OnceAsked(Func<int> requests) : TimeProvider
    {
        private int _tries;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime != TimeSpan.FromSeconds(10)) return System.CreateTimer(callback, state, dueTime, period);
            int mine = Interlocked.Increment(ref _tries);
            var look = TimeSpan.FromMilliseconds(10);
            return System.CreateTimer(_ => { if (requests() >= mine) callback(state); }, null, look, look);
        }
    }
}
