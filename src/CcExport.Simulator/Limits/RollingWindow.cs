namespace CcExport.Simulator.Limits;

/// <summary>Moments of the last second.</summary>
internal sealed class RollingWindow
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private readonly Queue<TimeSpan> _moments = new();

    /// <summary>How many lie less than a second before the given moment.</summary>
    public int Count(TimeSpan now)
    {
        while (_moments.TryPeek(out TimeSpan first) && now - first >= Second) _moments.Dequeue();
        return _moments.Count;
    }

    public void Add(TimeSpan now) => _moments.Enqueue(now);

    /// <summary>Whether one more fits under the limit; if so it is taken.</summary>
    public bool Take(TimeSpan now, int limit)
    {
        if (Count(now) >= limit) return false;
        Add(now);
        return true;
    }
}
