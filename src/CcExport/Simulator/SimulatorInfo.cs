using System.Security;

namespace CcExport;

/// <summary>A simulator that this session started. Its properties bind to New-CcConnection.</summary>
public sealed class SimulatorInfo
{
    /// <summary>The name for a connection to it.</summary>
    public string Name => "Simulator";
    /// <summary>Its page.</summary>
    public required Uri Url { get; init; }
    /// <summary>Where its API is.</summary>
    public required Uri ApiEndpoint { get; init; }
    /// <summary>Where one signs in to it.</summary>
    public required Uri AuthorizationEndpoint { get; init; }
    /// <summary>The API key of its application.</summary>
    public required string ClientId { get; init; }
    /// <summary>A refresh token of its application.</summary>
    public required SecureString RefreshToken { get; init; }
    /// <summary>A list to export to.</summary>
    public required string ListId { get; init; }
    /// <summary>That list's name.</summary>
    public required string ListName { get; init; }
    /// <summary>Its process.</summary>
    public required int ProcessId { get; init; }
}
