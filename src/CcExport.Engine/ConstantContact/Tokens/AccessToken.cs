namespace CcExport.Engine.ConstantContact.Tokens;

/// <summary>An access token and when it should be replaced. A class of its own so that it can't slip into a message.</summary>
internal sealed class AccessToken(string value, DateTimeOffset refreshAt, DateTimeOffset expiresAt)
{
    public string Value { get; } = value;
    public DateTimeOffset RefreshAt { get; } = refreshAt;
    public DateTimeOffset ExpiresAt { get; } = expiresAt;

    public override string ToString() => $"(access token until {ExpiresAt:u})";
}
