using CcExport.Engine.ConstantContact.SignIn;

namespace CcExport.Engine.ConstantContact.Tokens;

/// <summary>What the token endpoint answered, in the few kinds that make a difference.</summary>
internal enum TokenOutcome
{
    Issued,
    /// <summary>429, 5xx, no network, no sense: says nothing about the grant.</summary>
    Transient,
    /// <summary>The refresh token or code is used, revoked or too old. The only answer that ends a connection.</summary>
    InvalidGrant,
    InvalidClient,
    /// <summary>Device sign-in: the person has not agreed yet.</summary>
    Pending,
    SlowDown,
    Denied,
    Expired,
    /// <summary>Any other refusal.</summary>
    Refused,
}

/// <summary>An answer of the token endpoint. Never shows what it holds.</summary>
internal sealed class TokenReply
{
    public required TokenOutcome Outcome { get; init; }
    public string? AccessToken { get; init; }
    public string? RefreshToken { get; init; }
    public string? Scope { get; init; }
    public DateTimeOffset IssuedAt { get; init; }
    public DateTimeOffset ExpiresAt { get; init; }
    /// <summary>The service's words, made safe.</summary>
    public string? Words { get; init; }
    public TimeSpan? RetryAfter { get; init; }
    public Exception? Fault { get; init; }

    /// <summary>The tokens, or the failure that stands for what came instead.</summary>
    /// <param name="refreshToken">The one in use, which stays valid when the answer has no new one.</param>
    public SignInResult Result(string? refreshToken = null) => Outcome switch
    {
        TokenOutcome.Issued => new SignInResult(AccessToken!, RefreshToken ?? refreshToken ?? throw SignInFailures.NoRefreshToken(), IssuedAt, ExpiresAt, Scope),
        TokenOutcome.Transient => throw Failures.TokenEndpointUnreachable(Words, Fault),
        TokenOutcome.InvalidGrant => throw SignInFailures.GrantRefused(Words),
        TokenOutcome.InvalidClient => throw Failures.ClientRefused(Words),
        TokenOutcome.Denied => throw SignInFailures.Denied(),
        TokenOutcome.Expired => throw SignInFailures.DeviceCodeExpired(),
        _ => throw Failures.SignInRefused(Words),
    };

    public override string ToString() => $"(token reply: {Outcome})";
}
