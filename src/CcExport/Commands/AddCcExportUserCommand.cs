using System.Management.Automation;
using System.Security;
using CcExport.Completion;
using CcExport.Engine;
using CcExport.Engine.Exports;
using CcExport.Engine.Identity.Entra;
using CcExport.Pipeline;

namespace CcExport;

/// <summary>Signs in the Microsoft Entra identity with which a connection's exports read segments.</summary>
/// <remarks>
/// <para>
/// Dataverse, the Customer Insights API and, without a key of its own, a container are read as the export user of the connection that the export goes over, and as nobody else;
/// who it was stands in each run. A connection has at most one; signing in again replaces it, and it goes with its connection.
/// </para>
/// <para>
/// Let a person sign in with the browser of this machine (-Interactive) or a code typed in on any device (-DeviceCode). For exports that run unattended an application is better:
/// with a certificate (-CertificatePath or -CertificateThumbprint), the machine's own identity in Azure (-ManagedIdentity), a token that the platform writes into a file
/// (-FederatedTokenPath, as Kubernetes and GitHub have it), or a secret (-ClientSecret).
/// </para>
/// <para>
/// -ClientId names an application that is registered in Microsoft Entra and may read what the sources need. For people it must allow public client flows and have http://localhost as a
/// redirect address of mobile and desktop applications. Secrets and tokens are kept encrypted; a certificate or a token's file stays where it is and must be there when an export runs.
/// </para>
/// <para>With -Source a person consents to these sources while signing in, and an application proves that it gets tokens for them. Without it an application is believed until it reads.</para>
/// </remarks>
/// <example><code>Add-CcExportUser -Connection Newsletter -TenantId contoso.com -ClientId $app -Interactive -Source Unified</code><para>Opens the browser; whoever signs in consents to reading the source Unified.</para></example>
/// <example><code>Add-CcExportUser Newsletter -TenantId $tenant -ClientId $app -CertificatePath ./reader.pfx -CertificatePassword (Read-Host -AsSecureString) -Source Unified</code><para>An application reads, with the certificate of a file.</para></example>
/// <example><code>Add-CcExportUser Newsletter -ManagedIdentity</code><para>On a machine in Azure: it reads as itself. -ClientId names a user-assigned identity.</para></example>
/// <example><code>Add-CcExportUser Newsletter -TenantId $env:AZURE_TENANT_ID -ClientId $env:AZURE_CLIENT_ID -FederatedTokenPath $env:AZURE_FEDERATED_TOKEN_FILE</code><para>In a cluster with workload identity.</para></example>
/// <example><code>$simulator | Add-CcExportUser -Connection Simulator -ClientId $simulator.EntraClientId</code><para>The application of a tenant simulated on this machine (Start-CcSimulator), with its secret.</para></example>
[Cmdlet(VerbsCommon.Add, "CcExportUser", SupportsShouldProcess = true, DefaultParameterSetName = ClientSecretSet)]
[OutputType(typeof(ExportUser))]
public sealed class AddCcExportUserCommand : CcCmdlet
{
    private const string InteractiveSet = "Interactive";
    private const string DeviceCodeSet = "DeviceCode";
    private const string CertificatePathSet = "CertificatePath";
    private const string ThumbprintSet = "CertificateThumbprint";
    private const string ClientSecretSet = "ClientSecret";
    private const string ManagedIdentitySet = "ManagedIdentity";
    private const string FederatedSet = "FederatedToken";

    /// <summary>The connection whose exports it reads for.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("Name")]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(ConnectionCompleter))]
    public string Connection { get; set; } = "";

    /// <summary>Id or domain of the tenant. People may leave it out: then any organisation's may sign in.</summary>
    [Parameter(ParameterSetName = InteractiveSet, ValueFromPipelineByPropertyName = true)]
    [Parameter(ParameterSetName = DeviceCodeSet, ValueFromPipelineByPropertyName = true)]
    [Parameter(ParameterSetName = CertificatePathSet, ValueFromPipelineByPropertyName = true)]
    [Parameter(ParameterSetName = ThumbprintSet, ValueFromPipelineByPropertyName = true)]
    [Parameter(ParameterSetName = ClientSecretSet, ValueFromPipelineByPropertyName = true)]
    [Parameter(ParameterSetName = FederatedSet, ValueFromPipelineByPropertyName = true)]
    public string? TenantId { get; set; }

    /// <summary>The id of the application in Microsoft Entra; not that of a connection. With -ManagedIdentity the id of a user-assigned identity; without it the machine's own is taken.</summary>
    [Parameter]
    public string? ClientId { get; set; }

    /// <summary>Signs a person in with the browser of this machine.</summary>
    [Parameter(Mandatory = true, ParameterSetName = InteractiveSet)]
    public SwitchParameter Interactive { get; set; }

    /// <summary>Shows a code that a person types in at an address, in the browser of any device.</summary>
    [Parameter(Mandatory = true, ParameterSetName = DeviceCodeSet)]
    public SwitchParameter DeviceCode { get; set; }

    /// <summary>A PFX or PEM file with the application's certificate and its private key. It stays where it is.</summary>
    [Parameter(Mandatory = true, ParameterSetName = CertificatePathSet)]
    [ValidateNotNullOrEmpty]
    public string? CertificatePath { get; set; }

    /// <summary>The password of that file.</summary>
    [Parameter(ParameterSetName = CertificatePathSet)]
    public SecureString? CertificatePassword { get; set; }

    /// <summary>The SHA-1 thumbprint of a certificate in the personal store of this user or this machine.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ThumbprintSet)]
    [ValidateNotNullOrEmpty]
    public string? CertificateThumbprint { get; set; }

    /// <summary>The secret of the application.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ClientSecretSet, ValueFromPipelineByPropertyName = true)]
    [Alias("EntraClientSecret")]
    [ValidateNotNull]
    public SecureString? ClientSecret { get; set; }

    /// <summary>Takes the identity that Azure gave this machine or service.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ManagedIdentitySet)]
    public SwitchParameter ManagedIdentity { get; set; }

    /// <summary>The file into which the platform writes a token of the application, and keeps writing it anew. It is read for each request.</summary>
    [Parameter(Mandatory = true, ParameterSetName = FederatedSet)]
    [ValidateNotNullOrEmpty]
    public string? FederatedTokenPath { get; set; }

    /// <summary>Where to sign in, with or without the tenant; by default Microsoft's public cloud. Https; only on this machine with a certificate that nobody trusts.</summary>
    [Parameter(ParameterSetName = InteractiveSet, ValueFromPipelineByPropertyName = true)]
    [Parameter(ParameterSetName = DeviceCodeSet, ValueFromPipelineByPropertyName = true)]
    [Parameter(ParameterSetName = CertificatePathSet, ValueFromPipelineByPropertyName = true)]
    [Parameter(ParameterSetName = ThumbprintSet, ValueFromPipelineByPropertyName = true)]
    [Parameter(ParameterSetName = ClientSecretSet, ValueFromPipelineByPropertyName = true)]
    [Parameter(ParameterSetName = FederatedSet, ValueFromPipelineByPropertyName = true)]
    [Alias("AuthorityUrl")]
    public Uri? Authority { get; set; }

    /// <summary>Names of sources that it is going to read.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(SourceCompleter))]
    public string[] Source { get; set; } = [];

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        if (!ShouldProcess(Connection, "Sign in to Microsoft Entra and keep the export user")) return;
        var request = new NewExportUser
        {
            Connection = Connection,
            Kind = ParameterSetName switch
            {
                InteractiveSet => ExportUserKind.Interactive,
                DeviceCodeSet => ExportUserKind.DeviceCode,
                CertificatePathSet or ThumbprintSet => ExportUserKind.Certificate,
                ManagedIdentitySet => ExportUserKind.ManagedIdentity,
                FederatedSet => ExportUserKind.FederatedToken,
                _ => ExportUserKind.ClientSecret,
            },
            TenantId = TenantId,
            ClientId = ClientId,
            ClientSecret = ParameterSetName == ClientSecretSet ? Secure.Plain(ClientSecret) : null,
            CertificatePath = CertificatePath is null ? null : Paths.Resolve(SessionState, CertificatePath),
            CertificatePassword = Secure.Plain(CertificatePassword),
            CertificateThumbprint = CertificateThumbprint,
            FederatedTokenPath = FederatedTokenPath is null ? null : Paths.Resolve(SessionState, FederatedTokenPath),
            Authority = Authority,
            Sources = Source,
        };
        var prompt = new SignInPrompt(Post, this);
        try { WriteObject(Await((engine, ct) => engine.AddExportUserAsync(request, prompt, ct))); }
        catch (CcException e) { WriteError(Errors.From(e, Connection)); }
    }
}
