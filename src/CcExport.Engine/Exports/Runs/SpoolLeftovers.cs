using System.Globalization;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>
/// What lies in the spool of runs that are closed: a process died after it had written the end down and before it had cleared up.
/// Nobody can read it, for its key is erased, but nobody would remove it either: the run is never looked at again.
/// </summary>
internal static class SpoolLeftovers
{
    public static async Task RemoveAsync(EngineParts parts, CancellationToken ct)
    {
        await new PlanBook(parts, new RunCloser(parts, new RunReporter(NoObserver.Instance, parts.Time))).DiscardOldAsync(ct).ConfigureAwait(false);
        if (!Directory.Exists(parts.Home.SpoolFolder)) return;
        foreach (string folder in Directory.EnumerateDirectories(parts.Home.SpoolFolder).ToList())
        {
            if (MemberKeep.IsLeftOver(folder, parts.Time.GetUtcNow())) Spool.Remove(folder);
            if (!long.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out long run)) continue;
            // Of a run that this store does not know nothing can be said: it stays.
            if (await parts.Store.Runs.FindAsync(run, ct).ConfigureAwait(false) is { CompletedAt: not null, SpoolKey: null }) Spool.Remove(folder);
        }
    }
}
