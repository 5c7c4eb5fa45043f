using System.Collections.Concurrent;

namespace CcExport.Pipeline;

/// <summary>
/// What the engine's threads want written. PowerShell's streams may be used on the pipeline thread only, so it is kept here
/// until that thread waits for the engine or passes by.
/// </summary>
internal sealed class WriteQueue : IDisposable
{
    private readonly ConcurrentQueue<Action> _writes = new();
    private readonly ManualResetEventSlim _signal = new();

    /// <summary>From any thread. Never waits: a slow pipeline must not slow a run that is sending.</summary>
    public void Post(Action write)
    {
        _writes.Enqueue(write);
        _signal.Set();
    }

    /// <summary>Writes what waits. Pipeline thread only.</summary>
    public void Drain()
    {
        while (_writes.TryDequeue(out Action? write)) write();
    }

    /// <summary>Writes what comes until the work has ended. Pipeline thread only.</summary>
    public void DrainUntil(Task work)
    {
        if (!work.IsCompleted)
        {
            work.ContinueWith(static (_, signal) => ((ManualResetEventSlim)signal!).Set(), _signal,
                CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            while (true)
            {
                _signal.Reset();   // before looking: what is posted after the look sets it again
                Drain();
                if (work.IsCompleted) break;
                _signal.Wait();
            }
        }
        Drain();
    }

    public void Dispose() => _signal.Dispose();
}
