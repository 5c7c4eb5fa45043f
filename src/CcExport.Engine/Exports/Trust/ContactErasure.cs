namespace CcExport.Engine.Exports;

/// <summary>The proof that a person's data was removed. It does not say whose.</summary>
public sealed class ContactErasure
{
    /// <summary>Its number.</summary>
    public required long Id { get; init; }
    /// <summary>When all was removed.</summary>
    public required DateTimeOffset At { get; init; }
    /// <summary>Who did it.</summary>
    public required string By { get; init; }
    /// <summary>How much was removed of what: Rejections, SpooledContacts, TraceRecords, Fingerprints and so on.</summary>
    public required IReadOnlyDictionary<string, long> Removed { get; init; }
}
