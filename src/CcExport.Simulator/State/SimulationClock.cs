namespace CcExport.Simulator.State;

/// <summary>The given clock plus what was added by hand; both of its faces (wall time and timestamps) move together.</summary>
internal sealed class SimulationClock(TimeProvider source)
{
    // Small differences only: the way over a double would lose the last digits of a large timestamp.
    private readonly long _start = source.GetTimestamp();
    private long _added;

    public TimeProvider Source => source;

    public DateTimeOffset Now => source.GetUtcNow().AddTicks(Interlocked.Read(ref _added));

    /// <summary>Never goes back, whatever happens to the machine's wall clock: rate limits are measured on it.</summary>
    public TimeSpan Elapsed =>
        source.GetElapsedTime(_start) + TimeSpan.FromTicks(Interlocked.Read(ref _added));

    public void Add(TimeSpan span) => Interlocked.Add(ref _added, span.Ticks);
}
