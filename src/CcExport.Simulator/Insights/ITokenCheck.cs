using System.Collections.Concurrent;
using CcExport.Simulator.Entra;

namespace CcExport.Simulator.Insights;

/// <summary>Decides whether a call carries a token that is good for what it asks.</summary>
internal interface ITokenCheck
{
    /// <summary>Null when it may pass; else what is wrong, in the service's words.</summary>
    /// <param name="authorization">The header as it came.</param>
    /// <param name="audience">For whom the token must be.</param>
    string? Refuse(string? authorization, string audience);
}

/// <summary>Takes the tokens that a test made known, and those of the simulated tenant.</summary>
internal sealed class RegisteredTokens(Func<DateTimeOffset> now, TokenCheck tenant) : ITokenCheck
{
    private readonly ConcurrentDictionary<string, (string Audience, DateTimeOffset ExpiresAt)> _tokens = new();

    public void Add(string token, string audience, DateTimeOffset expiresAt) => _tokens[token] = (audience.TrimEnd('/'), expiresAt);

    public void Remove(string token) => _tokens.TryRemove(token, out _);

    public string? Refuse(string? authorization, string audience)
    {
        if (authorization is null || !authorization.StartsWith("Bearer ", StringComparison.Ordinal)) return "Authorization failed: no bearer token.";
        if (!_tokens.TryGetValue(authorization["Bearer ".Length..], out (string Audience, DateTimeOffset ExpiresAt) token)) return tenant.Refuse(authorization, audience);
        if (token.ExpiresAt <= now()) return "Authorization failed: the token has expired.";
        return token.Audience == audience.TrimEnd('/') ? null : "Authorization failed: the token is for another audience.";
    }
}
