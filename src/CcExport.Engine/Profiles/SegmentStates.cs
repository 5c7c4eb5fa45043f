namespace CcExport.Engine.Profiles;

/// <summary>States of segments, as <see cref="Segment.State"/> shows them.</summary>
internal static class SegmentStates
{
    public const string Active = "Active", Inactive = "Inactive";

    /// <summary>A service's word for a state with a capital letter; null where it has none.</summary>
    public static string? Of(string? word)
        => word is { Length: > 0 and <= 40 } && word.All(char.IsAsciiLetter) ? char.ToUpperInvariant(word[0]) + word[1..] : null;
}
