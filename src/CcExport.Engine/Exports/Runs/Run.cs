using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>
/// One execution of an export. Read = Invalid + Duplicate + Suppressed + Unchanged + Sent, and
/// Sent = Accepted + OptedOut + Refused + Unaccounted: always, or the run is not closed.
/// </summary>
public sealed class Run
{
    /// <summary>Its number in this store.</summary>
    public required long Id { get; init; }
    /// <summary>The export's name; null for piped objects without a name.</summary>
    public string? Export { get; init; }
    /// <summary>The connection it went over.</summary>
    public required string Connection { get; init; }
    /// <summary>The list it went to.</summary>
    public required string ListId { get; init; }
    /// <summary>Where it stands.</summary>
    public required RunStatus Status { get; init; }
    /// <summary>What set it off: OnDemand, Pipeline, Schedule.</summary>
    public required string Trigger { get; init; }
    /// <summary>As whom its segments were read: an identity of Microsoft Entra, a key kept with the source, a user of this machine; null for piped objects.</summary>
    public string? ReadAs { get; init; }
    /// <summary>When it began.</summary>
    public required DateTimeOffset StartedAt { get; init; }
    /// <summary>When it was over; null while it goes on or can go on.</summary>
    public DateTimeOffset? CompletedAt { get; init; }
    /// <summary>From begin to end; null while it goes on.</summary>
    public TimeSpan? Duration => CompletedAt - StartedAt;
    /// <summary>Profiles read from the source.</summary>
    public long Read { get; init; }
    /// <summary>Profiles without a usable address, and rows that don't fit their header.</summary>
    public long Invalid { get; init; }
    /// <summary>Profiles that lost to another of this run with the same address.</summary>
    public long Duplicate { get; init; }
    /// <summary>Profiles held out by a rule.</summary>
    public long Suppressed { get; init; }
    /// <summary>Profiles that the list already has as they are.</summary>
    public long Unchanged { get; init; }
    /// <summary>Contacts sealed into batches.</summary>
    public long Sent { get; init; }
    /// <summary>Contacts that the service took.</summary>
    public long Accepted { get; init; }
    /// <summary>People who have unsubscribed from the account; the service keeps them off the list. Not an error.</summary>
    public long OptedOut { get; init; }
    /// <summary>Contacts that the service refused.</summary>
    public long Refused { get; init; }
    /// <summary>Contacts whose fate the service did not prove.</summary>
    public long Unaccounted { get; init; }
    /// <summary>Contacts taken off the list (mode Mirror).</summary>
    public long Removed { get; init; }
    /// <summary>Optional values that were cut to their limit or left out, and contacts with the address of a role; <c>Get-CcRejection</c> lists each.</summary>
    public long Noted { get; init; }
    /// <summary>Import requests the contacts were sealed into.</summary>
    public int Batches { get; init; }
    /// <summary>Calls made to the service for this run.</summary>
    public int Requests { get; init; }
    /// <summary>Bytes of the imports that were sent.</summary>
    public long BytesSent { get; init; }
    /// <summary>What a person should know about it: the reason of a failure, and what to do next.</summary>
    public string? Message { get; init; }
    /// <summary>The command that goes on with it, or shows what became of its contacts; null where there is nothing to do.</summary>
    public string? Next => Status switch
    {
        RunStatus.Interrupted when !Sealed => Export is null ? null : FormattableString.Invariant($"Invoke-CcExport '{Export.Replace("'", "''", StringComparison.Ordinal)}'"),
        RunStatus.Interrupted or RunStatus.WaitingForQuota => FormattableString.Invariant($"Resume-CcRun {Id}"),
        RunStatus.Queued => FormattableString.Invariant($"Invoke-CcExport -Plan {Id}"),
        RunStatus.Running or RunStatus.Verifying => FormattableString.Invariant($"Wait-CcRun {Id}"),
        RunStatus.CompletedWithErrors => FormattableString.Invariant($"Get-CcRejection {Id}"),
        _ => null,
    };
    /// <summary>All was read and lies in the spool: the source is not needed any more.</summary>
    internal bool Sealed { get; init; }
}

/// <summary>Why one profile (or, where the service does not say which, several of a batch) was not accepted.</summary>
public sealed class Rejection
{
    /// <summary>The run.</summary>
    public required long RunId { get; init; }
    /// <summary>The export's name; null for piped objects without a name.</summary>
    public string? Export { get; init; }
    /// <summary>Row number in its segment, from 1, headers and blank lines left out; 0 where the service did not name one.</summary>
    public long Row { get; init; }
    /// <summary>The profile's key in the source (column <c>-KeyProperty</c>); null where there is none.</summary>
    public string? SourceKey { get; init; }
    /// <summary>The segment; null for piped objects.</summary>
    public string? Segment { get; init; }
    /// <summary>The contact field it is about.</summary>
    public string? Field { get; init; }
    /// <summary>Stable reason id: EmailMissing, EmailMalformed, EmailNotAscii, EmailTooLong, RowMalformed, Duplicate, ValueCut, …</summary>
    public required string Reason { get; init; }
    /// <summary>The reason as a sentence.</summary>
    public required string Message { get; init; }
    /// <summary>What to do about it.</summary>
    public string? Remedy { get; init; }
    /// <summary>Invalid, Duplicate, Suppressed, Refused, Unaccounted, or Noted (the profile was sent, but a value was cut or left out, or it has the address of a role).</summary>
    public required string Kind { get; init; }
    /// <summary>Profiles this stands for: 1, or more where the service named none of a batch's.</summary>
    public required int Count { get; init; }
    /// <summary>The batch, where it was sealed into one.</summary>
    public int? Batch { get; init; }
    /// <summary>Of a duplicate: the row of the profile with that address that was taken; null past 4,294,967,294 profiles.</summary>
    public long? WinnerRow { get; init; }
    /// <summary>Of a duplicate: that profile's segment.</summary>
    public string? WinnerSegment { get; init; }
    /// <summary>Of a duplicate: that profile's key in the source; null where it has none, or where a preview has read too many to remember.</summary>
    public string? WinnerKey { get; init; }
}
