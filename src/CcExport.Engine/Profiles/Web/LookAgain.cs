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
}
