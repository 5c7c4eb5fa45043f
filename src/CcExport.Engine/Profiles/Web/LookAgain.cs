namespace CcExport.Engine.Profiles.Web;

/// <summary>The look at a source when all of it is read: all that was read stays good if it fails, and only what it would have told is not known.</summary>
internal static class LookAgain
{
    /// <summary>The look's answer; null where it failed, which is a doubt.</summary>
    public static async Task<T?> TryAsync<T>(Func<Task<T?>> look, SourceContext context, CancellationToken ct)
        where T : class
    {
        string why = "it is not told any more.";
        try
        {
            if (await look().ConfigureAwait(false) is { } answer) return answer;
        }
        catch (CcException e) when (!ct.IsCancellationRequested)
        {
            why = e.Message;
        }
        context.Doubt($"Whether the data was renewed while it was read could not be asked: {why}");
        return null;
    }

    /// <summary>Doubts who was read where a segment is not what it was before.</summary>
    public static void Compare(Segment before, IReadOnlyList<Segment> now, SourceContext context)
    {
        Segment? after = now.FirstOrDefault(s => s.Name == before.Name);
        if (after is null) context.Doubt($"The segment '{before.Name}' was removed while it was read.");
        else if (after.LastEvaluated != before.LastEvaluated || after.Size != before.Size)
            context.Doubt(FormattableString.Invariant($"The segment '{before.Name}' was renewed while it was read ({Known(before)} before, {Known(after)} after): who was read may be of either time. Run the export again when the refresh is over."));
        else if (after.IsRefreshing && !before.IsRefreshing)
            context.Doubt($"A refresh of the segment '{before.Name}' began while it was read: memberships and profiles may be of different times. Run the export when the refresh is over.");
    }

    private static string Known(Segment segment) => FormattableString.Invariant($"{(segment.Size is { } size ? $"{size:N0} members" : "size not known")}{(segment.LastEvaluated is { } at ? $" of {at.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC" : "")}");
}
