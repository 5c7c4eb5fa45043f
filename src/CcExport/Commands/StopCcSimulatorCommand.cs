using System.Management.Automation;

namespace CcExport;

/// <summary>Ends simulators that this session started.</summary>
/// <remarks>What they held is gone. Connections and exports that were made to them stay; Remove-CcExport and Remove-CcConnection remove those.</remarks>
/// <example><code>Stop-CcSimulator</code><para>Ends all simulators of this session.</para></example>
/// <example><code>$simulator | Stop-CcSimulator</code><para>Ends one.</para></example>
[Cmdlet(VerbsLifecycle.Stop, "CcSimulator", SupportsShouldProcess = true)]
[OutputType(typeof(void))]
public sealed class StopCcSimulatorCommand : CcCmdlet
{
    /// <summary>Process ids of simulators, as in their objects. Without it all of this session are ended.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    public int[]? ProcessId { get; set; }

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        foreach (int id in ProcessId ?? SimulatorProcess.Running())
        {
            if (SimulatorProcess.Find(id) is not { } simulator)
            {
                WriteError(Errors.New("SimulatorNotFound", ErrorCategory.ObjectNotFound, $"This session has no simulator with the process id {id}.",
                    "Stop-CcSimulator without -ProcessId ends all that this session started.", id));
            }
            else if (ShouldProcess($"process {id}", "End the Constant Contact simulator"))
            {
                Await(Task.Run(() => simulator.StopAsync(Stop)));
            }
        }
    }
}
