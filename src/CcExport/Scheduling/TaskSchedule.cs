using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace CcExport.Scheduling;

/// <summary>A task of the Windows Task Scheduler. It runs as this user, while the user is signed in.</summary>
internal sealed class TaskSchedule(ScheduledCall call) : HostSchedule(call)
{
    private const string Program = "schtasks.exe";

    private static readonly XNamespace Namespace = "http://schemas.microsoft.com/windows/2004/02/mit/task";

    public override string Location => $@"\CcExport\{Call.Id}";

    public override string Text
    {
        get
        {
            // A task has no environment of its own: the script sets the variable.
            IReadOnlyList<string> words = Call.Words($"$env:{ScheduledCall.Variable} = {ScheduledCall.Quoted(Call.Home)}; ");
            XElement Part(string name, params object[] content) => new(Namespace + name, content);
            return "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\n" + Part("Task", new XAttribute("version", "1.2"),
                Part("RegistrationInfo", Part("Description", "CcExport: runs the exports that are due. Written by Register-CcSchedule, removed by Unregister-CcSchedule."), Part("URI", Location)),
                Part("Triggers", Part("TimeTrigger",
                    Part("Repetition", Part("Interval", XmlConvert.ToString(Call.Every)), Part("StopAtDurationEnd", "false")),
                    Part("StartBoundary", "2026-01-01T00:00:00"), Part("Enabled", "true"))),
                Part("Principals", Part("Principal", new XAttribute("id", "Author"), Part("LogonType", "InteractiveToken"), Part("RunLevel", "LeastPrivilege"))),
                Part("Settings",
                    Part("MultipleInstancesPolicy", "Parallel"), Part("DisallowStartIfOnBatteries", "false"), Part("StopIfGoingOnBatteries", "false"),
                    Part("StartWhenAvailable", "true"), Part("ExecutionTimeLimit", "PT0S"), Part("Enabled", "true")),
                Part("Actions", new XAttribute("Context", "Author"),
                    Part("Exec", Part("Command", words[0]), Part("Arguments", string.Join(' ', words.Skip(1).Select(Word))))))
                .ToString().ReplaceLineEndings("\n") + "\n";
        }
    }

    public override async Task<bool> RegisterAsync(CancellationToken ct)
    {
        string file = Path.Combine(Path.GetTempPath(), $"ccexport-{Call.Id}-{Environment.ProcessId}.xml");
        try
        {
            await File.WriteAllTextAsync(file, Text, Encoding.Unicode, ct).ConfigureAwait(false);
            await Tool.MustAsync(Program, ["/Create", "/TN", Location, "/XML", file, "/F"], null, ct).ConfigureAwait(false);
        }
        finally
        {
            File.Delete(file);
        }
        return true;
    }

    public override async Task<bool> UnregisterAsync(CancellationToken ct)
    {
        if ((await Tool.RunAsync(Program, ["/Query", "/TN", Location], null, ct).ConfigureAwait(false)).ExitCode != 0) return false;
        await Tool.MustAsync(Program, ["/Delete", "/TN", Location, "/F"], null, ct).ConfigureAwait(false);
        return true;
    }

    /// <summary>As an argument of a Windows command line; nothing here ends with a backslash or holds a quotation mark but paths, which cannot.</summary>
    private static string Word(string text) => text.Contains(' ', StringComparison.Ordinal) ? $"\"{text}\"" : text;
}
