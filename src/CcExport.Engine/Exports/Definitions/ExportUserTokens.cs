using CcExport.Engine.Identity.Entra;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>
/// Hands the tokens of a stored export user to whatever reads as it. Whoever removes the export user, or signs it in anew, ends the reading: a token is good
/// for an hour, so the store is looked at again at intervals, whatever is at hand.
/// </summary>
internal sealed class ExportUserTokens : IAccessTokens
{
    /// <summary>Every page asks here, so that this is how long somebody may still be read who may be read no more.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(30);

    private readonly EngineParts _parts;
    private readonly ExportUserRecord _record;
    private readonly EntraTokens _tokens;
    private long _lookedAt;

    private ExportUserTokens(EngineParts parts, ExportUserRecord record)
    {
        (_parts, _record) = (parts, record);
        _lookedAt = parts.Time.GetTimestamp();
        _tokens = new EntraTokens(parts.Store.ExportUsers, parts.Secrets, record, parts.Entra, parts.Time);
    }

    public static IAccessTokens Open(EngineParts parts, ExportUserRecord record) => new ExportUserTokens(parts, record);

    public string Identity => _tokens.Identity;

    public ValueTask<BearerToken> GetAsync(string scope, bool renew, CancellationToken ct)
        => !IsToLook() && _tokens.Held(scope, renew) is { } held ? ValueTask.FromResult(Of(held)) : new(AskAsync(scope, renew, ct));

    private bool IsToLook() => _parts.Time.GetElapsedTime(Interlocked.Read(ref _lookedAt)) >= LookEvery;

    private async Task<BearerToken> AskAsync(string scope, bool renew, CancellationToken ct)
    {
        try
        {
            if (IsToLook())
            {
                long now = _parts.Time.GetTimestamp();
                EntraCache.Check(_record, await _parts.Store.ExportUsers.FindAsync(_record.ConnectionId, ct).ConfigureAwait(false));
                // Only now: as long as it is gone, nobody gets one.
                Interlocked.Exchange(ref _lookedAt, now);
            }
            if (_tokens.Held(scope, renew) is { } held) return Of(held);
            await _parts.Secrets.UnlockAsync(ct).ConfigureAwait(false);
            return Of(await _tokens.GetAsync(scope, renew, ct).ConfigureAwait(false));
        }
        catch (CcException e) when (e.Subject is null)
        {
            // The room of identities knows connections by their number only.
            throw new CcException(e.ErrorId, e.Kind, e.Message, e.Remedy, e.InnerException)
            {
                Subject = (await _parts.Store.Connections.FindAsync(_record.ConnectionId, CancellationToken.None).ConfigureAwait(false))?.Name,
            };
        }
    }

    private static BearerToken Of(EntraToken token) => new(token.Value, token.ExpiresAt);
}
