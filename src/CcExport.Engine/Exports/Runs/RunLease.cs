using System.Collections.Concurrent;
using CcExport.Engine.Store;
using CcExport.Engine.Telemetry;

namespace CcExport.Engine.Exports;

/// <summary>
/// One runner per export: a lease that is renewed while the run goes on. Before each request the run asks whether it still has it,
/// by the time of the last renewal: a process that was stopped and wakes after its lease has lapsed does not send.
/// </summary>
internal sealed class RunLease : IAsyncDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    // Giving back is a courtesy: a person who pressed Ctrl+C does not wait for a locked store.
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(400);

    // Leases of this process that are over, but could not be given back: a locked store, a full disk. They stand in nobody's way here.
    private static readonly ConcurrentDictionary<Guid, bool> Unreleased = new();

    private readonly ILeaseStore _leases;
    private readonly TimeProvider _time;
    private readonly LeaseTimes _times;
    private readonly string _name;
    private readonly LeaseOwner _owner;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _beating;
    private DateTimeOffset _expires;
    private volatile bool _lost;

    /// <summary>
    /// It was taken from a runner that lost it without being known to be dead: on another machine, or stopped. A request of its may still be on
    /// its way.
    /// </summary>
    public bool HeldByLivingBefore { get; private init; }

    /// <summary>The lease of an export, or of a list when the run has no name.</summary>
    public static string NameOf(string? export, Guid connectionId, string listId)
        => export is null ? $"list/{connectionId:N}/{listId}" : $"export/{export.ToUpperInvariant()}";

    public static string NameOf(RunRecord run) => NameOf(run.Export, run.ConnectionId, run.ListId);

    private RunLease(ILeaseStore leases, TimeProvider time, LeaseTimes times, string name, LeaseOwner owner, DateTimeOffset expires)
    {
        (_leases, _time, _times, _name, _owner, _expires) = (leases, time, times, name, owner, expires);
        _beating = Task.Run(BeatAsync);
    }

    /// <summary><c>RunInProgress</c> (Conflict) names who runs it.</summary>
    /// <param name="waiting">Told once a second who has it, while waiting for it; null: it is not waited for.</param>
    public static async Task<RunLease> TakeAsync(
        ILeaseStore leases, TimeProvider time, LeaseTimes times, string name, string what, Action<LeaseOwner>? waiting, CancellationToken ct)
    {
        while (true)
        {
            (RunLease? lease, LeaseOwner? holder) = await TryTakeAsync(leases, time, times, name, ct).ConfigureAwait(false);
            if (lease is not null) return lease;
            if (waiting is null)
            {
                throw new CcException("RunInProgress", CcErrorKind.Conflict,
                    $"{what} is being run already, by process {holder?.ProcessId} on {holder?.Machine}.",
                    "Wait for it with -WaitForRunner or Wait-CcRun (Get-CcRun shows it), or end it for good with Stop-CcRun.")
                { Subject = what };
            }
            if (holder is not null) waiting(holder);
            await Task.Delay(Look, time, ct).ConfigureAwait(false);
        }
    }

    /// <summary>The lease, or who has it.</summary>
    public static async Task<(RunLease? Lease, LeaseOwner? Holder)> TryTakeAsync(ILeaseStore leases, TimeProvider time, LeaseTimes times, string name, CancellationToken ct)
    {
        LeaseOwner owner = LeaseOwner.ForThisProcess("run", Guid.NewGuid);
        DateTimeOffset now = time.GetUtcNow();
        LeaseAnswer answer = await leases.TryTakeAsync(name, owner, now, now + times.Life, ct).ConfigureAwait(false);
        if (!answer.Taken && answer.Holder is { } ours && Unreleased.ContainsKey(ours.Id))
        {
            await leases.ReleaseAsync(name, ours, ct).ConfigureAwait(false);
            Unreleased.TryRemove(ours.Id, out _);
            answer = await leases.TryTakeAsync(name, owner, now, now + times.Life, ct).ConfigureAwait(false);
        }
        if (answer is { Taken: true, TookOver: true })
            RunScope.Current?.Tell(new RunEvent(RunEvents.LeaseTakenOver, RunEventLevel.Warning) { Fields = [RunEvents.With("lease", name.Split('/')[0]), RunEvents.With("holderIsDead", answer.FromTheDead)] });
        return answer.Taken
            ? (new RunLease(leases, time, times, name, owner, now + times.Life) { HeldByLivingBefore = answer is { TookOver: true, FromTheDead: false } }, null)
            : (null, answer.Holder);
    }

    /// <summary>The schedule's lease of the first of these exports that nobody is at and nobody has dealt with; null: there is none.</summary>
    public static async Task<(string Export, RunLease Lease)?> ClaimAsync(IStore store, TimeProvider time, LeaseTimes times, IReadOnlyList<DueExport> exports, CancellationToken ct)
    {
        LeaseOwner owner = LeaseOwner.ForThisProcess("schedule", Guid.NewGuid);
        DateTimeOffset now = time.GetUtcNow();
        return await store.Schedules.ClaimAsync(exports, owner, now, now + times.Life, ct).ConfigureAwait(false) is { } claim
            ? (claim.Export, new RunLease(store.Leases, time, times, IScheduleStore.LeaseOf(claim.Export), owner, now + times.Life)) : null;
    }

    /// <summary>Throws <c>LeaseLost</c> when this process may not send any more.</summary>
    public async Task AssureAsync(CancellationToken ct)
    {
        DateTimeOffset now = _time.GetUtcNow();
        if (!_lost && now < _expires) return;
        if (!_lost && await _leases.RenewAsync(_name, _owner, now + _times.Life, ct).ConfigureAwait(false))
        {
            _expires = now + _times.Life;
            return;
        }
        _lost = true;
        throw new CcException("LeaseLost", CcErrorKind.Conflict, "This run was taken over by another process, because this one did not answer for a minute.",
            "Nothing is lost: the other process goes on with it. Get-CcRun shows it.");
    }

    private async Task BeatAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(_times.Beat, _time, _stop.Token).ConfigureAwait(false);
                try
                {
                    DateTimeOffset now = _time.GetUtcNow();
                    if (await _leases.RenewAsync(_name, _owner, now + _times.Life, _stop.Token).ConfigureAwait(false)) _expires = now + _times.Life;
                    else _lost = true;
                }
                catch (CcException)
                {
                    // A store that is locked for a while: the next beat tries again, and until then the lease runs on, or out.
                }
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _beating.ConfigureAwait(false);
        if (!_lost)
        {
            using var brief = new CancellationTokenSource(Patience, _time);
            try
            {
                await _leases.ReleaseAsync(_name, _owner, brief.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is CcException or OperationCanceledException)
            {
                // It lapses within a minute by itself.
                Unreleased[_owner.Id] = true;
            }
        }
        _stop.Dispose();
    }
}
