namespace CcExport.Engine.Profiles;

/// <summary>What a source may use while it is read.</summary>
internal sealed record SourceContext
{
    public required TimeProvider Time { get; init; }
    /// <summary>Tokens of the identity that reads; null where none was given. Only kinds that need one ask.</summary>
    public IAccessTokens? Tokens { get; init; }
    /// <summary>Told what the person should know although the reading goes on. No values of profiles, no secrets.</summary>
    public Action<string> Warn { get; init; } = static _ => { };
    /// <summary>Told when <see cref="Doubt"/> was said.</summary>
    public Action? Doubted { get; init; }
    /// <summary>Told what is being done, for -Verbose.</summary>
    public Action<string> Verbose { get; init; } = static _ => { };
    /// <summary>The network; tests give their own.</summary>
    public HttpMessageHandler? Network { get; init; }
    /// <summary>A number from 0 to 1, for the jitter.</summary>
    public Func<double> Random { get; init; } = System.Random.Shared.NextDouble;

    /// <summary>A warning of something because of which people of a segment may not have been read: nobody may lose anything for not being there.</summary>
    public void Doubt(string text)
    {
        Warn(text);
        Doubted?.Invoke();
    }
}

/// <summary>Access tokens of one identity, which keeps and renews them.</summary>
internal interface IAccessTokens
{
    /// <summary>Who it is, as a person or an application is named where it lives. No secret.</summary>
    string Identity { get; }

    /// <summary>
    /// A token for a scope (<c>https://org.crm.dynamics.com/.default</c>), from the cache while it is good for some minutes yet.
    /// <c>SignInRequired</c> (Authentication) when a person has to sign in again.
    /// </summary>
    /// <param name="renew">The service refused the last one (401): ask for another, whatever the cache says.</param>
    ValueTask<BearerToken> GetAsync(string scope, bool renew, CancellationToken ct);
}

/// <param name="Value">The secret itself.</param>
internal readonly record struct BearerToken(string Value, DateTimeOffset ExpiresAt)
{
    public override string ToString() => $"BearerToken until {ExpiresAt:O}";
}
