using System.Globalization;
using CcExport.Engine;

namespace CcExport.Scheduling;

/// <summary>A line of the user's crontab between two of our own, by which it is known.</summary>
internal sealed class CronSchedule(ScheduledCall call) : HostSchedule(call)
{
    private const string Program = "crontab";

    private string Begin => $"# >>> CcExport {Call.Id} {Call.Home} (written by Register-CcSchedule, removed by Unregister-CcSchedule)";

    private string End => $"# <<< CcExport {Call.Id}";

    public override string Location => $"crontab of {Environment.UserName}";

    public override string Text => string.Join('\n', Begin, Line, End) + "\n";

    // In a crontab a percent sign ends the command.
    private string Line => $"{Times()} {ScheduledCall.Variable}={Shell(Call.Home)} {string.Join(' ', Call.Words().Select(Shell))}".Replace("%", "\\%", StringComparison.Ordinal);

    public override async Task<bool> RegisterAsync(CancellationToken ct)
    {
        string text = Text, table = await ReadAsync(ct).ConfigureAwait(false);
        string changed = Without(table, out _);
        if (changed.Length > 0 && !changed.EndsWith('\n')) changed += "\n";
        changed += text;
        if (changed == table) return false;
        await Tool.MustAsync(Program, ["-"], changed, ct).ConfigureAwait(false);
        return true;
    }

    public override async Task<bool> UnregisterAsync(CancellationToken ct)
    {
        string changed = Without(await ReadAsync(ct).ConfigureAwait(false), out bool found);
        if (found) await Tool.MustAsync(Program, ["-"], changed, ct).ConfigureAwait(false);
        return found;
    }

    private static async Task<string> ReadAsync(CancellationToken ct)
    {
        (int code, string output, string error) = await Tool.RunAsync(Program, ["-l"], null, ct).ConfigureAwait(false);
        if (code == 0) return output;
        return error.Contains("no crontab", StringComparison.OrdinalIgnoreCase) ? "" : throw Tool.Refused(Program, code, error);
    }

    /// <summary>The table without our lines, all others as they are.</summary>
    private string Without(string table, out bool found)
    {
        List<string> lines = [.. table.Split('\n')];
        int from = lines.FindIndex(l => l.StartsWith($"# >>> CcExport {Call.Id} ", StringComparison.Ordinal));
        found = from >= 0;
        if (!found) return table;
        int to = lines.FindIndex(from, l => l.TrimEnd() == End);
        // Where somebody took our last line away it cannot be told which lines are theirs.
        if (to < 0 || to - from > 2)
        {
            throw new CcException("ScheduleDamaged", CcErrorKind.Conflict, $"The crontab has the line '{lines[from]}', and not the two that belong after it.",
                "Put it right with 'crontab -e': remove that line and the one that calls Invoke-CcExport.");
        }
        lines.RemoveRange(from, to - from + 1);
        return string.Join('\n', lines);
    }

    private string Times()
    {
        double minutes = Call.Every.TotalMinutes;
        if (minutes == 1) return "* * * * *";
        if (minutes < 60 && minutes == Math.Floor(minutes) && 60 % (int)minutes == 0) return string.Create(CultureInfo.InvariantCulture, $"*/{(int)minutes} * * * *");
        double hours = Call.Every.TotalHours;
        if (hours == 24) return "0 0 * * *";
        if (hours == Math.Floor(hours) && hours >= 1 && 24 % (int)hours == 0) return hours == 1 ? "0 * * * *" : string.Create(CultureInfo.InvariantCulture, $"0 */{(int)hours} * * *");
        throw IntervalUnsupported($"cron cannot call something every {Call.Every}.", "Give -Every as minutes that divide an hour, or hours that divide a day: 00:05, 00:15, 01:00.");
    }

    /// <summary>As a word of sh.</summary>
    private static string Shell(string text)
        => text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '-' or '_') ? text : "'" + text.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
}
