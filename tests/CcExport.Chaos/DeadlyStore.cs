using CcExport.Engine.Store;

namespace CcExport.Chaos;

/// <summary>Ends its own process, without any chance to tidy up, when a step of the plan is reached.</summary>
internal sealed class Reaper(KillPlan plan)
{
    /// <summary>What a host says before it ends itself, so that this death is told from any other.</summary>
    public const string LastWords = "dying at ";

    private int _seen;

    public async Task<T> AtAsync<T>(string step, Func<Task<T>> act)
    {
        bool now = plan.Step == step && Interlocked.Increment(ref _seen) == plan.Occurrence;
        if (now && plan.Before) Die();
        T result = await act();
        if (now) Die();
        return result;
    }

    public Task AtAsync(string step, Func<Task> act) => AtAsync(step, async () =>
    {
        await act();
        return true;
    });

    private void Die()
    {
        Console.Out.WriteLine(LastWords + plan);
        Console.Out.Flush();
        Signals.Kill(Environment.ProcessId);
    }
}

/// <summary>The real store, in which one step is deadly.</summary>
internal sealed class DeadlyStore(IStore store, Reaper reaper) : IStore
{
    public StoreAccess Access => store.Access;
    public IConnectionStore Connections { get; } = new DeadlyConnections(store.Connections, reaper);
    public IExportUserStore ExportUsers => store.ExportUsers;
    public ISourceStore Sources => store.Sources;
    public IExportStore Exports => store.Exports;
    public IScheduleStore Schedules => store.Schedules;
    public IRunJournal Runs { get; } = new DeadlyJournal(store.Runs, reaper);
    public ICallLedger Calls => store.Calls;
    public ILeaseStore Leases => store.Leases;
    public IFingerprintStore Fingerprints => store.Fingerprints;
    public ISuppressionStore Suppressions => store.Suppressions;
    public IAnnouncementStore Announcements => store.Announcements;
    public IPreImageStore PreImages => store.PreImages;
    public IKeyRingStore Keys => store.Keys;

    public ValueTask DisposeAsync() => store.DisposeAsync();
}

internal sealed class DeadlyConnections(IConnectionStore inner, Reaper reaper) : IConnectionStore
{
    public Task<IReadOnlyList<ConnectionRecord>> ListAsync(CancellationToken ct) => inner.ListAsync(ct);
    public Task<ConnectionRecord?> FindAsync(string name, CancellationToken ct) => inner.FindAsync(name, ct);
    public Task<ConnectionRecord?> FindAsync(Guid id, CancellationToken ct) => inner.FindAsync(id, ct);
    public Task AddAsync(ConnectionRecord record, CancellationToken ct) => inner.AddAsync(record, ct);
    public Task UpdateAsync(ConnectionRecord record, CancellationToken ct) => inner.UpdateAsync(record, ct);
    public Task RemoveAsync(Guid id, CancellationToken ct) => inner.RemoveAsync(id, ct);

    public Task<bool> SaveSecretsAsync(Guid id, long expectedVersion, byte[] secrets, DateTimeOffset refreshTokenIssuedAt, CancellationToken ct)
        => reaper.AtAsync("SaveSecrets", () => inner.SaveSecretsAsync(id, expectedVersion, secrets, refreshTokenIssuedAt, ct));
}

internal sealed class DeadlyJournal(IRunJournal inner, Reaper reaper) : IRunJournal
{
    public Task<long> OpenAsync(RunRecord run, CancellationToken ct) => reaper.AtAsync("Open", () => inner.OpenAsync(run, ct));

    public Task SealedAsync(long runId, BatchRecord batch, CancellationToken ct)
        => reaper.AtAsync("Sealed", () => inner.SealedAsync(runId, batch, ct));

    public Task AllSealedAsync(long runId, RunNumbers numbers, DateTimeOffset at, CancellationToken ct, string? sight = null)
        => reaper.AtAsync("AllSealed", () => inner.AllSealedAsync(runId, numbers, at, ct, sight));

    public Task GoAsync(long runId, string definition, string sight, DateTimeOffset at, CancellationToken ct)
        => reaper.AtAsync("Go", () => inner.GoAsync(runId, definition, sight, at, ct));

    public Task SendingAsync(long runId, int batch, DateTimeOffset at, CancellationToken ct)
        => reaper.AtAsync("Sending", () => inner.SendingAsync(runId, batch, at, ct));

    public Task SentAsync(long runId, int batch, string activityId, DateTimeOffset at, CancellationToken ct)
        => reaper.AtAsync("Sent", () => inner.SentAsync(runId, batch, activityId, at, ct));

    public Task InDoubtAsync(long runId, int batch, DateTimeOffset at, CancellationToken ct)
        => reaper.AtAsync("InDoubt", () => inner.InDoubtAsync(runId, batch, at, ct));

    public Task NotSentAsync(long runId, int batch, CancellationToken ct) => reaper.AtAsync("NotSent", () => inner.NotSentAsync(runId, batch, ct));

    public Task FinishedAsync(long runId, int batch, BatchOutcome outcome, CancellationToken ct)
        => reaper.AtAsync("Finished", () => inner.FinishedAsync(runId, batch, outcome, ct));

    public Task SetStatusAsync(long runId, RunStatus status, string? message, CancellationToken ct, int? requests = null)
        => reaper.AtAsync("SetStatus", () => inner.SetStatusAsync(runId, status, message, ct, requests));

    public Task SettledAsync(long runId, IReadOnlyList<(int Batch, BatchOutcome Outcome)> settled, IReadOnlyList<BatchRecord> fresh, CancellationToken ct)
        => reaper.AtAsync("Settled", () => inner.SettledAsync(runId, settled, fresh, ct));

    public Task RevisedAsync(long runId, IReadOnlyList<(int Batch, BatchOutcome Outcome)> revised, CancellationToken ct)
        => reaper.AtAsync("Revised", () => inner.RevisedAsync(runId, revised, ct));

    public Task CloseAsync(long runId, RunStatus status, RunNumbers numbers, string? message, DateTimeOffset at, CancellationToken ct, bool keepSpool = false)
        => reaper.AtAsync("Close", () => inner.CloseAsync(runId, status, numbers, message, at, ct, keepSpool));

    public Task ReopenAsync(long runId, IReadOnlyCollection<int> sealedAgain, string definition, CancellationToken ct)
        => reaper.AtAsync("Reopen", () => inner.ReopenAsync(runId, sealedAgain, definition, ct));

    public Task ClaimAsync(long runId, string activityId, CancellationToken ct) => reaper.AtAsync("Claim", () => inner.ClaimAsync(runId, activityId, ct));

    public Task DefineAsync(long runId, string definition, CancellationToken ct) => reaper.AtAsync("Define", () => inner.DefineAsync(runId, definition, ct));

    public Task<IReadOnlyList<long>> ForgetSpoolsAsync(IReadOnlyCollection<long> runIds, CancellationToken ct) => inner.ForgetSpoolsAsync(runIds, ct);
    public Task<bool> RequestStopAsync(long runId, DateTimeOffset at, CancellationToken ct) => inner.RequestStopAsync(runId, at, ct);
    public Task<bool> IsStopRequestedAsync(long runId, CancellationToken ct) => inner.IsStopRequestedAsync(runId, ct);
    public Task<IReadOnlyList<BatchRecord>> GetOthersOnTheirWayAsync(long runId, CancellationToken ct) => inner.GetOthersOnTheirWayAsync(runId, ct);
    public Task<IReadOnlyList<RunRecord>> ListDispensableAsync(DateTimeOffset startedBefore, long after, int limit, CancellationToken ct)
        => inner.ListDispensableAsync(startedBefore, after, limit, ct);
    public Task<bool> TryBeginTidyingAsync(DateTimeOffset now, TimeSpan every, CancellationToken ct) => inner.TryBeginTidyingAsync(now, every, ct);
    public Task<IReadOnlyList<long>> RemoveRunsAsync(IReadOnlyCollection<long> runIds, CancellationToken ct) => inner.RemoveRunsAsync(runIds, ct);
    public Task<RunRecord?> FindAsync(long runId, CancellationToken ct) => inner.FindAsync(runId, ct);
    public Task<IReadOnlyList<RunRecord>> ListAsync(RunQuery query, CancellationToken ct) => inner.ListAsync(query, ct);
    public Task<IReadOnlyList<RunRecord>> ListNewestAsync(CancellationToken ct) => inner.ListNewestAsync(ct);
    public Task<IReadOnlyList<BatchRecord>> GetBatchesAsync(long runId, CancellationToken ct) => inner.GetBatchesAsync(runId, ct);
    public Task<IReadOnlySet<string>> GetClaimedAsync(IReadOnlyCollection<string> activityIds, CancellationToken ct) => inner.GetClaimedAsync(activityIds, ct);
    public Task<bool> HasAcceptedBeforeAsync(string export, CancellationToken ct) => inner.HasAcceptedBeforeAsync(export, ct);
}
