namespace CcExport.Engine.ConstantContact.SignIn;

/// <summary>What can go wrong while a person signs in.</summary>
internal static class SignInFailures
{
    public static CcException NoRefreshToken() => new("NoRefreshToken", CcErrorKind.Authentication,
        "Constant Contact signed in but gave no refresh token, so the connection would end with the day.",
        "In the developer portal choose rotating or long-lived refresh tokens for the application, or use another kind of sign-in (-Interactive, -DeviceCode).");

    public static CcException GrantRefused(string? words) => new("SignInRefused", CcErrorKind.Authentication,
        $"Constant Contact did not accept the sign-in: the token or code was used already, revoked, or is too old{(words is null ? "" : $": \"{words.TrimEnd('.')}\"")}.",
        "Begin again. A refresh token must be the newest one of this very application; a code lives for five minutes.");

    public static CcException Denied() => new("SignInDenied", CcErrorKind.Authentication,
        "The sign-in was declined in the browser.", "Begin again and agree, as a user who may manage contacts.");

    public static CcException DeviceCodeExpired() => new("DeviceCodeExpired", CcErrorKind.Authentication,
        "The code ran out before anyone entered it.", "Begin again and enter the new code in time.");

    public static CcException TimedOut(TimeSpan after) => new("SignInTimeout", CcErrorKind.Authentication,
        $"Nobody signed in within {after.TotalMinutes:0.#} minutes.",
        "Begin again. If the browser runs on another machine, use -DeviceCode.");

    public static CcException PortInUse(int port) => new("RedirectPortInUse", CcErrorKind.Conflict,
        $"Port {port} of this machine, where the browser is to come back to, is in use.",
        "Close what uses it, or register and name another redirect address.");

    public static CcException RedirectInvalid() => new("RedirectInvalid", CcErrorKind.InvalidArgument,
        "The redirect address is not an http address of this machine with a port, such as 'http://localhost:8400/'.",
        "Give it exactly as it is registered in the developer portal.");
}
