using System.Management.Automation;
using CcExport.Scheduling;

namespace CcExport;

/// <summary>Takes away the entry that Register-CcSchedule wrote for the present home folder.</summary>
/// <remarks>Schedules of exports stay as they are, and nothing runs them any more until it is registered again. Entries that are not CcExport's are not touched.</remarks>
/// <example><code>Unregister-CcSchedule</code><para>Removes the lines from the crontab, or the task.</para></example>
/// <example><code>Unregister-CcSchedule -As Systemd</code><para>Stops and removes the user timer.</para></example>
[Cmdlet(VerbsLifecycle.Unregister, "CcSchedule", SupportsShouldProcess = true)]
[OutputType(typeof(void))]
public sealed class UnregisterCcScheduleCommand : ScheduleCmdlet
{
    /// <inheritdoc/>
    protected override void OnRecord()
    {
        HostSchedule entry = Entry(TimeSpan.FromMinutes(5), out _);
        if (!ShouldProcess(entry.Location, "No longer look for exports that are due")) return;
        if (!Await(Start(entry.UnregisterAsync)))
            WriteError(Errors.New("ScheduleNotFound", ErrorCategory.ObjectNotFound, $"There is no entry of CcExport for this home: {entry.Location}.", "Register-CcSchedule writes one.", entry.Location));
    }
}
