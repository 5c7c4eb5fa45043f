using CcExport.Engine.ConstantContact.Tokens;

namespace CcExport.Engine.ConstantContact.SignIn;

/// <summary>Takes over a refresh token that the developer portal or another tool made. A rotating one is used up by this: the result must be stored.</summary>
internal sealed class RefreshTokenSignIn(TokenEndpoint endpoint)
{
    public async Task<SignInResult> RunAsync(string refreshToken, CancellationToken ct)
    {
        // The endpoint ignores cancellation once the token is on its way; the caller waits those few seconds for the sake of the token.
        TokenReply reply = await endpoint.RetryAsync(t => endpoint.RefreshAsync(refreshToken, t), ct).ConfigureAwait(false);
        return reply.Result(refreshToken);
    }
}
