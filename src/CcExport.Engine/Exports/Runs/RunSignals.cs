using System.Diagnostics;
using CcExport.Engine.Store;
using CcExport.Engine.Telemetry;

namespace CcExport.Engine.Exports;

/// <summary>Tells whoever listens what becomes of runs: the instruments, the span of the run, the log.</summary>
internal static class RunSignals
{
    /// <summary>A run, or a plan, has its number.</summary>
    public static void Begun(RunRecord run)
    {
        if (RunScope.Current is not { } scope) return;
        scope.Of(run.Id, run.Export, run.Connection);
        scope.Tell(new RunEvent(RunEvents.RunBegun) { Fields = [RunEvents.With("trigger", run.Trigger), RunEvents.With("plan", run.PlannedAt is not null)] });
    }

    /// <summary>A run that was begun before goes on from its journal.</summary>
    public static void GoesOn(RunRecord run)
    {
        if (RunScope.Current is not { } scope) return;
        scope.Of(run.Id, run.Export, run.Connection);
        scope.Tell(new RunEvent(RunEvents.RunGoesOn) { Fields = [RunEvents.With("trigger", run.Trigger), RunEvents.With("sent", run.Numbers.Sent)] });
    }

    /// <summary>What it fails of, before it ends.</summary>
    public static void Fails(RunRecord run, CcException why)
    {
        if (RunScope.Current is not { } scope) return;
        scope.Of(run.Id, run.Export, run.Connection);
        scope.Fail(why);
    }

    public static void StandsStill(Run run, CcException why)
    {
        Count(run);
        if (RunScope.Current is not { } scope) return;
        scope.Of(run.Id, run.Export, run.Connection);
        scope.Fail(why);
        scope.Status(run.Status.ToString());
        scope.Tell(new RunEvent(RunEvents.RunStandsStill, RunEventLevel.Warning) { ErrorId = why.ErrorId, Message = run.Message, Fields = [RunEvents.With("status", run.Status.ToString())] });
    }

    /// <summary>The one place where a run has come to its end.</summary>
    public static void Ended(Run run)
    {
        Count(run);
        Signals.RunDuration.Record(run.Duration?.TotalSeconds ?? 0, Tags(run));
        if (Signals.Profiles.Enabled)
        {
            foreach ((string fate, long number) in Fates(run))
            {
                if (number == 0) continue;
                Signals.Profiles.Add(number, new TagList { { Signals.ExportTag, run.Export }, { Signals.ConnectionTag, run.Connection }, { Signals.FateTag, fate } });
            }
        }
        if (RunScope.Current is not { } scope) return;
        scope.Of(run.Id, run.Export, run.Connection);
        scope.Status(run.Status.ToString());
        scope.Tell(new RunEvent(RunEvents.RunEnded, run.Status == RunStatus.Failed ? RunEventLevel.Error : run.Status == RunStatus.Completed ? RunEventLevel.Info : RunEventLevel.Warning)
        {
            ErrorId = run.Status == RunStatus.Failed ? scope.Failure?.ErrorId : null,
            Message = run.Message,
            Fields =
            [
                RunEvents.With("status", run.Status.ToString()), RunEvents.With("trigger", run.Trigger), RunEvents.With("seconds", run.Duration?.TotalSeconds ?? 0), .. Numbers(run),
            ],
        });
    }

    /// <summary>The balance and what it cost.</summary>
    public static IReadOnlyList<KeyValuePair<string, object>> Numbers(Run run) =>
    [
        .. Fates(run).Where(f => f.Fate != "removed").Select(f => RunEvents.With(f.Fate, f.Number)), RunEvents.With("sent", run.Sent), RunEvents.With("removed", run.Removed), RunEvents.With("noted", run.Noted),
        RunEvents.With("batches", run.Batches), RunEvents.With("requests", run.Requests), RunEvents.With("bytesSent", run.BytesSent),
    ];

    private static (string Fate, long Number)[] Fates(Run run) =>
    [
        ("read", run.Read), ("invalid", run.Invalid), ("duplicate", run.Duplicate), ("suppressed", run.Suppressed), ("unchanged", run.Unchanged), ("accepted", run.Accepted),
        ("optedOut", run.OptedOut), ("refused", run.Refused), ("unaccounted", run.Unaccounted), ("removed", run.Removed),
    ];

    private static void Count(Run run) => Signals.Runs.Add(1, Tags(run));

    private static TagList Tags(Run run) => new()
    {
        { Signals.ExportTag, run.Export }, { Signals.ConnectionTag, run.Connection }, { Signals.StatusTag, run.Status.ToString() }, { Signals.TriggerTag, run.Trigger },
    };
}
