namespace CcExport.Engine.Exports;

/// <summary>
/// What an export will do: read, mapped, sealed and compared with its list, nothing sent. <c>Invoke-CcExport -Plan</c> does exactly that, within a day, if neither
/// the list nor the export has changed by then. Read = Invalid + Duplicate + Suppressed + Unchanged + Adds + Updates.
/// </summary>
public sealed class Plan
{
    /// <summary>Its number; the run that it becomes has the same.</summary>
    public required long Id { get; init; }
    /// <summary>The export's name; null for piped objects and paths without one.</summary>
    public string? Export { get; init; }
    /// <summary>The connection it will go over.</summary>
    public required string Connection { get; init; }
    /// <summary>The list it will go to.</summary>
    public required string ListId { get; init; }
    /// <summary>That list's name.</summary>
    public required string ListName { get; init; }
    /// <summary>Members of the list when the plan was made; null where the service did not say.</summary>
    public long? Members { get; init; }
    /// <summary>What it does about contacts that the list has already.</summary>
    public required ExportMode Mode { get; init; }
    /// <summary>People who left the list are among the contacts, and are put back.</summary>
    public bool IncludeLeavers { get; init; }
    /// <summary>Profiles read from the source.</summary>
    public required long Read { get; init; }
    /// <summary>Profiles without a usable address, and rows that don't fit their header.</summary>
    public required long Invalid { get; init; }
    /// <summary>Profiles whose address came before.</summary>
    public required long Duplicate { get; init; }
    /// <summary>Profiles held out by a rule.</summary>
    public required long Suppressed { get; init; }
    /// <summary>Of those: people who left the list, or unsubscribed from the account.</summary>
    public required long Leavers { get; init; }
    /// <summary>Profiles that the list already has as they are.</summary>
    public required long Unchanged { get; init; }
    /// <summary>Contacts that are not on the list and will be put there.</summary>
    public required long Adds { get; init; }
    /// <summary>Contacts that are on the list and will be sent.</summary>
    public required long Updates { get; init; }
    /// <summary>Contacts that will be taken off the list (mode Mirror).</summary>
    public required long Removals { get; init; }
    /// <summary>Optional values that are cut to their limit or left out.</summary>
    public required long Noted { get; init; }
    /// <summary>Import requests.</summary>
    public required int Batches { get; init; }
    /// <summary>Bytes of those.</summary>
    public required long Bytes { get; init; }
    /// <summary>Calls that it will take at most, its checks and looks among them.</summary>
    public required long Calls { get; init; }
    /// <summary>Calls that the API key has left today.</summary>
    public required long CallsLeft { get; init; }
    /// <summary>How long it will take while there are calls: an estimate, from the call limit and the last run that went to its end.</summary>
    public required TimeSpan Duration { get; init; }
    /// <summary>The UTC day on which it will be done if it is started now.</summary>
    public required DateOnly FinishesOn { get; init; }
    /// <summary>When it was made.</summary>
    public required DateTimeOffset PlannedAt { get; init; }
    /// <summary>It cannot be run after that.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }
    /// <summary>What the guard found, which stops the plan unless it is run with <c>-Force</c>, and what else a person should know.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }
    /// <summary>How many profiles each reason holds back, or has a value cut or left out.</summary>
    public required IReadOnlyDictionary<string, long> Reasons { get; init; }
}
