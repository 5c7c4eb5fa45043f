using CcExport.Engine.ConstantContact;

namespace CcExport.Engine.Upload;

/// <summary>A batch whose answer was lost: how many rows it has, and between which moments, by the service's clock, its request was on its way.</summary>
internal readonly record struct Doubt(int Batch, int Rows, DateTimeOffset From, DateTimeOffset To);

/// <summary>What one look at the jobs says of a batch in doubt.</summary>
internal enum Sighting
{
    /// <summary>Exactly one job can be it.</summary>
    Found,
    /// <summary>A job may be it, but its counts are not to be read before it ends.</summary>
    Wait,
    /// <summary>No job can be it.</summary>
    NotSeen,
    /// <summary>Several jobs can be it, or one that completed and whose counts never came.</summary>
    Ambiguous,
    /// <summary>
    /// Only jobs can be it that did not complete and never counted their rows. Whether one of them was it, or it never arrived, nothing tells; but the
    /// list tells what of the batch it has, and the rest can go.
    /// </summary>
    Failed,
}

/// <summary>
/// Knows a lost job again: created inside our send window, claimed by no other batch or run, and with our count of rows (or one
/// more: the service may count a heading). Counts read 0 until a job has ended. A function of plain values: no clock, no calls.
/// </summary>
internal static class LostJob
{
    /// <param name="margin">How far outside the window a job may have been created.</param>
    public static (Sighting Sighting, string? ActivityId) Look(
        Doubt doubt, IEnumerable<Activity> jobs, IReadOnlySet<string> claimed, TimeSpan margin)
    {
        List<string> matches = [];
        bool waiting = false, unknowable = false, failed = false;
        foreach (Activity job in jobs)
        {
            // What has a file of results is a contact export: it has a count too, but is no import.
            if (claimed.Contains(job.ActivityId) || job.ResultsHref is not null) continue;
            if (!InWindow(job, doubt, margin)) continue;
            if (IsOfRows(job, doubt)) matches.Add(job.ActivityId);
            else if (!job.IsTerminal) waiting = true;
            else if (job.State != "completed" && job.ItemsTotal is null or 0) failed = true;
            else if (job.ItemsTotal is null) unknowable = true;
        }
        return matches.Count switch
        {
            > 1 => (Sighting.Ambiguous, null),
            // Also with one that fits: what still runs may turn out to fit as well.
            _ when waiting => (Sighting.Wait, null),
            1 => (Sighting.Found, matches[0]),
            _ when unknowable => (Sighting.Ambiguous, null),
            _ when failed => (Sighting.Failed, null),
            _ => (Sighting.NotSeen, null),
        };
    }

    /// <summary>Whether a job may be the one that a batch became.</summary>
    public static bool MayBe(Activity job, Doubt doubt, TimeSpan margin) => InWindow(job, doubt, margin) && IsOfRows(job, doubt);

    private static bool InWindow(Activity job, Doubt doubt, TimeSpan margin)
        // A clock that was set while the request was on its way must not turn the window round.
        => job.CreatedAt is not { } created || (created >= doubt.From - margin && created <= (doubt.To > doubt.From ? doubt.To : doubt.From) + margin);

    private static bool IsOfRows(Activity job, Doubt doubt) => job.ItemsTotal == doubt.Rows || job.ItemsTotal == doubt.Rows + 1;
}
