using CcExport.Engine.Store;

namespace CcExport.Benchmarks;

/// <summary>A store whose journal of runs is in memory; all else (connections, the call ledger, leases) is the real one's.</summary>
internal sealed class MemoryStore(IStore real) : IStore
{
    public StoreAccess Access => real.Access;
    public IConnectionStore Connections => real.Connections;
    public IExportUserStore ExportUsers => real.ExportUsers;
    public ISourceStore Sources => real.Sources;
    public IExportStore Exports => real.Exports;
    public IScheduleStore Schedules => real.Schedules;
    public IRunJournal Runs { get; } = new MemoryJournal();
    public ICallLedger Calls => real.Calls;
    public ILeaseStore Leases => real.Leases;
    public IFingerprintStore Fingerprints => real.Fingerprints;
    public ISuppressionStore Suppressions => real.Suppressions;
    public IAnnouncementStore Announcements => real.Announcements;
    public IPreImageStore PreImages => real.PreImages;
    public IKeyRingStore Keys => real.Keys;

    public ValueTask DisposeAsync() => real.DisposeAsync();
}

/// <summary>The journal as plain dictionaries, without its checks.</summary>
internal sealed class MemoryJournal : IRunJournal
{
    private readonly Dictionary<long, RunRecord> _runs = [];
    private readonly Dictionary<long, SortedDictionary<int, BatchRecord>> _batches = [];

    public Task<long> OpenAsync(RunRecord run, CancellationToken ct)
    {
        lock (_runs)
        {
            long id = _runs.Count + 1;
            _runs[id] = run with { Id = id };
            _batches[id] = [];
            return Task.FromResult(id);
        }
    }

    public Task SealedAsync(long runId, BatchRecord batch, CancellationToken ct)
    {
        lock (_runs) _batches[runId].Add(batch.Number, batch);
        return Task.CompletedTask;
    }

    public Task AllSealedAsync(long runId, RunNumbers numbers, DateTimeOffset at, CancellationToken ct, string? sight = null)
        => SetAsync(runId, r => r with { Numbers = numbers, AllSealedAt = at });

    public Task GoAsync(long runId, string definition, string sight, DateTimeOffset at, CancellationToken ct) => throw new NotSupportedException();

    public Task SendingAsync(long runId, int batch, DateTimeOffset at, CancellationToken ct)
        => SetAsync(runId, batch, b => b with { State = BatchState.Sending, SendingAt = at, SentAt = null, Attempts = b.Attempts + 1 });

    public Task SentAsync(long runId, int batch, string activityId, DateTimeOffset at, CancellationToken ct)
        => SetAsync(runId, batch, b => b with { State = BatchState.Sent, SentAt = at, ActivityId = activityId });

    public Task InDoubtAsync(long runId, int batch, DateTimeOffset at, CancellationToken ct)
        => SetAsync(runId, batch, b => b with { State = BatchState.InDoubt, SentAt = at });

    public Task NotSentAsync(long runId, int batch, CancellationToken ct) => SetAsync(runId, batch, b => b with { State = BatchState.Sealed });

    public Task FinishedAsync(long runId, int batch, BatchOutcome outcome, CancellationToken ct)
        => SetAsync(runId, batch, b => b with { State = BatchState.Finished, Outcome = outcome });

    public Task SetStatusAsync(long runId, RunStatus status, string? message, CancellationToken ct, int? requests = null)
        => SetAsync(runId, r => r with { Status = status, Message = message });

    public Task CloseAsync(long runId, RunStatus status, RunNumbers numbers, string? message, DateTimeOffset at, CancellationToken ct, bool keepSpool = false)
        => SetAsync(runId, r => r with { Status = status, Numbers = numbers, Message = message, CompletedAt = at, SpoolKey = keepSpool ? r.SpoolKey : null });

    // A clean run on a simulator that does what it should never comes here.
    public Task SettledAsync(long runId, IReadOnlyList<(int Batch, BatchOutcome Outcome)> settled, IReadOnlyList<BatchRecord> fresh, CancellationToken ct) => throw new NotSupportedException();

    public Task RevisedAsync(long runId, IReadOnlyList<(int Batch, BatchOutcome Outcome)> revised, CancellationToken ct) => throw new NotSupportedException();

    public Task ReopenAsync(long runId, IReadOnlyCollection<int> sealedAgain, string definition, CancellationToken ct) => throw new NotSupportedException();

    public Task DefineAsync(long runId, string definition, CancellationToken ct) => SetAsync(runId, r => r with { Definition = definition });

    public Task<IReadOnlyList<long>> ForgetSpoolsAsync(IReadOnlyCollection<long> runIds, CancellationToken ct) => Task.FromResult<IReadOnlyList<long>>([]);

    public Task<bool> RequestStopAsync(long runId, DateTimeOffset at, CancellationToken ct) => throw new NotSupportedException();

    public Task<bool> IsStopRequestedAsync(long runId, CancellationToken ct) => Task.FromResult(false);

    public Task<IReadOnlyList<BatchRecord>> GetOthersOnTheirWayAsync(long runId, CancellationToken ct) => Task.FromResult<IReadOnlyList<BatchRecord>>([]);

    public Task<RunRecord?> FindAsync(long runId, CancellationToken ct)
    {
        lock (_runs) return Task.FromResult(_runs.GetValueOrDefault(runId));
    }

    public Task<IReadOnlyList<RunRecord>> ListAsync(RunQuery query, CancellationToken ct)
    {
        // No plan is ever made here.
        lock (_runs) return Task.FromResult<IReadOnlyList<RunRecord>>(query.Plans == true ? [] : [.. _runs.Values.OrderByDescending(r => r.Id).Take(query.Limit)]);
    }

    public Task<IReadOnlyList<RunRecord>> ListNewestAsync(CancellationToken ct)
    {
        lock (_runs)
        {
            return Task.FromResult<IReadOnlyList<RunRecord>>(
                [.. _runs.Values.Where(r => r.Export is not null).GroupBy(r => NameKey.Of(r.Export!), StringComparer.Ordinal).Select(g => g.MaxBy(r => r.Id)!)]);
        }
    }

    public Task<IReadOnlyList<BatchRecord>> GetBatchesAsync(long runId, CancellationToken ct)
    {
        lock (_runs) return Task.FromResult<IReadOnlyList<BatchRecord>>([.. _batches[runId].Values]);
    }

    public Task ClaimAsync(long runId, string activityId, CancellationToken ct) => Task.CompletedTask;

    public Task<IReadOnlySet<string>> GetClaimedAsync(IReadOnlyCollection<string> activityIds, CancellationToken ct)
    {
        lock (_runs)
        {
            var claimed = _batches.Values.SelectMany(b => b.Values).Select(b => b.ActivityId).OfType<string>().ToHashSet(StringComparer.Ordinal);
            return Task.FromResult<IReadOnlySet<string>>(activityIds.Where(claimed.Contains).ToHashSet(StringComparer.Ordinal));
        }
    }

    public Task<bool> HasAcceptedBeforeAsync(string export, CancellationToken ct) => Task.FromResult(false);

    public Task<IReadOnlyList<RunRecord>> ListDispensableAsync(DateTimeOffset startedBefore, long after, int limit, CancellationToken ct)
        => Task.FromResult<IReadOnlyList<RunRecord>>([]);

    public Task<bool> TryBeginTidyingAsync(DateTimeOffset now, TimeSpan every, CancellationToken ct) => Task.FromResult(true);
    public Task<IReadOnlyList<long>> RemoveRunsAsync(IReadOnlyCollection<long> runIds, CancellationToken ct) => Task.FromResult<IReadOnlyList<long>>([]);

    private Task SetAsync(long runId, Func<RunRecord, RunRecord> change)
    {
        lock (_runs) _runs[runId] = change(_runs[runId]);
        return Task.CompletedTask;
    }

    private Task SetAsync(long runId, int batch, Func<BatchRecord, BatchRecord> change)
    {
        lock (_runs) _batches[runId][batch] = change(_batches[runId][batch]);
        return Task.CompletedTask;
    }
}
