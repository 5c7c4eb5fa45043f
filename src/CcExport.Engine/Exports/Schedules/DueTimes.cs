using CcExport.Engine.Profiles;
using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>Whether an export is due, from its definition, from what is dealt with, and from what its runs have seen.</summary>
internal sealed class DueTimes(EngineParts parts)
{
    /// <summary>Runs that are looked at to know which state of the data was seen: the newest that read anything is among them.</summary>
    private const int RunsLookedAt = 20;

    /// <summary>When a schedule of times is due next; null where there is none that is on, and for one this machine cannot read.</summary>
    public static DateTimeOffset? NextOf(ExportDefinition definition, DateTimeOffset? handled)
    {
        if (!IsOn(definition)) return null;
        try
        {
            return Schedule.Parse(definition.Schedule!, definition.TimeZone!) is { AfterRefresh: false } schedule ? schedule.Next(From(definition, handled)) : null;
        }
        catch (CcException e) when (e.ErrorId == "TimeZoneUnknown")
        {
            // A list of exports is no place to fail: running it says so.
            return null;
        }
    }

    public static bool IsOn(ExportDefinition definition) => definition is { Schedule: not null, TimeZone: not null } and not { Disabled: true };

    /// <summary>What is due now; null: nothing. What waits for the source's data asks the source (network).</summary>
    public async Task<Due?> FindAsync(string name, ExportDefinition definition, CancellationToken ct)
    {
        if (definition.Connection is null) return null;
        ScheduleState state = await parts.Store.Schedules.GetAsync(name, ct).ConfigureAwait(false);
        DateTimeOffset? time = IsOn(definition) ? await TimeAsync(name, definition, state.HandledAt, ct).ConfigureAwait(false) : null;
        return time is null && state.RequestedAt is null ? null : new Due(time, state.RequestedAt);
    }

    /// <summary>The same from what was read of the store already; not known where the source must be asked, or the schedule cannot be read.</summary>
    public static (bool IsKnown, Due? Due) Find(ExportDefinition definition, ScheduleState state, DateTimeOffset now)
    {
        DateTimeOffset? time = null;
        if (IsOn(definition))
        {
            Schedule schedule;
            try
            {
                schedule = Schedule.Parse(definition.Schedule!, definition.TimeZone!);
            }
            catch (CcException)
            {
                // Whoever asks about this one alone is told why.
                return (false, null);
            }
            if (schedule.AfterRefresh) return (false, null);
            time = schedule.Due(From(definition, state.HandledAt), now)?.ToUniversalTime();
        }
        return (true, time is null && state.RequestedAt is null ? null : new Due(time, state.RequestedAt));
    }

    private async Task<DateTimeOffset?> TimeAsync(string name, ExportDefinition definition, DateTimeOffset? handled, CancellationToken ct)
    {
        Schedule schedule = Schedule.Parse(definition.Schedule!, definition.TimeZone!);
        if (!schedule.AfterRefresh) return schedule.Due(From(definition, handled), parts.Time.GetUtcNow())?.ToUniversalTime();

        DateTimeOffset renewed = await RenewedAsync(name, definition, ct).ConfigureAwait(false);
        if (handled >= renewed) return null;
        IReadOnlyList<RunRecord> runs = await parts.Store.Runs.ListAsync(new RunQuery(name, Limit: RunsLookedAt, Plans: false), ct).ConfigureAwait(false);
        return runs.Where(IsOver).Select(EvaluatedOf).FirstOrDefault(at => at is not null) >= renewed ? null : renewed;
    }

    /// <summary>All that is due is done, or will not be.</summary>
    public async Task DoneAsync(string name, Due due, CancellationToken ct)
    {
        if (due.Time is { } time) await parts.Store.Schedules.SetHandledAsync(name, time, ct).ConfigureAwait(false);
        if (due.Asked is { } asked) await parts.Store.Schedules.AnswerAsync(name, asked, ct).ConfigureAwait(false);
    }

    /// <summary>Whether a run has dealt with all that is due.</summary>
    /// <param name="began">When the process that asks began to; a run that is younger is its own.</param>
    public static bool Covers(RunRecord run, ExportDefinition definition, Due due, DateTimeOffset? began)
    {
        if (run.StartedAt >= began) return true;
        bool time = due.Time is not { } at || (Schedule.Parse(definition.Schedule!, definition.TimeZone!).AfterRefresh ? EvaluatedOf(run) >= at : run.StartedAt >= at);
        return time && !(run.StartedAt < due.Asked);
    }

    /// <summary>A run that nothing more comes of, and that no person ended.</summary>
    public static bool IsOver(RunRecord run) => run.Status is RunStatus.Completed or RunStatus.CompletedWithErrors or RunStatus.Failed;

    private static DateTimeOffset From(ExportDefinition definition, DateTimeOffset? handled)
        => handled is { } done && !(definition.ScheduledAt > done) ? done : definition.ScheduledAt ?? DateTimeOffset.MinValue;

    private static DateTimeOffset? EvaluatedOf(RunRecord run)
        => ExportDefinition.FromJson(run.Definition) is { Undoes: null, Evaluated: var at } ? at : null;

    private async Task<DateTimeOffset> RenewedAsync(string name, ExportDefinition definition, CancellationToken ct)
    {
        IProfileSource source = await new SourceBook(parts).OpenAsync(definition.Source!, new Reader(definition.Connection), ct).ConfigureAwait(false);
        IReadOnlyList<Segment> chosen = Preflight.Choose(await source.GetSegmentsAsync(ct).ConfigureAwait(false), definition.Segments);
        return chosen.Max(s => s.LastEvaluated)?.ToUniversalTime()
            ?? throw new CcException("RefreshUnknown", CcErrorKind.InvalidData, $"The source of '{name}' does not say when its data was renewed, so its schedule AfterRefresh is never due.",
                "Give the export times: Set-CcExport -Schedule 'Daily 06:00'.")
            { Subject = name };
    }
}

/// <summary>What an export is due for: a time of its schedule (of AfterRefresh: when the data was renewed), a run that somebody asked for, or both, which one run deals with.</summary>
internal sealed record Due(DateTimeOffset? Time, DateTimeOffset? Asked)
{
    public DateTimeOffset At => Time is not { } time ? Asked!.Value : Asked is { } asked && asked < time ? asked : time;
}
