namespace CcExport.Engine.Store;

/// <summary>
/// The journal of runs: each step of a run and of a batch is one durable transaction with a name of its own.
/// The order against the wire is what makes a killed run resumable: <see cref="SendingAsync"/> is durable before the request
/// leaves, <see cref="SentAsync"/> after the answer. A batch found in Sending after a crash may or may not be at the server:
/// it is looked for there before it is ever sent again.
/// </summary>
internal interface IRunJournal
{
    /// <summary>Opens a run and gives it its id.</summary>
    Task<long> OpenAsync(RunRecord run, CancellationToken ct);
    /// <summary>A batch lies in the spool, flushed.</summary>
    Task SealedAsync(long runId, BatchRecord batch, CancellationToken ct);
    /// <summary>
    /// All input is read, mapped and sealed: from here on the source is never read again. Writes the read side of the balance. A plan is Queued from now on.
    /// </summary>
    /// <param name="sight">What was seen before the run (JSON of the room that runs it).</param>
    Task AllSealedAsync(long runId, RunNumbers numbers, DateTimeOffset at, CancellationToken ct, string? sight = null);
    /// <summary>A sealed plan gets its word to go: it is a run from now on, begun now.</summary>
    Task GoAsync(long runId, string definition, string sight, DateTimeOffset at, CancellationToken ct);
    /// <summary>A request is about to leave.</summary>
    Task SendingAsync(long runId, int batch, DateTimeOffset at, CancellationToken ct);
    /// <summary>The server took it. <c>ActivityClaimed</c> (Conflict) when another batch or run holds that activity id.</summary>
    Task SentAsync(long runId, int batch, string activityId, DateTimeOffset at, CancellationToken ct);
    /// <summary>The answer was lost: the server may have it or not.</summary>
    Task InDoubtAsync(long runId, int batch, DateTimeOffset at, CancellationToken ct);
    /// <summary>The server certainly does not have it: back to Sealed.</summary>
    Task NotSentAsync(long runId, int batch, CancellationToken ct);
    /// <summary>The activity reached its end, or the batch was refused as a whole.</summary>
    Task FinishedAsync(long runId, int batch, BatchOutcome outcome, CancellationToken ct);
    /// <summary>Status and message while the run goes on (Running, WaitingForQuota, Verifying, Interrupted).</summary>
    /// <param name="requests">Calls made so far; null: as it was.</param>
    Task SetStatusAsync(long runId, RunStatus status, string? message, CancellationToken ct, int? requests = null);
    /// <summary>
    /// Batches are Finished and their contacts go in <paramref name="fresh"/> batches (they lie in the spool, flushed), all in one transaction: those of jobs that
    /// failed, which are not on the list, go once more; those of batches that were not sent yet go without some of them.
    /// </summary>
    Task SettledAsync(long runId, IReadOnlyList<(int Batch, BatchOutcome Outcome)> settled, IReadOnlyList<BatchRecord> fresh, CancellationToken ct);
    /// <summary>The list was read back: Finished batches of an open run get a better founded outcome, all in one transaction.</summary>
    Task RevisedAsync(long runId, IReadOnlyList<(int Batch, BatchOutcome Outcome)> revised, CancellationToken ct);
    /// <summary>The run is over: final status, numbers, message. The wrapped spool key is erased in the same transaction.</summary>
    /// <param name="keepSpool">The key stays: some contacts' fate is open, and the run may be opened again.</param>
    Task CloseAsync(long runId, RunStatus status, RunNumbers numbers, string? message, DateTimeOffset at, CancellationToken ct, bool keepSpool = false);
    /// <summary>A run that ended as CompletedWithErrors and still has its spool goes on: the named batches are Sealed again, without an outcome.</summary>
    Task ReopenAsync(long runId, IReadOnlyCollection<int> sealedAgain, string definition, CancellationToken ct);
    /// <summary>What an open run goes on with, where more is asked of it than at its start.</summary>
    Task DefineAsync(long runId, string definition, CancellationToken ct);
    /// <summary>Erases the spool key of those of the runs that are over; returns their ids.</summary>
    Task<IReadOnlyList<long>> ForgetSpoolsAsync(IReadOnlyCollection<long> runIds, CancellationToken ct);
    /// <summary>Asks the run's runner, whoever it is, to end it for good. False when the run is over.</summary>
    Task<bool> RequestStopAsync(long runId, DateTimeOffset at, CancellationToken ct);
    Task<bool> IsStopRequestedAsync(long runId, CancellationToken ct);

    Task<RunRecord?> FindAsync(long runId, CancellationToken ct);
    /// <summary>Newest first.</summary>
    Task<IReadOnlyList<RunRecord>> ListAsync(RunQuery query, CancellationToken ct);
    /// <summary>The newest run of each stored export that has one, plans left out; in no order, and in one look however many exports there are.</summary>
    Task<IReadOnlyList<RunRecord>> ListNewestAsync(CancellationToken ct);
    Task<IReadOnlyList<BatchRecord>> GetBatchesAsync(long runId, CancellationToken ct);
    /// <summary>A job of the run that is none of its batches' (a removal, a scratch list): no batch whose answer was lost may take it for its own. Repeated it does nothing.</summary>
    Task ClaimAsync(long runId, string activityId, CancellationToken ct);
    /// <summary>Those of <paramref name="activityIds"/> that some batch of any run already claims, or that are a run's other jobs.</summary>
    Task<IReadOnlySet<string>> GetClaimedAsync(IReadOnlyCollection<string> activityIds, CancellationToken ct);
    /// <summary>Batches of other open runs whose request is on its way or whose answer was lost: a job may be one of theirs.</summary>
    Task<IReadOnlyList<BatchRecord>> GetOthersOnTheirWayAsync(long runId, CancellationToken ct);
    /// <summary>True when an earlier run of this export had contacts accepted.</summary>
    Task<bool> HasAcceptedBeforeAsync(string export, CancellationToken ct);

    /// <summary>
    /// Closed runs that began before a time and whose numbers nothing depends on, oldest first: not the newest of an export, a connection
    /// and a list that had contacts accepted, for it knows that there was one.
    /// </summary>
    /// <param name="after">Only runs of a higher id.</param>
    Task<IReadOnlyList<RunRecord>> ListDispensableAsync(DateTimeOffset startedBefore, long after, int limit, CancellationToken ct);
    /// <summary>True for the one who is to remove what is over; then false for everybody until so much time has gone by.</summary>
    Task<bool> TryBeginTidyingAsync(DateTimeOffset now, TimeSpan every, CancellationToken ct);
    /// <summary>Removes runs with their batches, in one step; of those that are not dispensable (any more) none. Returns the ids of those removed.</summary>
    Task<IReadOnlyList<long>> RemoveRunsAsync(IReadOnlyCollection<long> runIds, CancellationToken ct);
}

/// <summary>Which runs to list; null means any.</summary>
/// <param name="OpenOnly">Only those that are not at their end, and no plan.</param>
/// <param name="KeptSpoolOnly">Only those that are, and keep their contacts for a second try.</param>
/// <param name="WholeOnly">Only those that went to their end.</param>
/// <param name="Unnamed">Only those of no export, over this connection to this list.</param>
/// <param name="Plans">True: only plans that wait for their word to go (or are in the making); false: none that is or was only a plan.</param>
internal sealed record RunQuery(string? Export = null, RunStatus? Status = null, int Limit = int.MaxValue, bool OpenOnly = false, bool KeptSpoolOnly = false,
    bool WholeOnly = false, (Guid Connection, string ListId)? Unnamed = null, bool? Plans = null);

/// <summary>Where a run stands.</summary>
public enum RunStatus
{
    /// <summary>A plan: read and sealed, and not yet begun.</summary>
    Queued,
    /// <summary>At work.</summary>
    Running,
    /// <summary>Parked until the next 00:00 UTC: the day's calls are used up.</summary>
    WaitingForQuota,
    /// <summary>Reading the list back.</summary>
    Verifying,
    /// <summary>To its end; nothing refused, nothing unaccounted for.</summary>
    Completed,
    /// <summary>To its end; some contacts were refused or are unaccounted for.</summary>
    CompletedWithErrors,
    /// <summary>Could not go to its end.</summary>
    Failed,
    /// <summary>Stopped for good by a person.</summary>
    Canceled,
    /// <summary>Stopped half-way; can go on from the journal.</summary>
    Interrupted,
}

/// <summary>The balance as stored. Read = Invalid + Duplicate + Suppressed + Unchanged + Sent; Sent = Accepted + OptedOut + Refused + Unaccounted.</summary>
internal sealed record RunNumbers
{
    public long Read { get; init; }
    public long Invalid { get; init; }
    public long Duplicate { get; init; }
    public long Suppressed { get; init; }
    public long Unchanged { get; init; }
    public long Sent { get; init; }
    public long Accepted { get; init; }
    public long OptedOut { get; init; }
    public long Refused { get; init; }
    public long Unaccounted { get; init; }
    public long Removed { get; init; }
    /// <summary>Optional values that were cut to their limit or left out, and contacts with the address of a role; noted one by one among the rejections.</summary>
    public long Noted { get; init; }
    public int Batches { get; init; }
    public int Requests { get; init; }
    public long BytesSent { get; init; }
}

internal sealed record RunRecord
{
    public long Id { get; init; }
    /// <summary>Name of the export; null for a piped run without a name.</summary>
    public string? Export { get; init; }
    public required Guid ConnectionId { get; init; }
    public required string Connection { get; init; }
    public required string ListId { get; init; }
    public RunStatus Status { get; init; }
    public required string Trigger { get; init; }
    public required DateTimeOffset StartedAt { get; init; }
    public DateTimeOffset? AllSealedAt { get; init; }
    public DateTimeOffset? CompletedAt { get; init; }
    public RunNumbers Numbers { get; init; } = new();
    public string? Message { get; init; }
    /// <summary>The definition as it was at the start (JSON), so that a resume does not depend on later changes.</summary>
    public required string Definition { get; init; }
    /// <summary>The account it goes to, where that was known when it began: connections come and go.</summary>
    public string? AccountId { get; init; }
    /// <summary>The spool's key, wrapped by the ring; null once destroyed.</summary>
    public byte[]? SpoolKey { get; init; }
    /// <summary>It is a plan, made then, that has not got its word to go; null: a run.</summary>
    public DateTimeOffset? PlannedAt { get; init; }
    /// <summary>What was seen before anything was sent (JSON).</summary>
    public string? Plan { get; init; }
}

/// <summary>Where a batch stands.</summary>
internal enum BatchState
{
    Sealed,
    Sending,
    InDoubt,
    Sent,
    Finished,
}

internal sealed record BatchRecord
{
    public required int Number { get; init; }
    public required int Rows { get; init; }
    public required int Bytes { get; init; }
    public BatchState State { get; init; }
    /// <summary>When its (latest) request left, by the service's clock: ours may be another machine's by the time it is asked, or have been set.</summary>
    public DateTimeOffset? SendingAt { get; init; }
    /// <summary>When its answer came, or was given up; by the service's clock.</summary>
    public DateTimeOffset? SentAt { get; init; }
    public string? ActivityId { get; init; }
    /// <summary>How often it was sent.</summary>
    public int Attempts { get; init; }
    public BatchOutcome? Outcome { get; init; }
    /// <summary>Holds contacts of batches whose jobs failed: they go once more, and not a third time.</summary>
    public bool Again { get; init; }
}

/// <summary>How a batch ended: its rows, each with one fate.</summary>
/// <param name="Verdict">The activity's terminal state, or the reason id of a refusal.</param>
/// <param name="Moved">Rows that went in another batch, where they have their fate.</param>
/// <param name="HeldOut">Rows that were held out by rule after they had been sealed.</param>
internal sealed record BatchOutcome(string Verdict, int Accepted, int OptedOut, int Refused, int Unaccounted, string? Message, DateTimeOffset At, int Moved = 0, int HeldOut = 0);
