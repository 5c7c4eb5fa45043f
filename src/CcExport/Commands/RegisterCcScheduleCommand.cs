using System.Management.Automation;
using CcExport.Scheduling;

namespace CcExport;

/// <summary>Has the machine look every few minutes for exports that are due, and run them.</summary>
/// <remarks>
/// <para>
/// Writes an entry of cron, systemd or the Task Scheduler that calls 'Invoke-CcExport -Due' with the present home folder. When an export is due its own schedule says
/// (Set-CcExport -Schedule); how often that is looked for is -Every. One entry serves all exports of the home. Written again it takes the place of the one
/// there was; entries that are not CcExport's are not touched. With -WhatIf the entry is shown and not written.
/// </para>
/// <para>
/// A user timer of systemd runs while the user is signed in, or always after 'loginctl enable-linger'. A task of the Task Scheduler runs as this user, while
/// signed in. A store in a database is not named in an entry, since its address may hold a password: set CCEXPORT_STORE for the account in the machine's own way.
/// </para>
/// </remarks>
/// <example><code>Register-CcSchedule</code><para>Looks for what is due every five minutes, by the crontab or the Task Scheduler.</para></example>
/// <example><code>Register-CcSchedule -As Systemd -Every 00:15</code><para>The same by a user timer of systemd, every quarter of an hour.</para></example>
/// <example><code>(Register-CcSchedule -As TaskScheduler -WhatIf).Text | Set-Content ccexport.xml</code><para>Keeps the entry as a file, for another machine or for an administrator.</para></example>
[Cmdlet(VerbsLifecycle.Register, "CcSchedule", SupportsShouldProcess = true)]
[OutputType(typeof(RegisteredSchedule))]
public sealed class RegisterCcScheduleCommand : ScheduleCmdlet
{
    /// <summary>How often what is due is looked for: five minutes by default, from a minute to a day.</summary>
    [Parameter(Position = 1)]
    public TimeSpan Every { get; set; } = TimeSpan.FromMinutes(5);

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        if (Every < TimeSpan.FromMinutes(1) || Every > TimeSpan.FromDays(1))
        {
            WriteError(Errors.New("IntervalUnsupported", ErrorCategory.InvalidArgument, $"Something is looked for every minute at most and once a day at least, not every {Every}.",
                "Give -Every from 00:01 to 1.00:00.", Every));
            return;
        }
        HostSchedule entry = Entry(Every, out ScheduledCall call);
        var result = new RegisteredSchedule { As = As, Every = Every, Home = call.Home, Location = entry.Location, Text = entry.Text, Status = "NotWritten" };
        if (ShouldProcess(entry.Location, $"Look for exports that are due every {Every}"))
            result.Status = Await(Start(entry.RegisterAsync)) ? "Registered" : "Unchanged";
        WriteObject(result);
    }
}
