using System.Globalization;
using Npgsql;

namespace CcExport.Chaos;

/// <summary>What a database has done since its beginning. Two of these have a difference.</summary>
/// <param name="ProcessorSeconds">Of all processes of the server, ended ones included; NaN where they cannot be seen from here.</param>
/// <param name="Statements">NaN where the server does not count them (pg_stat_statements).</param>
internal sealed record DatabaseLoad(
    double Statements, long Transactions, long RolledBack, long RowsReturned, long RowsRead, long Inserted, long Updated, long Deleted, long BlocksRead, double ProcessorSeconds, long Bytes, long WalBytes)
{
    /// <summary>A server writes its counts down about a second after the work, and when a session ends.</summary>
    public static readonly TimeSpan Lag = TimeSpan.FromSeconds(3);

    public static async Task<DatabaseLoad> ReadAsync(string store)
    {
        await using NpgsqlConnection connection = await OpenAsync(store);
        bool counted = await CountsStatementsAsync(connection);
        await using var command = new NpgsqlCommand($"""
            SELECT xact_commit, xact_rollback, tup_returned, tup_fetched, tup_inserted, tup_updated, tup_deleted, blks_read, pg_database_size(datid),
                (SELECT wal_bytes::bigint FROM pg_stat_wal),
                {(counted ? "(SELECT sum(calls)::bigint FROM pg_stat_statements WHERE dbid = datid AND userid <> 0)" : "NULL::bigint")}, pg_backend_pid()
            FROM pg_stat_database WHERE datname = current_database()
            """, connection);
        await using NpgsqlDataReader row = await command.ExecuteReaderAsync();
        await row.ReadAsync();
        return new DatabaseLoad(row.IsDBNull(10) ? counted ? 0 : double.NaN : row.GetInt64(10), row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3), row.GetInt64(4), row.GetInt64(5),
            row.GetInt64(6), row.GetInt64(7), Processor(row.GetInt32(11)), row.GetInt64(8), row.GetInt64(9));
    }

    /// <summary>The statements that took most of the server's time, with their calls and milliseconds.</summary>
    public static async Task<IReadOnlyList<(string Text, long Calls, double Milliseconds)>> DearestAsync(string store, int most)
    {
        await using NpgsqlConnection connection = await OpenAsync(store);
        if (!await CountsStatementsAsync(connection)) return [];
        await using var command = new NpgsqlCommand($"""
            SELECT regexp_replace(query, '\s+', ' ', 'g'), calls, total_exec_time FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid AND d.datname = current_database()
            ORDER BY total_exec_time DESC LIMIT {most}
            """, connection);
        await using NpgsqlDataReader rows = await command.ExecuteReaderAsync();
        List<(string, long, double)> dearest = [];
        while (await rows.ReadAsync()) dearest.Add((rows.GetString(0), rows.GetInt64(1), rows.GetDouble(2)));
        return dearest;
    }

    /// <summary>Has the server count statements, where it was started so that it can.</summary>
    public static async Task CountStatementsAsync(string store)
    {
        await using NpgsqlConnection connection = await OpenAsync(store);
        await using var command = new NpgsqlCommand("SELECT current_setting('shared_preload_libraries') LIKE '%pg_stat_statements%'", connection);
        if (await command.ExecuteScalarAsync() is not true) return;
        await using var make = new NpgsqlCommand("CREATE EXTENSION IF NOT EXISTS pg_stat_statements SCHEMA public", connection);
        await make.ExecuteNonQueryAsync();
    }

    public static DatabaseLoad operator -(DatabaseLoad after, DatabaseLoad before) => new(
        after.Statements - before.Statements, after.Transactions - before.Transactions, after.RolledBack - before.RolledBack, after.RowsReturned - before.RowsReturned, after.RowsRead - before.RowsRead,
        after.Inserted - before.Inserted, after.Updated - before.Updated, after.Deleted - before.Deleted, after.BlocksRead - before.BlocksRead, after.ProcessorSeconds - before.ProcessorSeconds,
        after.Bytes - before.Bytes, after.WalBytes - before.WalBytes);

    private static async Task<NpgsqlConnection> OpenAsync(string store)
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(store) { Pooling = false }.ToString());
        await connection.OpenAsync();
        return connection;
    }

    private static async Task<bool> CountsStatementsAsync(NpgsqlConnection connection)
    {
        await using var command = new NpgsqlCommand("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_stat_statements')", connection);
        return await command.ExecuteScalarAsync() is true;
    }

    // The server's first process has the times of its ended children beside its own; its living ones have theirs.
    private static double Processor(int session)
    {
        try
        {
            if (Stat($"/proc/{session}/stat") is not { } own) return double.NaN;
            int server = (int)own[1];
            long[] first = Stat($"/proc/{server}/stat")!;
            long ticks = first[11] + first[12] + first[13] + first[14];
            foreach (string folder in Directory.EnumerateDirectories("/proc"))
            {
                if (int.TryParse(Path.GetFileName(folder), out _) && Stat(Path.Combine(folder, "stat")) is { } child && child[1] == server) ticks += child[11] + child[12];
            }
            return ticks / 100.0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NullReferenceException)
        {
            return double.NaN;
        }
    }

    /// <summary>The numbers after the name of a process: 1 its parent, 11 and 12 its own ticks, 13 and 14 those of its ended children.</summary>
    private static long[]? Stat(string path)
    {
        try
        {
            string text = File.ReadAllText(path);
            return [.. text[(text.LastIndexOf(')') + 2)..].Split(' ').Select(part => long.TryParse(part, NumberStyles.Integer, CultureInfo.InvariantCulture, out long value) ? value : 0)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A process that has ended meanwhile.
            return null;
        }
    }
}
