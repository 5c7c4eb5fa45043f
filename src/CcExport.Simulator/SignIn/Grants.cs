namespace CcExport.Simulator.SignIn;

/// <summary>One refresh token. A rotated or revoked one is kept, so that its use can be told from mere noise.</summary>
internal sealed class RefreshGrant(string token, string scope, int family, DateTimeOffset now)
{
    public string Token { get; } = token;

    public string Scope { get; } = scope;

    /// <summary>Tokens that came from one consent.</summary>
    public int Family { get; } = family;

    public DateTimeOffset LastUsed { get; set; } = now;

    public bool Dead { get; set; }
}

internal sealed class AccessGrant(string scope, int family, DateTimeOffset expiresAt)
{
    public string Scope { get; } = scope;

    public int Family { get; } = family;

    public DateTimeOffset ExpiresAt { get; set; } = expiresAt;

    public bool HasScope(string name) => Scope.Split(' ').Contains(name);
}

/// <summary>A request of a browser that waits for consent.</summary>
internal sealed record AuthorizeRequest(string RedirectUri, string Scope, string State, string? Challenge);

internal sealed class CodeGrant(AuthorizeRequest request, DateTimeOffset expiresAt)
{
    public AuthorizeRequest Request { get; } = request;

    public DateTimeOffset ExpiresAt { get; } = expiresAt;

    public bool Used { get; set; }
}

internal sealed class DeviceGrant(string deviceCode, string userCode, string scope, int interval, DateTimeOffset expiresAt)
{
    public string DeviceCode { get; } = deviceCode;

    public string UserCode { get; } = userCode;

    public string Scope { get; } = scope;

    public int Interval { get; set; } = interval;

    public DateTimeOffset ExpiresAt { get; } = expiresAt;

    public TimeSpan? LastPoll { get; set; }

    /// <summary>Null until the person has answered.</summary>
    public bool? Allowed { get; set; }

    public bool Used { get; set; }
}

/// <summary>An OAuth error, in OAuth's own shape.</summary>
internal sealed class SignInException(int status, string error, string description) : Exception(description)
{
    public int Status { get; } = status;

    public string Error { get; } = error;
}

/// <summary>What a token reply holds.</summary>
internal sealed record TokenReply(string AccessToken, string Scope, int ExpiresIn, string? RefreshToken);
