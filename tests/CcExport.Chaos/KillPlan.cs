using System.Globalization;

namespace CcExport.Chaos;

/// <summary>Where a host ends itself: right before or right after the given call of a step of the journal.</summary>
internal sealed record KillPlan(string Step, bool Before, int Occurrence)
{
    /// <summary>
    /// The steps that can be died at, in the order of a run; SaveSecrets is the write of a renewed refresh token. Settled comes only where
    /// jobs do not complete (and then Sending and what follows it come once more), Revised only where the list is read back at the end.
    /// </summary>
    public static readonly string[] Steps =
        ["SaveSecrets", "Open", "Sealed", "AllSealed", "SetStatus", "Sending", "InDoubt", "NotSent", "Sent", "Finished", "Settled", "Revised", "Close"];

    /// <summary>Steps that come once or twice in a host's life; the others have a call for each batch.</summary>
    private static readonly string[] OfBatches = ["Sealed", "Sending", "Sent", "Finished"];

    public int Phase => Array.IndexOf(Steps, Step);

    /// <summary>Its row and column in the table.</summary>
    public string Label => $"{Step} {(Before ? "before" : "after")}";

    /// <summary>The plans of all steps one after the other, before and after.</summary>
    public static KillPlan Of(int number, Random chance) => Of(Steps, number, chance);

    /// <param name="steps">Those that the run comes to.</param>
    public static KillPlan Of(IReadOnlyList<string> steps, int number, Random chance)
    {
        string step = steps[number / 2 % steps.Count];
        return new KillPlan(step, number % 2 == 0, OfBatches.Contains(step) ? chance.Next(1, 4) : 1);
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Step}:{(Before ? "before" : "after")}:{Occurrence}");

    public static KillPlan Parse(string text)
    {
        string[] parts = text.Split(':');
        return new KillPlan(parts[0], parts[1] == "before", int.Parse(parts[2], CultureInfo.InvariantCulture));
    }
}
