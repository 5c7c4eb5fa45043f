using CcExport.Engine.ConstantContact.Tokens;
using Duende.IdentityModel;

namespace CcExport.Engine.ConstantContact.SignIn;

/// <summary>Sign-in with a code that the person enters on any device (RFC 8628).</summary>
internal sealed class DeviceCodeSignIn(WireContext wire, TokenEndpoint endpoint, ISignInPrompt prompt)
{
    /// <summary>What <c>slow_down</c> adds to the interval, for good (RFC 8628, 3.5).</summary>
    private static readonly TimeSpan SlowDown = TimeSpan.FromSeconds(5);

    public async Task<SignInResult> RunAsync(CancellationToken ct)
    {
        DeviceCodes codes = await BeginAsync(ct).ConfigureAwait(false);
        prompt.ShowDeviceCode(codes.UserCode, codes.VerificationUri, codes.VerificationUriComplete, codes.ExpiresAt);
        TimeSpan interval = codes.Interval;
        while (true)
        {
            if (wire.Time.GetUtcNow() >= codes.ExpiresAt) throw SignInFailures.DeviceCodeExpired();
            await Task.Delay(interval, wire.Time, ct).ConfigureAwait(false);
            TokenReply reply = await endpoint.PollDeviceAsync(codes.DeviceCode, ct).ConfigureAwait(false);
            switch (reply.Outcome)
            {
                case TokenOutcome.Pending:
                    break;
                // Trouble on the way asks for fewer questions too, and the code lives on.
                case TokenOutcome.SlowDown or TokenOutcome.Transient:
                    interval += SlowDown;
                    break;
                default:
                    return reply.Result();
            }
        }
    }

    private async Task<DeviceCodes> BeginAsync(CancellationToken ct)
    {
        DeviceCodes? codes = null;
        TokenReply reply = await endpoint.RetryAsync(
            async t =>
            {
                (TokenReply answer, codes) = await endpoint.BeginDeviceAsync(SignInResult.Scopes, CryptoRandom.CreateUniqueId(16), t).ConfigureAwait(false);
                return answer;
            }, ct).ConfigureAwait(false);
        if (reply.Outcome != TokenOutcome.Issued) reply.Result();
        return codes ?? throw Failures.SignInRefused("the answer has no code");
    }
}
