using CcExport.Engine.ConstantContact.SignIn;
using CcExport.Engine.Identity.Entra;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>Export users: signed in, listed, removed. A connection has at most one, which goes with it.</summary>
internal sealed class ExportUserBook(EngineParts parts)
{
    public async Task<ExportUser> AddAsync(NewExportUser request, ISignInPrompt prompt, CancellationToken ct)
        => await AddAsync(request, await ScopesAsync(request.Sources, ct).ConfigureAwait(false), prompt, ct).ConfigureAwait(false);

    /// <summary>The same with what it is going to read.</summary>
    public async Task<ExportUser> AddAsync(NewExportUser request, IReadOnlyList<string> scopes, ISignInPrompt prompt, CancellationToken ct)
    {
        ConnectionRecord connection = await new ConnectionBook(parts).FindAsync(request.Connection, ct).ConfigureAwait(false);
        EntraIdentity identity = ExportUserChecks.Identity(request);
        var secrets = new EntraSecrets { ClientSecret = request.ClientSecret, CertificatePassword = request.CertificatePassword };
        if (identity.Kind == ExportUserKind.Certificate)
        {
            // One that cannot be used is found out now and not at night.
            using var _ = await EntraCertificates.LoadAsync(identity, secrets.CertificatePassword, parts.Time.GetUtcNow(), ct).ConfigureAwait(false);
        }
        (identity, secrets) = await new EntraSignIn(identity, secrets, parts.Entra, parts.Time).RunAsync(scopes, Prompt(prompt), ct).ConfigureAwait(false);
        // Somebody signed in: that is kept even if the person gives up waiting now.
        await parts.Store.ExportUsers.SaveAsync(
            new ExportUserRecord
            {
                ConnectionId = connection.Id,
                Json = identity.ToJson(),
                CreatedAt = identity.SignedInAt,
                Secrets = secrets.Protect(parts.Secrets, connection.Id),
            }, CancellationToken.None).ConfigureAwait(false);
        return View(connection.Name, identity);
    }

    /// <param name="connection">Only that of this one; null: all.</param>
    public async Task<IReadOnlyList<ExportUser>> ListAsync(string? connection, CancellationToken ct)
    {
        if (connection is not null)
        {
            ConnectionRecord found = await new ConnectionBook(parts).FindAsync(connection, ct).ConfigureAwait(false);
            return await parts.Store.ExportUsers.FindAsync(found.Id, ct).ConfigureAwait(false) is { } one ? [View(found.Name, EntraIdentity.FromJson(one.Json))] : [];
        }
        Dictionary<Guid, string> names = (await parts.Store.Connections.ListAsync(ct).ConfigureAwait(false)).ToDictionary(c => c.Id, c => c.Name);
        return [.. (await parts.Store.ExportUsers.ListAsync(ct).ConfigureAwait(false))
            .Where(user => names.ContainsKey(user.ConnectionId))
            .Select(user => View(names[user.ConnectionId], EntraIdentity.FromJson(user.Json)))
            .OrderBy(user => user.Connection, StringComparer.OrdinalIgnoreCase)];
    }

    public async Task RemoveAsync(string connection, CancellationToken ct)
    {
        ConnectionRecord found = await new ConnectionBook(parts).FindAsync(connection, ct).ConfigureAwait(false);
        if (!await parts.Store.ExportUsers.RemoveAsync(found.Id, ct).ConfigureAwait(false))
        {
            throw new CcException("ExportUserNotFound", CcErrorKind.NotFound, $"The connection '{found.Name}' has no export user.", "Get-CcExportUser lists those there are.")
            { Subject = found.Name };
        }
    }

    /// <summary>For what the sources ask tokens, each once.</summary>
    private async Task<IReadOnlyList<string>> ScopesAsync(IReadOnlyList<string> sources, CancellationToken ct)
    {
        List<string> scopes = [];
        foreach (string name in sources)
        {
            SourceReference reference = await new SourceBook(parts).DescribeAsync(name, ct).ConfigureAwait(false);
            SourceKind kind = SourceKinds.Find(reference);
            if (kind.ReadWith(reference) != SourceKinds.ExportUser || kind.Scope(reference) is not { } scope)
            {
                throw new CcException("SourceNeedsNoExportUser", CcErrorKind.InvalidArgument, $"The source '{reference.Name}' is not read as an export user.",
                    "Leave it out: only sources of Dataverse, the Customer Insights API, and containers without a key are.")
                { Subject = reference.Name };
            }
            if (!scopes.Contains(scope, StringComparer.OrdinalIgnoreCase)) scopes.Add(scope);
        }
        return scopes;
    }

    private static EntraPrompt Prompt(ISignInPrompt prompt) => new(
        (code, page, until) => prompt.ShowDeviceCode(code, page, null, until),
        async (address, ct) =>
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
        });

    private static ExportUser View(string connection, EntraIdentity identity) => new()
    {
        Connection = connection,
        Kind = identity.Kind,
        Identity = identity.Name,
        State = identity.SignedOutAt is null ? "Ready" : "SignInAgain",
        TenantId = identity.TenantId,
        ClientId = identity.ClientId,
        Authority = identity.Authority,
        Certificate = identity.CertificatePath ?? identity.CertificateThumbprint,
        FederatedTokenPath = identity.FederatedTokenPath,
        SignedInAt = identity.SignedInAt,
        SignedOutAt = identity.SignedOutAt,
    };
}
