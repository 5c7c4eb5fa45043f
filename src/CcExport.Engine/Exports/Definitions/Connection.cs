using CcExport.Engine.ConstantContact;

namespace CcExport.Engine.Exports;

/// <summary>An authorised Constant Contact account. Holds no secret. A contributor of a shared store sees its name alone.</summary>
public sealed class Connection
{
    /// <summary>Its name, unique without regard to case.</summary>
    public required string Name { get; init; }
    /// <summary>To which service it goes.</summary>
    public string Type { get; } = "ConstantContact";
    /// <summary>The application's API key.</summary>
    public string? ClientId { get; init; }
    /// <summary>The organisation as the account names it, where the token may read it.</summary>
    public string? Organization { get; init; }
    /// <summary>Ready, or SignInAgain; to a contributor, who does not see which: Shared.</summary>
    public required string State { get; init; }
    /// <summary>The contract's number of contacts, compared with the account before a run; null: not compared.</summary>
    public int? ContactLimit { get; init; }
    /// <summary>Whether contributors may use it.</summary>
    public bool AllowContributor { get; init; }
    /// <summary>Where the API is.</summary>
    public Uri? ApiEndpoint { get; init; }
    /// <summary>Where one signs in.</summary>
    public Uri? AuthorizationEndpoint { get; init; }
    /// <summary>Who agreed to the data privacy statement.</summary>
    public string? ConsentedBy { get; init; }
    /// <summary>When.</summary>
    public DateTimeOffset? ConsentedAt { get; init; }
    /// <summary>To which version of the text.</summary>
    public string? ConsentTextVersion { get; init; }
    /// <summary>When it was made.</summary>
    public DateTimeOffset? CreatedAt { get; init; }
    /// <summary>When the refresh token lapses if it is not used before: 180 days after it was issued.</summary>
    public DateTimeOffset? SignInExpires { get; init; }
}

/// <summary>What <c>New-CcConnection</c> was told.</summary>
public sealed record NewConnection
{
    /// <summary>The name to keep it under.</summary>
    public required string Name { get; init; }
    /// <summary>The application's API key.</summary>
    public required string ClientId { get; init; }
    /// <summary>The application's secret; null for one registered without (PKCE, device).</summary>
    public string? ClientSecret { get; init; }
    /// <summary>How to sign in.</summary>
    public required SignInMethod Method { get; init; }
    /// <summary>For <see cref="SignInMethod.RefreshToken"/>.</summary>
    public string? RefreshToken { get; init; }
    /// <summary>For <see cref="SignInMethod.Interactive"/>: the registered loopback port; null: any free one.</summary>
    public int? RedirectPort { get; init; }
    /// <summary>Whether contributors may use it.</summary>
    public bool AllowContributor { get; init; }
    /// <summary>The contract's number of contacts.</summary>
    public int? ContactLimit { get; init; }
    /// <summary>Who agreed to the statement; recorded with the time and the text's version.</summary>
    public required string ConsentedBy { get; init; }
    /// <summary>Includes <c>/v3</c>; null: the vendor's.</summary>
    public Uri? ApiEndpoint { get; init; }
    /// <summary>The base of <c>/authorize</c>, <c>/token</c> and <c>/device/authorize</c>; null: the vendor's.</summary>
    public Uri? AuthorizationEndpoint { get; init; }

    /// <summary>Names no secret.</summary>
    public override string ToString() => $"NewConnection {Name} ({Method})";
}

/// <summary>How a connection signs in.</summary>
public enum SignInMethod
{
    /// <summary>A refresh token that the portal or another tool made.</summary>
    RefreshToken,
    /// <summary>A code typed in on any device.</summary>
    DeviceCode,
    /// <summary>The browser of this machine.</summary>
    Interactive,
}

/// <summary>Whether a connection works, and what the account holds.</summary>
public sealed class ConnectionHealth
{
    /// <summary>The connection's name.</summary>
    public required string Connection { get; init; }
    /// <summary>Whether exports can run over it.</summary>
    public required bool Healthy { get; init; }
    /// <summary>Healthy, Warning, or the error id of what is wrong.</summary>
    public required string Status { get; init; }
    /// <summary>What a person should know, and do.</summary>
    public required IReadOnlyList<string> Findings { get; init; }
    /// <summary>The organisation, where the token may read it.</summary>
    public string? Organization { get; init; }
    /// <summary>What the signed-in user may do.</summary>
    public IReadOnlyList<string> Privileges { get; init; } = [];
    /// <summary>Contacts of the account as the service counts them; null where it could not be asked.</summary>
    public ContactCounts? Contacts { get; init; }
    /// <summary>The contract's number of contacts as set on the connection.</summary>
    public int? ContactLimit { get; init; }
    /// <summary>When the sign-in lapses if it is not used before.</summary>
    public required DateTimeOffset SignInExpires { get; init; }
    /// <summary>Calls used today on its API key, as counted here.</summary>
    public long CallsToday { get; init; }
}

/// <summary>Calls on one API key on one UTC day.</summary>
public sealed class Budget
{
    /// <summary>The connections that use the key.</summary>
    public required IReadOnlyList<string> Connection { get; init; }
    /// <summary>The API key.</summary>
    public required string ClientId { get; init; }
    /// <summary>The UTC day.</summary>
    public required DateOnly Day { get; init; }
    /// <summary>Calls counted in this store.</summary>
    public required long Used { get; init; }
    /// <summary>Calls of each day that are kept for programs which do not count here (<c>Set-CcConnection -ReserveForOthers</c>).</summary>
    public int Reserved { get; init; }
    /// <summary>Calls left of 10,000 a day, without those reserved; 0 when the service said that there are none.</summary>
    public required long Left { get; init; }
    /// <summary>Who made the calls that are used, most first.</summary>
    public IReadOnlyList<BudgetSpender> SpentBy { get; init; } = [];
    /// <summary>Contacts that fit the calls left, in full batches.</summary>
    public required long ContactsLeft { get; init; }
    /// <summary>The next 00:00 UTC.</summary>
    public required DateTimeOffset ResetsAt { get; init; }
}

/// <summary>Calls that were made for one export on one machine.</summary>
public sealed class BudgetSpender
{
    /// <summary>The export, or "(objects)" for runs without a name; null: commands such as Get-CcList.</summary>
    public string? Export { get; init; }
    /// <summary>The machine.</summary>
    public required string Machine { get; init; }
    /// <summary>Calls of the day.</summary>
    public required long Calls { get; init; }

    /// <summary>In one line.</summary>
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Export ?? "(commands)"} on {Machine}: {Calls}");
}
