using System.Diagnostics.CodeAnalysis;
using CcExport.Engine.Store;
using Microsoft.Identity.Client;

namespace CcExport.Engine.Identity.Entra;

/// <summary>
/// The library's token cache, kept in the store for all processes. It is read again before each use, and written under the version it was read at;
/// when another process was first, the two are merged, so that no refresh token is lost.
/// </summary>
internal sealed class EntraCache(EntraSecrets secrets)
{
    private IExportUserStore? _store;
    private ISecretBox? _box;
    private ExportUserRecord? _record;

    /// <summary>The latest secrets, the cache among them.</summary>
    public EntraSecrets Secrets { get; private set; } = secrets;

    /// <summary>The version of what was read last.</summary>
    public long Version => _record?.SecretsVersion ?? 0;

    /// <summary>One of a stored export user. Without a store it is in memory only: while somebody signs in.</summary>
    public static EntraCache Open(IExportUserStore store, ISecretBox box, ExportUserRecord record)
        => new(EntraSecrets.Unprotect(box, record.ConnectionId, record.Secrets)) { _store = store, _box = box, _record = record };

    public void Attach(ITokenCache cache)
    {
        cache.SetBeforeAccessAsync(async args =>
        {
            await ReloadAsync(args.CancellationToken).ConfigureAwait(false);
            if (Secrets.Cache is { Length: > 0 } bytes) args.TokenCache.DeserializeMsalV3(bytes, shouldClearExistingCache: true);
        });
        cache.SetAfterAccessAsync(async args =>
        {
            if (args.HasStateChanged) await SaveAsync(args.TokenCache).ConfigureAwait(false);
        });
    }

    /// <summary>Reads again what the store has. <c>ExportUserChanged</c> when it is another by now: reading goes on as nobody else.</summary>
    public async Task ReloadAsync(CancellationToken ct)
    {
        if (_store is null) return;
        ExportUserRecord? now = await _store.FindAsync(_record!.ConnectionId, ct).ConfigureAwait(false);
        Check(_record, now);
        if (now.SecretsVersion != _record.SecretsVersion) Secrets = EntraSecrets.Unprotect(_box!, now.ConnectionId, now.Secrets);
        _record = now;
    }

    /// <summary>Whether what is stored now is still the export user that one began with: <c>ExportUserChanged</c>.</summary>
    public static void Check(ExportUserRecord began, [NotNull] ExportUserRecord? now)
    {
        if (now is not null && now.CreatedAt == began.CreatedAt) return;
        throw new CcException("ExportUserChanged", CcErrorKind.Conflict,
            $"The export user was {(now is null ? "removed" : "signed in anew")} while it was in use.", "Begin again.");
    }

    /// <summary>Not to be given up: a token that was answered and not written down may be the only one that still works.</summary>
    private async Task SaveAsync(ITokenCacheSerializer cache)
    {
        byte[] bytes = cache.SerializeMsalV3();
        while (_store is not null)
        {
            EntraSecrets next = Secrets with { Cache = bytes };
            if (await _store.SaveSecretsAsync(_record!.ConnectionId, _record.SecretsVersion, next.Protect(_box!, _record.ConnectionId), CancellationToken.None).ConfigureAwait(false))
            {
                _record = _record with { SecretsVersion = _record.SecretsVersion + 1 };
                break;
            }
            await ReloadAsync(CancellationToken.None).ConfigureAwait(false);
            // Ours over theirs: what was just answered is the newest.
            if (Secrets.Cache is { Length: > 0 } theirs) cache.DeserializeMsalV3(theirs, shouldClearExistingCache: true);
            cache.DeserializeMsalV3(bytes, shouldClearExistingCache: false);
            bytes = cache.SerializeMsalV3();
        }
        Secrets = Secrets with { Cache = bytes };
    }

    /// <summary>Writes down whether a person has to sign in again.</summary>
    public async Task MarkAsync(EntraIdentity identity)
    {
        if (_store is not null) await _store.SaveJsonAsync(_record!.ConnectionId, _record.SecretsVersion, identity.ToJson(), CancellationToken.None).ConfigureAwait(false);
    }
}
