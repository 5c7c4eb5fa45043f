using Dapper;
using Npgsql;

namespace CcExport.Engine.Store.PostgreSql;

/// <summary>What tests set and nobody else.</summary>
internal sealed record PostgresStoreOptions
{
    /// <summary>How long a server may be away, or a row locked, before the command fails.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(15);
    /// <summary>The clock of that waiting: the real one, for the server does not follow a test's.</summary>
    public TimeProvider WaitClock { get; init; } = TimeProvider.System;
    public Func<int, long, bool> IsAlive { get; init; } = ProcessTable.IsAlive;
}

/// <summary>The store in a schema of a PostgreSQL database, shared by several machines.</summary>
internal sealed class PostgresStore : IStore
{
    private readonly PostgresDatabase _database;

    private PostgresStore(PostgresDatabase database, StoreAccess access, Guid id, PostgresStoreOptions options)
    {
        _database = database;
        (Access, Id) = (access, id);
        var leases = new PostgresLeases(database, options.IsAlive);
        Connections = new PostgresConnections(database, access);
        ExportUsers = new PostgresExportUsers(database, access);
        Sources = new PostgresSources(database, access);
        Exports = new PostgresExports(database);
        Schedules = new PostgresSchedules(database, leases);
        Runs = new PostgresRuns(database, access);
        Calls = new PostgresCalls(database, options.IsAlive);
        Leases = leases;
        Fingerprints = new PostgresFingerprints(database);
        Suppressions = new PostgresSuppressions(database);
        PreImages = new PostgresPreImages(database, access);
        Announcements = new PostgresAnnouncements(database);
        Keys = new PostgresKeyRing(database);
    }

    /// <summary>Which store this is; the folder with its files carries the same.</summary>
    public Guid Id { get; }

    public StoreAccess Access { get; }
    public IConnectionStore Connections { get; }
    public IExportUserStore ExportUsers { get; }
    public ISourceStore Sources { get; }
    public IExportStore Exports { get; }
    public IScheduleStore Schedules { get; }
    public IRunJournal Runs { get; }
    public ICallLedger Calls { get; }
    public ILeaseStore Leases { get; }
    public IFingerprintStore Fingerprints { get; }
    public ISuppressionStore Suppressions { get; }
    public IPreImageStore PreImages { get; }
    public IAnnouncementStore Announcements { get; }
    public IKeyRingStore Keys { get; }

    /// <summary>Server and database, for people.</summary>
    public string Place => _database.Place;

    public static Task<PostgresStore> OpenAsync(string connectionString, CancellationToken ct) => OpenAsync(connectionString, new PostgresStoreOptions(), ct);

    /// <summary><c>StoreMoved</c> where the store was moved to a home; <c>StoreArriving</c> while one is moved here.</summary>
    public static async Task<PostgresStore> OpenAsync(string connectionString, PostgresStoreOptions options, CancellationToken ct)
    {
        (PostgresStore store, string? arriving) = await OpenAnyAsync(connectionString, options, ct).ConfigureAwait(false);
        if (arriving is null) return store;
        await store.DisposeAsync().ConfigureAwait(false);
        throw new CcException("StoreArriving", CcErrorKind.Conflict, $"The store of '{arriving}' is being moved to {store.Place}, or its move was broken off.",
            "Wait until it has ended; if nobody is at it, run Move-CcStore -FromHome there once more.")
        { Subject = store.Place };
    }

    /// <summary>A store that a home's is moved to, and that nobody can open before <see cref="ArriveAsync"/>. <c>StoreNotEmpty</c>.</summary>
    /// <param name="goesOn">Everything was brought over, and is not to be emptied: <c>StoreNotFound</c> where that is not so.</param>
    public static async Task<PostgresStore> OpenArrivingAsync(string connectionString, string from, bool goesOn, CancellationToken ct)
    {
        (PostgresStore store, string? arriving) = await OpenAnyAsync(connectionString, new PostgresStoreOptions(), ct).ConfigureAwait(false);
        try
        {
            if (store.Access != StoreAccess.Whole) throw store._database.Errors.Forbidden();
            string here = $"{from} on {Environment.MachineName}";
            if (goesOn)
            {
                return arriving == here ? store : throw new CcException("StoreNotFound", CcErrorKind.NotFound, $"The store of '{from}' was moved already, and not to {store.Place}, or it is open there.",
                    $"Set {PostgresErrors.Variable} to the database that it was moved to.")
                { Subject = from };
            }
            // What a move that was broken off has left goes; what anybody else has put there stays.
            bool empty = arriving == here || await store._database.ReadAsync(s => s.FirstAsync<bool>("""
                SELECT NOT EXISTS (SELECT FROM Connections) AND NOT EXISTS (SELECT FROM Sources) AND NOT EXISTS (SELECT FROM Runs) AND NOT EXISTS (SELECT FROM Keys)
                    AND NOT EXISTS (SELECT FROM Suppressions)
                """), ct).ConfigureAwait(false);
            if (!empty)
            {
                throw new CcException("StoreNotEmpty", CcErrorKind.Conflict, $"The store {store.Place} holds connections or runs already.",
                    "Move to an empty database. To start anew, its owner may remove all of it: DROP SCHEMA ccexport CASCADE.")
                { Subject = store.Place };
            }
            await store._database.WriteAsync(s => s.ExecuteAsync("""
                TRUNCATE Connections, ExportUsers, Sources, Exports, Schedules, Announcements, Runs, Batches, OtherJobs, CallPlaces, CallDays, CallKeys, CallsSpent, Leases, Fingerprints,
                    PreImages, Suppressions, Erasures, Secrets, Marks, Keys;
                INSERT INTO Facts (Name, Value) VALUES ('Arriving', @here) ON CONFLICT (Name) DO UPDATE SET Value = @here
                """, new { here }), ct).ConfigureAwait(false);
            return store;
        }
        catch
        {
            await store.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static async Task<(PostgresStore Store, string? Arriving)> OpenAnyAsync(string connectionString, PostgresStoreOptions options, CancellationToken ct)
    {
        var database = new PostgresDatabase(connectionString, options.WaitClock, options.Patience);
        try
        {
            await PostgresSchema.MigrateAsync(database, ct).ConfigureAwait(false);
            IReadOnlyList<(string Name, string Value)> rows = await database.ReadAsync(s => s.QueryAsync<(string, string)>("SELECT Name, Value FROM Facts"), ct).ConfigureAwait(false);
            Dictionary<string, string> facts = rows.ToDictionary(f => f.Name, f => f.Value);
            if (facts.TryGetValue("MovedTo", out string? place))
            {
                throw new CcException("StoreMoved", CcErrorKind.Conflict, $"The store {database.Place} was moved to '{place}'.",
                    $"Set {CcHome.Variable} to that folder and clear {PostgresErrors.Variable}. To use the database again, its owner removes what is left of it: DROP SCHEMA ccexport CASCADE.")
                { Subject = database.Place };
            }
            (bool reads, bool administers) = await database.ReadAsync(s => s.FirstAsync<(bool, bool)>(
                "SELECT has_column_privilege('Connections', 'secrets', 'SELECT'), has_table_privilege('Connections', 'INSERT')"), ct).ConfigureAwait(false);
            return (new PostgresStore(database, new StoreAccess(reads, administers), Guid.Parse(facts["StoreId"]), options), facts.GetValueOrDefault("Arriving"));
        }
        catch
        {
            await database.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>The database's place, and where its store was moved to; null: it was not, or there is none.</summary>
    public static async Task<(string Place, string? MovedTo)> FindMovedAsync(string connectionString, CancellationToken ct)
    {
        var database = new PostgresDatabase(connectionString, TimeProvider.System, new PostgresStoreOptions().Patience);
        await using (database.ConfigureAwait(false))
        {
            bool there = await database.ReadAsync(s => s.FirstAsync<bool>("SELECT to_regclass(@table) IS NOT NULL", new { table = PostgresDatabase.Schema + ".facts" }), ct).ConfigureAwait(false);
            return (database.Place, there ? await database.ReadAsync(s => s.FirstAsync<string>("SELECT Value FROM Facts WHERE Name = 'MovedTo'"), ct).ConfigureAwait(false) : null);
        }
    }

    /// <summary>Rows of each table.</summary>
    public Task<IReadOnlyDictionary<string, long>> CountAsync(IReadOnlyList<string> tables, CancellationToken ct) => _database.ReadAsync<IReadOnlyDictionary<string, long>>(
        async s =>
        {
            Dictionary<string, long> rows = [];
            foreach (string table in tables) rows[table] = await s.FirstAsync<long>($"SELECT count(*) FROM {table}").ConfigureAwait(false);
            return rows;
        }, ct);

    /// <summary>It is open for everybody from now on, and its files lie in this folder.</summary>
    public Task ArriveAsync(CcHome home, CancellationToken ct) => _database.WriteAsync(s => s.ExecuteAsync("""
        DELETE FROM Facts WHERE Name IN ('Arriving', 'Folder');
        INSERT INTO Facts (Name, Value) VALUES ('Folder', @here)
        """, new { here = $"{home.Root} on {Environment.MachineName}" }), ct);

    /// <summary>One transaction over the bare connection; for whoever copies whole tables.</summary>
    public Task WriteRawAsync(Func<NpgsqlConnection, CancellationToken, Task> work, CancellationToken ct) => _database.WriteAsync(
        async s =>
        {
            try
            {
                await work(s.Connection, ct).ConfigureAwait(false);
                return true;
            }
            catch (NpgsqlException e)
            {
                // Whoever copies has done things besides, and is not called twice.
                throw _database.Errors.Translate(e);
            }
        }, ct);

    public CcException Forbidden() => _database.Errors.Forbidden();

    /// <summary>Throws <c>StoreInUse</c> while anybody holds a lease.</summary>
    public async Task AssureIdleAsync(NpgsqlConnection connection, DateTimeOffset now)
    {
        foreach ((string name, string machine, string boot, int process, long start) in await connection.QueryAsync<(string, string, string, int, long)>(
            "SELECT Name, Machine, Boot, ProcessId, ProcessStartTicks FROM Leases WHERE Expires > @now", new { now = now.UtcDateTime }).ConfigureAwait(false))
        {
            if (machine != ProcessTable.Machine || boot != ProcessTable.Boot || ProcessTable.IsAlive(process, start)) throw StoreMover.InUse(Place);
        }
    }

    /// <summary>
    /// Checks that a folder is the one with this store's files: <c>HomeNotShared</c>, <c>HomeOfAnotherStore</c>, <c>HomeHasStore</c>. The first that uses the store says which it is.
    /// </summary>
    public async Task AdoptAsync(CcHome home, CancellationToken ct)
    {
        Guid? mark = SharedFolder.Read(home);
        if (mark == Id) return;
        if (mark is not null) throw SharedFolder.OfAnother(home);
        if (File.Exists(home.StoreFile)) throw SharedFolder.HasStore(home);
        string here = $"{home.Root} on {Environment.MachineName}";
        bool first = await _database.WriteAsync(
            async s => await s.ExecuteAsync("INSERT INTO Facts (Name, Value) VALUES ('Folder', @here) ON CONFLICT DO NOTHING", new { here }).ConfigureAwait(false) == 1, ct).ConfigureAwait(false);
        if (!first && await _database.ReadAsync(s => s.FirstAsync<string>("SELECT Value FROM Facts WHERE Name = 'Folder'"), ct).ConfigureAwait(false) is var known && known != here)
            throw SharedFolder.NotShared(home, known ?? "", Id);
        SharedFolder.Write(home, Id);
    }

    /// <summary>The clock that all machines on this store have in common.</summary>
    public TimeProvider Clock => _database.Clock;

    public ValueTask DisposeAsync() => _database.DisposeAsync();
}
