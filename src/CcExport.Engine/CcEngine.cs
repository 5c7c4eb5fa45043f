using CcExport.Engine.ConstantContact;
using CcExport.Engine.ConstantContact.SignIn;
using CcExport.Engine.Exports;
using CcExport.Engine.Identity;
using CcExport.Engine.Mapping;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;
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

    /// <summary>Opens the home (<c>$env:CCEXPORT_HOME</c>, else the user's local application data) and its store.</summary>
    public static Task<CcEngine> OpenAsync(CancellationToken ct) => OpenAsync(CcHome.Resolve(), TimeProvider.System, p => p, ct);

    /// <summary>Opens with other parts: clocks, small batches and short waits in tests.</summary>
    internal static async Task<CcEngine> OpenAsync(CcHome home, TimeProvider time, Func<EngineParts, EngineParts> change, CancellationToken ct)
    {
        SqliteStore store = await SqliteStore.OpenAsync(home, time, ct).ConfigureAwait(false);
        var secrets = new DeferredSecretBox(token => KeyRing.OpenAsync(home, t => StoredSecrets.ExistAsync(store, t), new KeyRingOptions(), time, token));
        var wire = new WireContext(store.Connections, store.Calls, store.Leases, secrets, time);
        return new CcEngine(change(new EngineParts(home, store, secrets, time, wire, new UploadOptions())), secrets);
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

    /// <summary>Removes one: <c>ConnectionNotFound</c>; <c>ConnectionInUse</c> while exports use it (lists them).</summary>
    public Task RemoveConnectionAsync(string name, CancellationToken ct) => new ConnectionBook(_parts).RemoveAsync(name, ct);

    /// <summary>Asks the service (network) and says whether exports can run; throws only when the connection does not exist.</summary>
    public async Task<ConnectionHealth> TestConnectionAsync(string name, CancellationToken ct)
    {
        await _secrets.UnlockAsync(ct).ConfigureAwait(false);
        return await new ConnectionBook(_parts).TestAsync(name, ct).ConfigureAwait(false);
    }

    /// <summary>The account's lists (network).</summary>
    public async Task<IReadOnlyList<ContactList>> GetListsAsync(string connection, CancellationToken ct)
    {
        (ConnectionRecord record, IReadOnlyList<ContactList> lists) = await AskAsync(connection, (c, t) => c.GetListsAsync(t), ct).ConfigureAwait(false);
        KnownAccount known = KnownAccounts.Read(_parts.Home, record.Id);
        KnownAccounts.Write(_parts.Home, record.Id, known with { Lists = [.. lists.Select(l => new KnownList(l.ListId, l.Name))] });
        return lists;
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
