using System.Globalization;

namespace CcExport.Engine.ConstantContact;

/// <summary>Every failure that the wire reports, so that their ids and words are read in one place. None holds a token, a secret or an address.</summary>
internal static class Failures
{
    /// <summary>How to sign in again; {0} is the connection's name.</summary>
    public const string SignInAgainRemedy =
        "Sign in again: Remove-CcConnection -Name '{0}', then New-CcConnection -Name '{0}' with the same -ClientId. "
        + "If exports use it, make a connection with another name instead and give them that (Set-CcExport -Connection).";

    public static string HowToSignInAgain(string connection)
        => string.Format(CultureInfo.InvariantCulture, SignInAgainRemedy, connection.Replace("'", "''", StringComparison.Ordinal));

    public static CcException QuotaExceeded(DateTimeOffset now, bool byService)
    {
        DateTimeOffset next = new(now.UtcDateTime.Date.AddDays(1), TimeSpan.Zero);
        return new("QuotaExceeded", CcErrorKind.Limit,
            $"The API key's calls of this UTC day are used up{(byService ? ", says Constant Contact" : "")}. "
            + $"More are possible from {next.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)} UTC.",
            "Go on after that time; everything that is prepared stays prepared. Every program that uses this API key shares the 10,000 calls.");
    }

    public static CcException SignInAgain(string connection) => new("SignInAgain", CcErrorKind.Authentication,
        $"The connection '{connection}' is no longer signed in: its refresh token was used up, revoked, or is older than 180 days.",
        HowToSignInAgain(connection))
    { Subject = connection };

    public static CcException ConnectionGone(string connection) => new("ConnectionNotFound", CcErrorKind.NotFound,
        $"The connection '{connection}' no longer exists.", "Make it again with New-CcConnection.")
    { Subject = connection };

    public static CcException ClientRefused(string? words) => new("ClientRefused", CcErrorKind.Authentication,
        $"Constant Contact does not know this application, or its secret is wrong or was replaced{Said(words)}.",
        "Compare -ClientId with the API key in the developer portal. A new secret there ends the old one at once; "
        + "an application made for PKCE or for devices has no secret, any other needs -ClientSecret.");

    public static CcException SignInRefused(string? words) => new("SignInRefused", CcErrorKind.Authentication,
        $"Constant Contact refused to sign in{Said(words)}.",
        "Check in the developer portal that the application allows this kind of sign-in and has this redirect address.");

    public static CcException TokenEndpointUnreachable(string? words, Exception? inner) => new("SignInUnreachable", CcErrorKind.Connection,
        $"Constant Contact's sign-in did not answer, or not with anything usable{Said(words)}. The connection itself is not harmed.",
        "Try again in a few minutes; check the network and the proxy.", inner);

    /// <summary>For a call that ended in a refusal or, for reads, in nothing.</summary>
    public static CcException Of(Call call, Answer answer, string connection)
    {
        string about = About(call, answer);
        (string id, CcErrorKind kind, string message, string remedy) = answer.Verdict switch
        {
            Verdict.TokenRefused => ("AccessTokenRefused", CcErrorKind.Authentication,
                $"Constant Contact refused a token that it had just given out, {about}.", HowToSignInAgain(connection)),
            Verdict.PlanLimit => ("PlanLimitReached", CcErrorKind.Limit,
                $"Constant Contact refused, {about}: the account's plan does not allow it, most often because it holds as many contacts as were agreed.",
                "Compare Test-CcConnection's contact counts with the contract; remove contacts or have the plan raised, then run again."),
            Verdict.Throttled => ("Throttled", CcErrorKind.Limit,
                $"Constant Contact still says that the API key makes more than {Limits.CallsPerSecond} calls a second, {about}.",
                "Another program or machine uses the same API key. Try later, or give each its own key."),
            Verdict.QueueFull => ("ActivityQueueFull", CcErrorKind.Limit,
                $"The account has 1,000 unfinished jobs and takes no more, {about}.", "Wait until some of them have ended, then go on."),
            Verdict.NotSent => ("ServiceUnreachable", CcErrorKind.Connection,
                $"No connection to {call.Address.Host} could be made, {about}.", "Check the network, the proxy and the name; then try again."),
            Verdict.TimedOut => ("ServiceTimeout", CcErrorKind.Connection,
                $"Constant Contact did not answer in time, {about}.", "Try again in a few minutes."),
            Verdict.Broken => ("ServiceUnreachable", CcErrorKind.Connection,
                $"The connection to {call.Address.Host} was cut again and again, {about}.", "Check the network and the proxy; then try again."),
            Verdict.ServerFault => ("ServiceUnavailable", CcErrorKind.Service,
                $"Constant Contact has a problem of its own, {about}.", "Try again in a few minutes."),
            Verdict.Refused when answer.Status == 409 => ("ServiceConflict", CcErrorKind.Conflict,
                $"Constant Contact refused because of a conflict, {about}.", "Look at what exists already, then try again."),
            _ => ("ServiceRefused", CcErrorKind.Service, $"Constant Contact refused, {about}.",
                "The words are the service's own. If they do not help, its support can look up the request."),
        };
        return new(id, kind, message, remedy, answer.Fault) { Subject = connection };
    }

    public static CcException PrivilegeMissing(Call call, string connection) => new("PrivilegeMissing", CcErrorKind.Permission,
        $"The Constant Contact user of '{connection}' lacks the privilege '{call.Privilege}', which is needed for {call.What}.",
        (call.Privilege == "contacts:lists:read"
            ? "Account Owner, Account Manager and Campaign Creator have it"
            : "Account Owner and Account Manager have it; Campaign Creator does not")
        + ". Sign in as such a user, or have this one's role changed in Constant Contact.")
    { Subject = connection };

    public static CcException ScopeMissing(Call call, string connection) => new("ScopeMissing", CcErrorKind.Permission,
        $"The connection '{connection}' was signed in without the scope '{call.Scope}', which is needed for {call.What}: "
        + "its user has the privilege and is refused all the same.",
        HowToSignInAgain(connection) + " Agree to all that is asked there.")
    { Subject = connection };

    public static CcException ApplicationRefused(string connection, int status) => new("ApplicationRefused", CcErrorKind.Permission,
        $"Constant Contact refuses the application of '{connection}' altogether (HTTP {status}), even for the question what its user may do.",
        "Check in the developer portal that the application is active and open to this user; a new one is private to whoever made it.")
    { Subject = connection };

    public static CcException AccessDenied(Call call, Answer answer, string connection, Exception why) => new("AccessDenied", CcErrorKind.Permission,
        $"Constant Contact refused access, {About(call, answer)}; asking for the reason failed as well.",
        "Run Test-CcConnection, which checks privileges one by one.", why)
    { Subject = connection };

    public static CcException Unreadable(Call call, string connection, Exception? inner) => new("AnswerUnreadable", CcErrorKind.Service,
        $"The answer is not what Constant Contact sends, {call.What}.",
        "A proxy or a sign-in page of the network may stand between. Check that the API endpoint includes '/v3'.", inner)
    { Subject = connection };

    public static CcException PageLinkRefused(Call call, string connection, string why) => new("PageLinkRefused", CcErrorKind.Service,
        $"The link to the next page {why}, {call.What}; it was not followed.",
        "The token goes to the connection's own API endpoint only. If a gateway rewrites addresses, use the service's own endpoint.")
    { Subject = connection };

    private static string About(Call call, Answer answer)
    {
        string facts = string.Join(", ", new[]
        {
            answer.Status > 0 ? $"HTTP {answer.Status}" : null,
            answer.Error.Key,
            answer.RequestId is { } id ? "request " + id : null,
        }.OfType<string>());
        return call.What + (facts.Length > 0 ? $" ({facts})" : "") + Said(answer.Error.Words);
    }

    private static string Said(string? words) => words is null ? "" : $": \"{words.TrimEnd('.')}\"";
}
