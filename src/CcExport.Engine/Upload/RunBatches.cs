using CcExport.Engine.Store;

namespace CcExport.Engine.Upload;

/// <summary>The batches of a run, in the journal and in memory. The journal is written first: memory never knows more than the disk.</summary>
internal sealed class RunBatches(IRunJournal journal, long runId, IEnumerable<BatchRecord> batches)
{
    private readonly SortedDictionary<int, BatchRecord> _batches = new(batches.ToDictionary(b => b.Number));
    private readonly object _lock = new();

    public IReadOnlyList<BatchRecord> All
    {
        get { lock (_lock) return [.. _batches.Values]; }
    }

    public IReadOnlyList<BatchRecord> In(params BatchState[] states) => [.. All.Where(b => states.Contains(b.State))];

    /// <summary>Numbers of the batches whose contacts have their fate.</summary>
    public HashSet<int> Finished => [.. In(BatchState.Finished).Select(b => b.Number)];

    public BatchRecord this[int number]
    {
        get { lock (_lock) return _batches[number]; }
    }

    public async Task SendingAsync(int number, DateTimeOffset at, CancellationToken ct)
    {
        await journal.SendingAsync(runId, number, at, ct).ConfigureAwait(false);
        Set(number, b => b with { State = BatchState.Sending, SendingAt = at, SentAt = null, Attempts = b.Attempts + 1 });
    }

    public async Task SentAsync(int number, string activityId, DateTimeOffset at, CancellationToken ct)
    {
        await journal.SentAsync(runId, number, activityId, at, ct).ConfigureAwait(false);
        Set(number, b => b with { State = BatchState.Sent, SentAt = at, ActivityId = activityId });
    }

    public async Task InDoubtAsync(int number, DateTimeOffset at, CancellationToken ct)
    {
        await journal.InDoubtAsync(runId, number, at, ct).ConfigureAwait(false);
        Set(number, b => b with { State = BatchState.InDoubt, SentAt = at });
    }

    public async Task NotSentAsync(int number, CancellationToken ct)
    {
        await journal.NotSentAsync(runId, number, ct).ConfigureAwait(false);
        Set(number, b => b with { State = BatchState.Sealed });
    }

    public async Task FinishedAsync(int number, BatchOutcome outcome, CancellationToken ct)
    {
        await journal.FinishedAsync(runId, number, outcome, ct).ConfigureAwait(false);
        Set(number, b => b with { State = BatchState.Finished, Outcome = outcome });
    }

    /// <summary>Jobs that failed, settled by what the list holds; what it lacks goes once more in <paramref name="fresh"/> batches.</summary>
    /// <param name="again">They were sent before, and are not sent a third time.</param>
    public async Task SettledAsync(IReadOnlyList<(int Batch, BatchOutcome Outcome)> settled, IReadOnlyList<BatchRecord> fresh, bool again, CancellationToken ct)
    {
        fresh = [.. fresh.Select(b => b with { State = BatchState.Sealed, Again = again })];
        await journal.SettledAsync(runId, settled, fresh, ct).ConfigureAwait(false);
        foreach ((int batch, BatchOutcome outcome) in settled) Set(batch, b => b with { State = BatchState.Finished, Outcome = outcome });
        lock (_lock)
        {
            foreach (BatchRecord batch in fresh) _batches.Add(batch.Number, batch);
        }
    }

    public async Task RevisedAsync(IReadOnlyList<(int Batch, BatchOutcome Outcome)> revised, CancellationToken ct)
    {
        await journal.RevisedAsync(runId, revised, ct).ConfigureAwait(false);
        foreach ((int batch, BatchOutcome outcome) in revised) Set(batch, b => b with { Outcome = outcome });
    }

    /// <inheritdoc cref="IRunJournal.GetOthersOnTheirWayAsync"/>
    public Task<IReadOnlyList<BatchRecord>> GetOthersOnTheirWayAsync(CancellationToken ct) => journal.GetOthersOnTheirWayAsync(runId, ct);

    public Task<IReadOnlySet<string>> GetClaimedAsync(IReadOnlyCollection<string> activityIds, CancellationToken ct) => journal.GetClaimedAsync(activityIds, ct);

    private void Set(int number, Func<BatchRecord, BatchRecord> change)
    {
        lock (_lock) _batches[number] = change(_batches[number]);
    }
}
