using CcExport.Engine.ConstantContact;
using CcExport.Engine.ConstantContact.SignIn;
using CcExport.Engine.Exports;
using CcExport.Engine.Identity;
using CcExport.Engine.Mapping;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;
using CcExport.Engine.Store.PostgreSql;
using CcExport.Engine.Store.Sqlite;
using CcExport.Engine.Upload;

namespace CcExport.Engine;

/// <summary>
/// The engine's face: everything that the cmdlets ask for. Opening it opens the home and its store; nothing goes over the
/// network before a method that says so is called. Failures a person can act on are <see cref="CcException"/>.
/// </summary>
public sealed partial class CcEngine : IAsyncDisposable
{
    private readonly EngineParts _parts;
    private readonly DeferredSecretBox _secrets;

    private CcEngine(EngineParts parts, DeferredSecretBox secrets) => (_parts, _secrets) = (parts, secrets);

    /// <summary>The usual names of a profile's key, in the order they are looked for.</summary>
    public static IReadOnlyList<string> KeyCandidates { get; } = ["CustomerId", "msdynci_customerid", "ContactId", "CustomerKey", "ProfileId", "Id", "Key"];

    /// <summary>The data privacy statement to show before connecting.</summary>
    public static string ConsentStatement => Identity.ConsentStatement.Text;

    /// <summary>Contact fields that a map may use besides <c>cf:</c> fields, for completion.</summary>
    public static IReadOnlyList<string> StandardFields { get; } = [.. Mapping.StandardFields.All.Select(f => f.Name)];

    /// <summary>The ids of the reasons that rejections and notes have; they do not change.</summary>
    public static IReadOnlyList<string> ReasonIds => Reasons.All;

    /// <summary>A reason as a sentence; the id itself where it is not known.</summary>
    public static string ExplainReason(string id) => Reasons.Explain(id).Sentence;

    /// <summary>The store is a database on the network: <c>$env:CCEXPORT_STORE</c> names it.</summary>
    public static bool IsShared => !string.IsNullOrWhiteSpace(Environment.GetEnvironmentVariable(PostgresErrors.Variable));

    /// <summary>
    /// Opens the home (<c>$env:CCEXPORT_HOME</c>, else the user's local application data) and its store; where <c>$env:CCEXPORT_STORE</c> names a PostgreSQL database,
    /// that one (network), and the home is the folder that its machines share.
    /// </summary>
    public static Task<CcEngine> OpenAsync(CancellationToken ct)
        => Environment.GetEnvironmentVariable(PostgresErrors.Variable) is { } server && !string.IsNullOrWhiteSpace(server)
            ? OpenSharedAsync(CcHome.Resolve(), server, p => p, ct) : OpenAsync(CcHome.Resolve(), TimeProvider.System, p => p, ct);

    /// <summary>Opens with other parts: clocks, small batches and short waits in tests.</summary>
    internal static async Task<CcEngine> OpenAsync(CcHome home, TimeProvider time, Func<EngineParts, EngineParts> change, CancellationToken ct)
        => Open(home, await SqliteStore.OpenAsync(home, time, ct).ConfigureAwait(false), time, change);

    /// <summary>The same on a store that several machines share; their time is the database's.</summary>
    internal static async Task<CcEngine> OpenSharedAsync(CcHome home, string server, Func<EngineParts, EngineParts> change, CancellationToken ct)
    {
        PostgresStore store = await PostgresStore.OpenAsync(server, ct).ConfigureAwait(false);
        try
        {
            return Open(home, store, store.Clock, parts => change(parts with
            {
                AssureFolder = token => store.AdoptAsync(home, token),
                KeyRing = () => KeyRingOptions.FromEnvironment() with { MustBeWrapped = true },
                Wire = new WireContext(store.Connections, store.Calls, store.Leases, parts.Secrets, store.Clock) { Options = new WireOptions { WindowMargin = SharedWindowMargin } },
            }));
        }
        catch
        {
            await store.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Before a run, and whatever else needs its secrets and its files.</summary>
    private async Task ReadyAsync(CancellationToken ct)
    {
        await _secrets.UnlockAsync(ct).ConfigureAwait(false);
        // Who may not read the tokens is told so by what needs them, not by a folder.
        if (_parts.Store.Access.ReadsSecrets) await _parts.AssureFolder(ct).ConfigureAwait(false);
    }

    // All machines read the database's clock, each from its own distance.
    private static readonly TimeSpan SharedWindowMargin = TimeSpan.FromMilliseconds(30);

    private static CcEngine Open(CcHome home, IStore store, TimeProvider time, Func<EngineParts, EngineParts> change)
    {
        EngineParts? parts = null;
        var secrets = new DeferredSecretBox(token => KeyRing.OpenAsync(store.Keys, t => StoredSecrets.ExistAsync(store, t), parts!.KeyRing(), time, token));
        var wire = new WireContext(store.Connections, store.Calls, store.Leases, secrets, time);
        parts = change(new EngineParts(home, store, secrets, time, wire, new UploadOptions()));
        return new CcEngine(parts, secrets);
    }

    /// <summary>
    /// Checks asked columns against those that exist (exact, else without regard to case): <c>ColumnNotFound</c>, <c>ColumnAmbiguous</c>.
    /// Returns the names as they exist.
    /// </summary>
    public static IReadOnlyList<string> ResolveColumns(IReadOnlyList<string> asked, IReadOnlyList<string> existing, string place)
        => [.. Columns.Find(asked, existing, place).Select(i => existing[i])];

    /// <summary>Checks a map's keys, and that it has <c>email</c>: <c>MapWithoutEmail</c>, <c>MapKeyUnknown</c>, <c>MapKeyTwice</c>, <c>MapTooManyCustomFields</c>.</summary>
    public static void CheckMap(IReadOnlyDictionary<string, string> map) => ContactMap.Create(map);

    /// <summary>Signs in (network), and keeps the connection. <c>NameTaken</c> when the name exists.</summary>
    public async Task<Connection> AddConnectionAsync(NewConnection request, ISignInPrompt prompt, CancellationToken ct)
    {
        await _secrets.UnlockAsync(ct).ConfigureAwait(false);
        return await new ConnectionBook(_parts).AddAsync(request, prompt, ct).ConfigureAwait(false);
    }

    /// <summary>All connections, by name.</summary>
    public Task<IReadOnlyList<Connection>> GetConnectionsAsync(CancellationToken ct) => new ConnectionBook(_parts).ListAsync(ct);

    /// <summary>
    /// Changes settings, and signs in again if asked (network); an observer is warned when that is another account. <c>ConnectionNotFound</c>, <c>NameTaken</c>, and what signing
    /// in says.
    /// </summary>
    public async Task<Connection> SetConnectionAsync(ConnectionChange change, ISignInPrompt prompt, IRunObserver observer, CancellationToken ct)
    {
        if (change.SignIn is not null) await _secrets.UnlockAsync(ct).ConfigureAwait(false);
        return await new ConnectionKeeper(_parts, observer).SetAsync(change, prompt, ct).ConfigureAwait(false);
    }

    /// <summary>
    /// Removes one, and ends runs that go over it (network: what the service has taken is counted). <c>ConnectionNotFound</c>; <c>ConnectionInUse</c> while exports use it
    /// (lists them), unless <paramref name="exports"/> says what becomes of those.
    /// </summary>
    public async Task RemoveConnectionAsync(string name, ExportFate exports, IRunObserver observer, CancellationToken ct)
    {
        try
        {
            await _secrets.UnlockAsync(ct).ConfigureAwait(false);
        }
        catch (CcException)
        {
            // A lost key ring is a reason for removing connections; only the last look at the service, for a run that is ended, needs it.
        }
        await new ConnectionKeeper(_parts, observer).RemoveAsync(name, exports, ct).ConfigureAwait(false);
    }

    /// <summary>Asks the service (network) and says whether exports can run; throws only when the connection does not exist.</summary>
    public async Task<ConnectionHealth> TestConnectionAsync(string name, CancellationToken ct)
    {
        try
        {
            await _secrets.UnlockAsync(ct).ConfigureAwait(false);
        }
        catch (CcException)
        {
            // That this account cannot read the key ring is what it wants to know: the test meets it again, and answers it.
        }
        return await new ConnectionBook(_parts).TestAsync(name, ct).ConfigureAwait(false);
    }

    /// <summary>
    /// Signs an export user in (network), and keeps it in place of the one the connection had. <c>ConnectionNotFound</c>, <c>ExportUserRefused</c>, <c>SignInDenied</c>, <c>SignInTimeout</c>,
    /// <c>CertificateNotFound</c>, and what is wrong with the request.
    /// </summary>
    public async Task<ExportUser> AddExportUserAsync(NewExportUser request, ISignInPrompt prompt, CancellationToken ct)
    {
        await _secrets.UnlockAsync(ct).ConfigureAwait(false);
        return await new ExportUserBook(_parts).AddAsync(request, prompt, ct).ConfigureAwait(false);
    }

    /// <summary>Export users, by their connections' names; of one connection at most one. <c>ConnectionNotFound</c>.</summary>
    public Task<IReadOnlyList<ExportUser>> GetExportUsersAsync(string? connection, CancellationToken ct) => new ExportUserBook(_parts).ListAsync(connection, ct);

    /// <summary>Removes the one of a connection, and destroys its tokens: <c>ConnectionNotFound</c>, <c>ExportUserNotFound</c>.</summary>
    public Task RemoveExportUserAsync(string connection, CancellationToken ct) => new ExportUserBook(_parts).RemoveAsync(connection, ct);

    /// <summary>The account's lists (network).</summary>
    public async Task<IReadOnlyList<ContactList>> GetListsAsync(string connection, CancellationToken ct)
    {
        (ConnectionRecord record, IReadOnlyList<ContactList> lists) = await AskAsync(connection, (c, t) => c.GetListsAsync(t), ct).ConfigureAwait(false);
        KnownAccount known = KnownAccounts.Read(_parts.Home, record.Id);
        KnownAccounts.Write(_parts.Home, record.Id, known with { Lists = [.. lists.Select(l => new KnownList(l.ListId, l.Name))] });
        return lists;
    }

    /// <summary>Makes a list in the account (network). <c>ListNameTaken</c>, <c>ListNameUnsuitable</c>, <c>ConnectionNotFound</c>.</summary>
    public async Task<ContactList> AddListAsync(string connection, string name, string? description, CancellationToken ct)
    {
        if (name.Trim() is not { Length: > 0 and <= 255 } trimmed)
            throw new CcException("ListNameUnsuitable", CcErrorKind.InvalidArgument, "The name of a list has 1 to 255 characters.", "Give -Name in that length.");
        (ConnectionRecord record, ContactList made) = await AskAsync(connection, async (client, token) =>
            await client.FindListAsync(trimmed, token).ConfigureAwait(false) is { } there
                ? throw new CcException("ListNameTaken", CcErrorKind.Conflict, $"The account has a list '{there.Name}' already: {there.ListId}.", "Use that one, or choose another name.") { Subject = there.Name }
                : await client.CreateListAsync(trimmed, description ?? "", token).ConfigureAwait(false), ct).ConfigureAwait(false);
        KnownAccount known = KnownAccounts.Read(_parts.Home, record.Id);
        KnownAccounts.Write(_parts.Home, record.Id, known with { Lists = [.. known.Lists, new KnownList(made.ListId, made.Name)] });
        return made;
    }

    /// <summary>The account's custom fields (network).</summary>
    public async Task<IReadOnlyList<CustomField>> GetCustomFieldsAsync(string connection, CancellationToken ct)
    {
        (ConnectionRecord record, IReadOnlyList<CustomField> fields) = await AskAsync(connection, (c, t) => c.GetCustomFieldsAsync(t), ct).ConfigureAwait(false);
        KnownAccount known = KnownAccounts.Read(_parts.Home, record.Id);
        KnownAccounts.Write(_parts.Home, record.Id, known with { FieldKeys = [.. fields.Select(f => f.MapKey)] });
        return fields;
    }

    private async Task<(ConnectionRecord Connection, T Answer)> AskAsync<T>(
        string name, Func<ConstantContactClient, CancellationToken, Task<T>> ask, CancellationToken ct)
    {
        await _secrets.UnlockAsync(ct).ConfigureAwait(false);
        ConnectionRecord record = await new ConnectionBook(_parts).FindAsync(name, ct).ConfigureAwait(false);
        ConstantContactClient client = new(_parts.Wire, record);
        await using (client.ConfigureAwait(false)) return (record, await ask(client, ct).ConfigureAwait(false));
    }

    /// <summary>Lists and custom field keys seen last through a connection (null: through any), for completion; never asks the network.</summary>
    public async Task<(IReadOnlyList<ContactList> Lists, IReadOnlyList<string> FieldKeys)> GetKnownAsync(string? connection, CancellationToken ct)
    {
        List<ContactList> lists = [];
        List<string> keys = [];
        foreach (ConnectionRecord record in await _parts.Store.Connections.ListAsync(ct).ConfigureAwait(false))
        {
            if (connection is not null && !record.Name.Equals(connection, StringComparison.OrdinalIgnoreCase)) continue;
            KnownAccount known = KnownAccounts.Read(_parts.Home, record.Id);
            lists.AddRange(known.Lists.Select(l => new ContactList { ListId = l.Id, Name = l.Name, Connection = record.Name }));
            keys.AddRange(known.FieldKeys);
        }
        return (lists, keys);
    }

    /// <summary>Calls used and left today, for each API key or for one connection's.</summary>
    public Task<IReadOnlyList<Budget>> GetBudgetsAsync(string? connection, CancellationToken ct) => new ConnectionBook(_parts).GetBudgetsAsync(connection, ct);

    /// <summary>Closes the store.</summary>
    public async ValueTask DisposeAsync()
    {
        await _parts.Store.DisposeAsync().ConfigureAwait(false);
        _secrets.Dispose();
    }
}
