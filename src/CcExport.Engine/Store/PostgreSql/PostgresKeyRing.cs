using Npgsql;

namespace CcExport.Engine.Store.PostgreSql;

/// <summary>The key ring in the database. Wrapped always: beside what it protects, an unwrapped one would protect nothing.</summary>
internal sealed class PostgresKeyRing(PostgresDatabase database) : IKeyRingStore
{
    // A number of our own: nobody else's lock.
    private const long RingLock = 7_214_002;

    public string Place => database.Place;

    public Task<IReadOnlyList<KeyRingElement>> ListAsync(CancellationToken ct) => database.ReadAsync(s => s.QueryAsync<KeyRingElement>("SELECT Name, Xml FROM Keys ORDER BY Name COLLATE \"C\""), ct);

    public Task AddAsync(string name, string xml, CancellationToken ct) => database.WriteAsync(s => s.ExecuteAsync("INSERT INTO Keys (Name, Xml) VALUES (@name, @xml)", new { name, xml }), ct);

    public Task ReplaceAsync(IReadOnlyList<KeyRingElement> elements, CancellationToken ct) => elements.Count == 0
        ? throw new ArgumentException("A ring without a key reads nothing.", nameof(elements))
        : database.WriteAsync(
            async s =>
            {
                await s.ExecuteAsync("DELETE FROM Keys").ConfigureAwait(false);
                return await s.ExecuteAsync("INSERT INTO Keys (Name, Xml) SELECT * FROM unnest(@names, @texts)",
                    new { names = elements.Select(e => e.Name).ToArray(), texts = elements.Select(e => e.Xml).ToArray() }).ConfigureAwait(false);
            }, ct);

    public async Task<IAsyncDisposable> LockAsync(CancellationToken ct)
    {
        // A session of its own, which ends with its process at the latest; one of the pool would keep the lock when it is given back.
        var session = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(database.ConnectionString) { Pooling = false }.ToString());
        try
        {
            await session.OpenAsync(ct).ConfigureAwait(false);
            await new PostgresSession(session, ct).ExecuteAsync("SELECT pg_advisory_lock(@number)", new { number = RingLock }).ConfigureAwait(false);
            return session;
        }
        catch (NpgsqlException e)
        {
            await session.DisposeAsync().ConfigureAwait(false);
            ct.ThrowIfCancellationRequested();
            throw e is PostgresException { SqlState: PostgresErrorCodes.LockNotAvailable }
                ? new CcException("KeyRingLocked", CcErrorKind.Storage, "Another process has been making or wrapping the key ring for too long.", "Close other sessions that use this store and run the command again.", e)
                { Subject = Place }
                : database.Errors.Translate(e);
        }
        catch
        {
            await session.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}
