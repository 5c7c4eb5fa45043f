using CcExport.Simulator.State;

namespace CcExport.Simulator.Jobs;

/// <summary>
/// Moves jobs along the clock. Nothing happens by itself: whoever looks calls <see cref="Advance"/> first, and a timer of the host does
/// so when the next job is due. Events are taken in the order of their times, so one long step gives what many short ones would.
/// </summary>
internal sealed class JobQueue(Account account)
{
    private static readonly TimeSpan Retention = TimeSpan.FromDays(10);
    private readonly List<Job> _all = [];
    private readonly Dictionary<string, Job> _byId = new(StringComparer.OrdinalIgnoreCase);
    private readonly Queue<Job> _waiting = new();
    private readonly List<Job> _running = [];
    private readonly Queue<JobOutcome> _nextOutcomes = new();
    private readonly Queue<JobOutcome> _nextImports = new();
    private DateTimeOffset _slotFreeAt;
    private DateTimeOffset _advancedTo;

    public IReadOnlyList<Job> All => _all;

    public int Unfinished => _waiting.Count + _running.Count;

    public long NextSequence { get; private set; } = 1;

    public void Add(Job job)
    {
        NextSequence++;
        if (_nextOutcomes.TryDequeue(out JobOutcome outcome) || (job is ImportJob && _nextImports.TryDequeue(out outcome))) job.Outcome = outcome;
        _all.Add(job);
        _byId.Add(job.Id, job);
        _waiting.Enqueue(job);
    }

    public void PlanOutcomes(IEnumerable<JobOutcome> outcomes)
    {
        foreach (JobOutcome outcome in outcomes) _nextOutcomes.Enqueue(outcome);
    }

    public void PlanImportOutcomes(IEnumerable<JobOutcome> outcomes)
    {
        foreach (JobOutcome outcome in outcomes) _nextImports.Enqueue(outcome);
    }

    public void DropPlanned()
    {
        _nextOutcomes.Clear();
        _nextImports.Clear();
    }

    /// <summary>An activity is known for ten days.</summary>
    public Job? Find(string id, DateTimeOffset now) =>
        _byId.TryGetValue(id, out Job? job) && job.CreatedAt > now - Retention ? job : null;

    public IEnumerable<Job> Known(DateTimeOffset now) => _all.Where(j => j.CreatedAt > now - Retention);

    /// <summary>Gives a job an end of its own; a stuck one is let go.</summary>
    public void Force(Job job, JobOutcome outcome, DateTimeOffset now)
    {
        job.Outcome = outcome;
        if (job.State == JobState.Processing) job.DueAt = outcome == JobOutcome.Stuck ? null : now;
    }

    /// <summary>When the next thing happens, or null.</summary>
    public DateTimeOffset? NextEvent(SimulatorSwitches switches)
    {
        DateTimeOffset? next = null;
        foreach (Job job in _running)
        {
            if (job.DueAt is { } due && (next is null || due < next)) next = due;
        }

        if (_waiting.TryPeek(out Job? first) && _running.Count < switches.JobParallelism
            && StartOf(first, switches) is var start && (next is null || start < next)) next = start;
        return next;
    }

    public void Advance(SimulatorSwitches switches, DateTimeOffset now)
    {
        while (NextEvent(switches) is { } at && at <= now)
        {
            Job? ending = _running.Find(j => j.DueAt == at);
            if (ending is not null) End(ending, switches, at);
            else Start(_waiting.Dequeue(), switches, at);
        }

        if (now > _advancedTo) _advancedTo = now;
    }

    private DateTimeOffset StartOf(Job job, SimulatorSwitches switches)
    {
        // A job that had to wait starts when a place was free, and nothing starts in a past that was already gone through.
        DateTimeOffset start = job.CreatedAt.AddMilliseconds(switches.JobStartDelayMs);
        if (_slotFreeAt > start) start = _slotFreeAt;
        return _advancedTo > start ? _advancedTo : start;
    }

    private void Start(Job job, SimulatorSwitches switches, DateTimeOffset at)
    {
        job.State = JobState.Processing;
        job.StartedAt = at;
        job.UpdatedAt = at;
        job.Outcome ??= switches.JobOutcome;
        var length = TimeSpan.FromMilliseconds(switches.JobDurationMs + (switches.JobPerRowMicroseconds * job.Rows / 1_000));
        job.DueAt = job.Outcome == JobOutcome.Stuck ? null : at + length;
        _running.Add(job);
    }

    private void End(Job job, SimulatorSwitches switches, DateTimeOffset at)
    {
        _running.Remove(job);
        _slotFreeAt = at;
        double part = job.Outcome switch { JobOutcome.Completed => 1, JobOutcome.PartialFailure => 0.5, _ => 0 };
        if (part > 0) job.Work(account, switches, at, part);
        job.Release();

        // A job that refuses itself while working has set its state already.
        if (!job.IsTerminal)
        {
            job.State = job.Outcome switch
            {
                JobOutcome.Completed => JobState.Completed,
                JobOutcome.Cancelled => JobState.Cancelled,
                JobOutcome.TimedOut => JobState.TimedOut,
                _ => JobState.Failed,
            };
        }

        job.CompletedAt = at;
        job.UpdatedAt = at;
        job.DueAt = null;
    }
}
