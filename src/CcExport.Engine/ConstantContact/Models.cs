namespace CcExport.Engine.ConstantContact;

/// <summary>A list of the account.</summary>
public sealed class ContactList
{
    /// <summary>The id (a UUID as text).</summary>
    public required string ListId { get; init; }
    /// <summary>The name, unique in the account.</summary>
    public required string Name { get; init; }
    /// <summary>The description; null when there is none.</summary>
    public string? Description { get; init; }
    /// <summary>Members, when the service was asked for them.</summary>
    public long? MembershipCount { get; init; }
    /// <summary>When it was made.</summary>
    public DateTimeOffset? CreatedAt { get; init; }
    /// <summary>When it last changed.</summary>
    public DateTimeOffset? UpdatedAt { get; init; }
    /// <summary>Set when the list is deleted.</summary>
    public DateTimeOffset? DeletedAt { get; init; }
    /// <summary>The connection it was read through, so that it binds to other cmdlets.</summary>
    public string? Connection { get; init; }
}

/// <summary>A custom field of the account.</summary>
public sealed class CustomField
{
    /// <summary>The id (a UUID as text).</summary>
    public required string CustomFieldId { get; init; }
    /// <summary>The name that an import uses, after <c>cf:</c>.</summary>
    public required string Name { get; init; }
    /// <summary>What people see.</summary>
    public required string Label { get; init; }
    /// <summary>Its type as the service names it: <c>string</c>, <c>date</c>, …</summary>
    public required string Type { get; init; }
    /// <summary>The key to use in a map: <c>cf:</c> and the name.</summary>
    public string MapKey => "cf:" + Name;
    /// <summary>The connection it was read through.</summary>
    public string? Connection { get; init; }
}

/// <summary>Contacts of the account as it counts them (not of one list).</summary>
public sealed record ContactCounts(long Total, long Explicit, long Implicit, long Pending, long Unsubscribed);

/// <summary>Who the account is.</summary>
internal sealed record AccountSummary(string? EncodedAccountId, string? OrganizationName);

/// <summary>A contact as a page of contacts has it.</summary>
/// <param name="ListIds">The lists it is on; empty where they were not asked for.</param>
internal sealed record ContactSeen(
    string ContactId, string Email, string? Permission, DateTimeOffset? CreatedAt, DateTimeOffset? UpdatedAt, DateTimeOffset? DeletedAt, IReadOnlyList<string> ListIds);

/// <summary>Which contacts to read; null: any.</summary>
/// <param name="Status">all, active, unsubscribed, …; null: all but the deleted.</param>
internal sealed record ContactQuery(string? ListId = null, string? Status = null, string? Email = null);

/// <summary>An asynchronous job of the service.</summary>
internal sealed record Activity
{
    public required string ActivityId { get; init; }
    /// <summary>initialized, processing, completed, cancelled, failed, timed_out; anything else counts as still running.</summary>
    public required string State { get; init; }
    public DateTimeOffset? CreatedAt { get; init; }
    public DateTimeOffset? CompletedAt { get; init; }
    public int? PercentDone { get; init; }
    public IReadOnlyList<string> Errors { get; init; } = [];
    /// <summary>Counters are null where the answer had none.</summary>
    public long? ItemsTotal { get; init; }
    public long? ErrorCount { get; init; }
    public long? CorrectableCount { get; init; }
    public long? CannotAddToList { get; init; }
    /// <summary>Where the result of a contact export is fetched; imports have none.</summary>
    public string? ResultsHref { get; init; }

    public bool IsTerminal => State is "completed" or "cancelled" or "failed" or "timed_out";
}
