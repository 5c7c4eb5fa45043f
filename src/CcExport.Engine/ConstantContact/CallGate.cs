using CcExport.Engine.Store;
using CcExport.Engine.Telemetry;

namespace CcExport.Engine.ConstantContact;

/// <summary>
/// Lets a call leave only when the key's budget has a place for it. The ledger decides for all processes; in this one,
/// callers queue before it, so that it is asked by no more of them than there are places.
/// </summary>
internal sealed class CallGate(ICallLedger ledger, string apiKey, TimeProvider time, WireOptions options, string spender = "")
{
    private readonly SemaphoreSlim _turns = new(Limits.CallsPerSecond, Limits.CallsPerSecond);

    public async Task<T> RunAsync<T>(TimeSpan timeout, Func<CancellationToken, Task<T>> call, CancellationToken ct)
    {
        long began = time.GetTimestamp();
        await _turns.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            CallPlace place = await TakeAsync(timeout, ct).ConfigureAwait(false);
            if (Signals.BudgetWait.Enabled) Signals.BudgetWait.Record(time.GetElapsedTime(began).TotalSeconds);
            try
            {
                return await call(ct).ConfigureAwait(false);
            }
            finally
            {
                await GiveBackAsync(place).ConfigureAwait(false);
            }
        }
        finally
        {
            _turns.Release();
        }
    }

    /// <summary>The service says that the day is used up, by its clock.</summary>
    public Task MarkDayEndedAsync(DateTimeOffset serverNow, CancellationToken ct) => ledger.MarkDayEndedAsync(apiKey, serverNow, ct);

    private async Task<CallPlace> TakeAsync(TimeSpan timeout, CancellationToken ct)
    {
        while (true)
        {
            ct.ThrowIfCancellationRequested();
            DateTimeOffset now = time.GetUtcNow();
            CallPlace place = await ledger.TryTakeAsync(apiKey, now, now + timeout + options.HeldMargin, options.CallsPerDay, ct, spender).ConfigureAwait(false);
            if (place.DayEnded) throw Failures.QuotaExceeded(now, byService: false);
            if (place.Slot >= 0) return place;
            TimeSpan wait = place.Wait < options.MaxPlaceWait ? place.Wait : options.MaxPlaceWait;
            await Task.Delay(wait + TimeSpan.FromMilliseconds(1), time, ct).ConfigureAwait(false);
        }
    }

    private async Task GiveBackAsync(CallPlace place)
    {
        try
        {
            // Not the caller's token: a stopped call has used its place all the same.
            await ledger.ReleaseAsync(apiKey, place, time.GetUtcNow() + options.Window + options.WindowMargin, CancellationToken.None)
                .ConfigureAwait(false);
        }
        catch (CcException)
        {
            // The call is over and its answer, perhaps the id of an import, must not be lost for this: the place comes free
            // by itself at the time it was held until.
        }
    }
}
