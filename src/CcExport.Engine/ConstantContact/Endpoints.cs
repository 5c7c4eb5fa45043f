namespace CcExport.Engine.ConstantContact;

/// <summary>Where the API and the authorization server are.</summary>
/// <param name="Api">Includes <c>/v3</c>.</param>
/// <param name="Authorization">The base to which <c>/authorize</c>, <c>/token</c> and <c>/device/authorize</c> are appended.</param>
internal sealed record Endpoints(Uri Api, Uri Authorization)
{
    public static Uri DefaultApi { get; } = new("https://api.cc.email/v3");
    public static Uri DefaultAuthorization { get; } = new("https://authz.constantcontact.com/oauth2/default/v1");

    /// <summary>Takes what a person gave (null: the vendor's), without a trailing slash, or says why it can't be used.</summary>
    public static Endpoints Validate(string? apiEndpoint, string? authorizationEndpoint)
        => new(
            apiEndpoint is null ? DefaultApi : Parse(apiEndpoint, "API endpoint"),
            authorizationEndpoint is null ? DefaultAuthorization : Parse(authorizationEndpoint, "authorization endpoint"));

    public static Endpoints Validate(Uri? apiEndpoint, Uri? authorizationEndpoint)
        => Validate(apiEndpoint?.OriginalString, authorizationEndpoint?.OriginalString);

    /// <summary>A resource below a base, whether or not the base ends with a slash.</summary>
    public static Uri Below(Uri endpoint, string resource) => new(endpoint.AbsoluteUri.TrimEnd('/') + "/" + resource);

    private static Uri Parse(string text, string what)
    {
        // On Unix "/v3" is an absolute file address: the scheme is asked for as well.
        if (!Uri.TryCreate(text.Trim(), UriKind.Absolute, out Uri? uri) || uri.Host.Length == 0
            || uri.Query.Length > 0 || uri.Fragment.Length > 0 || uri.UserInfo.Length > 0)
        {
            throw new CcException("EndpointInvalid", CcErrorKind.InvalidArgument,
                $"The {what} is not an absolute web address without user, query and fragment.",
                $"Give it as in '{DefaultApi}'.");
        }
        if (uri.Scheme != Uri.UriSchemeHttps && !(uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback))
        {
            throw new CcException("EndpointNotSecure", CcErrorKind.InvalidArgument,
                $"The {what} '{uri.Scheme}://{uri.Authority}' is not https: tokens and contacts would travel in clear text.",
                "Use https. Plain http is accepted for this machine only (localhost, 127.0.0.1, [::1]).");
        }
        return new Uri(uri.AbsoluteUri.TrimEnd('/'));
    }
}
