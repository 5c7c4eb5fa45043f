using System.Data.Common;
using System.Globalization;
using CcExport.Engine.Store.PostgreSql;
using CcExport.Engine.Store.Sqlite;
using Dapper;
using Microsoft.Data.Sqlite;
using Npgsql;
using NpgsqlTypes;

namespace CcExport.Engine.Store;

/// <summary>How much was moved.</summary>
internal sealed record StoreMoved(string From, string To, IReadOnlyDictionary<string, long> Rows);

/// <summary>
/// Brings a home's store to PostgreSQL and back: every row, with the numbers of its runs, which name files. While it goes on nobody writes to what is left, and
/// afterwards nobody can: its tables have other names, so that a session which is still open fails instead of writing where nobody reads. Broken off at any moment it
/// is done anew. The files of the home stay where they are.
/// </summary>
/// <param name="moveKeys">Brings the key ring from one place to the other, wrapped as the other needs it.</param>
internal sealed class StoreMover(CcHome home, TimeProvider time, Func<IKeyRingStore, IKeyRingStore, CancellationToken, Task> moveKeys)
{
    // In an order in which each finds what it refers to. Not leases and call places: they mean a process, and lapse by themselves.
    private static readonly string[] Tables =
    [
        "Connections", "ExportUsers", "Sources", "Exports", "Schedules", "Announcements", "Runs", "Batches", "OtherJobs", "CallDays", "CallKeys", "CallsSpent", "Fingerprints", "PreImages",
        "Suppressions", "Erasures", "Secrets", "Marks",
    ];

    // What every command of an open session touches.
    private static readonly string[] Closed = ["Runs", "Exports", "Connections", "Leases", "CallPlaces", "Schedules"];

    private static readonly string[] Numbered = ["Runs", "Erasures"];

    /// <summary>Called between the steps; tests end it there.</summary>
    public Action<string> Step { get; init; } = static _ => { };

    public Task<StoreMoved> ToPostgresAsync(string connectionString, CancellationToken ct) => FreeAsync(() => MoveToPostgresAsync(connectionString, ct));

    public Task<StoreMoved> ToHomeAsync(string connectionString, CancellationToken ct) => FreeAsync(() => MoveToHomeAsync(connectionString, ct));

    /// <summary>Whoever else writes to the file, or has it open, is somebody's command.</summary>
    private async Task<StoreMoved> FreeAsync(Func<Task<StoreMoved>> move)
    {
        try
        {
            return await move().ConfigureAwait(false);
        }
        catch (SqliteException e) when (SqliteErrors.IsBusy(e.SqliteErrorCode))
        {
            throw InUse(home.StoreFile);
        }
    }

    private async Task<StoreMoved> MoveToPostgresAsync(string connectionString, CancellationToken ct)
    {
        bool closed = IsClosed();
        if (!closed && (SharedFolder.Read(home) is not null || !File.Exists(home.StoreFile)))
        {
            throw new CcException("StoreNotFound", CcErrorKind.NotFound, $"The folder '{home.Root}' holds no store of its own that could be moved.", $"Set {CcHome.Variable} to the home that you mean.")
            { Subject = home.Root };
        }
        // Closed already: what was broken off had brought everything over, and only has to say so.
        PostgresStore target = await PostgresStore.OpenArrivingAsync(connectionString, home.Root, goesOn: closed, ct).ConfigureAwait(false);
        await using (target.ConfigureAwait(false))
        {
            if (!closed)
            {
                SqliteStore source = await SqliteStore.OpenAsync(home, time, ct).ConfigureAwait(false);
                await using (source.ConfigureAwait(false)) await moveKeys(source.Keys, target.Keys, ct).ConfigureAwait(false);
                Step("keys");
                await CopyAndCloseAsync(target, ct).ConfigureAwait(false);
            }
            // In this order: a closed store, beside a mark that it is elsewhere, beside one that is open there.
            SharedFolder.Write(home, target.Id);
            Step("marked");
            await target.ArriveAsync(home, CancellationToken.None).ConfigureAwait(false);
            return new StoreMoved(home.StoreFile, target.Place, await target.CountAsync(Tables, ct).ConfigureAwait(false));
        }
    }

    private async Task CopyAndCloseAsync(PostgresStore target, CancellationToken ct)
    {
        SqliteConnection file = Open(home.StoreFile, patience: 15);
        await using (file.ConfigureAwait(false))
        {
            // From here on nobody else writes to it.
            await file.ExecuteAsync("BEGIN IMMEDIATE").ConfigureAwait(false);
            await AssureIdleAsync(file, ct).ConfigureAwait(false);
            await target.WriteRawAsync(
                async (database, token) =>
                {
                    foreach (string table in Tables) await ToPostgresAsync(file, database, table, token).ConfigureAwait(false);
                    foreach (string table in Numbered)
                    {
                        long last = file.ExecuteScalar<long?>("SELECT seq FROM sqlite_sequence WHERE name = @table", new { table }) ?? 0;
                        if (last > 0) await database.ExecuteAsync("SELECT setval(pg_get_serial_sequence(@name, 'id'), @last)", new { name = $"{PostgresDatabase.Schema}.{table.ToLowerInvariant()}", last }).ConfigureAwait(false);
                    }
                }, ct).ConfigureAwait(false);
            Step("copied");
            foreach (string table in Closed) await file.ExecuteAsync($"ALTER TABLE {table} RENAME TO Moved{table}").ConfigureAwait(false);
            await file.ExecuteAsync("COMMIT").ConfigureAwait(false);
            Step("closed");
        }
    }

    /// <summary>An earlier move has closed the home's own store.</summary>
    private bool IsClosed()
    {
        if (!File.Exists(home.StoreFile)) return false;
        using SqliteConnection file = Open(home.StoreFile, patience: 15);
        return file.ExecuteScalar<bool>("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'MovedRuns')");
    }

    private static SqliteConnection Open(string path, int patience)
    {
        var file = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadWrite, Pooling = false, ForeignKeys = true, DefaultTimeout = patience }.ToString());
        file.Open();
        return file;
    }

    private async Task<StoreMoved> MoveToHomeAsync(string connectionString, CancellationToken ct)
    {
        string here = $"{home.Root} on {Environment.MachineName}";
        var arriving = new CcHome(Path.Combine(home.Root, ".arriving"));
        try
        {
            (string place, string? moved) = await PostgresStore.FindMovedAsync(connectionString, ct).ConfigureAwait(false);
            // Moved here already: what was broken off only has to take the mark away.
            if (moved != here || SharedFolder.Read(home) is null)
            {
                PostgresStore source = await PostgresStore.OpenAsync(connectionString, ct).ConfigureAwait(false);
                await using (source.ConfigureAwait(false))
                {
                    if (source.Access != StoreAccess.Whole) throw source.Forbidden();
                    await source.AdoptAsync(home, ct).ConfigureAwait(false);
                    if (Directory.Exists(arriving.Root)) Directory.Delete(arriving.Root, recursive: true);
                    await moveKeys(source.Keys, new FileKeyRing(home, time), ct).ConfigureAwait(false);
                    await (await SqliteStore.OpenAsync(arriving, time, ct).ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
                    await source.WriteRawAsync(
                        async (database, token) =>
                        {
                            // Nobody else writes until this is committed, and nobody can afterwards.
                            await database.ExecuteAsync($"LOCK TABLE {string.Join(", ", Tables)} IN EXCLUSIVE MODE").ConfigureAwait(false);
                            await source.AssureIdleAsync(database, time.GetUtcNow()).ConfigureAwait(false);
                            await CopyAsync(database, arriving, token).ConfigureAwait(false);
                            Put(arriving);
                            Step("put");
                            foreach (string table in Closed) await database.ExecuteAsync($"ALTER TABLE {table} RENAME TO Moved{table}").ConfigureAwait(false);
                            await database.ExecuteAsync("INSERT INTO Facts (Name, Value) VALUES ('MovedTo', @here)", new { here }).ConfigureAwait(false);
                        }, ct).ConfigureAwait(false);
                    Step("closed");
                }
            }
            // The store in the database is closed now, and the home is one of its own again.
            File.Delete(SharedFolder.MarkOf(home));
            Durable.FlushDirectory(home.Root);
            using SqliteConnection file = Open(home.StoreFile, patience: 15);
            return new StoreMoved(place, home.StoreFile, Tables.ToDictionary(t => t, t => file.ExecuteScalar<long>($"SELECT count(*) FROM {t}")));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw home.NotWritable(e);
        }
        finally
        {
            if (Directory.Exists(arriving.Root)) Directory.Delete(arriving.Root, recursive: true);
        }
    }

    private static async Task CopyAsync(NpgsqlConnection database, CcHome arriving, CancellationToken ct)
    {
        SqliteConnection file = Open(arriving.StoreFile, patience: 1);
        await using (file.ConfigureAwait(false))
        {
            await file.ExecuteAsync("PRAGMA synchronous=FULL; BEGIN IMMEDIATE").ConfigureAwait(false);
            foreach (string table in Tables) await ToSqliteAsync(database, file, table, ct).ConfigureAwait(false);
            foreach (string table in Numbered)
            {
                long last = await database.ExecuteScalarAsync<long>($"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {table}_id_seq").ConfigureAwait(false);
                await file.ExecuteAsync("DELETE FROM sqlite_sequence WHERE name = @table; INSERT INTO sqlite_sequence (name, seq) VALUES (@table, @last)", new { table, last }).ConfigureAwait(false);
            }
            await file.ExecuteAsync("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)").ConfigureAwait(false);
        }
    }

    /// <summary>The new file takes its place; one that was closed by an earlier move is kept beside.</summary>
    private void Put(CcHome arriving)
    {
        if (File.Exists(home.StoreFile))
        {
            using (SqliteConnection old = Open(home.StoreFile, patience: 2))
            {
                // Whoever has it open keeps its log beside it.
                if (old.ExecuteScalar<string>("PRAGMA journal_mode=DELETE") != "delete") throw InUse(home.StoreFile);
            }
            File.Move(home.StoreFile, Path.Combine(home.Root, $"store.before-{time.GetUtcNow().ToString("yyyyMMdd-HHmmss-fff", CultureInfo.InvariantCulture)}.db"));
        }
        File.Move(arriving.StoreFile, home.StoreFile);
        Durable.FlushDirectory(home.Root);
    }

    private async Task AssureIdleAsync(SqliteConnection file, CancellationToken ct)
    {
        foreach ((string machine, long process, long start) in await file.QueryAsync<(string, long, long)>(
            new CommandDefinition("SELECT Machine, ProcessId, ProcessStartTicks FROM Leases WHERE Expires > @now", new { now = time.GetUtcNow().UtcTicks }, cancellationToken: ct)).ConfigureAwait(false))
        {
            if (machine != ProcessTable.Machine || ProcessTable.IsAlive((int)process, start)) throw InUse(home.StoreFile);
        }
    }

    public static CcException InUse(string place) => new("StoreInUse", CcErrorKind.Conflict, $"The store '{place}' is in use: a run or a sign-in goes on.",
        "Wait until it has ended (Get-CcRun, Wait-CcRun), or stop it, and move the store then.")
    { Subject = place };

    private static async Task ToPostgresAsync(SqliteConnection file, NpgsqlConnection database, string table, CancellationToken ct)
    {
        IReadOnlyList<Column> columns = await ColumnsAsync(file, database, table).ConfigureAwait(false);
        DbDataReader reader = await file.ExecuteReaderAsync($"SELECT {string.Join(", ", columns.Select(c => $"\"{c.Name}\""))} FROM {table}").ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            NpgsqlBinaryImporter importer = await database.BeginBinaryImportAsync($"COPY {table} ({string.Join(", ", columns.Select(c => $"\"{c.Name}\""))}) FROM STDIN (FORMAT BINARY)", ct).ConfigureAwait(false);
            await using (importer.ConfigureAwait(false))
            {
                while (reader.Read())
                {
                    await importer.StartRowAsync(ct).ConfigureAwait(false);
                    for (int i = 0; i < columns.Count; i++)
                    {
                        if (reader.IsDBNull(i) || (columns[i].Type == NpgsqlDbType.TimestampTz && columns[i].Nullable && reader.GetInt64(i) == 0)) await importer.WriteNullAsync(ct).ConfigureAwait(false);
                        else await WriteAsync(importer, reader, i, columns[i].Type, ct).ConfigureAwait(false);
                    }
                }
                await importer.CompleteAsync(ct).ConfigureAwait(false);
            }
        }
    }

    private static Task WriteAsync(NpgsqlBinaryImporter importer, DbDataReader reader, int i, NpgsqlDbType type, CancellationToken ct) => type switch
    {
        NpgsqlDbType.Uuid => importer.WriteAsync(Guid.Parse(reader.GetString(i)), type, ct),
        NpgsqlDbType.TimestampTz => importer.WriteAsync(PostgresValues.RoundedUp(reader.GetInt64(i)), type, ct),
        NpgsqlDbType.Boolean => importer.WriteAsync(reader.GetInt64(i) != 0, type, ct),
        NpgsqlDbType.Integer => importer.WriteAsync((int)reader.GetInt64(i), type, ct),
        NpgsqlDbType.Bigint => importer.WriteAsync(reader.GetInt64(i), type, ct),
        NpgsqlDbType.Bytea => importer.WriteAsync((byte[])reader.GetValue(i), type, ct),
        _ => importer.WriteAsync(reader.GetString(i), type, ct),
    };

    private static async Task ToSqliteAsync(NpgsqlConnection database, SqliteConnection file, string table, CancellationToken ct)
    {
        IReadOnlyList<Column> columns = await ColumnsAsync(file, database, table).ConfigureAwait(false);
        string names = string.Join(", ", columns.Select(c => $"\"{c.Name}\""));
        using SqliteCommand insert = file.CreateCommand();
        insert.CommandText = $"INSERT INTO {table} ({names}) VALUES ({string.Join(", ", columns.Select((_, i) => $"@p{i}"))})";
        SqliteParameter[] parameters = [.. columns.Select((_, i) => insert.Parameters.AddWithValue($"@p{i}", DBNull.Value))];
        DbDataReader reader = await database.ExecuteReaderAsync(new CommandDefinition($"SELECT {names} FROM {table}", cancellationToken: ct)).ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            while (await reader.ReadAsync(ct).ConfigureAwait(false))
            {
                for (int i = 0; i < columns.Count; i++) parameters[i].Value = ToSqlite(reader.GetValue(i), columns[i]);
                insert.ExecuteNonQuery();
            }
        }
    }

    private static object ToSqlite(object value, Column column) => value switch
    {
        // 0 stands for a time that is not there in a column that must hold one.
        DBNull when column is { Type: NpgsqlDbType.TimestampTz, MustHold: true } => 0L,
        Guid id => SqliteValues.Text(id),
        DateTime at => at.Ticks,
        bool flag => flag ? 1L : 0L,
        _ => value,
    };

    /// <summary>The columns that both have, in small letters; those that one has alone are nobody's any more, or mean a process.</summary>
    private static async Task<IReadOnlyList<Column>> ColumnsAsync(SqliteConnection file, NpgsqlConnection database, string table)
    {
        Dictionary<string, bool> here = file.Query<(string Name, bool MustHold)>("SELECT name, \"notnull\" FROM pragma_table_info(@table)", new { table })
            .ToDictionary(c => c.Name.ToLowerInvariant(), c => c.MustHold);
        return [.. (await database.QueryAsync<(string Name, string Type, string Nullable)>(
                "SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_schema = @schema AND table_name = @table ORDER BY ordinal_position",
                new { schema = PostgresDatabase.Schema, table = table.ToLowerInvariant() }).ConfigureAwait(false))
            .Where(c => here.ContainsKey(c.Name)).Select(c => new Column(c.Name, TypeOf(c.Type), c.Nullable == "YES", here[c.Name]))];
    }

    private static NpgsqlDbType TypeOf(string type) => type switch
    {
        "uuid" => NpgsqlDbType.Uuid,
        "timestamp with time zone" => NpgsqlDbType.TimestampTz,
        "boolean" => NpgsqlDbType.Boolean,
        "integer" => NpgsqlDbType.Integer,
        "bigint" => NpgsqlDbType.Bigint,
        "bytea" => NpgsqlDbType.Bytea,
        "text" => NpgsqlDbType.Text,
        _ => throw new InvalidOperationException(type),
    };

    /// <param name="MustHold">In SQLite it must hold a value.</param>
    private sealed record Column(string Name, NpgsqlDbType Type, bool Nullable, bool MustHold);
}
