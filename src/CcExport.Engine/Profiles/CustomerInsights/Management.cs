using System.Text.Json;
using CcExport.Engine.Profiles.Web;

namespace CcExport.Engine.Profiles.CustomerInsights;

/// <summary>What an instance tells of itself: its segments, the columns of its profiles, and whether it is being refreshed.</summary>
internal sealed class Management(PageClient client, SourceContext context)
{
    private IReadOnlyList<Segment>? _segments;
    private IReadOnlyList<string>? _columns;

    public async Task<IReadOnlyList<Segment>> GetSegmentsAsync(CancellationToken ct) => _segments ??= await ReadSegmentsAsync(ct).ConfigureAwait(false);

    private async Task<IReadOnlyList<Segment>> ReadSegmentsAsync(CancellationToken ct)
    {
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
        return [.. all.OrderBy(s => s.Name, StringComparer.Ordinal)];
    }

    public async Task<IReadOnlyList<string>> GetColumnsAsync(CancellationToken ct)
    {
        if (_columns is not null) return _columns;
        const string What = "the columns of the profiles";
        using JsonDocument answer = await JsonAnswer.GetAsync(client, client.Service.Root + "manage/entities/Customer", What, ct).ConfigureAwait(false);
        if (answer.RootElement.ValueKind != JsonValueKind.Object || !answer.RootElement.TryGetProperty("attributes", out JsonElement attributes)) throw client.Unexpected(What);
        return _columns = [.. (JsonAnswer.Items(attributes) ?? throw client.Unexpected(What)).Select(a => JsonAnswer.Text(a, "name")).OfType<string>().Distinct(StringComparer.Ordinal)];
    }

    /// <summary>Says, before anything is read, that the instance is being refreshed: members and values may be of different times.</summary>
    public async Task WarnOfRefreshAsync(CancellationToken ct) => Warn(await CountJobsAsync(ct).ConfigureAwait(false), "before");

    /// <summary>Looks again when all is read. A refresh of a few minutes can lie within a reading of an hour: then only the segment tells of it.</summary>
    public async Task WarnOfChangesAsync(Segment before, CancellationToken ct)
    {
        if (await LookAgain.TryAsync(async () => (Jobs: await CountJobsAsync(ct).ConfigureAwait(false), Segments: await ReadSegmentsAsync(ct).ConfigureAwait(false)).ToTuple()!, context, ct)
            .ConfigureAwait(false) is not var (jobs, segments)) return;
        Warn(jobs, "while");
        LookAgain.Compare(before, segments, context);
    }

    private void Warn(int running, string when)
    {
        if (running > 0)
            context.Doubt(FormattableString.Invariant($"{(running == 1 ? "A refresh job was" : FormattableString.Invariant($"{running:N0} refresh jobs were"))} running {when} the profiles were read: members and values may be of different times. Run the export again when the refresh is over."));
    }

    /// <summary>Jobs that run now; 0 where the instance does not tell.</summary>
    private async Task<int> CountJobsAsync(CancellationToken ct)
    {
        // Older documentation has the first address, newer the second.
        foreach (string address in new[] { "workflows/main/jobs", "manage/workflows/main/jobs" })
        {
            using JsonDocument? answer = await JsonAnswer.TryGetAsync(client, client.Service.Root + address, "the refresh jobs", ct).ConfigureAwait(false);
            if (answer is not null) return (JsonAnswer.Items(answer.RootElement) ?? []).Count(job => JsonAnswer.Text(job, "jobStatus")?.ToUpperInvariant() is "RUNNING");
        }
        context.Verbose("This instance does not tell whether it is being refreshed.");
        return 0;
    }
}
