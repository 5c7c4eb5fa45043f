using CcExport.Engine.Store;
using CcExport.Engine.Telemetry;

namespace CcExport.Engine.Exports;

/// <summary>
/// Runs what is due, each due time once, however many processes ask: one of them holds the export's lease of the schedule, and marks the time as dealt with
/// at the end. Where it died before the mark, its run says how far it came.
/// </summary>
/// <param name="invoke">Runs a stored export to its end.</param>
internal sealed class ScheduleRunner(EngineParts parts, IRunObserver observer, Func<RunRequest, CancellationToken, Task<Run>> invoke)
{
    private const string Trigger = "Schedule";
    private const string AskedTrigger = "Request";

    /// <summary>
    /// The exports whose schedule is on, or that somebody asked for a run of; not those without a connection. Two reads of the store, however many there are: runners look every few minutes.
    /// </summary>
    public static async Task<IReadOnlyList<ScheduledExport>> ListAsync(EngineParts parts, CancellationToken ct)
    {
        IReadOnlyDictionary<string, ScheduleState> states = await parts.Store.Schedules.ListAsync(ct).ConfigureAwait(false);
        DateTimeOffset now = parts.Time.GetUtcNow();
        List<ScheduledExport> scheduled = [];
        foreach (DefinitionRecord export in await parts.Store.Exports.ListAsync(ct).ConfigureAwait(false))
        {
            if (export.ConnectionId is null) continue;
            ExportDefinition definition = ExportDefinition.FromJson(export.Json);
            ScheduleState state = states.GetValueOrDefault(export.Name, ScheduleState.None);
            bool on = DueTimes.IsOn(definition);
            if (!on && state.RequestedAt is null) continue;
            (bool known, Due? due) = DueTimes.Find(definition, state, now);
            scheduled.Add(new ScheduledExport(export.Name, on, known, due?.At));
        }
        return scheduled;
    }

    /// <summary>Takes the first of these exports that nobody is at, and whose due time nobody has dealt with meanwhile; null: there is none.</summary>
    public static async Task<DueClaim?> ClaimAsync(EngineParts parts, IReadOnlyList<(string Export, DateTimeOffset DueAt)> due, CancellationToken ct)
        => await RunLease.ClaimAsync(parts.Store, parts.Time, parts.RunLease, [.. due.Select(d => new DueExport(d.Export, d.DueAt))], ct).ConfigureAwait(false) is var (export, lease) ? new DueClaim(export, lease) : null;

    /// <summary>Runs the export if it is due; null: it is not (any more), or the day's calls are used up.</summary>
    public async Task<Run?> InvokeDueAsync(RunRequest request, DueClaim claim, CancellationToken ct)
    {
        (string name, ExportDefinition definition) = await new ExportBook(parts).FindAsync(claim.Export, ct).ConfigureAwait(false);
        // Looked at once more: whoever was at it a moment ago may have done it.
        if (await new DueTimes(parts).FindAsync(name, definition, ct).ConfigureAwait(false) is not { } due) return null;
        if (await IsDoneAsync(name, definition, due, ct).ConfigureAwait(false))
        {
            Tell(RunEvents.ScheduleDone, name, RunEvents.With("due", due.At));
            await new DueTimes(parts).DoneAsync(name, due, ct).ConfigureAwait(false);
            return null;
        }
        try
        {
            Tell(RunEvents.ScheduleDue, name, RunEvents.With("due", due.At));
            return await RunAsync(request with { ExportName = name }, name, definition, due, ct).ConfigureAwait(false);
        }
        catch (CcException e) when (e.ErrorId is "RunInProgress" or "QuotaExceeded")
        {
            Tell(RunEvents.ScheduleWaits, name, RunEvents.With("due", due.At), RunEvents.With("reason", e.ErrorId));
            // No failure: it is due until it is done. Only that nothing can be sent before tomorrow is worth a word.
            if (e.ErrorId == "QuotaExceeded") observer.Warning($"'{name}' is due and waits: {e.Message} {e.Remedy}");
            else observer.Verbose($"'{name}' is due and waits: {e.Message}");
            return null;
        }
    }

    /// <summary>Runs the export, due or not; what is due is dealt with by it. <c>RunInProgress</c> while another process is at its schedule.</summary>
    public async Task<Run> InvokeAsync(RunRequest request, CancellationToken ct)
    {
        (RunLease? lease, LeaseOwner? holder) = await RunLease.TryTakeAsync(parts.Store.Leases, parts.Time, parts.RunLease, IScheduleStore.LeaseOf(request.ExportName!), ct).ConfigureAwait(false);
        if (lease is null)
        {
            throw new CcException("RunInProgress", CcErrorKind.Conflict, $"'{request.ExportName}' is being run by its schedule, by process {holder?.ProcessId} on {holder?.Machine}.",
                "Get-CcRun shows the run; wait for it with Wait-CcRun.")
            { Subject = request.ExportName };
        }
        await using (lease.ConfigureAwait(false))
        {
            (string name, ExportDefinition definition) = await new ExportBook(parts).FindAsync(request.ExportName!, ct).ConfigureAwait(false);
            bool refresh = DueTimes.IsOn(definition) && Schedule.Parse(definition.Schedule!, definition.TimeZone!).AfterRefresh;
            Due? due = refresh ? null : await new DueTimes(parts).FindAsync(name, definition, ct).ConfigureAwait(false);
            return due is not null ? await RunAsync(request, name, definition, due, ct).ConfigureAwait(false) : await invoke(request with { Trigger = Trigger }, ct).ConfigureAwait(false);
        }
    }

    /// <summary>When it became due; null: it is not.</summary>
    public async Task<DateTimeOffset?> FindDueAsync(string export, CancellationToken ct)
    {
        (string name, ExportDefinition definition) = await new ExportBook(parts).FindAsync(export, ct).ConfigureAwait(false);
        Due? due = await new DueTimes(parts).FindAsync(name, definition, ct).ConfigureAwait(false);
        if (due is null) Tell(RunEvents.ScheduleNotDue, name);
        return due?.At;
    }

    private void Tell(string id, string export, params KeyValuePair<string, object>[] fields) => observer.Event(new RunEvent(id) { Export = export, Fields = fields });

    /// <summary>Whoever was at it before died after its run had ended and before the mark.</summary>
    private async Task<bool> IsDoneAsync(string name, ExportDefinition definition, Due due, CancellationToken ct)
    {
        RunRecord? last = (await parts.Store.Runs.ListAsync(new RunQuery(name, Limit: 1, Plans: false), ct).ConfigureAwait(false)).FirstOrDefault();
        return last is { Trigger: Trigger or AskedTrigger } && DueTimes.IsOver(last) && DueTimes.Covers(last, definition, due, null);
    }

    private async Task<Run> RunAsync(RunRequest request, string name, ExportDefinition definition, Due due, CancellationToken ct)
    {
        request = request with { Trigger = due.Time is null ? AskedTrigger : Trigger };
        var times = new DueTimes(parts);
        try
        {
            DateTimeOffset began = parts.Time.GetUtcNow();
            Run run = await invoke(request, ct).ConfigureAwait(false);
            RunRecord? record = await parts.Store.Runs.FindAsync(run.Id, ct).ConfigureAwait(false);
            // What an earlier due time had begun was finished first. This one has its own data.
            if (record is not null && DueTimes.IsOver(record) && !DueTimes.Covers(record, definition, due, began)) run = await invoke(request, ct).ConfigureAwait(false);
            // Half-way it stays due: the next one who asks goes on with it.
            if (run.Status is not (RunStatus.Interrupted or RunStatus.WaitingForQuota)) await times.DoneAsync(name, due, CancellationToken.None).ConfigureAwait(false);
            return run;
        }
        catch (CcException e) when (!FailureAnnouncer.PassesByItself(e))
        {
            // The same would come of it every few minutes: it is said once for each due time.
            await times.DoneAsync(name, due, CancellationToken.None).ConfigureAwait(false);
            throw;
        }
    }
}
