using System.Diagnostics;

namespace CcExport.Engine.Telemetry;

/// <summary>
/// What a command of the engine is at, for whatever happens below it: the run, its stage, and who is told. It goes with the flow of the call, so that the wire,
/// which knows no run, says whose request it repeats.
/// </summary>
internal sealed class RunScope : IDisposable
{
    private static readonly AsyncLocal<RunScope?> Here = new();

    private readonly object _lock = new();
    private readonly RunScope? _outer = Here.Value;
    private readonly Action<RunEvent> _tell;
    private readonly Activity? _span;
    private Activity? _stageSpan;
    private string? _stage;

    private RunScope(Action<RunEvent> tell, string? export, string? connection)
    {
        (_tell, Export, Connection) = (tell, export, connection);
        _span = Signals.Source.StartActivity("ccexport.run");
        Tag(_span);
    }

    public static RunScope? Current => Here.Value;

    public long? Run { get; private set; }
    public string? Export { get; private set; }
    public string? Connection { get; private set; }

    /// <summary>What ended the run, or has it stand still; null: nothing has.</summary>
    public CcException? Failure { get; private set; }

    /// <summary>Under what the spans of requests are.</summary>
    public ActivityContext Parent => (_stageSpan ?? _span)?.Context ?? default;

    /// <param name="tell">Told what happens; from any thread, one at a time.</param>
    public static RunScope Enter(Action<RunEvent> tell, string? export = null, string? connection = null) => Here.Value = new RunScope(tell, export, connection);

    /// <summary>Which run it is. Another one than before is one that comes first: what it failed of is not this one's failure.</summary>
    public void Of(long run, string? export, string connection)
    {
        if (Run != run) Failure = null;
        (Run, Export, Connection) = (run, export, connection);
        Tag(_span);
    }

    public void Over(string? export, string connection)
    {
        (Export, Connection) = (export, connection);
        Tag(_span);
    }

    public void Fail(CcException failure) => Failure = failure;

    /// <summary>How the run stands at the end.</summary>
    public void Status(string status)
    {
        _span?.SetTag(Signals.StatusTag, status);
        if (Failure is { } failure) Fault(failure.ErrorId);
    }

    public void Fault(string errorId)
    {
        _span?.SetTag(Signals.ErrorTag, errorId);
        _span?.SetStatus(ActivityStatusCode.Error);
    }

    /// <summary>The next stage begins, and the one before ends with it.</summary>
    public void Stage(string name)
    {
        lock (_lock)
        {
            if (_stage == name) return;
            _stage = name;
            _stageSpan?.Dispose();
            Activity? current = Activity.Current;
            _stageSpan = Signals.Source.HasListeners() ? Signals.Source.StartActivity("ccexport." + name, ActivityKind.Internal, _span?.Context ?? default) : null;
            Tag(_stageSpan);
            // It ends elsewhere in the flow than it began: only the run's own is the current one.
            if (_stageSpan is not null) Activity.Current = current;
        }
        Tell(new RunEvent(RunEvents.StageBegun) { Fields = [RunEvents.With("stage", name)] });
    }

    public void Tell(RunEvent what)
    {
        what = what with { Run = what.Run ?? Run, Export = what.Export ?? Export, Connection = what.Connection ?? Connection };
        lock (_lock) _tell(what);
    }

    public void Dispose()
    {
        _stageSpan?.Dispose();
        _span?.Dispose();
        Here.Value = _outer;
    }

    private void Tag(Activity? span)
    {
        if (span is null) return;
        span.SetTag(Signals.ExportTag, Export);
        span.SetTag(Signals.ConnectionTag, Connection);
        span.SetTag(Signals.RunTag, Run);
    }
}
