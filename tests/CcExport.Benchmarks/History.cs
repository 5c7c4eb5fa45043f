using System.Globalization;
using CcExport.Engine.Exports;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;
using CcExport.Engine.Store.Sqlite;
using Microsoft.Data.Sqlite;

namespace CcExport.Benchmarks;

/// <summary>
/// Fills a new home with a long history, straight into its tables: exports over five connections whose runs took turns, one every ten minutes,
/// with one to three batches each; some failed, some with contacts that were refused, some without an export. At the end of it: a run whose process
/// died, plans that wait, and spools that are kept for a second try.
/// </summary>
internal static class History
{
    private const int Connections = 5;
    private static readonly DateTimeOffset End = new(2026, 11, 24, 6, 0, 0, TimeSpan.Zero);

    public static async Task<int> FillAsync(string root, int runs, int exports)
    {
        Environment.SetEnvironmentVariable(CcHome.Variable, root);
        CcHome home = CcHome.Resolve();
        string[] names = [.. Enumerable.Range(1, exports).Select(i => string.Create(CultureInfo.InvariantCulture, $"Newsletter {i:D3}"))];
        Guid[] connections = [.. Enumerable.Range(1, Connections).Select(i => new Guid(i, 0, 0, [0, 0, 0, 0, 0, 0, 0, 0]))];
        await using (SqliteStore store = await SqliteStore.OpenAsync(home, TimeProvider.System, default))
        {
            for (int i = 0; i < Connections; i++) await store.Connections.AddAsync(Connection(connections[i], i + 1), default);
            for (int i = 0; i < exports; i++)
            {
                await store.Exports.SaveAsync(
                    new DefinitionRecord { Name = names[i], ConnectionId = connections[i % Connections], Json = Definition(i, ofRun: false).ToJson(), CreatedAt = End.AddYears(-1), UpdatedAt = End.AddDays(-1) },
                    replace: false, default);
                await store.Schedules.SetHandledAsync(names[i], End.AddHours(-i), default);
            }
        }
        await using var file = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = home.StoreFile, Mode = SqliteOpenMode.ReadWrite, Pooling = false }.ToString());
        await file.OpenAsync();
        await using var all = (SqliteTransaction)await file.BeginTransactionAsync();
        using SqliteCommand run = Insert(file, all, "Runs", [
            "Id", "Export", "ExportKey", "ConnectionId", "Connection", "ListId", "Status", "\"Trigger\"", "StartedAt", "AllSealedAt", "CompletedAt", "Read", "Invalid", "Duplicate", "Suppressed",
            "Unchanged", "Sent", "Accepted", "OptedOut", "Refused", "Unaccounted", "Removed", "Noted", "Batches", "Requests", "BytesSent", "Message", "Definition", "SpoolKey", "PlannedAt", "Plan"]);
        using SqliteCommand batch = Insert(file, all, "Batches", [
            "RunId", "Number", "Rows", "Bytes", "State", "SendingAt", "SentAt", "ActivityId", "Attempts", "Verdict", "Accepted", "OptedOut", "Refused", "Unaccounted", "FinishedAt"]);
        string[] definitions = [.. Enumerable.Range(0, exports).Select(i => Definition(i, ofRun: true).ToJson())];
        string[] sights = [.. Enumerable.Range(0, exports).Select(i => new Sight { Members = 40_000 + i, New = i, Segments = new() { [$"Segment_{i}"] = 20_000, [$"Segment_{i + 1}"] = 20_000 } }.ToJson())];
        for (int id = 1; id <= runs; id++)
        {
            int export = id * 7 % exports, batches = (id % 3) + 1;
            bool piped = id % 101 == 0, failed = id % 67 == 0, refused = id % 29 == 0, open = id == runs - 3, plan = id > runs - 2, kept = refused && id > runs - (exports * 5);
            long began = End.AddMinutes(-10L * (runs - id)).UtcTicks, took = TimeSpan.FromSeconds(40 + (id % 200)).Ticks;
            long read = 40_000L + (id % 50_000), sent = failed ? 0 : read - 40, less = refused ? 3 : 0;
            Set(run, [
                id, piped ? null : names[export], piped ? null : NameKey.Of(names[export]), connections[export % Connections].ToString("D"), Name((export % Connections) + 1), List(export),
                open ? "Running" : plan ? "Queued" : failed ? "Failed" : refused ? "CompletedWithErrors" : "Completed", id % 9 == 0 ? "Manual" : "Schedule", began,
                failed ? null : began + (took / 4), open || plan ? null : began + took, read, 10L, 20L, 10L, 0L, sent, open || plan ? 0 : Math.Max(0, sent - less), 0L, less, 0L, 0L, 5L, batches, batches + 6, sent * 90,
                failed ? "The source's answer could not be read to its end." : refused ? "3 contacts were refused." : null, definitions[export], kept || open || plan ? new byte[120] : null,
                plan ? began + (took / 4) : null, failed ? null : sights[export]]);
            for (int number = 1; number <= (failed ? 0 : batches); number++)
            {
                bool over = !open && !plan;
                long rows = sent / batches;
                Set(batch, [
                    id, number, rows, rows * 90, over ? "Finished" : "Sealed", over ? began + (took / 3) : null, over ? began + (took / 2) : null,
                    over ? string.Create(CultureInfo.InvariantCulture, $"{id:x8}-{number:x4}-4000-8000-000000000000") : null, 1, over ? "completed" : null, over ? rows : null, over ? 0L : null, over ? 0L : null,
                    over ? 0L : null, over ? began + took : null]);
            }
        }
        await all.CommitAsync();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{runs:N0} runs of {exports:N0} exports in {home.StoreFile}"));
        return 0;
    }

    private static ConnectionRecord Connection(Guid id, int number) => new()
    {
        Id = id,
        Name = Name(number),
        ClientId = $"client-{number}",
        ApiEndpoint = new Uri("https://api.cc.email/v3"),
        AuthorizationEndpoint = new Uri("https://authz.constantcontact.com/oauth2/default/v1"),
        ConsentedBy = "admin",
        ConsentedAt = End.AddYears(-1),
        ConsentTextVersion = "1",
        CreatedAt = End.AddYears(-1),
        RefreshTokenIssuedAt = End,
        Secrets = new byte[900],
    };

    private static ExportDefinition Definition(int export, bool ofRun) => new()
    {
        Connection = Name((export % Connections) + 1),
        ListId = List(export),
        Source = new SourceReference { Path = $"/data/exports/segment-{export}" },
        Segments = [$"Segment_{export}", $"Segment_{export + 1}"],
        Map = new Dictionary<string, string> { ["email"] = "EMail", ["first_name"] = "FirstName", ["last_name"] = "LastName", ["cf:country"] = "Country" },
        Mode = ExportMode.Changed,
        Schedule = "Daily 06:00,18:00",
        TimeZone = "Europe/Kyiv",
        ScheduledAt = End.AddYears(-1),
        ReadAs = ofRun ? "reader" : null,
        Evaluated = ofRun ? End : null,
    };

    private static string Name(int connection) => string.Create(CultureInfo.InvariantCulture, $"Account {connection}");

    private static string List(int export) => string.Create(CultureInfo.InvariantCulture, $"{export:x8}-0000-11ee-8000-fa163e123456");

    private static SqliteCommand Insert(SqliteConnection file, SqliteTransaction all, string table, string[] columns)
    {
        SqliteCommand command = file.CreateCommand();
        command.Transaction = all;
        command.CommandText = $"INSERT INTO {table} ({string.Join(", ", columns)}) VALUES ({string.Join(", ", columns.Select((_, i) => $"$p{i}"))})";
        for (int i = 0; i < columns.Length; i++) command.Parameters.Add(new SqliteParameter($"$p{i}", null));
        return command;
    }

    private static void Set(SqliteCommand command, object?[] values)
    {
        for (int i = 0; i < values.Length; i++) command.Parameters[i].Value = values[i] ?? DBNull.Value;
        command.ExecuteNonQuery();
    }
}
