namespace CcExport.Simulator;

/// <summary>Wakes the job queue when its next job is due, so that jobs run while nobody looks.</summary>
internal sealed class JobTimer : IDisposable
{
    private readonly Simulation _simulation;
    private readonly ITimer _timer;

    public JobTimer(Simulation simulation)
    {
        _simulation = simulation;
        _timer = simulation.Clock.Source.CreateTimer(_ => Tick(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        simulation.Changed += Set;
    }

    public void Dispose()
    {
        _simulation.Changed -= Set;
        _timer.Dispose();
    }

    private void Tick()
    {
        lock (_simulation.Gate) _simulation.AdvanceJobs();
        Set();
    }

    private void Set()
    {
        DateTimeOffset? next;
        lock (_simulation.Gate) next = _simulation.Jobs.NextEvent(_simulation.Switches);
        if (next is not { } at) return;
        TimeSpan wait = at - _simulation.Now;
        _timer.Change(wait > TimeSpan.Zero ? wait + TimeSpan.FromMilliseconds(1) : TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
    }
}
