using System.Security.Cryptography;
using System.Text;
using CcExport.Engine.ConstantContact.Tokens;
using Duende.IdentityModel;
using Duende.IdentityModel.Client;

namespace CcExport.Engine.ConstantContact.SignIn;

/// <summary>How a sign-in in the browser is done.</summary>
internal sealed record InteractiveOptions
{
    /// <summary>
    /// The redirect address as registered, with its port, on this machine. Null: a free port of 127.0.0.1, for servers that
    /// let the port of a loopback address be any (RFC 8252, 7.3).
    /// </summary>
    public Uri? Redirect { get; init; }
    /// <summary><c>login</c> makes the person sign in even where the browser still is.</summary>
    public string? Prompt { get; init; }
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(5);
}

/// <summary>Sign-in in the browser of this machine: authorization code with PKCE, the answer coming back to a loopback port.</summary>
internal sealed class InteractiveSignIn(WireContext wire, TokenEndpoint endpoint, ISignInPrompt prompt, InteractiveOptions options)
{
    public async Task<SignInResult> RunAsync(CancellationToken ct)
    {
        string state = CryptoRandom.CreateUniqueId(32), verifier = CryptoRandom.CreateUniqueId(48);
        using var listener = LoopbackListener.Start(options.Redirect, wire.Time);
        string code = await AskAsync(listener, Authorize(listener.Redirect, state, verifier), state, ct).ConfigureAwait(false);
        TokenReply reply = await endpoint.RetryAsync(t => endpoint.ExchangeCodeAsync(code, verifier, listener.Redirect, t), ct).ConfigureAwait(false);
        return reply.Result();
    }

    private async Task<string> AskAsync(LoopbackListener listener, Uri address, string state, CancellationToken ct)
    {
        using var late = new CancellationTokenSource(options.Timeout, wire.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, late.Token);
        try
        {
            // Listening already: a browser that is signed in comes back within the blink of an eye.
            Task<RedirectAnswer> coming = listener.WaitAsync(state, either.Token);
            await ShowAsync(address, either.Token).ConfigureAwait(false);
            RedirectAnswer answer = await coming.ConfigureAwait(false);
            return answer.Error switch
            {
                null => answer.Code!,
                "access_denied" => throw SignInFailures.Denied(),
                _ => throw Failures.SignInRefused(SafeText.Clean(answer.ErrorDescription) ?? SafeText.Key(answer.Error)),
            };
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw SignInFailures.TimedOut(options.Timeout);
        }
    }

    private async Task ShowAsync(Uri address, CancellationToken ct)
    {
        bool opened;
        try
        {
            opened = await prompt.OpenBrowserAsync(address, ct).ConfigureAwait(false);
        }
        catch (Exception fault) when (fault is not OperationCanceledException || !ct.IsCancellationRequested)
        {
            // No browser, no display, no rights: whatever it is, the person can open it by hand.
            opened = false;
        }
        if (!opened) prompt.ShowAddress(address);
    }

    private Uri Authorize(Uri redirect, string state, string verifier)
    {
        string challenge = Convert.ToBase64String(SHA256.HashData(Encoding.ASCII.GetBytes(verifier))).TrimEnd('=').Replace('+', '-').Replace('/', '_');
        return new Uri(new RequestUrl(endpoint.AuthorizeAddress.AbsoluteUri).CreateAuthorizeUrl(
            endpoint.ClientId, "code", SignInResult.Scopes, redirect.OriginalString, state: state,
            prompt: options.Prompt, codeChallenge: challenge, codeChallengeMethod: "S256"));
    }
}
