using System.Collections.Concurrent;
using CcExport.Engine.Store;
using Microsoft.Identity.Client;

namespace CcExport.Engine.Identity.Entra;

/// <summary>Access tokens of a stored export user, for any number of callers at once.</summary>
internal sealed class EntraTokens(IExportUserStore store, ISecretBox box, ExportUserRecord record, EntraOptions options, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, HeldToken> _held = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _gate = new(1, 1);
    private EntraIdentity _identity = EntraIdentity.FromJson(record.Json);
    private EntraCache? _cache;
    private EntraClient? _client;

    public string Identity => _identity.Name;

    /// <summary>The token at hand; null when one has to be asked for.</summary>
    public EntraToken? Held(string scope, bool renew)
        => !renew && _held.TryGetValue(scope, out HeldToken? held) && time.GetUtcNow() < held.RenewAt ? held.Token : null;

    /// <summary>
    /// A token that is good for some minutes yet. <c>SignInRequired</c>, <c>ExportUserRefused</c>, <c>ExportUserChanged</c>, <c>EntraUnreachable</c>, <c>EntraUnavailable</c>,
    /// and what is wrong with a certificate or a token's file.
    /// </summary>
    /// <param name="renew">Another one, whatever the cache says. Callers that ask so at the same time share one.</param>
    public async Task<EntraToken> GetAsync(string scope, bool renew, CancellationToken ct)
    {
        long asked = time.GetTimestamp();
        await _gate.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            // Got while we waited: a hundred pages that were refused at once need one new token.
            if (_held.TryGetValue(scope, out HeldToken? held) && (held.GotAt >= asked || (!renew && time.GetUtcNow() < held.RenewAt))) return held.Token;
            _cache ??= EntraCache.Open(store, box, record);
            _client ??= new EntraClient(_identity, _cache, options, time);
            AuthenticationResult result = await AskAsync(_client, _cache, scope, renew, ct).ConfigureAwait(false);
            if (_identity.SignedOutAt is not null) await MarkAsync(null).ConfigureAwait(false);
            var token = new EntraToken(result.AccessToken, result.ExpiresOn);
            TimeSpan quarter = (result.ExpiresOn - time.GetUtcNow()) / 4;
            _held[scope] = new HeldToken(token, result.ExpiresOn - (quarter < options.RenewAhead ? quarter : options.RenewAhead), time.GetTimestamp());
            return token;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            CcException failure = EntraFailures.From(e, _identity);
            if (failure.ErrorId == "SignInRequired" && _cache is not null) await MarkAsync(time.GetUtcNow()).ConfigureAwait(false);
            throw failure;
        }
        finally { _gate.Release(); }
    }

    private async Task<AuthenticationResult> AskAsync(EntraClient client, EntraCache cache, string scope, bool renew, CancellationToken ct)
    {
        try
        {
            return await client.SilentAsync(scope, renew, ct).ConfigureAwait(false);
        }
        catch (MsalUiRequiredException) when (_identity.IsPerson)
        {
            // Another process may have used the same refresh token a moment before us, and be writing down what it got for it.
            if (!await OtherWroteAsync(cache, ct).ConfigureAwait(false)) throw;
        }
        return await client.SilentAsync(scope, force: false, ct).ConfigureAwait(false);
    }

    private async Task<bool> OtherWroteAsync(EntraCache cache, CancellationToken ct)
    {
        const int looks = 4;
        long before = cache.Version;
        for (int look = 0; look < looks; look++)
        {
            if (look > 0) await Task.Delay(options.OtherWriter / looks, time, ct).ConfigureAwait(false);
            await cache.ReloadAsync(ct).ConfigureAwait(false);
            if (cache.Version != before) return true;
        }
        return false;
    }

    private async Task MarkAsync(DateTimeOffset? signedOutAt)
    {
        if (_identity.SignedOutAt is null == signedOutAt is null) return;
        _identity = _identity with { SignedOutAt = signedOutAt };
        await _cache!.MarkAsync(_identity).ConfigureAwait(false);
    }

    private sealed record HeldToken(EntraToken Token, DateTimeOffset RenewAt, long GotAt)
    {
        public override string ToString() => Token.ToString();
    }
}

/// <param name="Value">The secret itself.</param>
internal readonly record struct EntraToken(string Value, DateTimeOffset ExpiresAt)
{
    public override string ToString() => $"EntraToken until {ExpiresAt:O}";
}
