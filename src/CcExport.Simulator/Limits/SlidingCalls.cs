namespace CcExport.Simulator.Limits;

/// <summary>Calls of the last span of time, safe from any thread.</summary>
internal sealed class SlidingCalls(TimeSpan span)
{
    private readonly Queue<TimeSpan> _moments = new();

    /// <summary>Null when one more fits under the limit, and is taken; else how long until the oldest one is out.</summary>
    public TimeSpan? Take(TimeSpan now, int limit)
    {
        lock (_moments)
        {
            while (_moments.TryPeek(out TimeSpan first) && now - first >= span) _moments.Dequeue();
            if (_moments.Count >= limit) return _moments.TryPeek(out TimeSpan oldest) ? span - (now - oldest) : span;
            _moments.Enqueue(now);
            return null;
        }
    }
}
