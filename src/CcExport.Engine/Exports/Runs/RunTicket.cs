namespace CcExport.Engine.Exports;

/// <summary>A run that was asked for, and that a runner makes when it next looks for what is due.</summary>
public sealed record RunTicket
{
    /// <summary>The export.</summary>
    public required string Export { get; init; }
    /// <summary>Who asked: the name of the user on his machine.</summary>
    public required string RequestedBy { get; init; }
    /// <summary>When; UTC.</summary>
    public required DateTimeOffset RequestedAt { get; init; }
}
