namespace CcExport;

/// <summary>A scheduler of the machine.</summary>
public enum ScheduleHost
{
    /// <summary>The user's crontab.</summary>
    Cron,
    /// <summary>A user timer of systemd.</summary>
    Systemd,
    /// <summary>The Windows Task Scheduler.</summary>
    TaskScheduler,
}

/// <summary>An entry that calls Invoke-CcExport -Due.</summary>
public sealed class RegisteredSchedule
{
    /// <summary>Whose entry it is.</summary>
    public ScheduleHost As { get; set; }
    /// <summary>How often what is due is looked for.</summary>
    public TimeSpan Every { get; set; }
    /// <summary>The folder of the store.</summary>
    public string Home { get; set; } = "";
    /// <summary>Where the entry is.</summary>
    public string Location { get; set; } = "";
    /// <summary>Registered, Unchanged (it was there just so), or NotWritten (-WhatIf).</summary>
    public string Status { get; set; } = "";
    /// <summary>The entry itself.</summary>
    public string Text { get; set; } = "";
}
