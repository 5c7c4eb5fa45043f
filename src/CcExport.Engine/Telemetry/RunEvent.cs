namespace CcExport.Engine.Telemetry;

/// <summary>How much an event matters.</summary>
public enum RunEventLevel
{
    /// <summary>What is being done, in words.</summary>
    Debug,
    /// <summary>The course of things.</summary>
    Info,
    /// <summary>Something to act on.</summary>
    Warning,
    /// <summary>Something failed.</summary>
    Error,
}

/// <summary>Something that happened to a run, for a log: a stable id with values. Holds no address and no secret.</summary>
/// <param name="Id">Stable, in PascalCase; <c>docs/observability.md</c> lists them.</param>
/// <param name="Level">How much it matters.</param>
public sealed record RunEvent(string Id, RunEventLevel Level = RunEventLevel.Info)
{
    /// <summary>The run's number; null: there is none yet.</summary>
    public long? Run { get; init; }
    /// <summary>The export's name; null for piped objects without a name.</summary>
    public string? Export { get; init; }
    /// <summary>The connection's name.</summary>
    public string? Connection { get; init; }
    /// <summary>A sentence for a person.</summary>
    public string? Message { get; init; }
    /// <summary>The stable id of a failure.</summary>
    public string? ErrorId { get; init; }
    /// <summary>What else there is to say: texts, whole numbers, fractions, times, yes and no.</summary>
    public IReadOnlyList<KeyValuePair<string, object>> Fields { get; init; } = [];

    /// <summary>An export is due, and another process is at it.</summary>
    public static RunEvent Busy(string export) => new(RunEvents.ScheduleBusy) { Export = export };

    /// <summary>An export was looked at and is not due.</summary>
    public static RunEvent NotDue(string export) => new(RunEvents.ScheduleNotDue, RunEventLevel.Debug) { Export = export };
}

/// <summary>The ids of events.</summary>
internal static class RunEvents
{
    public const string RunBegun = nameof(RunBegun);
    public const string RunGoesOn = nameof(RunGoesOn);
    public const string RunStandsStill = nameof(RunStandsStill);
    public const string RunEnded = nameof(RunEnded);
    public const string StageBegun = nameof(StageBegun);
    public const string RequestRepeated = nameof(RequestRepeated);
    public const string WaitingForQuota = nameof(WaitingForQuota);
    public const string LeaseTakenOver = nameof(LeaseTakenOver);
    public const string ScheduleDue = nameof(ScheduleDue);
    public const string ScheduleNotDue = nameof(ScheduleNotDue);
    public const string ScheduleBusy = nameof(ScheduleBusy);
    public const string ScheduleDone = nameof(ScheduleDone);
    public const string ScheduleWaits = nameof(ScheduleWaits);
    public const string FailureAnnounced = nameof(FailureAnnounced);
    public const string Failed = nameof(Failed);
    public const string Stopped = nameof(Stopped);
    public const string Warning = nameof(Warning);
    public const string Detail = nameof(Detail);

    public static KeyValuePair<string, object> With(string name, object value) => new(name, value);
}
