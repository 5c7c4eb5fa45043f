using System.Management.Automation;
using CcExport.Engine;
using CcExport.Scheduling;

namespace CcExport;

/// <summary>What the two cmdlets that deal with the machine's scheduler have in common.</summary>
public abstract class ScheduleCmdlet : CcCmdlet
{
    private ScheduleHost? _as;

    /// <summary>The scheduler: the user's crontab, a user timer of systemd, or the Windows Task Scheduler. By default the Task Scheduler on Windows and cron elsewhere.</summary>
    [Parameter(Position = 0)]
    public ScheduleHost As
    {
        get => _as ?? (OperatingSystem.IsWindows() ? ScheduleHost.TaskScheduler : ScheduleHost.Cron);
        set => _as = value;
    }

    private protected HostSchedule Entry(TimeSpan every, out ScheduledCall call)
    {
        call = new ScheduledCall(Shell(), Module(), CcEngine.HomeFolder, every);
        if (call.Words().Append(call.Home).Any(w => w.AsSpan().IndexOfAny('\n', '\r', '"') >= 0))
            throw new CcException("PathUnsuitable", CcErrorKind.InvalidArgument, "The path of PowerShell, of the module or of the home has a line end or a quotation mark.", "Move it to another folder.");
        return HostSchedule.Of(As, call);
    }

    /// <summary>The program that runs this session, by its path: a scheduler's own PATH is short.</summary>
    private static string[] Shell()
    {
        string process = Environment.ProcessPath ?? "pwsh";
        string first = Environment.GetCommandLineArgs()[0];
        return Path.GetFileNameWithoutExtension(process) switch
        {
            "pwsh" => [process],
            "dotnet" when Path.GetFileName(first) == "pwsh.dll" => [process, Path.GetFullPath(first)],
            _ => ["pwsh"],
        };
    }

    /// <summary>The module's name where it is found by that, else the path of its manifest.</summary>
    private string Module()
    {
        string folder = MyInvocation.MyCommand.Module?.ModuleBase ?? Path.GetDirectoryName(Path.GetDirectoryName(typeof(ScheduleCmdlet).Assembly.Location))!;
        StringComparison compare = OperatingSystem.IsWindows() ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;
        bool installed = (Environment.GetEnvironmentVariable("PSModulePath") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Any(root => folder.StartsWith(Path.TrimEndingDirectorySeparator(root) + Path.DirectorySeparatorChar, compare));
        return installed ? "CcExport" : Path.Combine(folder, "CcExport.psd1");
    }
}
