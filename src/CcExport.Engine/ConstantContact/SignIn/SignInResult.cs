namespace CcExport.Engine.ConstantContact.SignIn;

/// <summary>What a person's sign-in brought. To be stored at once: a rotating refresh token exists nowhere else.</summary>
internal sealed class SignInResult(string accessToken, string refreshToken, DateTimeOffset issuedAt, DateTimeOffset expiresAt, string? scope)
{
    /// <summary>All that an export needs; without <c>offline_access</c> there would be no refresh token, and no error either.</summary>
    public const string Scopes = "contact_data offline_access account_read";

    public string AccessToken { get; } = accessToken;
    public string RefreshToken { get; } = refreshToken;
    public DateTimeOffset IssuedAt { get; } = issuedAt;
    public DateTimeOffset ExpiresAt { get; } = expiresAt;
    public string? Scope { get; } = scope;

    public override string ToString() => $"(signed in until {ExpiresAt:u})";
}
