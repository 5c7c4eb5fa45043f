using Duende.IdentityModel.Client;

namespace CcExport.Engine.ConstantContact.SignIn;

/// <summary>What begins a device sign-in: a code for us, and one for the person.</summary>
internal sealed class DeviceCodes
{
    /// <summary>What RFC 8628 says where the server says nothing, and what field clients assume.</summary>
    private const int DefaultIntervalSeconds = 5, DefaultLifeSeconds = 600;

    public required string DeviceCode { get; init; }
    public required string UserCode { get; init; }
    public required Uri VerificationUri { get; init; }
    public Uri? VerificationUriComplete { get; init; }
    public required TimeSpan Interval { get; init; }
    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>Null where the answer lacks what the flow can't do without.</summary>
    public static DeviceCodes? From(DeviceAuthorizationResponse answer, DateTimeOffset now)
        => answer.DeviceCode is { Length: > 0 } device && answer.UserCode is { Length: > 0 } user && Web(answer.VerificationUri) is { } verification
            ? new DeviceCodes
            {
                DeviceCode = device,
                UserCode = user,
                VerificationUri = verification,
                VerificationUriComplete = Web(answer.VerificationUriComplete),
                Interval = TimeSpan.FromSeconds(answer.Interval > 0 ? answer.Interval : DefaultIntervalSeconds),
                ExpiresAt = now.AddSeconds(answer.ExpiresIn is > 0 and { } life ? life : DefaultLifeSeconds),
            }
            : null;

    /// <summary>It is shown and perhaps opened: nothing but a web address.</summary>
    private static Uri? Web(string? text)
        => Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && (uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback))
            ? uri : null;
}
