namespace CcExport.Engine.ConstantContact;

/// <summary>What came of one try, decided once, from status, key and the way it failed.</summary>
internal enum Verdict
{
    Success,
    NotFound,
    /// <summary>401: the access token is bad or old.</summary>
    TokenRefused,
    Forbidden,
    /// <summary>The contract's number of contacts, or what the plan includes, stands in the way.</summary>
    PlanLimit,
    /// <summary>More calls in a second than the key may make. Refused, so certainly not done.</summary>
    Throttled,
    /// <summary>The key's day is used up.</summary>
    DayEnded,
    /// <summary>The account holds as many unfinished jobs as it may.</summary>
    QueueFull,
    /// <summary>Any other refusal: asking again changes nothing.</summary>
    Refused,
    /// <summary>Nothing left this machine.</summary>
    NotSent,
    /// <summary>5xx and whatever else is neither a yes nor a refusal.</summary>
    ServerFault,
    TimedOut,
    /// <summary>The line was cut after the request had left.</summary>
    Broken,
}

/// <summary>The outcome of one try.</summary>
internal sealed class Answer
{
    public required Verdict Verdict { get; init; }
    public int Status { get; init; }
    public ReadOnlyMemory<byte> Body { get; init; }
    public ServiceError Error { get; init; } = ServiceError.None;
    /// <summary>The gateway's request id, which the service's support asks for.</summary>
    public string? RequestId { get; init; }
    public TimeSpan? RetryAfter { get; init; }
    public Exception? Fault { get; init; }

    /// <summary>May the same request leave once more? An import only when it is certain that the service did not take it.</summary>
    public bool MayRepeat(Call call) => Verdict switch
    {
        Verdict.Throttled or Verdict.NotSent => true,
        Verdict.ServerFault or Verdict.TimedOut or Verdict.Broken => !call.IsImport,
        _ => false,
    };

    public bool IsInDoubt(Call call) => call.IsImport && Verdict is Verdict.ServerFault or Verdict.TimedOut or Verdict.Broken;
}
