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
    /// <summary>Where one signs in to the simulated Microsoft Entra tenant: https, with a certificate that nobody trusts. Binds to -Authority of Add-CcExportUser.</summary>
    public required Uri AuthorityUrl { get; init; }
    /// <summary>The id of that tenant.</summary>
    public required string TenantId { get; init; }
    /// <summary>The id of an application of the tenant.</summary>
    public required string EntraClientId { get; init; }
    /// <summary>That application's secret. Binds to -ClientSecret of Add-CcExportUser.</summary>
    public required SecureString EntraClientSecret { get; init; }
    /// <summary>A list to export to.</summary>
    public required string ListId { get; init; }
    /// <summary>That list's name.</summary>
    public required string ListName { get; init; }
    /// <summary>The address of its Dataverse environment, for New-CcSource -Dataverse.</summary>
    public required Uri DataverseUrl { get; init; }
    /// <summary>Where its Customer Insights API is, for New-CcSource -ApiEndpoint.</summary>
    public required Uri InsightsUrl { get; init; }
    /// <summary>The id of its Customer Insights instance, for New-CcSource -CustomerInsights.</summary>
    public required Guid InstanceId { get; init; }
    /// <summary>The key of its Customer Insights API, for New-CcSource -SubscriptionKey.</summary>
    public required SecureString SubscriptionKey { get; init; }
    /// <summary>Its process.</summary>
    public required int ProcessId { get; init; }
}
