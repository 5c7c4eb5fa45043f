using System.Management.Automation;

namespace CcExport;

/// <summary>Starts a Constant Contact on this machine, for trying, demonstrating and testing scripts.</summary>
/// <remarks>
/// <para>
/// The simulator is a small web server of its own process. It keeps the service's limits and signs in as the service does; its page, at the property Url, shows
/// lists, contacts, jobs and calls as they move. Everything in it is gone when it ends: with Stop-CcSimulator, or with this PowerShell session.
/// </para>
/// <para>The object it returns binds to New-CcConnection through the pipeline. It needs the ASP.NET Core runtime and the dotnet command.</para>
/// </remarks>
/// <example><code>Start-CcSimulator | New-CcConnection -AcceptDataPrivacy</code><para>Starts a simulator and connects to it under the name Simulator.</para></example>
/// <example><code>$simulator = Start-CcSimulator -Port 5080; Start-Process $simulator.Url</code><para>Starts one on a certain port and opens its page.</para></example>
[Cmdlet(VerbsLifecycle.Start, "CcSimulator", SupportsShouldProcess = true)]
[OutputType(typeof(SimulatorInfo))]
public sealed class StartCcSimulatorCommand : CcCmdlet
{
    /// <summary>The port to listen on, on this machine only. By default any free one.</summary>
    [Parameter]
    [ValidateRange(0, 65535)]
    public int Port { get; set; }

    /// <summary>Lets refresh tokens rotate: each is good for one use and answered with the next, as the service does unless asked otherwise.</summary>
    [Parameter]
    public SwitchParameter RotatingRefreshToken { get; set; }

    /// <summary>
    /// Unified profiles in its Customer Insights - Data, which Dataverse and the Customer Insights API show at DataverseUrl and InsightsUrl, with the segments
    /// VIP, VIP_2 and Newsletter. They are computed and cost no memory.
    /// </summary>
    [Parameter]
    [ValidateRange(0, 100_000_000)]
    public long Profiles { get; set; } = 10_000;

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        if (ShouldProcess(Port == 0 ? "this machine" : $"port {Port} of this machine", "Start a Constant Contact simulator"))
            WriteObject(Await(Start(ct => SimulatorProcess.StartAsync(Port, RotatingRefreshToken, Profiles, ct))));
    }
}
