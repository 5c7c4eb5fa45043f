using CcExport.Engine.ConstantContact.SignIn;
using CcExport.Engine.ConstantContact.Tokens;
using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>Changes connections that exist: their settings, their sign-in, their end.</summary>
internal sealed class ConnectionKeeper(EngineParts parts, IRunObserver observer)
{
    private readonly ConnectionBook _book = new(parts);

    public async Task<Connection> SetAsync(ConnectionChange change, ISignInPrompt prompt, CancellationToken ct)
    {
        ConnectionRecord record = await _book.FindAsync(change.Name, ct).ConfigureAwait(false);
        // Before anything is done: a sign-in for a name that is taken would be half of what was asked.
        if (change.NewName is { } name && await parts.Store.Connections.FindAsync(name, ct).ConfigureAwait(false) is { } other && other.Id != record.Id)
            throw NameKey.Taken("A connection", name);
        if (change.SignIn is { } signIn) await SignInAgainAsync(record, signIn, prompt, ct).ConfigureAwait(false);
        record = await parts.Store.Connections.FindAsync(record.Id, ct).ConfigureAwait(false) ?? throw ConnectionBook.NotFound(change.Name);
        record = record with
        {
            Name = change.NewName ?? record.Name,
            AllowContributor = change.AllowContributor ?? record.AllowContributor,
            ContactLimit = change.ContactLimit switch { null => record.ContactLimit, 0 => null, var limit => limit },
        };
        await parts.Store.Connections.UpdateAsync(record, ct).ConfigureAwait(false);
        if (change.ReserveForOthers is { } calls) await parts.Store.Calls.ReserveAsync(record.ClientId, calls, ct).ConfigureAwait(false);
        return ConnectionBook.View(record);
    }

    /// <summary>The tokens are others from now on; the consent, the exports and the export user stay.</summary>
    private async Task SignInAgainAsync(ConnectionRecord record, NewSignIn request, ISignInPrompt prompt, CancellationToken ct)
    {
        string? secret = request.ClientSecret ?? ConnectionSecrets.Unprotect(parts.Secrets, record.Id, record.Secrets).ClientSecret;
        var endpoint = new TokenEndpoint(parts.Wire, record.AuthorizationEndpoint, record.ClientId, secret);
        SignInResult result = await _book.SignInAsync(endpoint, request.Method, request.RefreshToken, request.RedirectPort, prompt, ct).ConfigureAwait(false);
        byte[] secrets = ConnectionSecrets.From(result, secret).Protect(parts.Secrets, record.Id);
        // A token that is signed in belongs to nobody else: it is kept even if the person gives up waiting now, and against a refresh of the old one that was quicker.
        while (true)
        {
            ConnectionRecord now = await parts.Store.Connections.FindAsync(record.Id, CancellationToken.None).ConfigureAwait(false) ?? throw ConnectionBook.NotFound(record.Name);
            if (!await parts.Store.Connections.SaveSecretsAsync(now.Id, now.SecretsVersion, secrets, result.IssuedAt, CancellationToken.None).ConfigureAwait(false)) continue;
            await parts.Store.Connections.UpdateAsync(now with { SignedOutAt = null }, CancellationToken.None).ConfigureAwait(false);
            break;
        }
        ConnectionRecord signedIn = await parts.Store.Connections.FindAsync(record.Id, ct).ConfigureAwait(false) ?? throw ConnectionBook.NotFound(record.Name);
        ConnectionRecord known = await _book.WithAccountAsync(signedIn, ct).ConfigureAwait(false);
        if (record.AccountId is not { } before || known.AccountId is not { } after || before == after) return;
        KnownAccounts.Forget(parts.Home, record.Id);
        observer.Warning($"'{record.Name}' is signed in to another account now: {Named(known.Organization, after)}, and before {Named(record.Organization, before)}. Lists and custom fields of its "
            + "exports are another account's; check each with Test-CcExport before it runs.");
    }

    /// <summary>
    /// Exports are detached or removed first, so that none begins; then runs that go over it are ended, then it goes. Broken off half-way it is asked for once more.
    /// </summary>
    public async Task RemoveAsync(string name, ExportFate fate, CancellationToken ct)
    {
        ConnectionRecord record = await _book.FindAsync(name, ct).ConfigureAwait(false);
        IReadOnlyList<string> users = await parts.Store.Exports.UsingConnectionAsync(record.Id, ct).ConfigureAwait(false);
        if (users.Count > 0 && fate == ExportFate.Refuse)
        {
            throw new CcException("ConnectionInUse", CcErrorKind.Conflict, $"The connection '{record.Name}' is used by: {string.Join(", ", users)}.",
                "Change these exports to another connection (Set-CcExport -Connection); or let them stay without one (-DetachExport) or go (-RemoveExport).")
            { Subject = record.Name };
        }
        if (fate == ExportFate.Detach) await new ExportBook(parts).DetachAsync(record.Id, ct).ConfigureAwait(false);
        if (fate == ExportFate.Remove)
        {
            foreach (string export in users) await parts.Store.Exports.RemoveAsync(export, ct).ConfigureAwait(false);
        }
        await EndRunsAsync(record, ct).ConfigureAwait(false);
        await parts.Store.Connections.RemoveAsync(record.Id, ct).ConfigureAwait(false);
        KnownAccounts.Forget(parts.Home, record.Id);
    }

    /// <summary>Runs in progress end as Canceled before their next send, and plans are discarded.</summary>
    private async Task EndRunsAsync(ConnectionRecord record, CancellationToken ct)
    {
        IReadOnlyList<RunRecord> open = await parts.Store.Runs.ListAsync(new RunQuery(OpenOnly: true), ct).ConfigureAwait(false),
            plans = await parts.Store.Runs.ListAsync(new RunQuery(Plans: true), ct).ConfigureAwait(false);
        RunRecord[] these = [.. open.Concat(plans).Where(r => r.ConnectionId == record.Id).DistinctBy(r => r.Id)];
        // All are asked before the first is waited for.
        foreach (RunRecord run in these) await parts.Store.Runs.RequestStopAsync(run.Id, parts.Time.GetUtcNow(), ct).ConfigureAwait(false);
        foreach (RunRecord run in these)
        {
            try
            {
                Run ended = await new RunControl(parts, observer).StopAsync(run.Id, ct).ConfigureAwait(false);
                observer.Verbose(FormattableString.Invariant($"Run {ended.Id} is {ended.Status}."));
            }
            catch (CcException e) when (e.ErrorId == "RunEnded")
            {
                // It came to its end by itself meanwhile.
            }
        }
    }

    private static string Named(string? organization, string account) => organization is null ? account : $"'{organization}' ({account})";
}
