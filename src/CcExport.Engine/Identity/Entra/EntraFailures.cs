using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Identity.Client;

namespace CcExport.Engine.Identity.Entra;

/// <summary>
/// What the library's exceptions mean to a person. Of the service's words only the number is shown: they may name people, and the library's text may
/// hold what it sent. For the same reason its exceptions are not kept inside ours.
/// </summary>
internal static partial class EntraFailures
{
    public static CcException From(Exception fault, EntraIdentity who) => fault switch
    {
        CcException known => known,
        MsalUiRequiredException required => Required(required, who),
        MsalServiceException service => Service(service, who),
        MsalClientException client => Client(client, who),
        HttpRequestException network => Unreachable(who, network),
        _ => new CcException("SignInFailed", CcErrorKind.Service, $"Signing in to Microsoft Entra failed ({fault.GetType().Name}).", "Try again; if it goes on, sign in again with Add-CcExportUser."),
    };

    public static CcException SignInRequired(EntraIdentity who, string? code = null) => new("SignInRequired", CcErrorKind.Authentication,
        $"The export user {who.Name} has to sign in again{(code is null ? "" : $" ({code})")}.", "Add-CcExportUser signs in.");

    public static CcException TimedOut(TimeSpan after) => new("SignInTimeout", CcErrorKind.Authentication,
        $"Nobody signed in within {after.TotalMinutes:0.#} minutes.", "Begin again. If the browser runs on another machine, use -DeviceCode.");

    private static CcException Required(MsalUiRequiredException fault, EntraIdentity who)
    {
        int number = NumberOf(fault);
        if (fault.Classification == UiRequiredExceptionClassification.ConsentRequired || number == 65001) return Refused(65001, who, null);
        return who.IsPerson ? SignInRequired(who, number == 0 ? null : Code(number)) : Refused(number, who, fault.ErrorCode);
    }

    private static CcException Service(MsalServiceException fault, EntraIdentity who)
    {
        if (who.Kind == ExportUserKind.ManagedIdentity) return ManagedIdentity(fault);
        return fault.ErrorCode switch
        {
            "access_denied" or "authorization_declined" => Denied(),
            "code_expired" or "expired_token" => Expired(),
            _ when fault.StatusCode is 408 or 429 or >= 500 || fault is MsalThrottledServiceException || fault.ErrorCode is "temporarily_unavailable" or "request_timeout"
                => Unavailable(fault.StatusCode),
            _ => Refused(NumberOf(fault), who, fault.ErrorCode),
        };
    }

    private static CcException Client(MsalClientException fault, EntraIdentity who) => fault.ErrorCode switch
    {
        "authentication_canceled" or "access_denied" => Denied(),
        "code_expired" => Expired(),
        "user_null" or "no_tokens_found" => SignInRequired(who),
        _ when who.Kind == ExportUserKind.ManagedIdentity => NoManagedIdentity(),
        _ => new CcException("SignInFailed", CcErrorKind.Authentication, $"Signing in to Microsoft Entra failed ({Key(fault.ErrorCode)}).", "Begin again with Add-CcExportUser; on a machine without a browser use -DeviceCode."),
    };

    private static CcException Unavailable(int status) => new("EntraUnavailable", CcErrorKind.Connection,
        $"Microsoft Entra did not give a token{(status == 429 ? ": too many requests" : "")} (HTTP {status}).", "Try again later: the trouble is on the other side.");

    private static CcException Unreachable(EntraIdentity who, HttpRequestException fault)
        => who.Kind == ExportUserKind.ManagedIdentity ? NoManagedIdentity()
            : fault.StatusCode is { } status ? Unavailable((int)status)
            : new CcException("EntraUnreachable", CcErrorKind.Connection, $"'{who.Authority?.Host}' cannot be reached, or does not answer.",
                "Check the network and the proxy of this machine.", fault);

    private static CcException ManagedIdentity(MsalServiceException fault) => fault.StatusCode is >= 400 and < 500
        ? new CcException("ExportUserRefused", CcErrorKind.Authentication, $"This machine gave no token for the managed identity ({Key(fault.ErrorCode)}, HTTP {fault.StatusCode}).",
            "Check that the identity is assigned to this machine, and that -ClientId names one of them.")
        : NoManagedIdentity();

    private static CcException NoManagedIdentity() => new("ManagedIdentityUnavailable", CcErrorKind.Connection,
        "The endpoint that gives this machine its identity does not answer.", "Only machines and services of Azure that an identity is assigned to have one. Elsewhere use a certificate or a federated token.");

    private static CcException Refused(int number, EntraIdentity who, string? key)
    {
        (string what, string remedy) = Explain(number, who);
        return new CcException("ExportUserRefused", CcErrorKind.Authentication,
            $"Microsoft Entra refused the export user {who.Name}: {what} ({(number > 0 ? Code(number) : Key(key))}).", remedy);
    }

    private static (string What, string Remedy) Explain(int number, EntraIdentity who) => number switch
    {
        7000215 => ("the client secret is wrong", "Give the secret's value, not its id, with Add-CcExportUser -ClientSecret."),
        7000222 => ("the client secret has expired", "Make a new one for the application in Microsoft Entra, and give it with Add-CcExportUser -ClientSecret."),
        7000218 => ("the application may not sign people in without a secret", "Allow public client flows for the application in Microsoft Entra."),
        700027 or 7000272 => ("the certificate is not registered with the application", "Upload its public part to the application in Microsoft Entra."),
        700016 => ("there is no such application in the tenant", "Check -ClientId and -TenantId."),
        90002 or 50059 or 900023 => ("there is no such tenant", "Check -TenantId and -Authority."),
        700213 or 70021 => ("the federated token does not fit a credential of the application", "Compare issuer, subject and audience of the application's federated credential."),
        700024 => ("the proof of the application is outside its time", "Check this machine's clock; for a federated token, that its file is kept up to date."),
        65001 or 65004 => ("nobody has consented to what is asked",
            who.IsPerson ? "Sign in again with Add-CcExportUser -Source, which asks for consent, or have an administrator grant it." : "Have an administrator grant the application its permissions."),
        500011 => ("the tenant does not know the service that is to be read", "Check the address of the source, and that it belongs to this tenant."),
        50011 => ("the address that the browser is to come back to is not registered", "Add http://localhost to the application as a redirect of mobile and desktop applications."),
        _ => ("it gave a reason that has no explanation here", "Look the number up at https://login.microsoftonline.com/error."),
    };

    private static CcException Denied() => new("SignInDenied", CcErrorKind.Authentication, "The sign-in was declined.", "Begin again and agree.");

    private static CcException Expired() => new("DeviceCodeExpired", CcErrorKind.Authentication, "The code ran out before anyone entered it.", "Begin again and enter the new code in time.");

    private static string Code(int number) => "AADSTS" + number.ToString(CultureInfo.InvariantCulture);

    private static string Key(string? key) => key is { Length: > 0 and <= 80 } && KeyForm().IsMatch(key) ? key : "no reason given";

    private static int NumberOf(MsalException fault)
    {
        Match match = Number().Match(fault.Message);
        return match.Success ? int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : 0;
    }

    [GeneratedRegex(@"AADSTS([0-9]{4,9})\b")]
    private static partial Regex Number();

    [GeneratedRegex(@"^[a-z0-9_.\-]+$", RegexOptions.IgnoreCase)]
    private static partial Regex KeyForm();
}
