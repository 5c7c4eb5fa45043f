namespace CcExport.Simulator.Insights;

/// <summary>What a call to the estate asked for.</summary>
public enum InsightsCall
{
    /// <summary>A page of memberships.</summary>
    Memberships,

    /// <summary>A page of profiles.</summary>
    Profiles,

    /// <summary>What is known of segments.</summary>
    Segments,

    /// <summary>Tables and columns.</summary>
    Metadata,

    /// <summary>How many rows a table has.</summary>
    RowCount,

    /// <summary>Instances of Customer Insights.</summary>
    Instances,

    /// <summary>Refresh jobs.</summary>
    Jobs,

    /// <summary>Anything else.</summary>
    Other,
}

/// <summary>The three limits of Dataverse.</summary>
public enum DataverseLimit
{
    /// <summary>6,000 requests in five minutes.</summary>
    Requests,

    /// <summary>20 minutes of the server's time in five minutes.</summary>
    ExecutionTime,

    /// <summary>52 requests at a time.</summary>
    Concurrency,
}

/// <summary>What is unknown about the two services, or different in a test. Changed by <c>POST /admin/insights</c> as well.</summary>
public sealed record InsightsSwitches
{
    /// <summary>Rows of one Dataverse page; the service never gives more than 5,000, and for some tables fewer.</summary>
    public int PageCap { get; set; } = 5_000;

    /// <summary>Rows of one page of the Customer Insights API, whatever is asked for.</summary>
    public int InsightsPageCap { get; set; } = 100;

    /// <summary>Of how many rows before it a page of the Customer Insights API comes with half its rows; null: of none.</summary>
    public int? InsightsShortPageAt { get; set; }

    /// <summary>Whether the Customer Insights API takes no notice of <c>$skip</c>.</summary>
    public bool InsightsIgnoresSkip { get; set; }

    /// <summary>Whether the Customer Insights API links to the next page.</summary>
    public bool InsightsNextLink { get; set; }

    /// <summary>Calls a minute that the Customer Insights API takes.</summary>
    public int InsightsCallsPerMinute { get; set; } = 100;

    /// <summary>Requests that Dataverse takes in five minutes.</summary>
    public int RequestsPerFiveMinutes { get; set; } = 6_000;

    /// <summary>Requests that Dataverse works on at a time.</summary>
    public int ConcurrentRequests { get; set; } = 52;

    /// <summary>The number of profiles that Dataverse tells; null: the true one. The real count can be a day old.</summary>
    public long? ToldProfiles { get; set; }

    /// <summary>Whether Dataverse knows how many rows there are.</summary>
    public bool KnowsRowCount { get; set; } = true;

    /// <summary>Whether Dataverse has the table with what is known of segments.</summary>
    public bool HasSegmentTable { get; set; } = true;

    /// <summary>Whether that table has sizes, states and times.</summary>
    public bool TellsSegmentState { get; set; } = true;

    /// <summary>Whether a refresh job of Customer Insights is running.</summary>
    public bool Refreshing { get; set; }

    /// <summary>Rows by which a table moves between two pages: below 0 some come twice, above some are passed over.</summary>
    public int ShiftBetweenPages { get; set; }

    /// <summary>Waited before each answer.</summary>
    public int ReplyDelayMs { get; set; }

    /// <summary>A kind of question that is answered with 403 to this caller; null: none. Of the Customer Insights API <see cref="InsightsCall.Jobs"/> alone.</summary>
    public InsightsCall? Refuses { get; set; }

    /// <summary>Whether the caller may read at all.</summary>
    public bool Allowed { get; set; } = true;
}
