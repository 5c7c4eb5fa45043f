using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>Looks once a second whether somebody, from whatever process, asked this run to end for good (<c>Stop-CcRun</c>).</summary>
internal sealed class StopSignal : IAsyncDisposable
{
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _asked = new();
    private readonly CancellationTokenSource _over = new();
    private readonly Task _watching;
    private readonly Func<CancellationToken, Task<bool>> _look;

    public StopSignal(IRunJournal journal, long runId, TimeProvider time)
    {
        _look = ct => journal.IsStopRequestedAsync(runId, ct);
        _watching = Task.Run(() => WatchAsync(time));
    }

    /// <summary>Cancelled once it was asked.</summary>
    public CancellationToken Token => _asked.Token;

    public bool IsRequested => _asked.IsCancellationRequested;

    /// <summary>Throws <c>RunStopped</c> once it was asked; looks in the store first, so that what was asked before this call is never missed.</summary>
    public async Task ThrowIfRequestedAsync(CancellationToken ct)
    {
        try
        {
            if (!IsRequested && await _look(ct).ConfigureAwait(false)) await _asked.CancelAsync().ConfigureAwait(false);
        }
        catch (CcException)
        {
            // A store that is locked for a while: the lease, which is asked for next, decides whether to go on.
        }
        if (IsRequested) throw new CcException("RunStopped", CcErrorKind.Conflict, "The run was stopped for good by Stop-CcRun.");
    }

    private async Task WatchAsync(TimeProvider time)
    {
        try
        {
            while (true)
            {
                try
                {
                    if (await _look(_over.Token).ConfigureAwait(false))
                    {
                        await _asked.CancelAsync().ConfigureAwait(false);
                        return;
                    }
                }
                catch (CcException)
                {
                    // A store that is locked for a while is asked again.
                }
                await Task.Delay(Between, time, _over.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync().ConfigureAwait(false);
        await _watching.ConfigureAwait(false);
        _asked.Dispose();
        _over.Dispose();
    }
}
