namespace CcExport.Engine.Exports;

/// <summary>One person who is never sent. Who it is the store does not know: it can only be asked about an address.</summary>
public sealed class Suppression
{
    /// <summary>The address that was asked about; null in a listing.</summary>
    public string? Email { get; init; }
    /// <summary>Whether it is on the list; always so in a listing.</summary>
    public bool IsSuppressed { get; init; } = true;
    /// <summary>SuppressionList, or Erased for a person whose data was removed; null when it is not on the list.</summary>
    public string? Reason { get; init; }
    /// <summary>The person's data was removed, and the address must not be sent again.</summary>
    public bool IsErased => Reason == Mapping.Reasons.Erased;
    /// <summary>When it was put there; null when it is not.</summary>
    public DateTimeOffset? AddedAt { get; init; }
    /// <summary>Who put it there.</summary>
    public string? AddedBy { get; init; }
    /// <summary>What that person noted.</summary>
    public string? Note { get; init; }
}

/// <summary>What became of addresses that were to be suppressed.</summary>
/// <param name="Added">Now on the list.</param>
/// <param name="Known">On the list before.</param>
/// <param name="NotAddresses">Lines or values that are no address, and were ignored.</param>
public sealed record SuppressionChange(int Added, int Known, long NotAddresses);
