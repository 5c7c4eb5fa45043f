using System.Runtime.ExceptionServices;
using CcExport.Engine.Store;

namespace CcExport.Engine.ConstantContact.Tokens;

/// <summary>
/// The access token of one connection. Refreshed near its end or when the service refused it, once for all callers of this
/// process and of every other one that shares the store.
/// </summary>
internal sealed class AccessTokens(WireContext wire, Guid connectionId, string connectionName) : IAsyncDisposable
{
    private readonly SemaphoreSlim _turn = new(1, 1);
    private volatile AccessToken? _current;
    private Task _refresh = Task.CompletedTask;

    // Written in the turn, read before it: callers that waited while a refresh failed share its failure instead of repeating it.
    private long _finished;
    private ExceptionDispatchInfo? _failure;

    // In the turn only: a refresh that succeeded at the server and could not be stored. Its predecessor is dead; this must not be lost.
    private ConnectionSecrets? _unsaved;
    private DateTimeOffset _pausedUntil;

    private WireOptions Options => wire.Options;
    private DateTimeOffset Now => wire.Time.GetUtcNow();

    /// <summary>One try and the wait before the next; renewed before each try.</summary>
    private TimeSpan Hold => Options.TokenTimeout + Options.MaxRetryAfter + Options.HeldMargin;

    /// <summary>A token that is good for a call now.</summary>
    public async Task<AccessToken> GetAsync(CancellationToken ct)
    {
        AccessToken? current = _current;
        if (current is not null && Now < current.RefreshAt) return current;
        try
        {
            return await InTurnAsync(null, ct).ConfigureAwait(false);
        }
        catch (CcException passing) when (passing.ErrorId == "SignInUnreachable" && _current is { } old && Now < old.ExpiresAt)
        {
            // It still works for a while: better than to fail, and the next call after the pause tries to refresh again.
            return old;
        }
    }

    /// <summary>Another token than the one that the service has just refused.</summary>
    public async Task<AccessToken> ReplaceAsync(AccessToken refused, CancellationToken ct)
        => _current is { } current && current.Value != refused.Value && Now < current.RefreshAt
            ? current
            : await InTurnAsync(refused.Value, ct).ConfigureAwait(false);

    public async ValueTask DisposeAsync()
    {
        try
        {
            await _refresh.WaitAsync(Options.LeavePatience, wire.Time).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // Whoever asked for the refresh has been told; here it only matters that it had its chance to end.
        }
    }

    private async Task<AccessToken> InTurnAsync(string? refused, CancellationToken ct)
    {
        long finishedBefore = Volatile.Read(ref _finished);
        await _turn.WaitAsync(ct).ConfigureAwait(false);
        Task<AccessToken> work = WorkAsync(refused, finishedBefore, ct);
        _refresh = work;
        // A caller may leave at once; the work goes on until what it asked the server for is stored.
        _ = work.ContinueWith(static t => t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        return await work.WaitAsync(ct).ConfigureAwait(false);
    }

    private async Task<AccessToken> WorkAsync(string? refused, long finishedBefore, CancellationToken ct)
    {
        try
        {
            if (_finished > finishedBefore)
            {
                _failure?.Throw();
                if (_current is { } theirs && theirs.Value != refused && Now < theirs.RefreshAt) return theirs;
            }
            _failure = null;
            AccessToken token = await FindOrRefreshAsync(refused, ct).ConfigureAwait(false);
            return _current = token;
        }
        catch (CcException failure)
        {
            _failure = ExceptionDispatchInfo.Capture(failure);
            throw;
        }
        finally
        {
            Volatile.Write(ref _finished, _finished + 1);
            _turn.Release();
        }
    }

    private async Task<AccessToken> FindOrRefreshAsync(string? refused, CancellationToken ct)
    {
        if (_unsaved is null && (await LoadAsync(ct).ConfigureAwait(false)).Usable(refused, this) is { } stored) return stored;
        Lease lease = await Lease.TakeAsync(wire, "token/" + connectionId.ToString("D"), "refresh of " + connectionName, Hold, ct).ConfigureAwait(false);
        await using (lease.ConfigureAwait(false))
        {
            // Whoever held the lease before us may have refreshed: theirs is then the only token that works.
            Loaded loaded = await LoadAsync(ct).ConfigureAwait(false);
            if (_unsaved is { } unsaved) return await SaveAsync(loaded, unsaved).ConfigureAwait(false);
            // For the case that the endpoint can't be reached: what is stored may still work for some minutes.
            if (loaded.Secrets.Access(Options) is { } old && old.Value != refused) _current = old;
            return loaded.Usable(refused, this) ?? await RefreshAsync(loaded, lease, refused, ct).ConfigureAwait(false);
        }
    }

    private async Task<AccessToken> RefreshAsync(Loaded loaded, Lease lease, string? refused, CancellationToken ct)
    {
        ConnectionRecord record = loaded.Record;
        var endpoint = new TokenEndpoint(wire, record.AuthorizationEndpoint, record.ClientId, loaded.Secrets.ClientSecret);
        AccessToken? fresh = null;
        bool lost = false;
        TokenReply reply = await endpoint.RetryAsync(
            async t =>
            {
                lost = !await lease.RenewAsync(Hold, t).ConfigureAwait(false);
                if (lost) return new TokenReply { Outcome = TokenOutcome.Refused };
                TokenReply answer = await endpoint.RefreshAsync(loaded.Secrets.RefreshToken, t).ConfigureAwait(false);
                // Stored before anyone can use it, and before anything that can be cancelled.
                if (answer.Outcome == TokenOutcome.Issued) fresh = await SaveAsync(loaded, Renewed(loaded.Secrets, answer)).ConfigureAwait(false);
                return answer;
            }, ct).ConfigureAwait(false);
        if (fresh is not null) return fresh;
        // This process slept past its lease, and another may be refreshing: from the beginning.
        if (lost) return await FindOrRefreshAsync(refused, ct).ConfigureAwait(false);
        switch (reply.Outcome)
        {
            case TokenOutcome.InvalidGrant:
                return await EndAsync(loaded, lease, refused, ct).ConfigureAwait(false);
            case TokenOutcome.InvalidClient:
                throw Failures.ClientRefused(reply.Words);
            case TokenOutcome.Transient:
                _pausedUntil = Now + Options.RefreshPause;
                throw Failures.TokenEndpointUnreachable(reply.Words, reply.Fault);
            default:
                throw Failures.SignInRefused(reply.Words);
        }
    }

    /// <summary>The server knows the refresh token no more: that ends the connection, unless someone signed in again meanwhile.</summary>
    private async Task<AccessToken> EndAsync(Loaded used, Lease lease, string? refused, CancellationToken ct)
    {
        Loaded now = await LoadAsync(CancellationToken.None).ConfigureAwait(false);
        if (now.Record.SecretsVersion != used.Record.SecretsVersion)
            return now.Usable(refused, this) ?? await RefreshAsync(now, lease, refused, ct).ConfigureAwait(false);
        await wire.Connections.UpdateAsync(now.Record with { SignedOutAt = wire.Time.GetUtcNow() }, CancellationToken.None).ConfigureAwait(false);
        _current = null;
        throw Failures.SignInAgain(now.Record.Name);
    }

    /// <summary>
    /// The new refresh token is durable when this returns, and only then is the new access token given to anyone. Played
    /// the other way round: a crash after the first use and before the write would leave a dead refresh token in the store.
    /// </summary>
    private async Task<AccessToken> SaveAsync(Loaded loaded, ConnectionSecrets fresh)
    {
        _unsaved = fresh;
        byte[] secrets = fresh.Protect(wire.Secrets, connectionId);
        bool saved = await wire.Connections.SaveSecretsAsync(connectionId, loaded.Record.SecretsVersion, secrets, fresh.IssuedAt, CancellationToken.None)
            .ConfigureAwait(false);
        _unsaved = null;
        AccessToken ours = fresh.Access(Options)!;
        if (saved) return ours;
        // Someone wrote while we held the lease: a person who signed in again, or a holder that was thought dead. Theirs counts.
        return (await LoadAsync(CancellationToken.None).ConfigureAwait(false)).Usable(null, this) ?? ours;
    }

    private static ConnectionSecrets Renewed(ConnectionSecrets old, TokenReply reply) => new()
    {
        ClientSecret = old.ClientSecret,
        // A long-lived one may not be repeated in the answer.
        RefreshToken = reply.RefreshToken ?? old.RefreshToken,
        AccessToken = reply.AccessToken,
        IssuedAt = reply.IssuedAt,
        ExpiresAt = reply.ExpiresAt,
    };

    private async Task<Loaded> LoadAsync(CancellationToken ct)
    {
        ConnectionRecord record = await wire.Connections.FindAsync(connectionId, ct).ConfigureAwait(false) ?? throw Failures.ConnectionGone(connectionName);
        if (record.SignedOutAt is not null) throw Failures.SignInAgain(record.Name);
        return new Loaded(record, ConnectionSecrets.Unprotect(wire.Secrets, connectionId, record.Secrets));
    }

    private sealed class Loaded(ConnectionRecord record, ConnectionSecrets secrets)
    {
        public ConnectionRecord Record { get; } = record;
        public ConnectionSecrets Secrets { get; } = secrets;

        /// <summary>The stored access token if it serves: not the refused one, and not near its end (or just past trying to replace it).</summary>
        public AccessToken? Usable(string? refused, AccessTokens owner)
        {
            if (Secrets.Access(owner.Options) is not { } token || token.Value == refused) return null;
            DateTimeOffset now = owner.Now;
            return now < token.RefreshAt || (now < owner._pausedUntil && now < token.ExpiresAt) ? token : null;
        }
    }
}
