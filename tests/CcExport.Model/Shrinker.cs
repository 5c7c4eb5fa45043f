namespace CcExport.Model;

/// <summary>Makes a failing history small: what can be left out, so that it fails all the same, is left out.</summary>
internal static class Shrinker
{
    /// <returns>The smaller history and what it fails with.</returns>
    public static async Task<(History History, string What)> ShrinkAsync(History history, (string What, int Steps) failure)
    {
        History small = history with { Steps = [.. history.Steps.Take(failure.Steps)] };
        string what = failure.What;
        // What fails only after all steps needs them gone one by one, too.
        for (bool smaller = true; smaller;)
        {
            smaller = false;
            for (int at = small.Steps.Count - 1; at >= 0; at--)
            {
                if (small.Steps.Count <= at) continue;
                History without = small with { Steps = [.. small.Steps.Where((_, i) => i != at)] };
                if (await Player.PlayAsync(without, new Tally()) is not { } still) continue;
                (small, what, smaller) = (without, still.What, true);
            }
        }
        return (small, what);
    }
}
