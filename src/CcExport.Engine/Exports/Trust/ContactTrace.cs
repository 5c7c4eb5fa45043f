using CcExport.Engine.Fingerprints;
using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>All that is known here of an address.</summary>
public sealed class ContactTrace
{
    /// <summary>One for each appearance in a run that is still kept, newest first.</summary>
    public required IReadOnlyList<TracedRun> Runs { get; init; }
    /// <summary>One for each connection that was asked.</summary>
    public required IReadOnlyList<TracedAccount> Accounts { get; init; }
}

/// <summary>What became of an address in a run.</summary>
public sealed class TracedRun
{
    /// <summary>The run.</summary>
    public required long RunId { get; init; }
    /// <summary>The export's name; null for piped objects without a name.</summary>
    public string? Export { get; init; }
    /// <summary>The connection it went over.</summary>
    public required string Connection { get; init; }
    /// <summary>The list it went to.</summary>
    public required string ListId { get; init; }
    /// <summary>When the run began.</summary>
    public required DateTimeOffset StartedAt { get; init; }
    /// <summary>Where the run stands.</summary>
    public required RunStatus Status { get; init; }
    /// <summary>What became of the contact.</summary>
    public required TraceFate Fate { get; init; }
    /// <summary>The reason id, where it was held out or not accepted; else null.</summary>
    public string? Reason { get; init; }
    /// <summary>The reason as a sentence.</summary>
    public string? Message { get; init; }
    /// <summary>The segment that held it; null where it has no name.</summary>
    public string? Segment { get; init; }
    /// <summary>Its row in the segment, from 1.</summary>
    public required long Row { get; init; }
    /// <summary>The batch it was sealed into; null: none.</summary>
    public int? Batch { get; init; }
    /// <summary>The service's job for that batch; null: none.</summary>
    public string? ActivityId { get; init; }
    /// <summary>The contact fields that the run sent, with the columns they come from. Values are not kept.</summary>
    public required IReadOnlyDictionary<string, string> Fields { get; init; }
    /// <summary>Whether it is on the run's list now; null when the service was not asked or did not say.</summary>
    public bool? IsOnList { get; init; }
    /// <summary>
    /// Whether the service has now what the run sent; null where that cannot be told: nothing was sent, the service was not asked, or the map has fields besides the address,
    /// the names, job, company and birthday.
    /// </summary>
    public bool? IsAsSent { get; init; }
}

/// <summary>What an account has now of an address, and what is remembered of it there.</summary>
public sealed class TracedAccount
{
    /// <summary>The connection that was asked; null when there is none.</summary>
    public string? Connection { get; init; }
    /// <summary>Whether the account has such a contact, deleted ones included; null when it could not be asked.</summary>
    public bool? Exists { get; init; }
    /// <summary>Its id there.</summary>
    public string? ContactId { get; init; }
    /// <summary>implicit, explicit, unsubscribed and so on, in the words of the service.</summary>
    public string? Permission { get; init; }
    /// <summary>The lists it is on.</summary>
    public IReadOnlyList<string> ListIds { get; init; } = [];
    /// <summary>When it was made.</summary>
    public DateTimeOffset? CreatedAt { get; init; }
    /// <summary>When it last changed.</summary>
    public DateTimeOffset? UpdatedAt { get; init; }
    /// <summary>When the person unsubscribed.</summary>
    public DateTimeOffset? OptedOutAt { get; init; }
    /// <summary>When it was deleted.</summary>
    public DateTimeOffset? DeletedAt { get; init; }
    /// <summary>The exports that remember having put it on a list.</summary>
    public IReadOnlyList<TracedMemory> Memory { get; init; } = [];
    /// <summary>Why it is never sent; null: it is not on the stored suppression list.</summary>
    public Suppression? Suppression { get; init; }
    /// <summary>Why something could not be told.</summary>
    public string? Message { get; init; }
}

/// <summary>What an export remembers of a contact.</summary>
public sealed class TracedMemory
{
    /// <summary>The export; null: runs without a name.</summary>
    public string? Export { get; init; }
    /// <summary>The list.</summary>
    public required string ListId { get; init; }
    /// <summary>The service accepted it for that list.</summary>
    public required bool Confirmed { get; init; }
    /// <summary>It is on the list because of this export.</summary>
    public required bool Owned { get; init; }
    /// <summary>It was on the list when that was last looked at; accepted and not present: it has left.</summary>
    public required bool Present { get; init; }
}
