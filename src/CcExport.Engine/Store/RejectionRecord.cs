namespace CcExport.Engine.Store;

/// <summary>Why a profile is among the rejections.</summary>
public enum RejectionKind
{
    /// <summary>No usable address, or a row that does not fit its header.</summary>
    Invalid,
    /// <summary>Another profile of the run has the address already.</summary>
    Duplicate,
    /// <summary>Held out by rule.</summary>
    Suppressed,
    /// <summary>The service did not take it, or the run ended before it was sent.</summary>
    Refused,
    /// <summary>Nothing proves what became of it.</summary>
    Unaccounted,
    /// <summary>It went, but an optional value was cut or left out, or its address is one to look at.</summary>
    Noted,
}

/// <summary>One rejection on its way into the file, without an object for each.</summary>
internal readonly ref struct RejectionEntry
{
    public required RejectionKind Kind { get; init; }
    /// <summary>Number of the row in its source, from 1; 0 when the rejection is not about one row.</summary>
    public long Row { get; init; }
    public string? Segment { get; init; }
    /// <summary>The source's key of the profile, as UTF-8; empty when it has none.</summary>
    public ReadOnlySpan<byte> Key { get; init; }
    public string? Field { get; init; }
    public required string ReasonId { get; init; }
    /// <summary>How many profiles; 0 and 1 both mean one.</summary>
    public int Count { get; init; }
    public int? Batch { get; init; }
    /// <summary>What the service said of it.</summary>
    public string? Text { get; init; }
    /// <summary>Of a duplicate: the row of the profile that was taken, in its segment; 0 when it is not known.</summary>
    public long WinnerRow { get; init; }
    public string? WinnerSegment { get; init; }
    /// <summary>That profile's key, as UTF-8; empty when it has none or it is not known yet.</summary>
    public ReadOnlySpan<byte> WinnerKey { get; init; }
}

/// <summary>One rejection as read back.</summary>
internal sealed record RejectionRecord(
    RejectionKind Kind, long Row, string? Segment, string? Key, string? Field, string ReasonId, int Count, int? Batch, string? Text = null,
    long WinnerRow = 0, string? WinnerSegment = null, string? WinnerKey = null);
