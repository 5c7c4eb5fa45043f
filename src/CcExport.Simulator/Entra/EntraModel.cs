using System.Security.Cryptography.X509Certificates;

namespace CcExport.Simulator.Entra;

/// <summary>An application as it is registered in the simulated tenant.</summary>
public sealed class EntraApplication
{
    /// <summary>Its application id.</summary>
    public required string ClientId { get; init; }

    /// <summary>Secrets that it may prove itself with.</summary>
    public ISet<string> Secrets { get; } = new HashSet<string>(StringComparer.Ordinal);

    /// <summary>Secrets that were good once.</summary>
    public ISet<string> ExpiredSecrets { get; } = new HashSet<string>(StringComparer.Ordinal);

    /// <summary>Certificates that it may prove itself with; their public keys are all that is used.</summary>
    public IList<X509Certificate2> Certificates { get; } = [];

    /// <summary>Subjects of <see cref="EntraAuthority.FederatedIssuer"/> whose tokens it may prove itself with.</summary>
    public ISet<string> FederatedSubjects { get; } = new HashSet<string>(StringComparer.Ordinal);

    /// <summary>Whether people may sign in without a proof of the application: by browser or device code.</summary>
    public bool AllowPublicClient { get; set; } = true;

    /// <summary>Redirect addresses; the port of a loopback one may be any.</summary>
    public ISet<string> RedirectUris { get; } = new HashSet<string>(StringComparer.Ordinal) { "http://localhost" };

    /// <summary>Resources for which nobody has consented yet. Agreeing on the page to one of their scopes takes it out.</summary>
    public ISet<string> NeedsConsent { get; } = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
}

/// <summary>A person of the simulated tenant.</summary>
/// <param name="Id">The object id.</param>
/// <param name="UserName">The user principal name.</param>
public sealed record EntraUser(string Id, string UserName);

/// <summary>A trouble that the next calls meet, in the form that Entra gives it.</summary>
/// <param name="Status">The HTTP status; 0 closes the connection without an answer.</param>
/// <param name="Error">The OAuth error.</param>
/// <param name="Code">The number after AADSTS.</param>
/// <param name="Text">What is said after the number.</param>
public sealed record EntraFault(int Status, string Error = "temporarily_unavailable", int Code = 90033, string Text = "A transient error has occurred. Please try again.")
{
    /// <summary>Seconds for <c>Retry-After</c>; null: no such header.</summary>
    public int? RetryAfter { get; init; }

    /// <summary>What Entra calls <c>suberror</c>: <c>basic_action</c>, <c>consent_required</c>, …</summary>
    public string? SubError { get; init; }

    /// <summary>Too many requests.</summary>
    public static EntraFault Throttle(int? retryAfter = null) => new(429, "temporarily_unavailable", 90055, "Too many requests.") { RetryAfter = retryAfter };

    /// <summary>A person has to do something: a second factor, for example.</summary>
    public static EntraFault InteractionRequired { get; } =
        new(400, "interaction_required", 50076, "Due to a configuration change, you must use multi-factor authentication.") { SubError = "basic_action" };
}

/// <summary>One call of the token endpoint or of the managed identity endpoint.</summary>
/// <param name="Grant">The grant type; <c>managed_identity</c> for the other endpoint.</param>
/// <param name="ClientId">Who asked; null where that was not said.</param>
/// <param name="Scope">What for.</param>
/// <param name="Status">How it was answered; 0: not at all.</param>
/// <param name="Error">The OAuth error; null when a token was given.</param>
public sealed record EntraCall(string Grant, string? ClientId, string? Scope, int Status, string? Error);

/// <summary>A refusal in OAuth's shape with Entra's number.</summary>
internal sealed class EntraException(int status, string error, int code, string text) : Exception($"AADSTS{code}: {text}")
{
    public int Status { get; } = status;

    public string Error { get; } = error;

    public int Code { get; } = code;

    public string? SubError { get; init; }

    public int? RetryAfter { get; init; }
}

/// <summary>A request of a browser that waits for an answer.</summary>
internal sealed record EntraAsk(string ClientId, string RedirectUri, string Scope, string State, string Challenge, string? Nonce, bool FormPost);

internal sealed class EntraCode(EntraAsk ask, EntraUser user, DateTimeOffset expiresAt)
{
    public EntraAsk Ask { get; } = ask;

    public EntraUser User { get; } = user;

    public DateTimeOffset ExpiresAt { get; } = expiresAt;

    public bool Used { get; set; }
}

internal sealed class EntraDevice(string deviceCode, string userCode, string clientId, string scope, DateTimeOffset expiresAt)
{
    public string DeviceCode { get; } = deviceCode;

    public string UserCode { get; } = userCode;

    public string ClientId { get; } = clientId;

    public string Scope { get; } = scope;

    public DateTimeOffset ExpiresAt { get; } = expiresAt;

    public EntraUser? User { get; set; }

    public bool Refused { get; set; }

    public bool Used { get; set; }
}

internal sealed class EntraRefresh(string token, string clientId, EntraUser user)
{
    public string Token { get; } = token;

    public string ClientId { get; } = clientId;

    public EntraUser User { get; } = user;

    public bool Revoked { get; set; }

    public bool Expired { get; set; }
}

internal sealed class EntraAccess(string audience, DateTimeOffset expiresAt)
{
    public string Audience { get; } = audience;

    public DateTimeOffset ExpiresAt { get; set; } = expiresAt;
}

/// <summary>What a token reply holds; without a user nothing of a user is in it.</summary>
internal sealed record EntraReply(string AccessToken, string Scope, int ExpiresIn, EntraUser? User = null, string? RefreshToken = null, string? IdToken = null);
