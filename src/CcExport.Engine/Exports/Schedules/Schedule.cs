using System.Globalization;
using Cronos;

namespace CcExport.Engine.Exports;

/// <summary>
/// When an export is due: a cron expression, <c>Daily 06:00,18:00</c>, <c>Weekly Mon,Thu 06:00</c>, in a time zone, or <c>AfterRefresh</c>. An hour that a clock skips is
/// due when the clock has jumped; one that comes twice is due the first time.
/// </summary>
internal sealed class Schedule
{
    public const string AfterRefreshText = "AfterRefresh";

    /// <summary>The most times of a day in the form Daily or Weekly.</summary>
    private const int MostTimes = 4;

    private static readonly string[] Days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

    // How far back the last due time is looked for, nearest first: a schedule of minutes that nobody asked for a year is not counted through.
    private static readonly TimeSpan[] Backwards = [TimeSpan.FromHours(2), TimeSpan.FromDays(2), TimeSpan.FromDays(64), TimeSpan.FromDays(800)];

    private readonly IReadOnlyList<CronExpression> _times;
    private readonly TimeZoneInfo _zone;

    private Schedule(string text, IReadOnlyList<CronExpression> times, TimeZoneInfo zone) => (Text, _times, _zone) = (text, times, zone);

    /// <summary>As it is kept and shown.</summary>
    public string Text { get; }

    /// <summary>It is due when the source's data has been renewed, not at a time.</summary>
    public bool AfterRefresh => _times.Count == 0;

    /// <summary><c>ScheduleInvalid</c>, <c>ScheduleNever</c>, <c>TimeZoneUnknown</c>.</summary>
    public static Schedule Check(string text, string timeZone, DateTimeOffset now)
    {
        Schedule schedule = Parse(text, timeZone);
        return schedule.AfterRefresh || schedule.Next(now) is not null ? schedule
            : throw new CcException("ScheduleNever", CcErrorKind.InvalidArgument, $"The schedule '{text}' is never due.", "Check its day and month: 30 February does not come.");
    }

    /// <summary>Reads one that was checked when it was set. <c>TimeZoneUnknown</c> where this machine does not know its zone.</summary>
    public static Schedule Parse(string text, string timeZone)
    {
        TimeZoneInfo zone = Zone(timeZone);
        string[] words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (words is [var only] && only.Equals(AfterRefreshText, StringComparison.OrdinalIgnoreCase)) return new Schedule(AfterRefreshText, [], zone);
        (string kept, List<string> crons) = words switch
        {
            [var first, var times] when first.Equals("Daily", StringComparison.OrdinalIgnoreCase) => Daily(text, times),
            [var first, var days, var times] when first.Equals("Weekly", StringComparison.OrdinalIgnoreCase) => Weekly(text, days, times),
            _ => (string.Join(' ', words), [string.Join(' ', words)]),
        };
        return new Schedule(kept, [.. crons.Select(c => Cron(text, c))], zone);
    }

    /// <summary>The first due time after <paramref name="after"/>; null: none.</summary>
    public DateTimeOffset? Next(DateTimeOffset after)
        => _times.Select(t => t.GetNextOccurrence(after.ToUniversalTime(), _zone)).Min();

    /// <summary>The newest due time after <paramref name="after"/> that has come; null: none. However many were missed, one run makes up for them.</summary>
    public DateTimeOffset? Due(DateTimeOffset after, DateTimeOffset now)
    {
        foreach (DateTimeOffset from in Backwards.Select(span => now - span).Where(from => from > after).Append(after))
        {
            DateTimeOffset? last = null;
            foreach (CronExpression time in _times)
            {
                DateTimeOffset? its = time.GetOccurrences(from.ToUniversalTime(), now.ToUniversalTime(), _zone, fromInclusive: false, toInclusive: true).Cast<DateTimeOffset?>().LastOrDefault();
                if (its > last || last is null) last = its ?? last;
            }
            if (last is not null) return last;
        }
        return null;
    }

    /// <summary>The IANA name of a time zone; a Windows name is turned into it. <c>TimeZoneUnknown</c>.</summary>
    public static string ZoneName(string name)
    {
        TimeZoneInfo zone = Zone(name);
        return zone.HasIanaId ? zone.Id : TimeZoneInfo.TryConvertWindowsIdToIanaId(zone.Id, out string? iana) ? iana : zone.Id;
    }

    private static TimeZoneInfo Zone(string name)
    {
        try
        {
            return TimeZoneInfo.FindSystemTimeZoneById(name);
        }
        catch (Exception e) when (e is TimeZoneNotFoundException or InvalidTimeZoneException or System.Security.SecurityException or ArgumentException)
        {
            throw new CcException("TimeZoneUnknown", CcErrorKind.InvalidArgument, $"There is no time zone '{name}' on this machine.",
                "Give an IANA name such as Europe/Berlin or America/New_York.", e)
            { Subject = name };
        }
    }

    private static (string, List<string>) Daily(string text, string times)
    {
        List<TimeOnly> all = Times(text, times);
        return ($"Daily {Shown(all)}", [.. all.Select(t => FormattableString.Invariant($"{t.Minute} {t.Hour} * * *"))]);
    }

    private static (string, List<string>) Weekly(string text, string days, string times)
    {
        List<int> on = [];
        foreach (string day in days.Split(',', StringSplitOptions.TrimEntries))
        {
            int number = Array.FindIndex(Days, d => day.Length >= 3 && (d.Equals(day, StringComparison.OrdinalIgnoreCase) || ((DayOfWeek)Array.IndexOf(Days, d)).ToString().Equals(day, StringComparison.OrdinalIgnoreCase)));
            if (number < 0) throw Invalid(text, $"'{day}' is no day of the week");
            if (!on.Contains(number)) on.Add(number);
        }
        List<TimeOnly> all = Times(text, times);
        // A week begins on Monday.
        on = [.. on.OrderBy(d => (d + 6) % 7)];
        return ($"Weekly {string.Join(',', on.Select(d => Days[d]))} {Shown(all)}", [.. all.Select(t => FormattableString.Invariant($"{t.Minute} {t.Hour} * * {string.Join(',', on)}"))]);
    }

    private static List<TimeOnly> Times(string text, string times)
    {
        List<TimeOnly> all = [];
        foreach (string time in times.Split(',', StringSplitOptions.TrimEntries))
        {
            if (!TimeOnly.TryParseExact(time, ["HH:mm", "H:mm"], CultureInfo.InvariantCulture, DateTimeStyles.None, out TimeOnly at)) throw Invalid(text, $"'{time}' is no time of day");
            if (!all.Contains(at)) all.Add(at);
        }
        return all.Count <= MostTimes ? [.. all.Order()] : throw Invalid(text, $"it has {all.Count} times, and {MostTimes} are the most");
    }

    private static string Shown(IEnumerable<TimeOnly> times) => string.Join(',', times.Select(t => t.ToString("HH:mm", CultureInfo.InvariantCulture)));

    private static CronExpression Cron(string text, string cron)
    {
        try
        {
            return CronExpression.Parse(cron);
        }
        catch (CronFormatException e)
        {
            throw Invalid(text, "as a cron expression it cannot be read", e);
        }
    }

    private static CcException Invalid(string text, string why, Exception? cause = null) => new("ScheduleInvalid", CcErrorKind.InvalidArgument, $"The schedule '{text}' is not understood: {why}.",
        "Give a cron expression of five fields ('0 6 * * *'), 'Daily 06:00,18:00', 'Weekly Mon,Thu 06:00' or 'AfterRefresh'.", cause);
}
