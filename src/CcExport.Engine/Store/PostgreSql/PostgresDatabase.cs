using System.Data;
using Dapper;
using Npgsql;

namespace CcExport.Engine.Store.PostgreSql;

/// <summary>
/// The database: its connections and its transactions. A piece of work may run again when it was undone before its commit; so it touches nothing but the
/// database and its own result. A commit whose answer was lost is never repeated: it may have been done.
/// </summary>
internal sealed class PostgresDatabase : IAsyncDisposable
{
    public const string Schema = "ccexport";

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly NpgsqlDataSource _source;
    private readonly TimeProvider _clock;
    private readonly TimeSpan _patience;
    private volatile bool _closed;

    /// <param name="clock">The clock of waiting for a server that is away.</param>
    public PostgresDatabase(string connectionString, TimeProvider clock, TimeSpan patience)
    {
        CompiledRows.Share();
        (_clock, _patience, Clock) = (clock, patience, new DatabaseClock(clock));
        NpgsqlConnectionStringBuilder target = Parse(connectionString);
        Errors = new PostgresErrors(target);
        ConnectionString = target.ToString();
        _source = new NpgsqlDataSourceBuilder(ConnectionString).Build();
    }

    public PostgresErrors Errors { get; }

    /// <summary>Server and database, for people.</summary>
    public string Place => Errors.Where;

    /// <summary>True once anything was read.</summary>
    public DatabaseClock Clock { get; }

    /// <summary>Holds the password.</summary>
    public string ConnectionString { get; }

    private NpgsqlConnectionStringBuilder Parse(string text)
    {
        try
        {
            var target = new NpgsqlConnectionStringBuilder(text) { SearchPath = Schema, IncludeErrorDetail = false, PersistSecurityInfo = false };
            if (string.IsNullOrEmpty(target.Host) || string.IsNullOrEmpty(target.Database)) throw new ArgumentException("no host or database");
            target.ApplicationName ??= "CcExport";
            if (!target.ContainsKey("Keepalive")) target.KeepAlive = 30;
            if (!target.ContainsKey("Maximum Pool Size")) target.MaxPoolSize = 8;
            // A row that somebody else holds is not waited for without end.
            target.Options = $"{target.Options} -c lock_timeout={(int)_patience.TotalMilliseconds}".Trim();
            return target;
        }
        catch (Exception e) when (e is ArgumentException or FormatException or InvalidCastException or KeyNotFoundException)
        {
            // Its own message would show a part of the text, and that holds a password.
            throw new CcException("StoreUnsuitable", CcErrorKind.InvalidArgument, $"The environment variable {PostgresErrors.Variable} holds no connection string of PostgreSQL.",
                "Give it as 'Host=server;Database=ccexport;Username=someone;Password=…'.");
        }
    }

    /// <summary>Reads. Each statement sees what was committed when it began.</summary>
    public Task<T> ReadAsync<T>(Func<PostgresSession, Task<T>> work, CancellationToken ct) => RunAsync(null, work, ct);

    /// <summary>Writes in one transaction, on the server's disk when the task completes.</summary>
    public Task<T> WriteAsync<T>(Func<PostgresSession, Task<T>> work, CancellationToken ct) => RunAsync("", work, ct);

    /// <summary>Writes in one transaction that may be forgotten if the server's machine fails in the next moments: without waiting for its disk.</summary>
    public Task<T> WriteRelaxedAsync<T>(Func<PostgresSession, Task<T>> work, CancellationToken ct) => RunAsync("SET LOCAL synchronous_commit TO off", work, ct);

    private async Task<T> RunAsync<T>(string? begin, Func<PostgresSession, Task<T>> work, CancellationToken ct)
    {
        if (_closed) throw Errors.Closed();
        for (long since = _clock.GetTimestamp(); ;)
        {
            bool committing = false;
            try
            {
                NpgsqlConnection connection = await _source.OpenConnectionAsync(ct).ConfigureAwait(false);
                await using (connection.ConfigureAwait(false))
                {
                    var session = new PostgresSession(connection, ct);
                    if (Clock.IsOld) await Clock.ReadAsync(session).ConfigureAwait(false);
                    if (begin is null) return await work(session).ConfigureAwait(false);
                    NpgsqlTransaction transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, ct).ConfigureAwait(false);
                    await using (transaction.ConfigureAwait(false))
                    {
                        if (begin.Length > 0) await session.ExecuteAsync(begin).ConfigureAwait(false);
                        T made = await work(session).ConfigureAwait(false);
                        committing = true;
                        // Not the caller's token: a commit that is broken off leaves open whether it was done.
                        await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
                        return made;
                    }
                }
            }
            catch (NpgsqlException e) when (!committing && PostgresErrors.IsPassing(e) && _clock.GetElapsedTime(since) < _patience)
            {
                await Task.Delay(Pause, _clock, ct).ConfigureAwait(false);
            }
            catch (NpgsqlException e)
            {
                ct.ThrowIfCancellationRequested();
                throw Errors.Translate(e, committing);
            }
            catch (ObjectDisposedException) when (_closed)
            {
                throw Errors.Closed();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        _closed = true;
        await _source.DisposeAsync().ConfigureAwait(false);
    }
}

/// <summary>A connection at work, under the caller's token.</summary>
internal readonly struct PostgresSession(NpgsqlConnection connection, CancellationToken ct)
{
    public NpgsqlConnection Connection => connection;

    public CancellationToken Token => ct;

    public Task<int> ExecuteAsync(string sql, object? values = null) => connection.ExecuteAsync(Command(sql, values));

    public async Task<IReadOnlyList<T>> QueryAsync<T>(string sql, object? values = null) => (await connection.QueryAsync<T>(Command(sql, values)).ConfigureAwait(false)).AsList();

    public Task<T?> FirstAsync<T>(string sql, object? values = null) => connection.QueryFirstOrDefaultAsync<T?>(Command(sql, values));

    public Task<SqlMapper.GridReader> ManyAsync(string sql, object? values = null) => connection.QueryMultipleAsync(Command(sql, values));

    public async Task<IDataReader> ReaderAsync(string sql, object? values = null) => await connection.ExecuteReaderAsync(Command(sql, values)).ConfigureAwait(false);

    /// <summary>One at a time among all who name the same thing, until the transaction ends: also for rows that do not exist yet.</summary>
    public Task LockAsync(string what) => ExecuteAsync("SELECT pg_advisory_xact_lock(hashtextextended(@what, 7214))", new { what });

    private CommandDefinition Command(string sql, object? values) => new(sql, values, cancellationToken: ct);
}
