using CcExport.Simulator.State;

namespace CcExport.Simulator.Jobs;

internal enum JobState
{
    Initialized,
    Processing,
    Completed,
    Cancelled,
    Failed,
    TimedOut,
}

/// <summary>An asynchronous activity of the account.</summary>
internal abstract class Job(string id, long sequence, DateTimeOffset now)
{
    public string Id { get; } = id;

    public long Sequence { get; } = sequence;

    public DateTimeOffset CreatedAt { get; } = now;

    public DateTimeOffset UpdatedAt { get; set; } = now;

    public DateTimeOffset? StartedAt { get; set; }

    public DateTimeOffset? CompletedAt { get; set; }

    /// <summary>When it is due to end; null while it waits or is stuck.</summary>
    public DateTimeOffset? DueAt { get; set; }

    public JobState State { get; set; }

    public JobOutcome? Outcome { get; set; }

    public bool IsTerminal => State >= JobState.Completed;

    public abstract string Kind { get; }

    /// <summary>Rows that it has to do: decides how long it takes.</summary>
    public abstract int Rows { get; }

    public int ItemsTotal { get; set; }

    public int ItemsCompleted { get; set; }

    public int Persons { get; set; }

    public int Errors { get; set; }

    public int Correctable { get; set; }

    public int CannotAdd { get; set; }

    public int ListCount { get; set; }

    /// <summary>Only imports have row counters; membership jobs have others.</summary>
    public virtual bool HasRowCounters => false;

    public virtual string? ResultsHref => null;

    public List<string> Messages { get; } = [];

    /// <summary>Does the work, or the given part of it.</summary>
    public abstract void Work(Account account, SimulatorSwitches switches, DateTimeOffset now, double part);

    /// <summary>Lets go of what only the work needed.</summary>
    public virtual void Release()
    {
    }

    public static string StateText(JobState state) => state switch
    {
        JobState.Initialized => "initialized",
        JobState.Processing => "processing",
        JobState.Completed => "completed",
        JobState.Cancelled => "cancelled",
        JobState.Failed => "failed",
        _ => "timed_out",
    };
}
