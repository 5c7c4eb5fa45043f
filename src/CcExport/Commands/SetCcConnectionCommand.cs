using System.Management.Automation;
using System.Security;
using CcExport.Completion;
using CcExport.Engine;
using CcExport.Engine.Exports;
using CcExport.Pipeline;

namespace CcExport;

/// <summary>Renames a connection, changes its settings, or signs it in again.</summary>
/// <remarks>
/// Exports follow a connection that is renamed. Signing in again replaces the tokens; the record of who agreed to the data privacy statement stays, and so do the exports and
/// the export user. When the new sign-in belongs to another account there is a warning: lists and custom fields are another account's then.
/// </remarks>
/// <example><code>Set-CcConnection Newsletter -NewName 'Newsletter EU'</code><para>Gives a connection another name.</para></example>
/// <example><code>Set-CcConnection Newsletter -AllowContributor $true -ContactLimit 50000</code><para>Shares a connection, and sets the number of contacts in the contract.</para></example>
/// <example><code>Set-CcConnection Newsletter -Reauthenticate -Interactive</code><para>Signs in again with the browser, after the sign-in has lapsed.</para></example>
[Cmdlet(VerbsCommon.Set, "CcConnection", SupportsShouldProcess = true, DefaultParameterSetName = SettingsSet)]
[OutputType(typeof(Connection))]
public sealed class SetCcConnectionCommand : CcCmdlet
{
    private const string SettingsSet = "Settings";
    private const string InteractiveSet = "Interactive";
    private const string DeviceCodeSet = "DeviceCode";
    private const string RefreshTokenSet = "RefreshToken";

    /// <summary>The connection to change.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(ConnectionCompleter))]
    public string Name { get; set; } = "";

    /// <summary>Its name from now on.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? NewName { get; set; }

    /// <summary>Whether contributors may run exports over the connection, not only its owner.</summary>
    [Parameter]
    public bool? AllowContributor { get; set; }

    /// <summary>The number of contacts in the contract; 0 sets none any more. A run that would bring the account over it is refused before anything is sent.</summary>
    [Parameter]
    [ValidateRange(0, int.MaxValue)]
    public int? ContactLimit { get; set; }

    /// <summary>
    /// Calls of each UTC day that are kept for other programs on the connection's API key: exports never use the last so many of the 10,000. It holds for every connection
    /// with that key; 0 keeps none any more.
    /// </summary>
    [Parameter]
    [ValidateRange(0, 10_000)]
    public int? ReserveForOthers { get; set; }

    /// <summary>Signs in again, in one of the three ways.</summary>
    [Parameter(Mandatory = true, ParameterSetName = InteractiveSet)]
    [Parameter(Mandatory = true, ParameterSetName = DeviceCodeSet)]
    [Parameter(Mandatory = true, ParameterSetName = RefreshTokenSet)]
    public SwitchParameter Reauthenticate { get; set; }

    /// <summary>Signs in with the browser of this machine.</summary>
    [Parameter(Mandatory = true, ParameterSetName = InteractiveSet)]
    public SwitchParameter Interactive { get; set; }

    /// <summary>Shows a code to type in at an address, in the browser of any device.</summary>
    [Parameter(Mandatory = true, ParameterSetName = DeviceCodeSet)]
    public SwitchParameter DeviceCode { get; set; }

    /// <summary>A refresh token of the application, as a secure string, as Get-Secret gives it. It is used up if the application's tokens rotate.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RefreshTokenSet, ValueFromPipeline = true)]
    public SecureString? RefreshToken { get; set; }

    /// <summary>The application's secret, where it has another one than before.</summary>
    [Parameter(ParameterSetName = InteractiveSet)]
    [Parameter(ParameterSetName = DeviceCodeSet)]
    [Parameter(ParameterSetName = RefreshTokenSet)]
    public SecureString? ClientSecret { get; set; }

    /// <summary>The loopback port in the redirect address registered with the application; by default any free one.</summary>
    [Parameter(ParameterSetName = InteractiveSet)]
    [ValidateRange(1, 65535)]
    public int? RedirectPort { get; set; }

    /// <summary>Returns the connection.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        if (!ShouldProcess(Name, ParameterSetName == SettingsSet ? "Change the connection" : "Sign in again and change the connection")) return;
        var change = new ConnectionChange
        {
            Name = Name,
            NewName = NewName,
            AllowContributor = AllowContributor,
            ContactLimit = ContactLimit,
            ReserveForOthers = ReserveForOthers,
            SignIn = ParameterSetName == SettingsSet || !Reauthenticate ? null : new NewSignIn
            {
                Method = ParameterSetName switch
                {
                    InteractiveSet => SignInMethod.Interactive,
                    DeviceCodeSet => SignInMethod.DeviceCode,
                    _ => SignInMethod.RefreshToken,
                },
                RefreshToken = Secure.Plain(RefreshToken),
                ClientSecret = Secure.Plain(ClientSecret),
                RedirectPort = RedirectPort,
            },
        };
        var prompt = new SignInPrompt(Post, this);
        var watcher = new RunWatcher(Post, this, $"{MyInvocation.MyCommand?.Name}: {Name}");
        try
        {
            Connection connection = Await((engine, ct) => engine.SetConnectionAsync(change, prompt, watcher, ct));
            if (PassThru) WriteObject(connection);
        }
        catch (CcException e) { WriteError(Errors.From(e, Name)); }
    }
}
