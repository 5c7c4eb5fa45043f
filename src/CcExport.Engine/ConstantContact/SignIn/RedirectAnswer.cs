using System.Collections.Specialized;
using System.Security.Cryptography;
using System.Text;
using System.Web;

namespace CcExport.Engine.ConstantContact.SignIn;

/// <summary>What the browser brought back: a code, or why there is none.</summary>
internal sealed class RedirectAnswer
{
    public string? Code { get; private init; }
    public string? Error { get; private init; }
    public string? ErrorDescription { get; private init; }

    /// <summary>
    /// Null unless the query carries this sign-in's own state: anyone on this machine, any page in the browser, can call the
    /// port. Compared in constant time, so that trying does not bring them nearer.
    /// </summary>
    public static RedirectAnswer? From(string query, string state)
    {
        NameValueCollection values = HttpUtility.ParseQueryString(query);
        if (values["state"] is not { } theirs || !CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(theirs), Encoding.UTF8.GetBytes(state))) return null;
        string? error = values["error"] is { Length: > 0 } said ? said : null;
        string? code = values["code"] is { Length: > 0 } given ? given : null;
        return error is null && code is null
            ? new RedirectAnswer { Error = "invalid_response", ErrorDescription = "The browser came back without a code." }
            : new RedirectAnswer { Code = code, Error = error, ErrorDescription = values["error_description"] };
    }
}
