using System.Diagnostics;
using System.Globalization;
using CcExport.Engine.Store;
using CcExport.Engine.Store.Sqlite;
using Dapper;
using Microsoft.Data.Sqlite;

namespace CcExport.Engine.Tests.Store;

/// <summary>
/// Stores of every earlier version, filled, and brought to the present one. The versions are the beginnings of the list of steps, so that
/// a step that is added is tested by having been added; and since the list may be short, it is also tried with one more.
/// </summary>
public sealed class MigrationTests : IDisposable
{
    private const string OneMore = """
        CREATE TABLE Later (RunId INTEGER NOT NULL REFERENCES Runs (Id), Word TEXT NOT NULL);
        ALTER TABLE Runs ADD COLUMN LaterWord TEXT NOT NULL DEFAULT 'none';
        INSERT INTO Later SELECT Id, Connection FROM Runs;
        """;

    /// <summary>One row in each table of the first version, as the code of that version wrote them.</summary>
    private const string FirstVersion = """
        INSERT INTO Connections (Id, Name, NameKey, ClientId, ApiEndpoint, AuthorizationEndpoint, AccountId, Organization, ContactLimit, AllowContributor,
                ConsentedBy, ConsentedAt, ConsentTextVersion, CreatedAt, SignedOutAt, RefreshTokenIssuedAt, SecretsVersion, Secrets)
            VALUES ('0b0f7a3e-0000-4000-8000-000000000001', 'Main', 'MAIN', 'client', 'https://api.example/v3', 'https://authz.example/v1', 'a07e1l', 'Zürich AG', 5000, 1,
                'admin', 638000000000000000, '1', 638000000000000001, 638000000000000002, 638000000000000003, 7, x'010200FF');
        INSERT INTO Sources (NameKey, Name, Json, CreatedAt, UpdatedAt) VALUES ('SHOP', 'Shop', '{"Path":"/data"}', 638000000000000000, 638000000000000001);
        INSERT INTO Exports (NameKey, Name, ConnectionId, Json, CreatedAt, UpdatedAt)
            VALUES ('WEEKLY', 'Weekly', '0b0f7a3e-0000-4000-8000-000000000001', '{"ListId":"l"}', 638000000000000000, 638000000000000001);
        INSERT INTO Runs (Id, Export, ExportKey, ConnectionId, Connection, ListId, Status, "Trigger", StartedAt, AllSealedAt, CompletedAt, Read, Invalid, Duplicate,
                Suppressed, Unchanged, Sent, Accepted, OptedOut, Refused, Unaccounted, Removed, Noted, Batches, Requests, BytesSent, Message, Definition, SpoolKey)
            VALUES (41, 'Weekly', 'WEEKLY', '0b0f7a3e-0000-4000-8000-000000000001', 'Main', 'l', 'Interrupted', 'OnDemand', 638000000000000000, 638000000000000001, NULL,
                33, 1, 2, 0, 0, 30, 0, 0, 0, 0, 0, 4, 2, 9, 0, 'Stopped.', '{"ListId":"l"}', x'0908'),
                (42, NULL, NULL, '0b0f7a3e-0000-4000-8000-000000000001', 'Main', 'l', 'Completed', 'Pipeline', 638000000000000000, 638000000000000001, 638000000000000002,
                10, 0, 0, 0, 0, 10, 9, 1, 0, 0, 0, 0, 1, 5, 900, NULL, '{"ListId":"l"}', NULL);
        INSERT INTO Batches (RunId, Number, Rows, Bytes, State, SendingAt, SentAt, ActivityId, Attempts, Verdict, Accepted, OptedOut, Refused, Unaccounted, Message, FinishedAt)
            VALUES (41, 1, 20, 1800, 'Sent', 638000000000000002, 638000000000000003, 'act-1', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
                (41, 2, 10, 900, 'Sealed', NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
                (42, 1, 10, 900, 'Finished', 638000000000000002, 638000000000000003, 'act-2', 1, 'completed', 9, 1, 0, 0, NULL, 638000000000000004);
        INSERT INTO CallPlaces (ApiKey, Slot, FreeAt, Held, Ticket) VALUES ('client', 2, 638000000000000000, 0, 12);
        INSERT INTO CallDays (ApiKey, Day, Calls, EndedByServer) VALUES ('client', 738000, 123, 0);
        INSERT INTO Leases (Name, OwnerId, Machine, ProcessId, ProcessStartTicks, Purpose, Expires)
            VALUES ('export/WEEKLY', '0b0f7a3e-0000-4000-8000-000000000009', 'elsewhere', 99, 1, 'run', 3000000000000000000);
        """;

    private readonly TempHome temp = new();

    private static CancellationToken None => CancellationToken.None;

    public void Dispose() => temp.Dispose();

    /// <summary>From which version, over how many steps in all: of the present list, and of it with one more.</summary>
    public static TheoryData<int, int> Ways()
    {
        var ways = new TheoryData<int, int>();
        for (int all = SqliteSchema.Steps.Count; all <= SqliteSchema.Steps.Count + 1; all++)
        {
            for (int from = 1; from < all + 1; from++)
            {
                ways.Add(from, all);
            }
        }
        return ways;
    }

    private static string[] Steps(int count) => [.. SqliteSchema.Steps.Append(OneMore).Take(count)];

    private async Task FillAsync(int version)
    {
        await using (await SqliteStore.OpenAsync(temp.Home, TimeProvider.System, new SqliteStoreOptions { Steps = Steps(version) }, None))
        {
        }
        using SqliteConnection raw = Open(temp);
        raw.Execute(FirstVersion);
        // What later versions added: a row of something in each table, so that no step can lose it unseen.
        foreach (string table in Tables(raw).Where(t => raw.ExecuteScalar<long>($"SELECT count(*) FROM \"{t}\"") == 0))
        {
            var columns = raw.Query<(long Cid, string Name, string Type)>($"SELECT cid, name, type FROM pragma_table_info('{table}')").ToList();
            var parents = raw.Query<(string Column, string Table, string To)>($"SELECT \"from\", \"table\", \"to\" FROM pragma_foreign_key_list('{table}')").ToDictionary(p => p.Column);
            IEnumerable<string> values = columns.Select(c => parents.TryGetValue(c.Name, out var p) ? $"(SELECT \"{p.To}\" FROM \"{p.Table}\" LIMIT 1)"
                : c.Type == "INTEGER" ? (700 + c.Cid).ToString(CultureInfo.InvariantCulture) : c.Type == "BLOB" ? "x'0A0B'" : $"'{table}.{c.Name}'");
            raw.Execute($"INSERT INTO \"{table}\" VALUES ({string.Join(", ", values)})");
        }
        raw.Execute("PRAGMA wal_checkpoint(TRUNCATE)");
    }

    private static SqliteConnection Open(TempHome home)
    {
        var connection = new SqliteConnection($"Data Source={home.Home.StoreFile};Pooling=False");
        connection.Open();
        return connection;
    }

    private static List<string> Tables(SqliteConnection c) =>
        [.. c.Query<string>("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'History' ORDER BY name")];

    /// <summary>Every value of every table, by table, row and column.</summary>
    private static Dictionary<string, object?> Everything(SqliteConnection c)
    {
        var all = new Dictionary<string, object?>();
        foreach (string table in Tables(c))
        {
            int number = 0;
            foreach (IDictionary<string, object?> row in c.Query($"SELECT * FROM \"{table}\" ORDER BY 1, 2"))
            {
                number++;
                foreach ((string column, object? value) in row)
                {
                    all[$"{table}[{number}].{column}"] = value is byte[] bytes ? Convert.ToHexString(bytes) : value;
                }
            }
        }
        return all;
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_store_of_any_earlier_version_keeps_all_it_holds(int from, int all)
    {
        await FillAsync(from);
        Dictionary<string, object?> before;
        using (SqliteConnection raw = Open(temp))
        {
            before = Everything(raw);
        }
        await using SqliteStore store = await SqliteStore.OpenAsync(temp.Home, TimeProvider.System, new SqliteStoreOptions { Steps = Steps(all) }, None);

        ConnectionRecord connection = Assert.Single(await store.Connections.ListAsync(None));
        Assert.Equal(("Main", 5000, 7L, "010200FF"), (connection.Name, connection.ContactLimit, connection.SecretsVersion, Convert.ToHexString(connection.Secrets)));
        Assert.Equal("Shop", Assert.Single(await store.Sources.ListAsync(None)).Name);
        Assert.Equal(["Weekly"], await store.Exports.UsingConnectionAsync(connection.Id, None));
        IReadOnlyList<RunRecord> runs = await store.Runs.ListAsync(new RunQuery(), None);
        Assert.Equal([(42L, RunStatus.Completed, 9L), (41L, RunStatus.Interrupted, 0L)], runs.Select(r => (r.Id, r.Status, r.Numbers.Accepted)));
        Assert.Equal(("Weekly", "0908", 30L, (DateTimeOffset?)null), (runs[1].Export, Convert.ToHexString(runs[1].SpoolKey!), runs[1].Numbers.Sent, runs[1].CompletedAt));
        Assert.Equal([(BatchState.Sent, "act-1"), (BatchState.Sealed, null)], (await store.Runs.GetBatchesAsync(41, None)).Select(b => (b.State, b.ActivityId)));
        Assert.Equal(9, Assert.Single(await store.Runs.GetBatchesAsync(42, None)).Outcome!.Accepted);
        Assert.Equal(["act-1", "act-2"], (await store.Runs.GetClaimedAsync(["act-1", "act-2", "act-3"], None)).Order());
        Assert.Equal(123, (await store.Calls.GetUseAsync("client", new DateTimeOffset(DateOnly.FromDayNumber(738000), default, default), None)).Calls);
        LeaseAnswer lease = await store.Leases.TryTakeAsync("export/WEEKLY", LeaseOwner.ForThisProcess("run", Guid.NewGuid), Records.Noon, Records.Noon, None);
        Assert.Equal((false, "elsewhere"), (lease.Taken, lease.Holder!.Machine));
        // And the run that was open goes on.
        await store.Runs.SendingAsync(41, 2, Records.Noon, None);
        await store.Runs.NotSentAsync(41, 2, None);

        using SqliteConnection migrated = Open(temp);
        Assert.Equal(all, migrated.ExecuteScalar<long>("PRAGMA user_version"));
        Assert.Equal("ok", migrated.ExecuteScalar<string>("PRAGMA integrity_check"));
        Assert.Empty(migrated.Query("PRAGMA foreign_key_check"));
        Dictionary<string, object?> after = Everything(migrated);
        // The steps just taken left their marks in these.
        foreach ((string place, object? value) in before.Where(b => !b.Key.StartsWith("Batches[2].", StringComparison.Ordinal)))
        {
            Assert.True(after.TryGetValue(place, out object? now), $"{place} is gone.");
            Assert.Equal(value, now);
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_step_that_fails_at_its_end_leaves_the_version_before_it_untouched(int from, int all)
    {
        await FillAsync(from);
        (long Version, Dictionary<string, object?> Data) before = State(temp);
        string[] steps = Steps(all);
        steps = from < all ? steps : [.. steps, "CREATE TABLE Never (A INTEGER)"];
        steps[from] += "\nDELETE FROM Batches; INSERT INTO Nowhere VALUES (1);";
        CcException e = await Assert.ThrowsAsync<CcException>(
            () => SqliteStore.OpenAsync(temp.Home, TimeProvider.System, new SqliteStoreOptions { Steps = steps }, None));
        Assert.Equal(CcErrorKind.Storage, e.Kind);
        (long Version, Dictionary<string, object?> Data) after = State(temp);
        Assert.Equal(before.Version, after.Version);
        Assert.Equal(before.Data, after.Data);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_process_killed_in_the_middle_of_a_step_leaves_the_version_before_it(int from, int all)
    {
        await FillAsync(from);
        (long Version, Dictionary<string, object?> Data) before = State(temp);
        string step = from < all ? Steps(all)[from] : "CREATE TABLE Never (A INTEGER);";
        using var killed = new TempHome();
        killed.Home.EnsureCreated();
        using (SqliteConnection migrating = Open(temp))
        {
            // So little memory that changed pages go to the log before the end: what a kill leaves is a log with half a step in it.
            migrating.Execute("PRAGMA cache_size=1; PRAGMA cache_spill=1; BEGIN IMMEDIATE");
            migrating.Execute(step);
            migrating.Execute("CREATE TABLE Bulk (A BLOB); INSERT INTO Bulk VALUES (randomblob(200000)); UPDATE Runs SET Status = 'Failed'");
            foreach (string name in new[] { "store.db", "store.db-wal" })
            {
                Copy(temp.File(name), killed.File(name));
            }
            migrating.Execute("ROLLBACK");
        }
        Assert.True(new FileInfo(killed.File("store.db-wal")).Length > 100_000);
        (long Version, Dictionary<string, object?> Data) after = State(killed);
        Assert.Equal(before.Version, after.Version);
        Assert.Equal(before.Data, after.Data);
        await using SqliteStore store = await SqliteStore.OpenAsync(killed.Home, TimeProvider.System, new SqliteStoreOptions { Steps = Steps(all) }, None);
        Assert.Equal(2, (await store.Runs.ListAsync(new RunQuery(), None)).Count);
    }

    private static (long Version, Dictionary<string, object?> Data) State(TempHome home)
    {
        using SqliteConnection raw = Open(home);
        return (raw.ExecuteScalar<long>("PRAGMA user_version"), Everything(raw));
    }

    // On Unix by another process: a descriptor of ours, when closed, would take SQLite's locks with it.
    private static void Copy(string from, string to)
    {
        if (OperatingSystem.IsWindows())
        {
            using FileStream source = new(from, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete), target = File.Create(to);
            source.CopyTo(target);
            return;
        }
        using var cp = Process.Start("cp", [from, to]);
        cp.WaitForExit();
        Assert.Equal(0, cp.ExitCode);
    }
}
