namespace CcExport.Simulator;

/// <summary>How the sign-in endpoints were used.</summary>
public sealed class TokenLog
{
    /// <summary>Refresh tokens exchanged.</summary>
    public int Refreshes { get; internal set; }

    /// <summary>Refresh tokens presented that were rotated, revoked, too old or unknown.</summary>
    public int DeadRefreshTokens { get; internal set; }

    /// <summary>Authorisation codes redeemed.</summary>
    public int Codes { get; internal set; }

    /// <summary>Polls of devices, refused ones included.</summary>
    public int DevicePolls { get; internal set; }

    /// <summary>Polls that came too early.</summary>
    public int SlowDowns { get; internal set; }

    /// <summary>Calls of the token endpoint that were refused for their number.</summary>
    public int Throttled { get; internal set; }
}

/// <summary>A call that was answered, or left without an answer.</summary>
/// <param name="At">When it arrived, by the simulation's clock.</param>
/// <param name="Method">GET, POST, …</param>
/// <param name="Path">Without the query.</param>
/// <param name="ClientId">Of its token; empty without a known one.</param>
/// <param name="Status">0 when the connection was dropped instead.</param>
/// <param name="Milliseconds">From arrival to the end of the answer.</param>
/// <param name="Fault">The fault that met it, if any.</param>
public sealed record CallRecord(
    DateTimeOffset At, string Method, string Path, string ClientId, int Status, double Milliseconds, string? Fault);

/// <summary>Calls in numbers.</summary>
/// <param name="Total">API calls that arrived, refused ones included.</param>
/// <param name="Today">Calls that counted against the day.</param>
/// <param name="PerDay">Calls that a day has.</param>
/// <param name="MaxInAnySecond">Most arrivals of one client id in any rolling second.</param>
/// <param name="Refused">Answers with 429.</param>
/// <param name="ByRoute">Calls by method and route.</param>
public sealed record CallStatistics(
    long Total, int Today, int PerDay, int MaxInAnySecond, int Refused, IReadOnlyDictionary<string, int> ByRoute);

/// <summary>A list as it stands.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">Its name.</param>
/// <param name="Members">Members, whatever their permission.</param>
/// <param name="ActiveMembers">Members who can be mailed.</param>
/// <param name="DeletedAt">When it was deleted.</param>
public sealed record ListView(string Id, string Name, int Members, int ActiveMembers, DateTimeOffset? DeletedAt);

/// <summary>A contact with everything that is known of it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Email">Its address, as it came first.</param>
/// <param name="Permission">implicit, explicit, unsubscribed, …</param>
/// <param name="Deleted">Whether it was deleted from the account.</param>
/// <param name="Fields">Its other values, by the names of the import (<c>first_name</c>, <c>cf:loyalty_tier</c>).</param>
/// <param name="ListIds">The lists it is on.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="UpdatedAt">When it last changed; whether its memberships count is <see cref="SimulatorSwitches.MembershipTouches"/>.</param>
public sealed record ContactView(
    string Id, string Email, string Permission, bool Deleted, IReadOnlyDictionary<string, string> Fields,
    IReadOnlyList<string> ListIds, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt);

/// <summary>What put a person on a list, or took her off.</summary>
public enum MembershipCause
{
    /// <summary>An import.</summary>
    Import,

    /// <summary>Another job: memberships added or removed, a list deleted.</summary>
    Job,

    /// <summary>A call that changed one contact.</summary>
    Call,

    /// <summary>The person herself, or the owner in the product.</summary>
    Product,

    /// <summary>She opted out of the account.</summary>
    Unsubscribe,

    /// <summary>She was deleted from the account, by whatever way.</summary>
    Delete,
}

/// <summary>A person joined a list, or left it.</summary>
/// <param name="At">When, by the simulation's clock.</param>
/// <param name="Email">Her address as it stands now.</param>
/// <param name="ListId">The list.</param>
/// <param name="Joined">Whether she joined; else she left.</param>
/// <param name="Cause">What did it.</param>
/// <param name="ActivityId">The activity that did it, if one did.</param>
public sealed record MembershipChange(
    DateTimeOffset At, string Email, string ListId, bool Joined, MembershipCause Cause, string? ActivityId)
{
    /// <summary>Whether she left; else she joined.</summary>
    public bool Left => !Joined;
}

/// <summary>An activity as it stands.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Kind">The operation that made it.</param>
/// <param name="State">As the service writes it.</param>
/// <param name="Rows">Rows it was given, inside the limits.</param>
/// <param name="CreatedAt">When the call came.</param>
/// <param name="CompletedAt">When it ended.</param>
/// <param name="Persons">Different people touched.</param>
/// <param name="Errors">Rows refused.</param>
/// <param name="Correctable">Rows with a fault that can be put right.</param>
/// <param name="CannotAdd">Rows of people who opted out.</param>
/// <param name="Messages">Its messages.</param>
/// <param name="Worked">Rows it worked through, from the first on, whatever became of them.</param>
public sealed record ActivityView(
    string Id, string Kind, string State, int Rows, DateTimeOffset CreatedAt, DateTimeOffset? CompletedAt,
    int Persons, int Errors, int Correctable, int CannotAdd, IReadOnlyList<string> Messages, int Worked);
