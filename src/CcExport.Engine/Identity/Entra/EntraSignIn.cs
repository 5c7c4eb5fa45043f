using Microsoft.Identity.Client;

namespace CcExport.Engine.Identity.Entra;

/// <summary>The first sign-in: whoever it is gives proof, and what was got is ready to be stored.</summary>
internal sealed class EntraSignIn(EntraIdentity identity, EntraSecrets secrets, EntraOptions options, TimeProvider time)
{
    /// <summary>Signs in.</summary>
    /// <param name="scopes">
    /// What is going to be read; each is asked for once. A person may be asked once more for a service to which nobody has consented. None: a person just signs in, and an
    /// application is believed.
    /// </param>
    public async Task<(EntraIdentity Identity, EntraSecrets Secrets)> RunAsync(IReadOnlyList<string> scopes, EntraPrompt prompt, CancellationToken ct)
    {
        var cache = new EntraCache(secrets);
        EntraIdentity signedIn = identity with { SignedInAt = time.GetUtcNow() };
        try
        {
            if (identity.IsPerson)
            {
                IPublicClientApplication application = new EntraClient(identity, cache, options, time).Public();
                AuthenticationResult result = await AskAsync(application, scopes.Take(1), null, prompt, ct).ConfigureAwait(false);
                signedIn = signedIn with { UserName = result.Account.Username, AccountId = result.Account.HomeAccountId.Identifier };
                // One request asks the rights of one service: Entra refuses ".default" of several.
                foreach (string scope in scopes.Skip(1)) await ConsentAsync(application, scope, result.Account, prompt, ct).ConfigureAwait(false);
            }
            var client = new EntraClient(signedIn, cache, options, time);
            foreach (string scope in scopes) await client.SilentAsync(scope, force: false, ct).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw EntraFailures.From(e, identity);
        }
        return (signedIn, cache.Secrets);
    }

    /// <summary>Consent to the first service is one to all that the application is registered for; only where it is not is the person asked again.</summary>
    private async Task ConsentAsync(IPublicClientApplication application, string scope, IAccount account, EntraPrompt prompt, CancellationToken ct)
    {
        try
        {
            await application.AcquireTokenSilent([scope], account).ExecuteAsync(ct).ConfigureAwait(false);
        }
        catch (MsalUiRequiredException)
        {
            await AskAsync(application, [scope], account, prompt, ct).ConfigureAwait(false);
        }
    }

    private Task<AuthenticationResult> AskAsync(IPublicClientApplication application, IEnumerable<string> scopes, IAccount? account, EntraPrompt prompt, CancellationToken ct)
        => identity.Kind == ExportUserKind.Interactive ? InteractiveAsync(application, scopes, account, prompt, ct) : DeviceCodeAsync(application, scopes, prompt, ct);

    private async Task<AuthenticationResult> InteractiveAsync(IPublicClientApplication application, IEnumerable<string> scopes, IAccount? account, EntraPrompt prompt, CancellationToken ct)
    {
        using var late = new CancellationTokenSource(options.Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, late.Token);
        try
        {
            return await application.AcquireTokenInteractive(scopes)
                .WithAccount(account)
                .WithUseEmbeddedWebView(false)
                .WithSystemWebViewOptions(new SystemWebViewOptions
                {
                    HtmlMessageSuccess = Page("Signed in", "You can close this page and return to PowerShell."),
                    HtmlMessageError = Page("You are not signed in", "You can close this page; PowerShell says why."),
                    OpenBrowserAsync = address => prompt.ShowPage(address, either.Token),
                })
                .ExecuteAsync(either.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (late.IsCancellationRequested && !ct.IsCancellationRequested && e is OperationCanceledException or MsalClientException)
        {
            throw EntraFailures.TimedOut(options.Patience);
        }
    }

    private static async Task<AuthenticationResult> DeviceCodeAsync(IPublicClientApplication application, IEnumerable<string> scopes, EntraPrompt prompt, CancellationToken ct)
        => await application.AcquireTokenWithDeviceCode(scopes, code =>
        {
            prompt.ShowCode(code.UserCode, Web(code.VerificationUrl), code.ExpiresOn);
            return Task.CompletedTask;
        }).ExecuteAsync(ct).ConfigureAwait(false);

    /// <summary>It is shown to a person, and perhaps clicked: nothing but a web address.</summary>
    private static Uri Web(string text)
        => Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && (uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback)) ? uri
            : throw new CcException("SignInFailed", CcErrorKind.Service, "The answer names no page on which the code could be entered.", "Check -Authority.");

    /// <summary>Without braces: the library puts the service's words into such a text where it has places for them.</summary>
    private static string Page(string title, string text) => $"""
        <!doctype html><html lang="en" style="color-scheme:light dark"><head><meta charset="utf-8"><title>{title}</title></head>
        <body style="font:16px/1.5 system-ui,sans-serif;margin:4rem auto;max-width:30rem"><h1>{title}</h1><p>{text}</p></body></html>
        """;
}
