namespace CcExport.Engine.Identity.Entra;

/// <summary>Waits and bounds of the sign-in; smaller in tests.</summary>
internal sealed record EntraOptions
{
    /// <summary>How often one request is tried in all, while the trouble is of the passing kind.</summary>
    public int Tries { get; init; } = 4;
    /// <summary>First wait; it doubles with each try.</summary>
    public TimeSpan Backoff { get; init; } = TimeSpan.FromSeconds(1);
    /// <summary>A Retry-After is obeyed up to here.</summary>
    public TimeSpan MaxRetryAfter { get; init; } = TimeSpan.FromSeconds(60);
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(30);
    /// <summary>The endpoint of a machine's own identity is near, or not there at all.</summary>
    public TimeSpan NearTimeout { get; init; } = TimeSpan.FromSeconds(5);
    /// <summary>How long a person may take in the browser.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(5);
    /// <summary>A token is replaced when it has no more than this left, or a quarter of its life, if that is shorter.</summary>
    public TimeSpan RenewAhead { get; init; } = TimeSpan.FromMinutes(5);
    /// <summary>After a refusal: how long another process may take to write down the token that ended ours.</summary>
    public TimeSpan OtherWriter { get; init; } = TimeSpan.FromSeconds(1);
    /// <summary>A number from 0 to 1, for the jitter.</summary>
    public Func<double> Random { get; init; } = System.Random.Shared.NextDouble;
}

/// <summary>How a sign-in speaks to the person.</summary>
/// <param name="ShowCode">The code, where to enter it, and until when.</param>
/// <param name="ShowPage">Opens the page in the person's browser, or has her open it.</param>
internal sealed record EntraPrompt(Action<string, Uri, DateTimeOffset> ShowCode, Func<Uri, CancellationToken, Task> ShowPage);
