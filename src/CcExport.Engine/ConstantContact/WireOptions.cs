namespace CcExport.Engine.ConstantContact;

/// <summary>Waits and bounds of the wire, in one place so that tests can make them small. None of them is a secret.</summary>
internal sealed record WireOptions
{
    /// <summary>How often one call is tried in all. With the back-off below, five bridge a disturbance of about fifteen seconds.</summary>
    public int Tries { get; init; } = 5;
    /// <summary>First wait of the back-off; it doubles with each try.</summary>
    public TimeSpan Backoff { get; init; } = TimeSpan.FromSeconds(1);
    public TimeSpan MaxBackoff { get; init; } = TimeSpan.FromSeconds(30);
    /// <summary>The service documents no Retry-After. Should one come, it is obeyed up to here, so that a wrong one can't park a run.</summary>
    public TimeSpan MaxRetryAfter { get; init; } = TimeSpan.FromSeconds(60);

    public TimeSpan ReadTimeout { get; init; } = TimeSpan.FromSeconds(30);
    /// <summary>An import carries up to 4 MB, and giving up on one costs a search for the job: longer than a read.</summary>
    public TimeSpan ImportTimeout { get; init; } = TimeSpan.FromSeconds(100);

    /// <summary>For a file of all contacts of a list.</summary>
    public TimeSpan DownloadTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>A place is free again this long after its call ended.</summary>
    public TimeSpan Window { get; init; } = TimeSpan.FromSeconds(1);
    /// <summary>Added to the window, for clocks that are being corrected while we wait.</summary>
    public TimeSpan WindowMargin { get; init; } = TimeSpan.FromMilliseconds(10);
    /// <summary>A place whose holder died is free this long after the call's own time-out.</summary>
    public TimeSpan HeldMargin { get; init; } = TimeSpan.FromSeconds(20);
    /// <summary>A place in flight elsewhere may come back sooner than its holder promised: look again after this long.</summary>
    public TimeSpan MaxPlaceWait { get; init; } = TimeSpan.FromMilliseconds(500);
    public int CallsPerDay { get; init; } = Limits.CallsPerDay;

    public TimeSpan TokenTimeout { get; init; } = TimeSpan.FromSeconds(30);
    /// <summary>The token endpoint takes one request a second for each application.</summary>
    public TimeSpan TokenSpacing { get; init; } = TimeSpan.FromMilliseconds(1010);
    /// <summary>Refresh when the access token has no more than this left (or a quarter of its life, if that is shorter).</summary>
    public TimeSpan RefreshAhead { get; init; } = TimeSpan.FromMinutes(5);
    /// <summary>How long to leave the token endpoint alone after it failed while the old access token still works.</summary>
    public TimeSpan RefreshPause { get; init; } = TimeSpan.FromMinutes(1);
    /// <summary>How long leaving waits for a refresh that is on its way: within a person's patience after Ctrl+C.</summary>
    public TimeSpan LeavePatience { get; init; } = TimeSpan.FromMilliseconds(800);
}
