using System.Management.Automation.Runspaces;
using System.Runtime.CompilerServices;

namespace CcExport.Pipeline;

/// <summary>
/// How often a reading in a runspace has found that people may be missing. Get-CcProfile comes to know it when its last profile has long been passed on, and what is
/// piped may be filtered or made anew on the way: an export of piped objects compares the numbers before the first and after the last of them. What was read before
/// the pipeline began (<c>$profiles | Invoke-CcExport</c>) is not known by it.
/// </summary>
internal sealed class ReadingDoubts
{
    private static readonly ConditionalWeakTable<Runspace, ReadingDoubts> All = [];

    private long _count;

    public long Count => Interlocked.Read(ref _count);

    /// <summary>Pipeline thread only.</summary>
    public static ReadingDoubts OfThisRunspace() => Runspace.DefaultRunspace is { } here ? All.GetOrCreateValue(here) : new ReadingDoubts();

    /// <summary>From any thread.</summary>
    public void Note() => Interlocked.Increment(ref _count);
}
