namespace CcExport.Engine.Store;

/// <summary>
/// Up to which due time the schedule of each export is dealt with. Who deals with one holds the lease <see cref="LeaseOf"/> meanwhile, and looks here again once
/// he has it: so each due time is one process's, and one whose process died is the next one's.
/// </summary>
internal interface IScheduleStore
{
    Task<ScheduleState> GetAsync(string export, CancellationToken ct);
    /// <summary>By the exports' names, compared without case; without those that nothing is known of.</summary>
    Task<IReadOnlyDictionary<string, ScheduleState>> ListAsync(CancellationToken ct);
    /// <summary>Never goes back: an earlier time than the one there is changes nothing. Nothing either for an export that is gone.</summary>
    Task SetHandledAsync(string export, DateTimeOffset due, CancellationToken ct);

    /// <summary>Somebody asks for a run, by a runner: the export is due until that is answered. Asked again, it is one run. False for one that is gone.</summary>
    Task<bool> RequestAsync(string export, string by, DateTimeOffset at, CancellationToken ct);
    /// <summary>What was asked for up to then was done; what was asked for later still waits.</summary>
    Task AnswerAsync(string export, DateTimeOffset at, CancellationToken ct);
    /// <summary>
    /// Takes the schedule's lease of the first of these exports that nobody is at, in one step, and passes by those that another process takes at the same moment, and those whose
    /// due time was dealt with meanwhile, unless a run of them is asked for; null: there is none.
    /// </summary>
    Task<ScheduleClaim?> ClaimAsync(IReadOnlyList<DueExport> exports, LeaseOwner owner, DateTimeOffset now, DateTimeOffset expires, CancellationToken ct);

    /// <summary>The lease of whoever deals with an export's due time.</summary>
    static string LeaseOf(string export) => "schedule/" + NameKey.Of(export);
}

/// <summary>What is known of an export's due times.</summary>
/// <param name="HandledAt">Up to then all is dealt with; null: nothing was yet.</param>
/// <param name="RequestedAt">A run that somebody asked for then waits for a runner; null: none does.</param>
internal sealed record ScheduleState(DateTimeOffset? HandledAt, DateTimeOffset? RequestedAt, string? RequestedBy)
{
    public static ScheduleState None { get; } = new(null, null, null);
}

/// <summary>An export that somebody found to be due.</summary>
/// <param name="At">The due time; who does not know it says that of the end of time.</param>
internal sealed record DueExport(string Name, DateTimeOffset At);

/// <summary>One of several exports, and the lease of its schedule.</summary>
internal sealed record ScheduleClaim(string Export, LeaseAnswer Lease);
