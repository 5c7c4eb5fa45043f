using System.Diagnostics;
using CcExport.Engine.Store;
using CcExport.Engine.Store.Sqlite;
using Dapper;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Time.Testing;

namespace CcExport.Engine.Tests.Store;

/// <summary>What is SQLite's own: the file, its modes, its versions, its lock.</summary>
public sealed class SqliteFileTests : IDisposable
{
    private readonly TempHome temp = new();

    private static CancellationToken None => CancellationToken.None;

    private Task<SqliteStore> OpenAsync(SqliteStoreOptions? options = null, CancellationToken ct = default) =>
        SqliteStore.OpenAsync(temp.Home, TimeProvider.System, options ?? new SqliteStoreOptions(), ct);

    private SqliteConnection Raw()
    {
        var connection = new SqliteConnection($"Data Source={temp.Home.StoreFile};Pooling=False");
        connection.Open();
        return connection;
    }

    private static async Task<CcException> FailsAsync(string errorId, Func<Task> act)
    {
        CcException e = await Assert.ThrowsAsync<CcException>(act);
        Assert.Equal((errorId, CcErrorKind.Storage), (e.ErrorId, e.Kind));
        return e;
    }

    public void Dispose() => temp.Dispose();

    [Fact]
    public async Task Everything_is_for_its_owner_alone()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }
        await using SqliteStore store = await OpenAsync();
        await store.Connections.AddAsync(Records.Connection(), None);
        foreach (string name in new[] { "store.db", "store.db-wal", "store.db-shm" })
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(temp.File(name)));
        }
        foreach (string folder in new[] { "", "spool", "keys", "rejections" })
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(temp.File(folder)));
        }
    }

    [Fact]
    public async Task Every_write_is_flushed_and_checked()
    {
        await using SqliteStore store = await OpenAsync();
        using var file = new SqliteFile(temp.Home, TimeProvider.System, TimeSpan.FromSeconds(1));
        Task<long> Pragma(string name) => file.WriteAsync(c => c.ExecuteScalar<long>("PRAGMA " + name), None);
        Assert.Equal(1, await file.WriteRelaxedAsync(c => c.ExecuteScalar<long>("PRAGMA synchronous"), None));
        Assert.Equal(2, await Pragma("synchronous"));
        Assert.Equal(1, await Pragma("foreign_keys"));
        Assert.Equal(1, await Pragma("secure_delete"));
        Assert.Equal("wal", await file.ReadAsync(c => c.ExecuteScalar<string>("PRAGMA journal_mode"), None));
    }

    [Fact]
    public async Task A_closed_store_fails_loudly_and_can_be_opened_again()
    {
        SqliteStore store = await OpenAsync();
        await store.Connections.AddAsync(Records.Connection(), None);
        await store.DisposeAsync();
        await store.DisposeAsync();
        await FailsAsync("StoreClosed", () => store.Connections.AddAsync(Records.Connection("B"), None));
        await FailsAsync("StoreClosed", () => store.Connections.ListAsync(None));

        await using SqliteStore again = await OpenAsync();
        Assert.Equal("Main", Assert.Single(await again.Connections.ListAsync(None)).Name);
    }

    [Fact]
    public async Task Migrations_run_in_order_once_and_say_when()
    {
        var clock = new FakeTimeProvider(Records.Noon);
        string[] two = [.. SqliteSchema.Steps, "CREATE TABLE Later (A INTEGER); INSERT INTO Later VALUES (7)"];
        await using (SqliteStore first = await SqliteStore.OpenAsync(temp.Home, clock, None))
        {
            await first.Connections.AddAsync(Records.Connection(), None);
        }
        clock.Advance(TimeSpan.FromDays(1));
        for (int i = 0; i < 2; i++)
        {
            await using SqliteStore upgraded = await SqliteStore.OpenAsync(temp.Home, clock, new SqliteStoreOptions { Steps = two }, None);
            Assert.Single(await upgraded.Connections.ListAsync(None));
        }
        using SqliteConnection raw = Raw();
        Assert.Equal(two.Length, raw.ExecuteScalar<long>("PRAGMA user_version"));
        Assert.Equal(7, raw.ExecuteScalar<long>("SELECT sum(A) FROM Later"));
        Assert.Equal([.. SqliteSchema.Steps.Select(_ => Records.Noon.UtcTicks), Records.Noon.AddDays(1).UtcTicks], raw.Query<long>("SELECT AppliedAt FROM History ORDER BY Step"));
    }

    [Fact]
    public async Task A_step_that_fails_leaves_the_version_before_it()
    {
        string[] broken = [.. SqliteSchema.Steps, "CREATE TABLE Later (A INTEGER); INSERT INTO Nowhere VALUES (1)"];
        await FailsAsync("StoreFailed", () => OpenAsync(new SqliteStoreOptions { Steps = broken }));
        await using SqliteStore store = await OpenAsync();
        using SqliteConnection raw = Raw();
        Assert.Equal(SqliteSchema.Steps.Count, raw.ExecuteScalar<long>("PRAGMA user_version"));
        Assert.Equal(0, raw.ExecuteScalar<long>("SELECT count(*) FROM sqlite_schema WHERE name = 'Later'"));
    }

    [Fact]
    public async Task Many_that_open_a_new_home_at_once_make_one_store()
    {
        SqliteStore[] stores = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => OpenAsync())));
        await Task.WhenAll(stores.Select((store, i) => store.Connections.AddAsync(Records.Connection($"C{i}"), None)));
        Assert.Equal(8, (await stores[0].Connections.ListAsync(None)).Count);
        foreach (SqliteStore store in stores)
        {
            await store.DisposeAsync();
        }
        using SqliteConnection raw = Raw();
        Assert.Equal(SqliteSchema.Steps.Count, raw.ExecuteScalar<long>("SELECT count(*) FROM History"));
    }

    [Fact]
    public async Task A_store_of_a_newer_version_is_left_alone()
    {
        await using (await OpenAsync())
        {
        }
        using (SqliteConnection raw = Raw())
        {
            raw.Execute("PRAGMA user_version=99");
        }
        byte[] before = File.ReadAllBytes(temp.Home.StoreFile);
        CcException e = await FailsAsync("StoreTooNew", () => OpenAsync());
        Assert.Contains("99", e.Message, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(temp.Home.StoreFile));
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData("foreign")]
    [InlineData("torn")]
    public async Task What_is_not_a_store_is_left_alone(string kind)
    {
        temp.Home.EnsureCreated();
        switch (kind)
        {
            case "garbage":
                File.WriteAllText(temp.Home.StoreFile, new string('x', 10_000));
                break;
            case "foreign":
                using (SqliteConnection raw = Raw())
                {
                    raw.Execute("CREATE TABLE T (A INTEGER)");
                }
                break;
            default:
                await using (await OpenAsync())
                {
                }
                byte[] whole = File.ReadAllBytes(temp.Home.StoreFile);
                whole.AsSpan(100, 1500).Fill(0xEE);
                File.WriteAllBytes(temp.Home.StoreFile, whole);
                break;
        }
        byte[] before = File.ReadAllBytes(temp.Home.StoreFile);
        CcException e = await FailsAsync("StoreCorrupt", () => OpenAsync());
        Assert.NotNull(e.Remedy);
        Assert.Equal(before, File.ReadAllBytes(temp.Home.StoreFile));
    }

    [Fact]
    public async Task A_locked_store_obeys_the_token_at_once()
    {
        await using SqliteStore store = await OpenAsync();
        using SqliteConnection raw = Raw();
        raw.Execute("BEGIN IMMEDIATE");
        using var stop = new CancellationTokenSource();

        // Several, so that both those at the file's lock and those behind it in this process are tried.
        Task[] waiting = [.. Enumerable.Range(0, 3).Select(i => store.Connections.AddAsync(Records.Connection($"C{i}"), stop.Token))];
        await Task.Delay(100);
        Assert.DoesNotContain(waiting, task => task.IsCompleted);
        var watch = Stopwatch.StartNew();
        await stop.CancelAsync();
        foreach (Task task in waiting)
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => task);
        }
        Assert.InRange(watch.ElapsedMilliseconds, 0, 900);

        // Readers go on meanwhile, and writers when the lock is gone.
        Assert.Empty(await store.Connections.ListAsync(None));
        Task added = store.Connections.AddAsync(Records.Connection(), None);
        raw.Execute("ROLLBACK");
        await added;
        Assert.Single(await store.Connections.ListAsync(None));
    }

    [Fact]
    public async Task A_writer_holds_the_lock_before_its_first_look()
    {
        // What it reads first (a place, a lease, a version) must still be so when it writes.
        await using SqliteStore store = await OpenAsync();
        using var file = new SqliteFile(temp.Home, TimeProvider.System, TimeSpan.FromSeconds(10));
        using SqliteConnection raw = Raw();
        raw.Execute("BEGIN IMMEDIATE");
        int looks = 0;
        Task<int> waiting = file.WriteAsync(_ => ++looks, None);
        await Task.Delay(50);
        Assert.Equal(0, Volatile.Read(ref looks));
        raw.Execute("ROLLBACK");
        Assert.Equal(1, await waiting);
    }

    [Fact]
    public async Task A_store_locked_too_long_says_so()
    {
        await using SqliteStore store = await OpenAsync(new SqliteStoreOptions { LockPatience = TimeSpan.FromMilliseconds(200) });
        using SqliteConnection raw = Raw();
        raw.Execute("BEGIN IMMEDIATE");
        await FailsAsync("StoreLocked", () => store.Connections.AddAsync(Records.Connection(), None));
        raw.Execute("ROLLBACK");
        await store.Connections.AddAsync(Records.Connection(), None);
    }

    [Fact]
    public async Task A_cancelled_token_is_refused_before_anything_is_done()
    {
        await using SqliteStore store = await OpenAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => store.Connections.AddAsync(Records.Connection(), new CancellationToken(true)));
        Assert.Empty(await store.Connections.ListAsync(None));
    }

    [Fact]
    public async Task Work_that_fails_half_way_leaves_nothing_behind()
    {
        await using SqliteStore store = await OpenAsync();
        using var file = new SqliteFile(temp.Home, TimeProvider.System, TimeSpan.FromSeconds(1));
        await Assert.ThrowsAsync<InvalidOperationException>(() => file.WriteAsync<int>(c =>
        {
            c.Execute("INSERT INTO Sources (NameKey, Name, Json, CreatedAt, UpdatedAt) VALUES ('A', 'a', '{}', 0, 0)");
            throw new InvalidOperationException();
        }, None));
        Assert.Empty(await store.Sources.ListAsync(None));
        // The connection is clean again, not stuck in the broken transaction.
        await file.WriteAsync(c => c.Execute("INSERT INTO Sources (NameKey, Name, Json, CreatedAt, UpdatedAt) VALUES ('A', 'a', '{}', 0, 0)"), None);
        Assert.Single(await store.Sources.ListAsync(None));
    }

    /// <summary>A process killed between two steps: what it wrote is in the log beside the file, and is all there.</summary>
    [Fact]
    public async Task A_copy_of_the_files_taken_at_any_step_is_whole()
    {
        await using SqliteStore store = await OpenAsync();
        long run = await store.Runs.OpenAsync(Records.Run(), None);
        await store.Runs.SealedAsync(run, Records.Batch(1), None);
        await store.Runs.AllSealedAsync(run, Records.Numbers, Records.Noon, None);
        await store.Runs.SendingAsync(run, 1, Records.Noon, None);

        using var copy = new TempHome();
        copy.Home.EnsureCreated();
        File.WriteAllBytes(copy.File("store.db"), Bytes("store.db"));
        File.WriteAllBytes(copy.File("store.db-wal"), Bytes("store.db-wal"));
        // Torn in the middle of the next transaction.
        File.AppendAllBytes(copy.File("store.db-wal"), new byte[1234]);
        await using SqliteStore after = await SqliteStore.OpenAsync(copy.Home, TimeProvider.System, None);
        Assert.Equal(BatchState.Sending, Assert.Single(await after.Runs.GetBatchesAsync(run, None)).State);
        Assert.Equal(Records.Noon, (await after.Runs.FindAsync(run, None))!.AllSealedAt);
    }

    [Fact]
    public async Task A_destroyed_spool_key_is_in_no_file_any_more()
    {
        byte[] key = new byte[64];
        new Random(5).NextBytes(key);
        await using SqliteStore store = await OpenAsync();
        long run = await store.Runs.OpenAsync(Records.Run() with { SpoolKey = key }, None);
        Assert.True(Holds(key));
        await store.Runs.CloseAsync(run, RunStatus.Failed, Records.Numbers, null, Records.Noon, None);
        Assert.False(Holds(key));
    }

    private bool Holds(byte[] needle) =>
        new[] { "store.db", "store.db-wal" }.Any(name => Bytes(name).AsSpan().IndexOf(needle) >= 0);

    /// <summary>A file of an open store. On Unix by another process: a descriptor of ours, when closed, would take SQLite's locks with it.</summary>
    private byte[] Bytes(string name)
    {
        var all = new MemoryStream();
        if (OperatingSystem.IsWindows())
        {
            using FileStream file = new(temp.File(name), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            file.CopyTo(all);
        }
        else
        {
            using var cat = Process.Start(new ProcessStartInfo("cat", [temp.File(name)]) { RedirectStandardOutput = true })!;
            cat.StandardOutput.BaseStream.CopyTo(all);
            cat.WaitForExit();
            Assert.Equal(0, cat.ExitCode);
        }
        return all.ToArray();
    }

    [Fact]
    public async Task Ids_are_not_given_twice_even_when_the_last_run_is_gone()
    {
        await using SqliteStore store = await OpenAsync();
        long first = await store.Runs.OpenAsync(Records.Run(), None);
        using (SqliteConnection raw = Raw())
        {
            raw.Execute("DELETE FROM Runs");
        }
        Assert.True(await store.Runs.OpenAsync(Records.Run(), None) > first);
    }

    [Theory]
    [InlineData("SELECT * FROM Runs ORDER BY Id DESC LIMIT 20")]
    [InlineData("SELECT * FROM Runs WHERE ExportKey = 'A' ORDER BY Id DESC LIMIT 20")]
    [InlineData("SELECT * FROM Runs WHERE Status = 'A' ORDER BY Id DESC LIMIT 20")]
    [InlineData("SELECT 1 FROM Runs WHERE ExportKey = 'A' AND Accepted > 0")]
    [InlineData("SELECT 1 FROM Runs WHERE ExportKey = 'A' AND CompletedAt IS NULL")]
    [InlineData("SELECT ActivityId FROM Batches WHERE ActivityId IN (SELECT value FROM json_each('[]'))")]
    public async Task Queries_that_grow_with_history_use_an_index(string sql)
    {
        await using SqliteStore store = await OpenAsync();
        using SqliteConnection raw = Raw();
        string[] plan = [.. raw.Query("EXPLAIN QUERY PLAN " + sql).Select(row => (string)row.detail)];
        Assert.DoesNotContain(plan, line => line.Contains("TEMP B-TREE", StringComparison.Ordinal));
        Assert.DoesNotContain(plan, line => line is "SCAN Batches" || (line is "SCAN Runs" && sql.Contains("WHERE", StringComparison.Ordinal)));
    }
}
