using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>Looks once a second whether somebody, from whatever process, asked this run to end for good (<c>Stop-CcRun</c>).</summary>
internal sealed class StopSignal : IAsyncDisposable
{
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _asked = new();
    private readonly CancellationTokenSource _over = new();
    private readonly Task _watching;

    public StopSignal(IRunJournal journal, long runId, TimeProvider time) => _watching = Task.Run(() => WatchAsync(journal, runId, time));

    /// <summary>Cancelled once it was asked.</summary>
    public CancellationToken Token => _asked.Token;

    public bool IsRequested => _asked.IsCancellationRequested;

    /// <summary>Throws <c>RunStopped</c> once it was asked.</summary>
    public void ThrowIfRequested()
    {
        if (IsRequested) throw new CcException("RunStopped", CcErrorKind.Conflict, "The run was stopped for good by Stop-CcRun.");
    }

    private async Task WatchAsync(IRunJournal journal, long runId, TimeProvider time)
    {
        try
        {
            while (true)
            {
                try
                {
                    if (await journal.IsStopRequestedAsync(runId, _over.Token).ConfigureAwait(false))
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
