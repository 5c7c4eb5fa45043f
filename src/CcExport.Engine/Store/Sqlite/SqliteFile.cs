using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace CcExport.Engine.Store.Sqlite;

/// <summary>
/// The database file: its connections and its transactions. Every piece of work runs inside one transaction, and may run
/// again when the lock was lost before it was committed; so it touches nothing but the database and its own result.
/// </summary>
internal sealed class SqliteFile : IDisposable
{
    // Waiting inside SQLite can't be cancelled. So SQLite never waits; the waiting is done here, under the token.
    private static readonly TimeSpan[] Pauses = [.. new[] { 1, 1, 2, 5, 10, 15, 25, 25, 50 }.Select(ms => TimeSpan.FromMilliseconds(ms))];
    private const int IdleConnections = 8;

    private readonly string connectionString;
    private readonly TimeProvider clock;
    private readonly TimeSpan patience;
    private readonly ConcurrentBag<SqliteConnection> idle = [];
    // Writers of this process queue here without polling; only those of other processes are met at the file's lock.
    private readonly SemaphoreSlim writer = new(1, 1);
    private volatile bool closed;

    /// <param name="clock">The clock of waiting for a lock.</param>
    public SqliteFile(CcHome home, TimeProvider clock, TimeSpan patience)
    {
        CompiledRows.Share();
        Home = home;
        this.clock = clock;
        this.patience = patience;
        connectionString = new SqliteConnectionStringBuilder
        {
            DataSource = home.StoreFile,
            // Never ReadWriteCreate: the file is made by us, with its mode.
            Mode = SqliteOpenMode.ReadWrite,
            ForeignKeys = true,
            Pooling = false,
            DefaultTimeout = 1,
        }.ToString();
    }

    public CcHome Home { get; }

    /// <summary>Reads in one consistent snapshot. Never waits for a writer, except while a crashed one's log is recovered.</summary>
    public Task<T> ReadAsync<T>(Func<SqliteConnection, T> work, CancellationToken ct) =>
        // The second statement takes the snapshot now, where a busy file can be waited for.
        RunAsync("BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1", writes: false, work, ct);

    /// <summary>Writes in one transaction, on the disk when the task completes.</summary>
    public Task<T> WriteAsync<T>(Func<SqliteConnection, T> work, CancellationToken ct) =>
        RunAsync("PRAGMA synchronous=FULL; BEGIN IMMEDIATE", writes: true, work, ct);

    /// <summary>
    /// Writes in one transaction that survives the end of the process but, for its last moments, not a power failure:
    /// without a disk flush for each. Only for what may be forgotten then.
    /// </summary>
    public Task<T> WriteRelaxedAsync<T>(Func<SqliteConnection, T> work, CancellationToken ct) =>
        RunAsync("PRAGMA synchronous=NORMAL; BEGIN IMMEDIATE", writes: true, work, ct);

    /// <summary>Runs a statement that can't be inside a transaction, and takes what it says.</summary>
    public Task<T> OutsideTransactionAsync<T>(Func<SqliteConnection, T> work, CancellationToken ct) => RunAsync(null, writes: true, work, ct);

    private async Task<T> RunAsync<T>(string? begin, bool writes, Func<SqliteConnection, T> work, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        long since = clock.GetTimestamp();
        if (writes && !await writer.WaitAsync(patience, ct).ConfigureAwait(false))
        {
            throw SqliteErrors.LockedTooLong(Home, patience);
        }
        try
        {
            for (int attempt = 0; ; attempt++)
            {
                if (TryRun(begin, work, out T? result))
                {
                    return result!;
                }
                if (clock.GetElapsedTime(since) >= patience)
                {
                    throw SqliteErrors.LockedTooLong(Home, patience);
                }
                await Task.Delay(Pauses[Math.Min(attempt, Pauses.Length - 1)], clock, ct).ConfigureAwait(false);
            }
        }
        finally
        {
            if (writes)
            {
                writer.Release();
            }
        }
    }

    /// <summary>One attempt; false when the file was locked and nothing was done.</summary>
    private bool TryRun<T>(string? begin, Func<SqliteConnection, T> work, out T? result)
    {
        result = default;
        SqliteConnection? connection = null;
        try
        {
            connection = Rent();
            if (begin is not null)
            {
                Execute(connection, begin);
            }
            T made = work(connection);
            if (begin is not null)
            {
                Execute(connection, "COMMIT");
            }
            result = made;
            return true;
        }
        catch (SqliteException e) when (SqliteErrors.IsBusy(e.SqliteErrorCode))
        {
            return false;
        }
        catch (SqliteException e)
        {
            throw SqliteErrors.Translate(e, Home);
        }
        finally
        {
            if (connection is not null)
            {
                Return(connection);
            }
        }
    }

    // By the raw call: a command of Microsoft.Data.Sqlite would sleep on a locked file for a whole second, deaf to the token.
    private static void Execute(SqliteConnection connection, string sql)
    {
        int code = raw.sqlite3_exec(connection.Handle, sql);
        if (code != SqliteErrors.Ok)
        {
            throw new SqliteException(raw.sqlite3_errmsg(connection.Handle).utf8_to_string(), code & 0xFF, code);
        }
    }

    private SqliteConnection Rent()
    {
        if (closed)
        {
            throw SqliteErrors.Closed(Home);
        }
        if (idle.TryTake(out SqliteConnection? used))
        {
            return used;
        }
        var connection = new SqliteConnection(connectionString);
        try
        {
            connection.Open();
            // Erased keys and tokens must not live on in the file's free space.
            Execute(connection, "PRAGMA secure_delete=ON");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private void Return(SqliteConnection connection)
    {
        bool inTransaction = raw.sqlite3_get_autocommit(connection.Handle) == 0;
        bool clean = !inTransaction || raw.sqlite3_exec(connection.Handle, "ROLLBACK") == SqliteErrors.Ok;
        if (!clean || closed || idle.Count >= IdleConnections)
        {
            connection.Dispose();
            return;
        }
        idle.Add(connection);
        // Closed meanwhile: whoever comes last empties the bag.
        if (closed)
        {
            DropIdle();
        }
    }

    private void DropIdle()
    {
        while (idle.TryTake(out SqliteConnection? connection))
        {
            connection.Dispose();
        }
    }

    /// <summary>Closes the file. Work that is under way ends first; anything new is refused.</summary>
    public void Dispose()
    {
        closed = true;
        DropIdle();
    }
}
