namespace CcExport.Simulator;

/// <summary>How calls above the allowance are refused.</summary>
public enum RateLimitMode
{
    /// <summary>At most <see cref="SimulatorSwitches.CallsPerSecond"/> calls in any rolling second, as they arrive.</summary>
    Rolling,

    /// <summary>A token bucket, as a usage plan of a gateway has it: short bursts pass.</summary>
    Bucket,

    /// <summary>No limit; statistics are still kept.</summary>
    Off,
}

/// <summary>Who answers the consent page.</summary>
public enum ConsentMode
{
    /// <summary>A person, by the page's buttons.</summary>
    Ask,

    /// <summary>The simulator agrees at once.</summary>
    Allow,

    /// <summary>The simulator refuses at once.</summary>
    Deny,
}

/// <summary>The form of an error body; all of them were seen in the field.</summary>
public enum BodyForm
{
    /// <summary><c>[{"error_key":…,"error_message":…}]</c></summary>
    Array,

    /// <summary><c>{"error_key":…,"error_message":…}</c></summary>
    Object,

    /// <summary><c>{"message":"Forbidden"}</c>, as the raw gateway writes it.</summary>
    Gateway,
}

/// <summary>What happens to an import body over 4,000,000 bytes or 40,000 rows.</summary>
public enum OversizeMode
{
    /// <summary>The surplus is dropped silently, as the contract says.</summary>
    DropTail,

    /// <summary>413.</summary>
    PayloadTooLarge,

    /// <summary>400 with an error array.</summary>
    BadRequest,
}

/// <summary>What an import into a list that does not exist gets.</summary>
public enum UnknownListMode
{
    /// <summary>400 with an error array.</summary>
    BadRequest,

    /// <summary>404 with an error array.</summary>
    NotFound,

    /// <summary>201, and the job fails later.</summary>
    FailedActivity,
}

/// <summary>Which of two rows with one address has the last word.</summary>
public enum DuplicateMode
{
    /// <summary>Properties of later rows overwrite those of earlier ones.</summary>
    LastWins,

    /// <summary>Later rows are dropped.</summary>
    FirstWins,
}

/// <summary>What an unknown <c>cf:</c> key does to its row.</summary>
public enum UnknownFieldMode
{
    /// <summary>The row is counted as an error.</summary>
    Error,

    /// <summary>The value is ignored, the row goes on.</summary>
    Ignore,
}

/// <summary>What an empty string does to a stored value.</summary>
public enum BlankMode
{
    /// <summary>The stored value stays.</summary>
    Keep,

    /// <summary>The stored value goes.</summary>
    Clear,
}

/// <summary>How the plan's contact limit is enforced.</summary>
public enum ContactLimitMode
{
    /// <summary>The import call is answered with 403.</summary>
    RefuseCall,

    /// <summary>The import is accepted; rows that would create a contact too many are errors.</summary>
    RefuseRows,
}

/// <summary>How a job ends.</summary>
public enum JobOutcome
{
    /// <summary>All rows are applied.</summary>
    Completed,

    /// <summary>It stays in <c>processing</c> and applies nothing, until released.</summary>
    Stuck,

    /// <summary>It fails and applies nothing.</summary>
    Failed,

    /// <summary>It times out and applies nothing.</summary>
    TimedOut,

    /// <summary>It is cancelled and applies nothing.</summary>
    Cancelled,

    /// <summary>It fails after half of its rows were applied.</summary>
    PartialFailure,
}

/// <summary>How timestamps are written.</summary>
public enum TimestampForm
{
    /// <summary><c>2026-11-24T10:15:02.417Z</c></summary>
    UtcMilliseconds,

    /// <summary><c>2026-11-24T05:15:02-05:00</c></summary>
    Offset,
}

/// <summary>How a field without a value is written.</summary>
public enum NullForm
{
    /// <summary>As <c>null</c>.</summary>
    Write,

    /// <summary>Not at all.</summary>
    Omit,
}

/// <summary>The order in which activities are listed.</summary>
public enum ActivityOrder
{
    /// <summary>The latest first.</summary>
    NewestFirst,

    /// <summary>The oldest first.</summary>
    OldestFirst,
}

/// <summary>
/// Everything about the simulated service that is unknown, or that a test wants to be different. All can be changed at run time
/// by <c>POST /admin/options</c> with a JSON object of the properties to change, in camel case.
/// </summary>
public sealed record SimulatorSwitches
{
    /// <summary>The privileges of an Account Manager, as far as the simulated calls know them.</summary>
    public static readonly string[] AccountManager =
        ["account:read", "account:update", "contacts:read", "contacts:write", "contacts:lists:read", "contacts:lists:write"];

    /// <summary>How calls above the allowance are refused.</summary>
    public RateLimitMode RateLimit { get; set; } = RateLimitMode.Rolling;

    /// <summary>Calls allowed in a second, per client id.</summary>
    public int CallsPerSecond { get; set; } = 4;

    /// <summary>How many calls the token bucket holds.</summary>
    public int BucketBurst { get; set; } = 8;

    /// <summary>Calls allowed in a UTC day, per client id.</summary>
    public int CallsPerDay { get; set; } = 10_000;

    /// <summary>Whether the token endpoint allows one call a second only.</summary>
    public bool TokenRateLimit { get; set; } = true;

    /// <summary>Whether a 429 carries <c>Retry-After</c>; the real service documents none.</summary>
    public bool RetryAfter { get; set; }

    /// <summary>Waited before each API reply.</summary>
    public int ReplyDelayMs { get; set; }

    /// <summary>Whether a refresh token works once and is replaced.</summary>
    public bool Rotating { get; set; } = true;

    /// <summary>Whether presenting a rotated token also ends the one that replaced it.</summary>
    public bool RevokeFamilyOnReuse { get; set; }

    /// <summary>Life of an access token.</summary>
    public int AccessTokenSeconds { get; set; } = 86_400;

    /// <summary>Days after which an unused refresh token dies.</summary>
    public int RefreshTokenIdleDays { get; set; } = 180;

    /// <summary>Life of an authorisation code.</summary>
    public int CodeSeconds { get; set; } = 300;

    /// <summary>Whether the application is confidential only: calls without its secret are refused.</summary>
    public bool SecretRequired { get; set; }

    /// <summary>Whether replies leave out the refresh token even with <c>offline_access</c>.</summary>
    public bool WithholdRefreshToken { get; set; }

    /// <summary>Who answers the consent page.</summary>
    public ConsentMode AutoConsent { get; set; } = ConsentMode.Ask;

    /// <summary>Seconds a device must wait between two polls.</summary>
    public int DeviceIntervalSeconds { get; set; } = 5;

    /// <summary>Life of a device code.</summary>
    public int DeviceExpiresInSeconds { get; set; } = 600;

    /// <summary>What the consenting user may do.</summary>
    public string[] Privileges { get; set; } = AccountManager;

    /// <summary>The body of a 403.</summary>
    public BodyForm ForbiddenBody { get; set; } = BodyForm.Array;

    /// <summary>The body of 400, 404, 409 and the like.</summary>
    public BodyForm ErrorBody { get; set; } = BodyForm.Array;

    /// <summary>What happens to an import body over the limits.</summary>
    public OversizeMode Oversize { get; set; } = OversizeMode.DropTail;

    /// <summary>What an import into an unknown list gets.</summary>
    public UnknownListMode UnknownList { get; set; } = UnknownListMode.BadRequest;

    /// <summary>Which of two rows with one address has the last word.</summary>
    public DuplicateMode Duplicates { get; set; } = DuplicateMode.LastWins;

    /// <summary>What an unknown <c>cf:</c> key does to its row.</summary>
    public UnknownFieldMode UnknownCustomField { get; set; } = UnknownFieldMode.Error;

    /// <summary>What an empty string does to a stored value.</summary>
    public BlankMode Blanks { get; set; } = BlankMode.Keep;

    /// <summary>Longest address taken; the contract says both 50 and 80.</summary>
    public int EmailMaxLength { get; set; } = 80;

    /// <summary>How many <c>Line n: …</c> messages a job lists at most.</summary>
    public int ErrorLineCap { get; set; } = 50;

    /// <summary>The plan's number of contacts; null: no limit.</summary>
    public int? ContactLimit { get; set; }

    /// <summary>How the plan's contact limit is enforced.</summary>
    public ContactLimitMode ContactLimitMode { get; set; } = ContactLimitMode.RefuseCall;

    /// <summary>Whether <c>items_total_count</c> counts a header row.</summary>
    public bool CountHeaderRow { get; set; } = true;

    /// <summary>Whether counters are filled before the job has ended.</summary>
    public bool CountersWhileRunning { get; set; }

    /// <summary>Whether a job has counters at all.</summary>
    public bool CountersAbsent { get; set; }

    /// <summary>Milliseconds a job stays <c>initialized</c> at least.</summary>
    public int JobStartDelayMs { get; set; } = 50;

    /// <summary>Milliseconds a job takes, before its rows.</summary>
    public int JobDurationMs { get; set; } = 200;

    /// <summary>Microseconds a job takes for each row.</summary>
    public double JobPerRowMicroseconds { get; set; } = 5;

    /// <summary>How many jobs run side by side.</summary>
    public int JobParallelism { get; set; } = 4;

    /// <summary>How jobs end, unless one has an outcome of its own.</summary>
    public JobOutcome JobOutcome { get; set; } = JobOutcome.Completed;

    /// <summary>Whether the bodies of imports are kept, for <see cref="Simulation.ImportedAddresses"/>.</summary>
    public bool KeepImports { get; set; }

    /// <summary>Whether joining or leaving a list sets a contact's <c>updated_at</c>; the real service documents neither.</summary>
    public bool MembershipTouches { get; set; } = true;

    /// <summary>Whether joins and leaves are written down, for <see cref="Simulation.MembershipLog"/>.</summary>
    public bool KeepMemberships { get; set; }

    /// <summary>How many unfinished jobs an account may have.</summary>
    public int QueueLimit { get; set; } = 1_000;

    /// <summary>How timestamps are written.</summary>
    public TimestampForm Timestamps { get; set; } = TimestampForm.UtcMilliseconds;

    /// <summary>How a field without a value is written.</summary>
    public NullForm Nulls { get; set; } = NullForm.Write;

    /// <summary>The order in which activities are listed.</summary>
    public ActivityOrder ActivityOrder { get; set; } = ActivityOrder.NewestFirst;
}
