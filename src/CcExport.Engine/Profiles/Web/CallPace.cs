namespace CcExport.Engine.Profiles.Web;

/// <summary>
/// Keeps to so many calls in any span of time by waiting. A call's place is free again that span after the call ended: the service saw it before, so
/// whatever the way takes, there is never one too many.
/// </summary>
/// <param name="calls">Calls in any such span.</param>
internal sealed class CallPace(int calls, TimeSpan span, TimeProvider time, Action<TimeSpan> waits) : IDisposable
{
    private readonly SemaphoreSlim _one = new(1);
    private readonly Queue<long> _ends = new();

    /// <summary>Runs one call when there is a place for it.</summary>
    public async Task<T> RunAsync<T>(Func<Task<T>> call, CancellationToken ct)
    {
        await _one.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            while (_ends.Count >= calls)
            {
                TimeSpan left = span - time.GetElapsedTime(_ends.Peek());
                if (left > TimeSpan.Zero)
                {
                    waits(left);
                    await Task.Delay(left, time, ct).ConfigureAwait(false);
                    continue;
                }
                _ends.Dequeue();
            }
            try
            {
                return await call().ConfigureAwait(false);
            }
            finally
            {
                _ends.Enqueue(time.GetTimestamp());
            }
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();
}
