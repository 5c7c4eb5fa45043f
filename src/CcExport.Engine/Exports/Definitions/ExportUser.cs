using CcExport.Engine.Identity.Entra;

namespace CcExport.Engine.Exports;

/// <summary>The Microsoft Entra identity with which the segments of a connection's exports are read. Holds no secret.</summary>
public sealed class ExportUser
{
    /// <summary>The connection it reads for.</summary>
    public required string Connection { get; init; }
    /// <summary>How it proves who it is.</summary>
    public required ExportUserKind Kind { get; init; }
    /// <summary>Who it is: the user principal name of a person, the id of an application.</summary>
    public required string Identity { get; init; }
    /// <summary>Ready, or SignInAgain.</summary>
    public required string State { get; init; }
    /// <summary>Its tenant, as it was given; null for a managed identity.</summary>
    public string? TenantId { get; init; }
    /// <summary>The application's id; null for the machine's own identity.</summary>
    public string? ClientId { get; init; }
    /// <summary>Where it signs in; null for a managed identity.</summary>
    public Uri? Authority { get; init; }
    /// <summary>The path or the thumbprint of its certificate; the certificate itself stays where it is.</summary>
    public string? Certificate { get; init; }
    /// <summary>The file that its federated token is read from.</summary>
    public string? FederatedTokenPath { get; init; }
    /// <summary>When it was signed in here.</summary>
    public required DateTimeOffset SignedInAt { get; init; }
    /// <summary>When it was refused, so that somebody has to sign in again; null while it is ready.</summary>
    public DateTimeOffset? SignedOutAt { get; init; }
}

/// <summary>What <c>Add-CcExportUser</c> was told.</summary>
public sealed record NewExportUser
{
    /// <summary>The connection it is to read for.</summary>
    public required string Connection { get; init; }
    /// <summary>How it proves who it is.</summary>
    public required ExportUserKind Kind { get; init; }
    /// <summary>Id or domain of the tenant; null: that of the authority, and for people any.</summary>
    public string? TenantId { get; init; }
    /// <summary>The application's id; for a managed identity that of a user-assigned one, null: the machine's own.</summary>
    public string? ClientId { get; init; }
    /// <summary>For <see cref="ExportUserKind.ClientSecret"/>.</summary>
    public string? ClientSecret { get; init; }
    /// <summary>For <see cref="ExportUserKind.Certificate"/>: the absolute path of a PFX or PEM file with the private key.</summary>
    public string? CertificatePath { get; init; }
    /// <summary>The password of that file.</summary>
    public string? CertificatePassword { get; init; }
    /// <summary>For <see cref="ExportUserKind.Certificate"/>: the thumbprint of one in the personal store of the user or the machine.</summary>
    public string? CertificateThumbprint { get; init; }
    /// <summary>For <see cref="ExportUserKind.FederatedToken"/>: the absolute path of the file, which is read anew for each request.</summary>
    public string? FederatedTokenPath { get; init; }
    /// <summary>Where to sign in, with or without the tenant; null: Microsoft's public cloud.</summary>
    public Uri? Authority { get; init; }
    /// <summary>Names of the sources that it is going to read: a person consents to them, and each is asked for a token once.</summary>
    public IReadOnlyList<string> Sources { get; init; } = [];

    /// <summary>Names no secret.</summary>
    public override string ToString() => $"NewExportUser {Connection} ({Kind})";
}
