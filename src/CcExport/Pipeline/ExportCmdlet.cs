using System.Collections;
using System.Data;
using System.Data.Common;
using System.Management.Automation;
using CcExport.Completion;
using CcExport.Engine;
using CcExport.Engine.Exports;
using CcExport.Engine.Telemetry;
using CcExport.Pipeline;

namespace CcExport;

/// <summary>
/// What Invoke-CcExport, Test-CcExport and Get-CcPlan have in common: a stored export, a path, or piped objects; and one piece of engine
/// work, which for piped objects begins at the first of them and ends after the last.
/// </summary>
public abstract class ExportCmdlet : CcCmdlet
{
    /// <summary>The parameter set of stored exports.</summary>
    protected const string NameSet = "Name";
    /// <summary>The parameter set of piped objects.</summary>
    protected const string PipedSet = "InputObject";
    /// <summary>The parameter set of a file or folder.</summary>
    protected const string PathSet = "Path";

    private PipedFeed? _feed;
    private Task<object>? _work;
    private RunWatcher? _watcher;
    private RunRequest? _request;
    private long _doubtsBefore;
    private bool _piping;
    private bool _declined;

    /// <summary>Names of stored exports. Exports bind through the pipeline.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = NameSet, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(ExportCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>
    /// Profiles of any shape: rows of Import-Csv, objects, hashtables, rows of a data table or of a data reader. An open reader given by name
    /// (-InputObject $reader) is read to its end, the fastest way out of a database. The first one settles the columns; a later one without a
    /// property lacks the value. Numbers and dates are written the same on every machine (dates in ISO 8601); several values of one property are joined
    /// with a semicolon.
    /// </summary>
    [Parameter(Mandatory = true, ParameterSetName = PipedSet, ValueFromPipeline = true)]
    public PSObject InputObject { get; set; } = null!;

    /// <summary>A file or folder of profiles. Wildcards may stand for exactly one.</summary>
    [Parameter(Mandatory = true, ParameterSetName = PathSet)]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string? Path { get; set; }

    /// <summary>The connection to export over.</summary>
    [Parameter(Mandatory = true, ParameterSetName = PipedSet)]
    [Parameter(Mandatory = true, ParameterSetName = PathSet)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(ConnectionCompleter))]
    public string? Connection { get; set; }

    /// <summary>The list to export to: its id, or the address of its page as pasted from the browser.</summary>
    [Parameter(Mandatory = true, ParameterSetName = PipedSet)]
    [Parameter(Mandatory = true, ParameterSetName = PathSet)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(ListCompleter))]
    public string? ListId { get; set; }

    /// <summary>
    /// Contact field to profile column, as a hashtable; email is required. For piped objects a script block may stand in the place of a column, as in
    /// Select-Object's calculated properties: $_ is the object, and where the script fails the value is missing, with one warning at the end.
    /// </summary>
    [Parameter(Mandatory = true, ParameterSetName = PipedSet)]
    [Parameter(Mandatory = true, ParameterSetName = PathSet)]
    [ValidateNotNull]
    [ArgumentCompleter(typeof(MapCompleter))]
    public IDictionary? Map { get; set; }

    /// <summary>The segments of the path to read. Without it all are read.</summary>
    [Parameter(ParameterSetName = PathSet)]
    [ArgumentCompleter(typeof(SegmentCompleter))]
    public string[]? Segment { get; set; }

    /// <summary>The encoding of the path's files: utf8, utf-16, windows-1252 and the like. By default UTF-8, or what a byte order mark says.</summary>
    [Parameter(ParameterSetName = PathSet)]
    [ArgumentCompleter(typeof(EncodingCompleter))]
    public string? Encoding { get; set; }

    /// <summary>The character between fields. By default the one that the first line uses.</summary>
    [Parameter(ParameterSetName = PathSet)]
    public char? Delimiter { get; set; }

    /// <summary>The names of the columns, for files without a heading line.</summary>
    [Parameter(ParameterSetName = PathSet)]
    public string[]? Header { get; set; }

    /// <summary>The column or property that identifies a profile, shown with each rejection. By default CustomerId and the like. For piped objects also a script block.</summary>
    [Parameter(ParameterSetName = PipedSet)]
    [Parameter(ParameterSetName = PathSet)]
    public object? KeyProperty { get; set; }

    /// <summary>
    /// The column or property whose newest value wins: of several profiles with one address that one is sent, and of equals the earlier. By default the first
    /// profile is. Values are dates (ISO 8601, or month before day; UTC without an offset) or plain numbers; a number and a date do not compare, and what is
    /// neither takes no other's place. For piped objects also a script block. A stored export has its own column.
    /// </summary>
    [Parameter(ParameterSetName = PipedSet)]
    [Parameter(ParameterSetName = PathSet)]
    public object? PreferNewest { get; set; }

    /// <summary>The most contacts in one import request, at most 39,999.</summary>
    [Parameter(ParameterSetName = PipedSet)]
    [Parameter(ParameterSetName = PathSet)]
    [ValidateRange(1, 39_999)]
    public int? BatchSize { get; set; }

    /// <summary>The most profiles in one run; 1,000,000 by default. A run over it sends nothing.</summary>
    [Parameter(ParameterSetName = PipedSet)]
    [Parameter(ParameterSetName = PathSet)]
    [ValidateRange(1, long.MaxValue)]
    public long? MaxProfiles { get; set; }

    /// <summary>
    /// Files of addresses that are not sent, beside the stored suppression list and the files that a stored export has: one address a line, or CSV or NDJSON with a
    /// column email, e-mail or email address, also compressed (.gz). Wildcards are resolved. One that cannot be read is an error, and nothing is sent.
    /// </summary>
    [Parameter]
    [SupportsWildcards]
    public string[]? SuppressionPath { get; set; }

    private string[] Suppressions => SuppressionPath is { } paths ? Paths.ResolveAll(SessionState, paths) : [];

    /// <summary>Where it is written what happens; null: nowhere.</summary>
    private protected virtual RunLog? Log => null;

    /// <summary>Asks, where this cmdlet asks at all, whether to go on.</summary>
    private protected abstract bool Approve(RunRequest request);

    /// <summary>The engine's work: a run or a preview.</summary>
    private protected abstract Task<object> WorkAsync(CcEngine engine, RunRequest request, RunWatcher watcher, CancellationToken ct);

    /// <summary>Writes what the work came to.</summary>
    private protected abstract void Report(RunRequest request, object result);

    /// <inheritdoc/>
    protected override void OnBegin()
    {
        _piping = ParameterSetName == PipedSet;
        _doubtsBefore = ReadingDoubts.Count;
    }

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        if (_piping) Take(InputObject);
        else if (ParameterSetName == NameSet) RunStored();
        else RunPath();
    }

    /// <inheritdoc/>
    protected override void OnEnd()
    {
        if (_work is { } work)
        {
            if (ReadingDoubts.Count != _doubtsBefore) _feed!.Rows.Doubt();
            _feed!.Rows.Complete();
            Finish(work);
        }
        else if (_piping && !_declined)
        {
            WriteWarning("Nothing came through the pipeline, so nothing is exported.");
        }
    }

    /// <summary>Reached with work still going on when something before this cmdlet in the pipeline failed, or on Ctrl+C: the run must not go on.</summary>
    protected override void OnDispose()
    {
        if (_work is not { } work) return;
        _work = null;
        _feed!.Rows.Complete(new OperationCanceledException("The pipeline ended before all objects had come."));
        Abandon(work);
    }

    /// <summary>What is exported and where to, for a question.</summary>
    private protected static string Describe(RunRequest request)
        => request.PlanId is { } plan ? $"plan {plan}" : request.ExportName is { } name ? $"export '{name}'"
            : (request.Piped is null ? $"'{request.Source?.Path}'" : "the piped objects") + $" to list '{request.ListId}' over connection '{request.Connection}'";

    private protected RunRequest Stored(string name) => new() { ExportName = name, SuppressionPath = Suppressions };

    private void RunStored()
    {
        foreach (string name in Name)
        {
            RunRequest request = Stored(name);
            if (!Approve(request)) continue;
            try { Run(request); }
            catch (CcException e) { WriteError(Errors.From(e, name)); }   // the next export may well go
        }
    }

    private void RunPath()
    {
        RunRequest request = AdHoc() with
        {
            Map = Maps.From(Map!),
            KeyProperty = Maps.Column(KeyProperty, nameof(KeyProperty)),
            PreferNewest = Maps.Column(PreferNewest, nameof(PreferNewest)),
            Source = Paths.Reference(SessionState, null, Path, Encoding, Delimiter, Header),
            Segment = Segment ?? [],
        };
        if (Approve(request)) Run(request);
    }

    private protected void Run(RunRequest request)
    {
        Begin(request);
        Finish(_work!);
    }

    private void Take(PSObject input)
    {
        switch (input.BaseObject)
        {
            // -InputObject $rows
            case IList several and not IDictionary:
                TakeAll(several);
                break;
            case DataTable table:
                TakeAll(table.Rows);
                break;
            case IDataReader reader:
                TakeAll(reader, input);
                break;
            default:
                TakeOne(input);
                break;
        }
    }

    private void TakeAll(ICollection several)
    {
        foreach (object? one in several)
        {
            if (one is not null) TakeOne(PSObject.AsPSObject(one));
        }
    }

    /// <summary>An open query: each row is read where it lies, nothing is made of it.</summary>
    private void TakeAll(IDataReader reader, PSObject input)
    {
        long rows = 0;
        while (!Stop.IsCancellationRequested && Read())
        {
            TakeOne(input);
            rows++;
        }
        Stop.ThrowIfCancellationRequested();

        bool Read()
        {
            try { return reader.Read(); }
            catch (Exception e) when (e is DbException or InvalidOperationException or IOException)
            {
                // Not in the database's words: they may hold the query, or a person's data.
                throw new CcException("InputFailed", CcErrorKind.InvalidData, FormattableString.Invariant($"The reader failed after {rows:N0} rows ({e.GetType().Name}). Nothing was sent."),
                    "The inner exception says why (Get-Error). Mend the query or the connection and export again.", e);
            }
        }
    }

    private void TakeOne(PSObject input)
    {
        if (_declined || (_feed is null && !BeginPiping(input))) return;
        if (_work!.IsCompleted)   // over early, well or badly: what still comes is not read
        {
            if (!_work.IsCompletedSuccessfully) Finish(_work);
            return;
        }
        if (!_feed!.Add(input)) return;
        ValueTask handOver = _feed.Rows.HandOverAsync(Stop);
        if (handOver.IsCompletedSuccessfully)
        {
            WritePending();
            return;
        }
        // A run that is over takes nothing any more, and its hand-over need not end.
        Task handing = handOver.AsTask();
        WriteUntil(Task.WhenAny(handing, _work));
        if (!_work.IsCompleted) Await(handing);
    }

    private bool BeginPiping(PSObject first)
    {
        _feed = new PipedFeed(first, Maps.Feeds(Map!), Feed.From(KeyProperty, nameof(KeyProperty)), Feed.From(PreferNewest, nameof(PreferNewest)), WriteWarning);
        RunRequest request = AdHoc() with { Map = _feed.Map, KeyProperty = _feed.Key, PreferNewest = _feed.Newest, Piped = _feed.Rows, Trigger = "Pipeline" };
        _declined = !Approve(request);
        if (!_declined) Begin(request);
        return !_declined;
    }

    /// <summary>What was put together at the prompt.</summary>
    private protected virtual RunRequest AdHoc() => new()
    {
        Connection = Connection,
        ListId = ListId,
        BatchSize = BatchSize,
        MaxProfiles = MaxProfiles,
        SuppressionPath = Suppressions,
    };

    private void Begin(RunRequest request)
    {
        _request = request;
        _watcher = new RunWatcher(Post, this, $"{MyInvocation.MyCommand?.Name}: {Describe(request)}", Log);
        RunWatcher watcher = _watcher;
        _work = Start((engine, ct) => WorkAsync(engine, request, watcher, ct));
    }

    private void Finish(Task<object> work)
    {
        _feed?.Report();
        object result;
        try { result = Await(work); }
        catch (Exception e) when (Errors.IsOurs(e))
        {
            _watcher!.Close();
            throw;
        }
        finally { _work = null; }
        _watcher!.Close();
        Report(_request!, result);
    }
}
