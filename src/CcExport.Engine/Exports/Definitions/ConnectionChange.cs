namespace CcExport.Engine.Exports;

/// <summary>What <c>Set-CcConnection</c> was told: null leaves a thing as it is.</summary>
public sealed record ConnectionChange
{
    /// <summary>The connection.</summary>
    public required string Name { get; init; }
    /// <summary>Its name from now on; exports know it by more than that and go on.</summary>
    public string? NewName { get; init; }
    /// <summary>Whether contributors may use it.</summary>
    public bool? AllowContributor { get; init; }
    /// <summary>The contract's number of contacts; 0: none is set any more.</summary>
    public int? ContactLimit { get; init; }
    /// <summary>Calls of each UTC day that are kept for other programs on the connection's API key, whatever connection uses it; 0: none.</summary>
    public int? ReserveForOthers { get; init; }
    /// <summary>How to sign in again; null: not.</summary>
    public NewSignIn? SignIn { get; init; }
}

/// <summary>Another sign-in of a connection that exists.</summary>
public sealed record NewSignIn
{
    /// <summary>How to sign in.</summary>
    public required SignInMethod Method { get; init; }
    /// <summary>For <see cref="SignInMethod.RefreshToken"/>.</summary>
    public string? RefreshToken { get; init; }
    /// <summary>The application's secret; null: the one that is kept.</summary>
    public string? ClientSecret { get; init; }
    /// <summary>For <see cref="SignInMethod.Interactive"/>: the registered loopback port; null: any free one.</summary>
    public int? RedirectPort { get; init; }

    /// <summary>Names no secret.</summary>
    public override string ToString() => $"NewSignIn ({Method})";
}

/// <summary>What becomes of the exports of a connection that is removed.</summary>
public enum ExportFate
{
    /// <summary>While there are any it is not removed.</summary>
    Refuse,
    /// <summary>They stay without a connection, until they are attached to another one.</summary>
    Detach,
    /// <summary>They are removed as well; their runs stay.</summary>
    Remove,
}
