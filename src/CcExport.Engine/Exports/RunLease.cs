using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>
/// One runner per export: a lease that is renewed while the run goes on. Before each request the run asks whether it still has it,
/// by the time of the last renewal: a process that was stopped and wakes after its lease has lapsed does not send.
/// </summary>
internal sealed class RunLease : IAsyncDisposable
{
    private readonly ILeaseStore _leases;
    private readonly TimeProvider _time;
    private readonly LeaseTimes _times;
    private readonly string _name;
    private readonly LeaseOwner _owner;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _beating;
    private DateTimeOffset _expires;
    private volatile bool _lost;

    private RunLease(ILeaseStore leases, TimeProvider time, LeaseTimes times, string name, LeaseOwner owner, DateTimeOffset expires)
    {
        (_leases, _time, _times, _name, _owner, _expires) = (leases, time, times, name, owner, expires);
        _beating = Task.Run(BeatAsync);
    }

    /// <summary><c>RunInProgress</c> (Conflict) names who runs it.</summary>
    public static async Task<RunLease> TakeAsync(ILeaseStore leases, TimeProvider time, LeaseTimes times, string name, string what, CancellationToken ct)
    {
        LeaseOwner owner = LeaseOwner.ForThisProcess("run", Guid.NewGuid);
        DateTimeOffset now = time.GetUtcNow();
        LeaseAnswer answer = await leases.TryTakeAsync(name, owner, now, now + times.Life, ct).ConfigureAwait(false);
        if (answer.Taken) return new RunLease(leases, time, times, name, owner, now + times.Life);
        throw new CcException("RunInProgress", CcErrorKind.Conflict,
            $"{what} is being run already, by process {answer.Holder?.ProcessId} on {answer.Holder?.Machine}.",
            "Wait for that run to end (Get-CcRun shows it), or stop that process.")
        { Subject = what };
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
            try
            {
                await _leases.ReleaseAsync(_name, _owner, CancellationToken.None).ConfigureAwait(false);
            }
            catch (CcException)
            {
                // It lapses within a minute by itself.
            }
        }
        _stop.Dispose();
    }
}
