using System.Text.Json;
using System.Text.Json.Serialization;

namespace CcExport.Engine.Identity.Entra;

/// <summary>Who reads, as it is stored beside its secrets; holds none.</summary>
internal sealed record EntraIdentity
{
    public required ExportUserKind Kind { get; init; }
    /// <summary>Id or domain of the tenant; null for a managed identity.</summary>
    public string? TenantId { get; init; }
    /// <summary>The application's id, or that of a user-assigned managed identity; null: the machine's own.</summary>
    public string? ClientId { get; init; }
    /// <summary>Where one signs in, with the tenant; null for a managed identity.</summary>
    public Uri? Authority { get; init; }
    public string? CertificatePath { get; init; }
    public string? CertificateThumbprint { get; init; }
    public string? FederatedTokenPath { get; init; }
    /// <summary>The user principal name of the person who signed in; null for applications.</summary>
    public string? UserName { get; init; }
    /// <summary>How the token cache knows the person.</summary>
    public string? AccountId { get; init; }
    public DateTimeOffset SignedInAt { get; init; }
    /// <summary>Set when it was refused and a person has to sign in again.</summary>
    public DateTimeOffset? SignedOutAt { get; init; }

    [JsonIgnore]
    public bool IsPerson => Kind is ExportUserKind.Interactive or ExportUserKind.DeviceCode;

    /// <summary>As people know it where it lives.</summary>
    [JsonIgnore]
    public string Name => UserName ?? ClientId ?? "system-assigned managed identity";

    public string ToJson() => JsonSerializer.Serialize(this, EntraJson.Default.EntraIdentity);

    public static EntraIdentity FromJson(string json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, EntraJson.Default.EntraIdentity) ?? throw new JsonException();
        }
        catch (JsonException)
        {
            throw new CcException("StoreCorrupt", CcErrorKind.Storage, "A stored export user is of a form that this version does not know.", "Sign in again with Add-CcExportUser.");
        }
    }
}

/// <summary>Serialisers made at build time.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UseStringEnumConverter = true)]
[JsonSerializable(typeof(EntraIdentity))]
[JsonSerializable(typeof(EntraSecrets))]
internal sealed partial class EntraJson : JsonSerializerContext;
