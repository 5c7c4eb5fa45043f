namespace CcExport.Simulator;

/// <summary>What a fault does to a call.</summary>
public enum FaultKind
{
    /// <summary>Answers with a status and a body of one's own; the call is not processed.</summary>
    Status,

    /// <summary>Answers with a page of HTML, as a gateway in trouble does; the call is not processed.</summary>
    Html,

    /// <summary>Closes the connection; the call is not processed.</summary>
    Drop,

    /// <summary>Processes the call and closes the connection: the reply is lost.</summary>
    ProcessThenDrop,

    /// <summary>Processes the call and answers with the status (503 by default).</summary>
    ProcessThenStatus,

    /// <summary>Only waits, then goes on.</summary>
    Delay,

    /// <summary>Answers 429 <c>throttled</c>; the call is not processed.</summary>
    Throttle,
}

/// <summary>Which calls a fault meets. Everything left out matches all.</summary>
public sealed record FaultMatch
{
    /// <summary>GET, POST, …</summary>
    public string? Method { get; init; }

    /// <summary>A part of the path.</summary>
    public string? Path { get; init; }

    /// <summary>The first matching call to meet, counted from 1.</summary>
    public int? Nth { get; init; }

    /// <summary>How many calls to meet; 1 when <see cref="Nth"/> is given, else all.</summary>
    public int? Count { get; init; }

    /// <summary>The share of calls to meet, 0 to 1.</summary>
    public double? Probability { get; init; }

    /// <summary>Makes the chance repeatable.</summary>
    public int Seed { get; init; } = 1;
}

/// <summary>What happens to a call that is met.</summary>
public sealed record FaultEffect
{
    /// <summary>The kind.</summary>
    public required FaultKind Kind { get; init; }

    /// <summary>The status to answer with.</summary>
    public int? Status { get; init; }

    /// <summary>The body to answer with.</summary>
    public string? Body { get; init; }

    /// <summary>The type of the body; JSON when not given.</summary>
    public string? ContentType { get; init; }

    /// <summary>Waited first, in milliseconds of the simulation's clock source.</summary>
    public int DelayMs { get; init; }

    /// <summary>A <c>Retry-After</c> for the answer, in seconds.</summary>
    public int? RetryAfter { get; init; }
}

/// <summary>A rule of the admin endpoint: which calls, and what happens to them.</summary>
public sealed record FaultRule
{
    /// <summary>Which calls.</summary>
    public FaultMatch Match { get; init; } = new();

    /// <summary>What happens.</summary>
    public required FaultEffect Effect { get; init; }
}
