namespace CcExport.Engine.Announcements;

/// <summary>A failure of an export, for people who do not sit before it. Holds no address and no secret.</summary>
internal sealed record FailureNotice
{
    public required string Export { get; init; }
    public string? Connection { get; init; }
    /// <summary>The run's number; null: it did not come to one.</summary>
    public long? Run { get; init; }
    /// <summary>Failed, Interrupted, or NotRun where there is no run.</summary>
    public required string Status { get; init; }
    public required string ErrorId { get; init; }
    public required string Message { get; init; }
    public string? Remedy { get; init; }
    public required DateTimeOffset At { get; init; }
    /// <summary>The machine it was noticed on.</summary>
    public required string Machine { get; init; }
    /// <summary>The run's numbers; empty: there is no run.</summary>
    public IReadOnlyList<KeyValuePair<string, object>> Numbers { get; init; } = [];
}
