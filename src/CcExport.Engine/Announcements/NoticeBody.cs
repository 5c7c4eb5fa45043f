using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace CcExport.Engine.Announcements;

/// <summary>A notice as each service wants it.</summary>
internal static class NoticeBody
{
    /// <summary>The shape that the host of an address asks for.</summary>
    public static NoticeShape ShapeOf(Uri address)
    {
        string host = address.IdnHost.ToLowerInvariant();
        if (host is "hooks.slack.com" or "hooks.slack-gov.com") return NoticeShape.Slack;
        return host == "webhook.office.com" || host.EndsWith(".webhook.office.com", StringComparison.Ordinal) || host.EndsWith(".logic.azure.com", StringComparison.Ordinal)
            || host.EndsWith(".powerplatform.com", StringComparison.Ordinal) ? NoticeShape.Teams : NoticeShape.Json;
    }

    public static byte[] Write(FailureNotice notice, NoticeShape shape)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body))
        {
            switch (shape)
            {
                case NoticeShape.Slack: Slack(json, notice); break;
                case NoticeShape.Teams: Teams(json, notice); break;
                default: Plain(json, notice); break;
            }
        }
        return body.WrittenSpan.ToArray();
    }

    private static void Plain(Utf8JsonWriter json, FailureNotice notice)
    {
        json.WriteStartObject();
        json.WriteString("event", "ExportFailed");
        json.WriteString("time", notice.At.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        json.WriteString("machine", notice.Machine);
        json.WriteString("export", notice.Export);
        Text("connection", notice.Connection);
        if (notice.Run is { } run) json.WriteNumber("run", run);
        else json.WriteNull("run");
        json.WriteString("status", notice.Status);
        json.WriteString("errorId", notice.ErrorId);
        json.WriteString("message", notice.Message);
        Text("remedy", notice.Remedy);
        json.WriteStartObject("numbers");
        foreach ((string name, object value) in notice.Numbers) json.WriteNumber(name, Convert.ToInt64(value, CultureInfo.InvariantCulture));
        json.WriteEndObject();
        json.WriteEndObject();

        void Text(string name, string? value)
        {
            if (value is null) json.WriteNull(name);
            else json.WriteString(name, value);
        }
    }

    private static void Slack(Utf8JsonWriter json, FailureNotice notice)
    {
        var text = new StringBuilder();
        text.Append('*').Append(Escape(Headline(notice))).Append("*\n").Append(Escape(notice.Message));
        if (notice.Remedy is { } remedy) text.Append('\n').Append(Escape(remedy));
        text.Append("\n`").Append(Escape(notice.ErrorId)).Append('`');
        if (Counts(notice) is { Length: > 0 } counts) text.Append("  ").Append(counts);
        json.WriteStartObject();
        json.WriteString("text", text.ToString());
        json.WriteEndObject();

        // What Slack asks for; a name must not become a link or a mention.
        static string Escape(string value) => value.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal);
    }

    private static void Teams(Utf8JsonWriter json, FailureNotice notice)
    {
        json.WriteStartObject();
        json.WriteString("type", "message");
        json.WriteStartArray("attachments");
        json.WriteStartObject();
        json.WriteString("contentType", "application/vnd.microsoft.card.adaptive");
        json.WriteNull("contentUrl");
        json.WriteStartObject("content");
        json.WriteString("$schema", "http://adaptivecards.io/schemas/adaptive-card.json");
        json.WriteString("type", "AdaptiveCard");
        json.WriteString("version", "1.4");
        json.WriteStartArray("body");
        Block(Headline(notice), heading: true);
        Block(notice.Message, heading: false);
        if (notice.Remedy is { } remedy) Block(remedy, heading: false);
        json.WriteStartObject();
        json.WriteString("type", "FactSet");
        json.WriteStartArray("facts");
        Fact("Error", notice.ErrorId);
        Fact("Machine", notice.Machine);
        if (Counts(notice) is { Length: > 0 } counts) Fact("Numbers", counts);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();

        void Block(string text, bool heading)
        {
            json.WriteStartObject();
            json.WriteString("type", "TextBlock");
            json.WriteString("text", text);
            json.WriteBoolean("wrap", true);
            if (heading)
            {
                json.WriteString("weight", "Bolder");
                json.WriteString("size", "Medium");
            }
            json.WriteEndObject();
        }

        void Fact(string title, string value)
        {
            json.WriteStartObject();
            json.WriteString("title", title);
            json.WriteString("value", value);
            json.WriteEndObject();
        }
    }

    private static string Headline(FailureNotice notice) => notice.Run is { } run
        ? FormattableString.Invariant($"CcExport: run {run} of '{notice.Export}' {(notice.Status == "Failed" ? "failed" : "stands still")}")
        : $"CcExport: '{notice.Export}' could not be run";

    private static string Counts(FailureNotice notice)
        => string.Join(", ", notice.Numbers.Where(n => n.Key is "read" or "sent" or "accepted" or "refused" or "unaccounted").Select(n => FormattableString.Invariant($"{n.Value:N0} {n.Key}")));
}
