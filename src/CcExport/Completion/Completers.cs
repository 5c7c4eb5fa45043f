using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using CcExport.Engine;
using CcExport.Engine.Profiles;

namespace CcExport.Completion;

/// <summary>
/// Completes a parameter from what the store and files hold, never from a service. Whatever goes wrong, and whatever takes too
/// long (a store or a folder on another machine), completes to nothing: the person is typing.
/// </summary>
internal abstract class StoreCompleter : IArgumentCompleter
{
    /// <summary>A store of this machine may be opened for the first time just now; one on another machine that does not answer is not waited for.</summary>
    private static TimeSpan Limit => TimeSpan.FromSeconds(CcEngine.IsShared ? 1 : 2);

    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        try
        {
            TimeSpan most = Limit;
            var limit = new CancellationTokenSource(most);
            var bound = new Bound(fakeBoundParameters);   // here: it asks this runspace for its location
            Task<List<Candidate>> work = Task.Run(() => FindAsync(bound, limit.Token), limit.Token);
            _ = work.ContinueWith(_ => limit.Dispose(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            if (!work.Wait(most)) return [];
            return [.. work.Result.Where(c => c.Matches(wordToComplete)).Select(c => c.Result())];
        }
        catch (Exception) { return []; }
    }

    protected abstract Task<List<Candidate>> FindAsync(Bound bound, CancellationToken ct);

    protected static async Task<List<Candidate>> AskAsync(Func<CcEngine, Task<IEnumerable<Candidate>>> ask, CancellationToken ct)
    {
        CcEngine engine = await CcEngine.OpenAsync(ct).ConfigureAwait(false);
        await using (engine.ConfigureAwait(false)) return [.. await ask(engine).ConfigureAwait(false)];
    }
}

/// <summary>What was typed of the other parameters.</summary>
internal sealed class Bound
{
    private readonly IDictionary _parameters;

    public Bound(IDictionary parameters)
    {
        _parameters = parameters;
        Place = this["Source"] is { } source ? new SourceReference { Name = source }
            : this["Path"] is { } path ? new SourceReference { Path = Path.GetFullPath(path, Location()), Encoding = this["Encoding"] }
            : null;
    }

    public string? this[string name] => _parameters[name] switch
    {
        null => null,
        string text => text.Length == 0 ? null : text,
        IList { Count: > 0 } several => several[0]?.ToString(),
        object value => value.ToString(),
    };

    /// <summary>The source or path that is meant; null when neither was typed.</summary>
    public SourceReference? Place { get; }

    private static string Location()
    {
        using var shell = PowerShell.Create(RunspaceMode.CurrentRunspace);
        return shell.AddCommand("Get-Location").AddParameter("PSProvider", "FileSystem").Invoke<PathInfo>()[0].ProviderPath;
    }
}

/// <summary>One way to go on.</summary>
/// <param name="Text">What is inserted.</param>
/// <param name="Shown">What the list shows and what may be typed to find it; null: the text.</param>
/// <param name="Tip">What is said about it.</param>
/// <param name="IsCode">The text is inserted as it is, not as a string.</param>
internal readonly record struct Candidate(string Text, string? Shown = null, string? Tip = null, bool IsCode = false)
{
    public bool Matches(string typed)
    {
        string word = typed.Trim('\'', '"');
        return Text.StartsWith(word, StringComparison.OrdinalIgnoreCase) || (Shown?.StartsWith(word, StringComparison.OrdinalIgnoreCase) ?? false);
    }

    public CompletionResult Result()
    {
        bool bare = IsCode || Text.Length > 0 && Text.All(c => char.IsLetterOrDigit(c) || c is '-' or '_' or '.');
        string text = bare ? Text : "'" + CodeGeneration.EscapeSingleQuotedStringContent(Text) + "'";
        string shown = string.IsNullOrEmpty(Shown) ? Text : Shown;
        return new CompletionResult(text, shown, CompletionResultType.ParameterValue, string.IsNullOrEmpty(Tip) ? shown : Tip);
    }
}

/// <summary>Names of connections.</summary>
internal sealed class ConnectionCompleter : StoreCompleter
{
    protected override Task<List<Candidate>> FindAsync(Bound bound, CancellationToken ct)
        => AskAsync(async engine => (await engine.GetConnectionsAsync(ct).ConfigureAwait(false)).Select(c => new Candidate(c.Name, Tip: $"{c.Organization ?? c.ClientId}, {c.State}")), ct);
}

/// <summary>Names of exports.</summary>
internal sealed class ExportCompleter : StoreCompleter
{
    protected override Task<List<Candidate>> FindAsync(Bound bound, CancellationToken ct)
        => AskAsync(async engine => (await engine.GetExportsAsync(ct).ConfigureAwait(false)).Select(e => new Candidate(e.Name, Tip: $"{e.Source ?? e.Path} to {e.Connection}")), ct);
}

/// <summary>Numbers of plans that wait.</summary>
internal sealed class PlanCompleter : StoreCompleter
{
    protected override Task<List<Candidate>> FindAsync(Bound bound, CancellationToken ct)
        => AskAsync(async engine => (await engine.GetPlansAsync(ct).ConfigureAwait(false)).Select(p => new Candidate(
            p.Id.ToString(System.Globalization.CultureInfo.InvariantCulture), Tip: $"{p.Export ?? p.ListName}: {p.Adds:N0} new, {p.Updates:N0} updated, until {p.ExpiresAt.ToLocalTime():yyyy-MM-dd HH:mm}")), ct);
}

/// <summary>Names of sources.</summary>
internal sealed class SourceCompleter : StoreCompleter
{
    protected override Task<List<Candidate>> FindAsync(Bound bound, CancellationToken ct)
        => AskAsync(async engine => (await engine.GetSourcesAsync(ct).ConfigureAwait(false)).Select(s => new Candidate(s.Name, Tip: s.Path)), ct);
}

/// <summary>Ids of lists; a list is found by its name as well.</summary>
internal sealed class ListCompleter : StoreCompleter
{
    protected override Task<List<Candidate>> FindAsync(Bound bound, CancellationToken ct)
        => AskAsync(async engine => (await engine.GetKnownAsync(bound["Connection"], ct).ConfigureAwait(false)).Lists.Select(l => new Candidate(l.ListId, l.Name, l.Name)), ct);
}

/// <summary>Names of segments of the path that was typed, or as they were last seen in the source.</summary>
internal sealed class SegmentCompleter : StoreCompleter
{
    protected override Task<List<Candidate>> FindAsync(Bound bound, CancellationToken ct)
        => bound.Place is not { } place ? Task.FromResult<List<Candidate>>([])
            : AskAsync(async engine => (await engine.GetKnownSegmentsAsync(place, ct).ConfigureAwait(false)).Select(s => new Candidate(s.Name, s.DisplayName)), ct);
}

/// <summary>Columns of the segment, or of the first one, of the path that was typed, or as they were last seen in the source.</summary>
internal sealed class ColumnCompleter : StoreCompleter
{
    protected override Task<List<Candidate>> FindAsync(Bound bound, CancellationToken ct)
        => bound.Place is not { } place ? Task.FromResult<List<Candidate>>([])
            : AskAsync(async engine => (await engine.GetKnownColumnsAsync(place, bound["Segment"], ct).ConfigureAwait(false)).Select(c => new Candidate(c)), ct);
}

/// <summary>Ids of the reasons that rejections have.</summary>
internal sealed class ReasonCompleter : IArgumentCompleter
{
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
        => CcEngine.ReasonIds.Select(id => new Candidate(id, Tip: CcEngine.ExplainReason(id))).Where(c => c.Matches(wordToComplete)).Select(c => c.Result());
}

/// <summary>Names of encodings, as .NET and PowerShell have them.</summary>
internal sealed class EncodingCompleter : IArgumentCompleter
{
    private static readonly Candidate[] Known =
    [
        new("utf8", Tip: "UTF-8, the default"), new("utf-16", Tip: "UTF-16, little-endian"), new("utf-16BE", Tip: "UTF-16, big-endian"),
        new("windows-1252", Tip: "Western European (Windows)"), new("windows-1250", Tip: "Central European (Windows)"),
        new("windows-1251", Tip: "Cyrillic (Windows)"), new("windows-1254", Tip: "Turkish (Windows)"),
        new("iso-8859-1", Tip: "Western European (ISO)"), new("iso-8859-15", Tip: "Western European with euro sign (ISO)"),
        new("shift_jis", Tip: "Japanese"), new("gb18030", Tip: "Chinese"), new("us-ascii", Tip: "ASCII only"),
    ];

    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
        => Known.Where(c => c.Matches(wordToComplete)).Select(c => c.Result());
}

/// <summary>Time zones by their IANA names, the machine's first.</summary>
internal sealed class TimeZoneCompleter : IArgumentCompleter
{
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
        => TimeZoneInfo.GetSystemTimeZones().Where(z => z.HasIanaId).OrderBy(z => z.Id != TimeZoneInfo.Local.Id).ThenBy(z => z.Id, StringComparer.Ordinal)
            .Select(z => new Candidate(z.Id, Tip: z.DisplayName)).Where(c => c.Matches(wordToComplete)).Select(c => c.Result());
}

/// <summary>The forms of a schedule, to be changed to what is wanted.</summary>
internal sealed class ScheduleCompleter : IArgumentCompleter
{
    private static readonly Candidate[] Known =
    [
        new("Daily 06:00", Tip: "Every day; up to four times: Daily 06:00,18:00"), new("Weekly Mon,Thu 06:00", Tip: "On days of the week"),
        new("AfterRefresh", Tip: "When the source's data has been renewed"), new("0 6 * * *", Tip: "A cron expression: minute, hour, day, month, day of the week"),
    ];

    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
        => Known.Where(c => c.Matches(wordToComplete)).Select(c => c.Result());
}
