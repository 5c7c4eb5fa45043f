using System.Globalization;
using CcExport.Engine;

namespace CcExport.Scheduling;

/// <summary>A timer and a service of the user's systemd.</summary>
internal sealed class SystemdSchedule(ScheduledCall call) : HostSchedule(call)
{
    private const string Program = "systemctl";
    private const string Ours = "# Written by Register-CcSchedule, removed by Unregister-CcSchedule.";

    private static readonly string Folder = Path.Combine(
        Environment.GetEnvironmentVariable("XDG_CONFIG_HOME") is { Length: > 0 } set ? set : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".config"),
        "systemd", "user");

    private string Name => $"ccexport-{Call.Id}";

    private string Service => $"""
        {Ours}
        [Unit]
        Description=CcExport: runs the exports that are due

        [Service]
        Type=oneshot
        Environment={Word($"{ScheduledCall.Variable}={Call.Home}", command: false)}
        ExecStart={string.Join(' ', Call.Words().Select(w => Word(w, command: true)))}

        """.ReplaceLineEndings("\n");

    private string Timer => $"""
        {Ours}
        [Unit]
        Description=CcExport: looks for exports that are due

        [Timer]
        OnActiveSec=30s
        OnUnitActiveSec={((long)Call.Every.TotalSeconds).ToString(CultureInfo.InvariantCulture)}s
        AccuracySec=10s

        [Install]
        WantedBy=timers.target

        """.ReplaceLineEndings("\n");

    public override string Location => Path.Combine(Folder, Name + ".timer");

    public override string Text => $"# {Name}.timer\n{Timer}\n# {Name}.service\n{Service}";

    public override async Task<bool> RegisterAsync(CancellationToken ct)
    {
        bool same = IsOurs(".timer", Timer) & IsOurs(".service", Service);
        if (!same)
        {
            Directory.CreateDirectory(Folder);
            await File.WriteAllTextAsync(PathOf(".service"), Service, ct).ConfigureAwait(false);
            await File.WriteAllTextAsync(PathOf(".timer"), Timer, ct).ConfigureAwait(false);
            await Tool.MustAsync(Program, ["--user", "daemon-reload"], null, ct).ConfigureAwait(false);
        }
        // Also where the files are there: somebody may have stopped it, or the last attempt ended half-way.
        await Tool.MustAsync(Program, ["--user", "enable", "--now", Name + ".timer"], null, ct).ConfigureAwait(false);
        return !same;
    }

    public override async Task<bool> UnregisterAsync(CancellationToken ct)
    {
        IsOurs(".timer", "");
        IsOurs(".service", "");
        if (!File.Exists(PathOf(".timer")) && !File.Exists(PathOf(".service"))) return false;
        if (File.Exists(PathOf(".timer"))) await Tool.MustAsync(Program, ["--user", "disable", "--now", Name + ".timer"], null, ct).ConfigureAwait(false);
        File.Delete(PathOf(".timer"));
        File.Delete(PathOf(".service"));
        await Tool.MustAsync(Program, ["--user", "daemon-reload"], null, ct).ConfigureAwait(false);
        return true;
    }

    /// <summary>Whether a file is there just so. <c>ScheduleNotOurs</c> when it is there and somebody else's.</summary>
    private bool IsOurs(string extension, string text)
    {
        string path = PathOf(extension);
        if (!File.Exists(path)) return false;
        string there = File.ReadAllText(path);
        if (there.StartsWith(Ours, StringComparison.Ordinal)) return there == text;
        throw new CcException("ScheduleNotOurs", CcErrorKind.Conflict, $"'{path}' was not written by Register-CcSchedule.", "Rename or remove it, if it is not needed.") { Subject = path };
    }

    private string PathOf(string extension) => Path.Combine(Folder, Name + extension);

    /// <summary>As a word of a unit file; in a command a dollar sign would be a variable.</summary>
    private static string Word(string text, bool command)
    {
        string escaped = text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("%", "%%", StringComparison.Ordinal);
        return $"\"{(command ? escaped.Replace("$", "$$", StringComparison.Ordinal) : escaped)}\"";
    }
}
