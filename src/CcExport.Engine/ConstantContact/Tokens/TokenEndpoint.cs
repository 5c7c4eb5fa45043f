using System.Globalization;
using System.Text;
using System.Text.Json;
using CcExport.Engine.ConstantContact.SignIn;
using Duende.IdentityModel.Client;
using Polly;
using Polly.Retry;

namespace CcExport.Engine.ConstantContact.Tokens;

/// <summary>
/// The one way to the authorization server for one application: at most one request a second over all processes, each with a
/// time-out of its own, each answer sorted into a <see cref="TokenReply"/>.
/// </summary>
internal sealed class TokenEndpoint(WireContext wire, Uri authorizationEndpoint, string clientId, string? clientSecret)
{
    /// <summary>Above this <c>expires_in</c> is a point in time and not a duration: the vendor's documents have both.</summary>
    private const long EpochFrom = 1_000_000_000;

    /// <summary>Where the service sends nothing: the shortest life that was ever seen.</summary>
    private const long DefaultLifeSeconds = 28_800;

    public string ClientId => clientId;
    public Uri AuthorizeAddress => Endpoints.Below(authorizationEndpoint, "authorize");

    /// <summary>
    /// Uses a refresh token. <paramref name="untilSent"/> ends only the wait before the request leaves: a rotating token is
    /// used up by the request, and an answer that nobody waits for would be a lost connection.
    /// </summary>
    public async Task<TokenReply> RefreshAsync(string refreshToken, CancellationToken untilSent)
        => await RequestAsync<RefreshTokenRequest>(
            (http, request, ct) =>
            {
                request.RefreshToken = refreshToken;
                return http.RequestRefreshTokenAsync(request, ct);
            }, untilSent, CancellationToken.None).ConfigureAwait(false);

    public Task<TokenReply> ExchangeCodeAsync(string code, string verifier, Uri redirect, CancellationToken ct)
        => RequestAsync<AuthorizationCodeTokenRequest>(
            (http, request, t) =>
            {
                request.Code = code;
                request.CodeVerifier = verifier;
                // As registered and as asked for, to the letter: a slash more would be another address.
                request.RedirectUri = redirect.OriginalString;
                return http.RequestAuthorizationCodeTokenAsync(request, t);
            }, ct, ct);

    public Task<TokenReply> PollDeviceAsync(string deviceCode, CancellationToken ct)
        => RequestAsync<DeviceTokenRequest>(
            (http, request, t) =>
            {
                request.DeviceCode = deviceCode;
                return http.RequestDeviceTokenAsync(request, t);
            }, ct, ct);

    /// <summary>Begins a device sign-in. The answer has no tokens, but the codes for the device and for the person.</summary>
    public async Task<(TokenReply Reply, DeviceCodes? Codes)> BeginDeviceAsync(string scope, string state, CancellationToken ct)
    {
        DeviceCodes? codes = null;
        TokenReply reply = await SendAsync(
            async (http, t) =>
            {
                DeviceAuthorizationRequest request = Prepare<DeviceAuthorizationRequest>("device/authorize");
                request.Scope = scope;
                request.Parameters.Add("response_type", "code");
                request.Parameters.Add("state", state);
                DeviceAuthorizationResponse answer = await http.RequestDeviceAuthorizationAsync(request, t).ConfigureAwait(false);
                if (IsObject(answer)) codes = DeviceCodes.From(answer, wire.Time.GetUtcNow());
                return answer;
            }, ct, ct).ConfigureAwait(false);
        return (reply, codes);
    }

    /// <summary>Tries again with back-off while the trouble is of the passing kind.</summary>
    public async Task<TokenReply> RetryAsync(Func<CancellationToken, Task<TokenReply>> request, CancellationToken ct)
    {
        if (wire.Options.Tries <= 1) return await request(ct).ConfigureAwait(false);
        ResiliencePipeline<TokenReply> retries = new ResiliencePipelineBuilder<TokenReply> { TimeProvider = wire.Time }
            .AddRetry(new RetryStrategyOptions<TokenReply>
            {
                MaxRetryAttempts = wire.Options.Tries - 1,
                ShouldHandle = args => ValueTask.FromResult(args.Outcome.Result is { Outcome: TokenOutcome.Transient }),
                DelayGenerator = args => ValueTask.FromResult<TimeSpan?>(
                    Backoff.Delay(args.AttemptNumber, args.Outcome.Result?.RetryAfter, wire.Random(), wire.Options)),
            })
            .Build();
        return await retries.ExecuteAsync(async t => await request(t).ConfigureAwait(false), ct).ConfigureAwait(false);
    }

    private Task<TokenReply> RequestAsync<T>(Func<HttpClient, T, CancellationToken, Task<TokenResponse>> send, CancellationToken untilSent, CancellationToken onTheWay)
        where T : TokenRequest, new()
        => SendAsync(async (http, ct) => await send(http, Prepare<T>("token"), ct).ConfigureAwait(false), untilSent, onTheWay);

    private T Prepare<T>(string resource) where T : ProtocolRequest, new() => new()
    {
        Address = Endpoints.Below(authorizationEndpoint, resource).AbsoluteUri,
        ClientId = clientId,
        ClientSecret = clientSecret,
        // The library's default is a Basic header even where there is no secret, which a public application is refused for.
        ClientCredentialStyle = clientSecret is null ? ClientCredentialStyle.PostBody : ClientCredentialStyle.AuthorizationHeader,
    };

    private async Task<TokenReply> SendAsync(Func<HttpClient, CancellationToken, Task<ProtocolResponse>> send, CancellationToken untilSent, CancellationToken onTheWay)
    {
        TimeSpan timeout = wire.Options.TokenTimeout;
        Lease spacing = await Lease.TakeAsync(wire, "token-endpoint/" + clientId, "token request", timeout + wire.Options.HeldMargin, untilSent)
            .ConfigureAwait(false);
        await using (spacing.ConfigureAwait(false))
        {
            try
            {
                using var late = new CancellationTokenSource(timeout, wire.Time);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(onTheWay, late.Token);
                using ProtocolResponse response = await send(wire.Http, either.Token).ConfigureAwait(false);
                return Sort(response);
            }
            catch (OperationCanceledException) when (!onTheWay.IsCancellationRequested)
            {
                return new TokenReply { Outcome = TokenOutcome.Transient, Words = "no answer in time" };
            }
            finally
            {
                await spacing.LeaveToExpireAsync(wire.Options.TokenSpacing).ConfigureAwait(false);
            }
        }
    }

    private TokenReply Sort(ProtocolResponse response)
    {
        int status = (int)response.HttpStatusCode;
        if (response.ErrorType == ResponseErrorType.Exception || status == 0)
        {
            // Of the exception only what the network says: one about the body may quote it.
            return new TokenReply { Outcome = TokenOutcome.Transient, Fault = response.Exception as HttpRequestException, Words = status == 0 ? null : $"HTTP {status}" };
        }
        ServiceError error = ServiceError.Parse(Encoding.UTF8.GetBytes(response.Raw ?? ""));
        if (status is >= 200 and < 300 && error.Key is null)
        {
            if (!IsObject(response)) return new TokenReply { Outcome = TokenOutcome.Transient, Words = "an answer of another form" };
            return response is TokenResponse tokens ? Issued(tokens) : new TokenReply { Outcome = TokenOutcome.Issued };
        }
        return new TokenReply
        {
            Outcome = OutcomeOf(status, error.Key),
            Words = error.Words ?? error.Key ?? $"HTTP {status}",
            RetryAfter = response.HttpResponse?.Headers.RetryAfter?.Delta,
        };
    }

    /// <summary>The library's own readers throw on an array.</summary>
    private static bool IsObject(ProtocolResponse response) => response.Json is { ValueKind: JsonValueKind.Object };

    private TokenReply Issued(TokenResponse tokens)
    {
        if (string.IsNullOrEmpty(tokens.AccessToken)) return new TokenReply { Outcome = TokenOutcome.Transient, Words = "an answer without a token" };
        DateTimeOffset now = wire.Time.GetUtcNow();
        return new TokenReply
        {
            Outcome = TokenOutcome.Issued,
            AccessToken = tokens.AccessToken,
            RefreshToken = string.IsNullOrEmpty(tokens.RefreshToken) ? null : tokens.RefreshToken,
            Scope = tokens.Scope,
            IssuedAt = now,
            ExpiresAt = ExpiryOf(tokens.TryGet("expires_in"), now),
        };
    }

    /// <summary>A duration in seconds or, above 10^9, a point in time.</summary>
    internal static DateTimeOffset ExpiryOf(string? expiresIn, DateTimeOffset now)
    {
        if (!long.TryParse(expiresIn, NumberStyles.None, CultureInfo.InvariantCulture, out long seconds) || seconds <= 0) seconds = DefaultLifeSeconds;
        if (seconds <= EpochFrom) return now.AddSeconds(seconds);
        // A point of time in milliseconds would lie in a year that has no number.
        return DateTimeOffset.FromUnixTimeSeconds(seconds < 100 * EpochFrom ? seconds : seconds / 1000);
    }

    private static TokenOutcome OutcomeOf(int status, string? key) => key switch
    {
        "invalid_grant" => TokenOutcome.InvalidGrant,
        "invalid_client" or "unauthorized_client" => TokenOutcome.InvalidClient,
        "authorization_pending" => TokenOutcome.Pending,
        "slow_down" => TokenOutcome.SlowDown,
        "access_denied" => TokenOutcome.Denied,
        "expired_token" => TokenOutcome.Expired,
        "temporarily_unavailable" or "server_error" => TokenOutcome.Transient,
        _ when status is 408 or 429 or >= 500 || status < 400 => TokenOutcome.Transient,
        _ when status == 401 => TokenOutcome.InvalidClient,
        _ => TokenOutcome.Refused,
    };
}
