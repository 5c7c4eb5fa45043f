namespace CcExport.Engine.Upload;

/// <summary>Waits and bounds of sending and following, in one place so that tests can make them small.</summary>
internal sealed record UploadOptions
{
    /// <summary>Imports that are on their way at the same time.</summary>
    public int Concurrency { get; init; } = Limits.ConcurrentImports;
    /// <summary>Between two looks for a lost job. The listing may lag behind the jobs.</summary>
    public TimeSpan LookInterval { get; init; } = TimeSpan.FromSeconds(5);
    /// <summary>Looks that must agree before a finding is believed.</summary>
    public int Looks { get; init; } = 2;
    /// <summary>A little less than the ten days for which the service remembers its jobs.</summary>
    public TimeSpan JobsRemembered { get; init; } = TimeSpan.FromDays(9);
    /// <summary>Polls in a row that must miss a job before it counts as gone.</summary>
    public int PollsWithoutJob { get; init; } = 4;
    /// <summary>No import is on its way for longer: its time-out, generously.</summary>
    public TimeSpan LongestRequest { get; init; } = TimeSpan.FromMinutes(2);
    /// <summary>How far a job's creation may lie outside our send window: two clocks, and a queue in front of the job.</summary>
    public TimeSpan WindowMargin { get; init; } = TimeSpan.FromSeconds(120);
    /// <summary>How often a batch that was proved not to be there is sent again before the run gives up.</summary>
    public int Attempts { get; init; } = 5;
    /// <summary>How long a lost job is looked for before its batch stays in doubt.</summary>
    public TimeSpan DoubtDeadline { get; init; } = TimeSpan.FromMinutes(30);
    /// <summary>Before the first look at the jobs; it doubles from look to look, so that the calls stay few however long the jobs take.</summary>
    public TimeSpan FirstPoll { get; init; } = TimeSpan.FromSeconds(1);
    public TimeSpan MaxPoll { get; init; } = TimeSpan.FromMinutes(10);
    /// <summary>How long a job may take. The vendor speaks of an hour for a million; after this the batch is unaccounted for.</summary>
    public TimeSpan JobDeadline { get; init; } = TimeSpan.FromHours(4);
    /// <summary>Between two looks at the job of a contact export, at most; and how long it may take.</summary>
    public TimeSpan MaxListPoll { get; init; } = TimeSpan.FromSeconds(30);
    public TimeSpan ListDeadline { get; init; } = TimeSpan.FromHours(1);
    /// <summary>Between two tries while the account's queue of 1,000 jobs is full.</summary>
    public TimeSpan QueueFullWait { get; init; } = TimeSpan.FromSeconds(30);
}
