namespace CcExport.Pipeline;

/// <summary>
/// How often a reading in this process has found that people may be missing, or has failed. Get-CcProfile comes to know it when its last profile has long been passed on, and what is
/// piped may be filtered or made anew on the way, or come from other runspaces: an export of piped objects compares the numbers before the first and after the last of them. A doubt that was another
/// pipeline's only keeps people where they are. What was read before the pipeline began (<c>$profiles | Invoke-CcExport</c>) is not known by it.
/// </summary>
internal static class ReadingDoubts
{
    private static long _count;

    public static long Count => Interlocked.Read(ref _count);

    /// <summary>From any thread.</summary>
    public static void Note() => Interlocked.Increment(ref _count);
}
