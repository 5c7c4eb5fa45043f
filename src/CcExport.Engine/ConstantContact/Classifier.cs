namespace CcExport.Engine.ConstantContact;

/// <summary>The table from status and key, or from the way the line failed, to a verdict.</summary>
internal static class Classifier
{
    public static Verdict Of(int status, ServiceError error, Call call) => status switch
    {
        >= 200 and < 300 => Verdict.Success,
        401 => Verdict.TokenRefused,
        402 or 403 when SpeaksOfPlan(error) => Verdict.PlanLimit,
        403 => Verdict.Forbidden,
        // An id of the wrong form is answered 400 with the key of "not found".
        404 or 400 when status == 404 || (call.NotFoundIsAnswer && error.Is("contacts.api.not_found")) => Verdict.NotFound,
        429 => OfTooMany(error, call),
        // A proxy's 408 may come after the request went through.
        408 => Verdict.ServerFault,
        >= 400 and < 500 => Verdict.Refused,
        _ => Verdict.ServerFault,
    };

    /// <summary>For a try that threw. <paramref name="started"/>: the body of an import was on its way.</summary>
    public static Verdict OfFault(Exception fault, Call call, bool started)
    {
        if (call.IsImport && !started) return Verdict.NotSent;
        if (fault is OperationCanceledException) return Verdict.TimedOut;
        return !call.IsImport && fault is HttpRequestException { HttpRequestError: var error } && NeverConnected(error) ? Verdict.NotSent : Verdict.Broken;
    }

    private static bool NeverConnected(HttpRequestError error) => error is HttpRequestError.NameResolutionError
        or HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError;

    private static Verdict OfTooMany(ServiceError error, Call call)
    {
        if (error.Is("throttled")) return Verdict.Throttled;
        // The raw gateway has no key, only these words.
        if (error.Is("quota_exceeded") || (error.Key is null && error.Says("Limit Exceeded"))) return Verdict.DayEnded;
        return call.IsImport && (error.Says("queue") || error.Says("1,000") || error.Says("1000")) ? Verdict.QueueFull : Verdict.Throttled;
    }

    /// <summary>No key is documented for this refusal, so its words have to do; those about privileges must not match.</summary>
    private static bool SpeaksOfPlan(ServiceError error)
        => !error.Says("privilege") && !error.Says("scope")
            && (error.Says(" plan") || error.Says("plan ") || error.Says("upgrade") || error.Says("billing") || error.Says("trial")
                || error.Says("contact limit") || error.Says("contacts limit") || error.Says("number of contacts")
                || error.Says("contact count") || error.Says("payment"));
}
