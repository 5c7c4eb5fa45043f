using System.Text.Json;
using CcExport.Engine.Profiles.Web;

namespace CcExport.Engine.Profiles.CustomerInsights;

/// <summary>What an instance tells of itself: its segments, the columns of its profiles, and whether it is being refreshed.</summary>
internal sealed class Management(PageClient client, SourceContext context)
{
    private IReadOnlyList<Segment>? _segments;
    private IReadOnlyList<string>? _columns;

    public async Task<IReadOnlyList<Segment>> GetSegmentsAsync(CancellationToken ct)
    {
        if (_segments is not null) return _segments;
        const string What = "the segments";
        using JsonDocument answer = await JsonAnswer.GetAsync(client, client.Service.Root + "manage/segments", What, ct).ConfigureAwait(false);
        List<Segment> all = [];
        foreach (JsonElement item in JsonAnswer.Items(answer.RootElement) ?? throw client.Unexpected(What))
        {
            if (JsonAnswer.Text(item, "name") is not { Length: > 0 } name) continue;
            JsonElement evaluation = item.TryGetProperty("evaluationStatus", out JsonElement status) ? status : default;
            all.Add(new Segment
            {
                Name = name,
                DisplayName = JsonAnswer.Text(item, "friendlyName") is { Length: > 0 } friendly ? friendly : name,
                State = SegmentStates.Of(JsonAnswer.Text(item, "state")),
                Size = JsonAnswer.Number(evaluation, "entityCount"),
                LastEvaluated = JsonAnswer.Time(evaluation, "evaluationDate"),
            });
        }
        return _segments = [.. all.OrderBy(s => s.Name, StringComparer.Ordinal)];
    }

    public async Task<IReadOnlyList<string>> GetColumnsAsync(CancellationToken ct)
    {
        if (_columns is not null) return _columns;
        const string What = "the columns of the profiles";
        using JsonDocument answer = await JsonAnswer.GetAsync(client, client.Service.Root + "manage/entities/Customer", What, ct).ConfigureAwait(false);
        if (answer.RootElement.ValueKind != JsonValueKind.Object || !answer.RootElement.TryGetProperty("attributes", out JsonElement attributes)) throw client.Unexpected(What);
        return _columns = [.. (JsonAnswer.Items(attributes) ?? throw client.Unexpected(What)).Select(a => JsonAnswer.Text(a, "name")).OfType<string>().Distinct(StringComparer.Ordinal)];
    }

    /// <summary>Warns while the instance is being refreshed: members and values may be of different times.</summary>
    /// <param name="when">"before" the reading, or "while" it went on.</param>
    public async Task WarnOfRefreshAsync(string when, CancellationToken ct)
    {
        using JsonDocument? answer = await JsonAnswer.TryGetAsync(client, client.Service.Root + "workflows/main/jobs", "the refresh jobs", mayBeMissing: true, ct).ConfigureAwait(false);
        int running = answer is null ? 0 : (JsonAnswer.Items(answer.RootElement) ?? []).Count(job => JsonAnswer.Text(job, "jobStatus")?.ToUpperInvariant() is "RUNNING");
        if (answer is null) context.Verbose("This instance does not tell whether it is being refreshed.");
        if (running > 0)
            context.Doubt(FormattableString.Invariant($"{running:N0} refresh jobs were running {(when == "before" ? "before the profiles were read" : "while the profiles were read")}: members and values may be of different times. Run the export again when the refresh is over."));
    }
}
