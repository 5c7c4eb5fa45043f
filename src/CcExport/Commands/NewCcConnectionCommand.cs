using System.Management.Automation;
using System.Security;
using CcExport.Engine;
using CcExport.Engine.Exports;
using CcExport.Pipeline;

namespace CcExport;

/// <summary>Signs in to a Constant Contact account once and keeps the connection.</summary>
/// <remarks>
/// <para>
/// Exports run over a connection, unattended, with the tokens it keeps encrypted. Sign in with the browser of this machine (-Interactive), with a
/// code typed in on any device (-DeviceCode), or with a refresh token that the developer portal or another tool made (-RefreshToken).
/// </para>
/// <para>
/// Exporting sends personal data to Constant Contact, outside the boundary in which it is kept now. You are responsible for the consent of the
/// people concerned and for what your privacy rules ask. The cmdlet shows the data privacy statement and asks for agreement; -AcceptDataPrivacy agrees
/// beforehand. Who agreed, when, and to which text is recorded with the connection.
/// </para>
/// <para>The client id is the API key of an application registered in the Constant Contact developer portal.</para>
/// </remarks>
/// <example><code>New-CcConnection -Name Newsletter -ClientId $apiKey -Interactive</code><para>Shows the statement, asks, opens the browser and keeps the connection.</para></example>
/// <example><code>New-CcConnection Newsletter $apiKey -DeviceCode -AcceptDataPrivacy -ContactLimit 50000</code><para>Signs in on another device, on a machine without a browser. A run that would bring the account over 50,000 contacts is refused.</para></example>
/// <example><code>$token = Read-Host -AsSecureString 'Refresh token'; New-CcConnection Newsletter $apiKey -RefreshToken $token</code><para>Keeps a connection from a refresh token that exists already.</para></example>
/// <example><code>Start-CcSimulator | New-CcConnection -AcceptDataPrivacy</code><para>Connects to a Constant Contact simulated on this machine.</para></example>
/// <example><code>Get-Secret newsletter | New-CcConnection -Name Newsletter -ClientId $key -AcceptDataPrivacy</code><para>Takes the refresh token from a vault, where nobody sits before the session.</para></example>
[Cmdlet(VerbsCommon.New, "CcConnection", SupportsShouldProcess = true, DefaultParameterSetName = RefreshTokenSet)]
[OutputType(typeof(Connection))]
public sealed class NewCcConnectionCommand : CcCmdlet
{
    private const string InteractiveSet = "Interactive";
    private const string DeviceCodeSet = "DeviceCode";
    private const string RefreshTokenSet = "RefreshToken";

    /// <summary>The name to keep the connection under.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string Name { get; set; } = "";

    /// <summary>The API key of the application registered with Constant Contact.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string ClientId { get; set; } = "";

    /// <summary>Signs in with the browser of this machine.</summary>
    [Parameter(Mandatory = true, ParameterSetName = InteractiveSet)]
    public SwitchParameter Interactive { get; set; }

    /// <summary>Shows a code to type in at an address, in the browser of any device.</summary>
    [Parameter(Mandatory = true, ParameterSetName = DeviceCodeSet)]
    public SwitchParameter DeviceCode { get; set; }

    /// <summary>A refresh token of the application, as a secure string, as Get-Secret gives it. It is used up if the application's tokens rotate.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RefreshTokenSet, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    public SecureString? RefreshToken { get; set; }

    /// <summary>The application's secret, where it was registered with one.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public SecureString? ClientSecret { get; set; }

    /// <summary>Lets contributors run exports over the connection, not only its owner.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public SwitchParameter AllowContributor { get; set; }

    /// <summary>The number of contacts in the contract. A run that would bring the account over it is refused before anything is sent.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateRange(1, int.MaxValue)]
    public int? ContactLimit { get; set; }

    /// <summary>Agrees to the data privacy statement, so that it is not shown and asked.</summary>
    [Parameter]
    public SwitchParameter AcceptDataPrivacy { get; set; }

    /// <summary>Where the API is, with /v3; by default Constant Contact's. Only https, except on this machine.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public Uri? ApiEndpoint { get; set; }

    /// <summary>The base of /authorize, /token and /device/authorize; by default Constant Contact's. Only https, except on this machine.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public Uri? AuthorizationEndpoint { get; set; }

    /// <summary>The loopback port in the redirect address registered with the application; by default any free one.</summary>
    [Parameter(ParameterSetName = InteractiveSet)]
    [ValidateRange(1, 65535)]
    public int? RedirectPort { get; set; }

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        if (!ShouldProcess(Name, "Sign in to Constant Contact and keep the connection")) return;
        if (!AcceptDataPrivacy && !Agreed()) return;
        var request = new NewConnection
        {
            Name = Name,
            ClientId = ClientId,
            ClientSecret = Secure.Plain(ClientSecret),
            Method = ParameterSetName switch
            {
                InteractiveSet => SignInMethod.Interactive,
                DeviceCodeSet => SignInMethod.DeviceCode,
                _ => SignInMethod.RefreshToken,
            },
            RefreshToken = ParameterSetName == RefreshTokenSet ? Secure.Plain(RefreshToken) : null,
            RedirectPort = RedirectPort,
            AllowContributor = AllowContributor,
            ContactLimit = ContactLimit,
            ConsentedBy = $"{Environment.UserName}@{Environment.MachineName}",
            ApiEndpoint = ApiEndpoint,
            AuthorizationEndpoint = AuthorizationEndpoint,
        };
        var prompt = new SignInPrompt(Post, this);
        try { WriteObject(Await((engine, ct) => engine.AddConnectionAsync(request, prompt, ct))); }
        catch (CcException e) { WriteError(Errors.From(e, Name)); }
    }

    private bool Agreed()
    {
        try
        {
            return AskPerson($"{CcEngine.ConsentStatement}{Environment.NewLine}{Environment.NewLine}Do you agree?", $"Connection '{Name}' to Constant Contact", Errors.ConsentRequired);
        }
        catch (CcException e) when (e.ErrorId == "ConsentRequired")
        {
            WriteError(Errors.From(e, Name));
            return false;
        }
    }
}
