using CcExport.Engine.Exports;
using CcExport.Engine.Identity;
using CcExport.Engine.Store;
using CcExport.Engine.Store.PostgreSql;
using CcExport.Engine.Store.Sqlite;
using CcExport.Engine.Tests.Identity;
using Dapper;
using Microsoft.Data.Sqlite;

namespace CcExport.Engine.Tests.Store;

/// <summary>A home's store goes to PostgreSQL and comes back, whole.</summary>
public sealed class StoreMoveTests : IAsyncLifetime
{
    private readonly TempHome temp = new();
    private string _database = "";

    private static CancellationToken None => CancellationToken.None;

    private KeyRingOptions Wrapped() => new() { Certificates = [RingCertificates.Pfx(temp, "team.pfx")] };

    public async Task InitializeAsync()
    {
        if (PostgresDatabases.Server is not null) _database = await PostgresDatabases.CreateAsync();
    }

    public async Task DisposeAsync()
    {
        temp.Dispose();
        if (_database.Length > 0) await PostgresDatabases.DropAsync(_database);
    }

    private static async Task<KeyRing> RingAsync(IStore store, KeyRingOptions options) => await KeyRing.OpenAsync(store.Keys, t => StoredSecrets.ExistAsync(store, t), options, TimeProvider.System, None);

    /// <summary>One of everything, with a secret that only the ring reads.</summary>
    private async Task<(ConnectionRecord Connection, long Run, byte[] Secret)> FillAsync(IStore store, KeyRing ring)
    {
        byte[] secret = ring.Protect("test", "open sesame"u8);
        ConnectionRecord connection = Records.Connection() with { Secrets = secret };
        await store.Connections.AddAsync(connection, None);
        await store.ExportUsers.SaveAsync(new ExportUserRecord { ConnectionId = connection.Id, Json = "{}", CreatedAt = Records.Noon, Secrets = [7] }, None);
        await store.Sources.SaveAsync(Records.Definition("Lake") with { Secrets = [4, 2] }, replace: false, None);
        await store.Exports.SaveAsync(Records.Definition("Weekly", connection.Id), replace: false, None);
        await store.Exports.SaveAsync(Records.Definition("Loose"), replace: false, None);
        await store.Schedules.SetHandledAsync("Weekly", Records.Noon, None);
        await store.Schedules.RequestAsync("Loose", "ann", Records.Noon, None);
        for (int i = 0; i < 3; i++) await store.Runs.OpenAsync(Records.Run() with { ConnectionId = connection.Id }, None);
        long run = await store.Runs.OpenAsync(Records.Run(null) with { ConnectionId = connection.Id, AccountId = "a" }, None);
        await store.Runs.SealedAsync(run, Records.Batch(1), None);
        await store.Runs.SealedAsync(run, Records.Batch(2), None);
        await store.Runs.AllSealedAsync(run, new RunNumbers { Read = 20, Sent = 20, Batches = 2 }, Records.Noon, None, "{}");
        await store.Runs.SendingAsync(run, 1, Records.Noon, None);
        await store.Runs.SentAsync(run, 1, "job-1", Records.Noon, None);
        await store.Runs.FinishedAsync(run, 1, Records.Outcome(9, 1), None);
        await store.Runs.ClaimAsync(run, "job-2", None);
        await store.Calls.ReserveAsync("key", 500, None);
        await store.Calls.TryTakeAsync("key", Records.Noon, Records.Noon.AddSeconds(9), 10_000, None, "Weekly");
        await store.Fingerprints.PutAsync(new FingerprintRecord { Export = "Weekly", Account = "a", ListId = "l", File = "f", Key = [1], Records = 3, RunId = run, UpdatedAt = Records.Noon, LookTook = TimeSpan.FromSeconds(5), Others = 4 }, null, None);
        await store.PreImages.PutAsync(new PreImageRecord { RunId = run, CreatedAt = Records.Noon, File = "p", Key = [2] }, None);
        await store.Suppressions.GetKeyAsync([3], None);
        await store.Suppressions.AddAsync([new SuppressionRecord([1], "SuppressionList", Records.Noon, "ann", "note"), new SuppressionRecord([2], "Erased", Records.Noon, "bob", null)], None);
        await store.Suppressions.AddErasureAsync(new ErasureRecord(0, Records.Noon, "bob", [2], "{}"), None);
        return (connection, run, secret);
    }

    private static async Task<object[]> ReadAsync(IStore store)
    {
        List<object> all = [];
        all.AddRange(await store.Connections.ListAsync(None));
        all.AddRange(await store.ExportUsers.ListAsync(None));
        all.AddRange(await store.Sources.ListAsync(None));
        all.AddRange(await store.Exports.ListAsync(None));
        all.AddRange((await store.Schedules.ListAsync(None)).OrderBy(s => s.Key).Select(s => $"{s}"));
        IReadOnlyList<RunRecord> runs = await store.Runs.ListAsync(new RunQuery(), None);
        all.AddRange(runs);
        foreach (RunRecord run in runs) all.AddRange(await store.Runs.GetBatchesAsync(run.Id, None));
        all.Add(string.Join(',', (await store.Runs.GetClaimedAsync(["job-1", "job-2", "job-3"], None)).Order()));
        all.Add(await store.Calls.GetUseAsync("key", Records.Noon, None));
        all.AddRange(await store.Calls.GetSpentAsync("key", Records.Noon, None));
        all.AddRange(await store.Fingerprints.ListAllAsync(None));
        all.AddRange(await store.PreImages.ListAsync(None));
        all.Add(await store.Suppressions.GetKeyAsync(null, None));
        all.AddRange(await store.Suppressions.ListAsync(None));
        all.AddRange(await store.Suppressions.ListErasuresAsync(None));
        return [.. all];
    }

    [PostgresFact]
    public async Task A_store_goes_to_the_database_and_comes_back_whole_and_is_closed_where_it_was()
    {
        object[] before;
        byte[] secret;
        await using SqliteStore open = await SqliteStore.OpenAsync(temp.Home, TimeProvider.System, None);
        using (KeyRing ring = await RingAsync(open, new KeyRingOptions()))
        {
            (_, _, secret) = await FillAsync(open, ring);
            before = await ReadAsync(open);
        }

        KeyRingOptions wrapped = Wrapped();
        StoreMove there = await CcEngine.MoveFromHomeAsync(temp.Home, _database, wrapped, TimeProvider.System, None);
        Assert.Equal((1L, 1L, 2L, 4L), (there.Connections, there.Sources, there.Exports, there.Runs));
        // The session that was open all the while writes nothing that nobody would read; and nobody opens the home as its own.
        await Assert.ThrowsAsync<CcException>(() => open.Exports.SaveAsync(Records.Definition("Late"), replace: false, None));
        await Assert.ThrowsAsync<CcException>(() => open.Runs.OpenAsync(Records.Run(), None));
        Assert.Equal("StoreIsShared", (await Assert.ThrowsAsync<CcException>(() => SqliteStore.OpenAsync(temp.Home, TimeProvider.System, None))).ErrorId);
        await open.DisposeAsync();

        long next;
        await using (PostgresStore shared = await PostgresStore.OpenAsync(_database, None))
        {
            await shared.AdoptAsync(temp.Home, None);
            Assert.Equivalent(before, await ReadAsync(shared), strict: true);
            Assert.All(await shared.Keys.ListAsync(None), e => Assert.DoesNotContain("<value>", e.Xml, StringComparison.Ordinal));
            using KeyRing ring = await RingAsync(shared, wrapped with { MustBeWrapped = true });
            Assert.Equal("open sesame"u8.ToArray(), ring.Unprotect("test", secret));
            next = await shared.Runs.OpenAsync(Records.Run(), None);
            Assert.Equal(5, next);
            await shared.Runs.CloseAsync(next, RunStatus.Canceled, new RunNumbers(), null, Records.Noon, None);
            before = await ReadAsync(shared);

            StoreMove back = await CcEngine.MoveToHomeAsync(temp.Home, _database, wrapped, TimeProvider.System, None);
            Assert.Equal(there.Rows + 1, back.Rows);
            await Assert.ThrowsAsync<CcException>(() => shared.Runs.OpenAsync(Records.Run(), None));
            Assert.Equal("StoreMoved", (await Assert.ThrowsAsync<CcException>(() => PostgresStore.OpenAsync(_database, None))).ErrorId);
        }

        await using SqliteStore home = await SqliteStore.OpenAsync(temp.Home, TimeProvider.System, None);
        Assert.Equivalent(before, await ReadAsync(home), strict: true);
        Assert.Equal(next + 1, await home.Runs.OpenAsync(Records.Run(), None));
        using KeyRing last = await RingAsync(home, wrapped);
        Assert.Equal("open sesame"u8.ToArray(), last.Unprotect("test", secret));
        Assert.Single(Directory.GetFiles(temp.Home.Root, "store.before-*.db"));
    }

    /// <summary>Ended between any two steps, the same command brings it to its end, and nothing is lost or there twice.</summary>
    [PostgresFact]
    public async Task A_move_that_is_broken_off_anywhere_is_done_by_the_same_command()
    {
        object[] before;
        KeyRingOptions wrapped = Wrapped();
        await using (SqliteStore store = await SqliteStore.OpenAsync(temp.Home, TimeProvider.System, None))
        {
            using (KeyRing ring = await RingAsync(store, new KeyRingOptions())) await FillAsync(store, ring);
            before = await ReadAsync(store);
        }
        Task There(string? until) => CcEngine.MoveFromHomeAsync(temp.Home, _database, wrapped, TimeProvider.System, None, step => Stop(step, until));
        Task Back(string? until) => CcEngine.MoveToHomeAsync(temp.Home, _database, wrapped, TimeProvider.System, None, step => Stop(step, until));
        static void Stop(string step, string? until)
        {
            if (step == until) throw new InvalidOperationException(step);
        }

        foreach (string step in new[] { "keys", "copied" })
        {
            await Assert.ThrowsAsync<InvalidOperationException>(() => There(step));
            await using SqliteStore still = await SqliteStore.OpenAsync(temp.Home, TimeProvider.System, None);
            Assert.Equivalent(before, await ReadAsync(still), strict: true);
        }
        foreach (string step in new[] { "closed", "marked" })
        {
            await Assert.ThrowsAsync<InvalidOperationException>(() => There(step));
            Assert.Equal("StoreArriving", (await Assert.ThrowsAsync<CcException>(() => PostgresStore.OpenAsync(_database, None))).ErrorId);
        }
        await There(null);
        await using (PostgresStore shared = await PostgresStore.OpenAsync(_database, None)) Assert.Equivalent(before, await ReadAsync(shared), strict: true);

        await Assert.ThrowsAsync<InvalidOperationException>(() => Back("put"));
        await using (PostgresStore shared = await PostgresStore.OpenAsync(_database, None)) Assert.Equivalent(before, await ReadAsync(shared), strict: true);
        Assert.Equal("StoreIsShared", (await Assert.ThrowsAsync<CcException>(() => SqliteStore.OpenAsync(temp.Home, TimeProvider.System, None))).ErrorId);
        await Assert.ThrowsAsync<InvalidOperationException>(() => Back("closed"));
        await Back(null);
        await using SqliteStore home = await SqliteStore.OpenAsync(temp.Home, TimeProvider.System, None);
        Assert.Equivalent(before, await ReadAsync(home), strict: true);
    }

    /// <summary>A column's time is not as fine as that of a file: cut off, a due time that was dealt with would be due once more.</summary>
    [PostgresFact]
    public async Task What_was_dealt_with_is_so_after_the_move_to_the_last_tick()
    {
        DateTimeOffset due = Records.Noon.AddTicks(1);
        await using (SqliteStore store = await SqliteStore.OpenAsync(temp.Home, TimeProvider.System, None))
        {
            using (KeyRing ring = await RingAsync(store, new KeyRingOptions())) await FillAsync(store, ring);
            await store.Schedules.SetHandledAsync("Weekly", due, None);
        }
        await CcEngine.MoveFromHomeAsync(temp.Home, _database, Wrapped(), TimeProvider.System, None);
        await using PostgresStore shared = await PostgresStore.OpenAsync(_database, None);
        Assert.InRange((await shared.Schedules.GetAsync("Weekly", None)).HandledAt!.Value, due, due.AddTicks(TimeSpan.TicksPerMicrosecond));
    }

    /// <summary>The other way round it is waited for 15 seconds: of that there is no test.</summary>
    [PostgresFact]
    public async Task Whoever_has_the_closed_file_open_keeps_the_store_from_coming_back()
    {
        KeyRingOptions wrapped = Wrapped();
        await using (SqliteStore store = await SqliteStore.OpenAsync(temp.Home, TimeProvider.System, None))
        {
            using KeyRing ring = await RingAsync(store, new KeyRingOptions());
            await FillAsync(store, ring);
        }
        await CcEngine.MoveFromHomeAsync(temp.Home, _database, wrapped, TimeProvider.System, None);
        await using (var holder = new SqliteConnection($"Data Source={temp.Home.StoreFile};Pooling=False"))
        {
            holder.Open();
            holder.Execute("BEGIN; SELECT count(*) FROM sqlite_schema");
            CcException e = await Assert.ThrowsAsync<CcException>(() => CcEngine.MoveToHomeAsync(temp.Home, _database, wrapped, TimeProvider.System, None));
            Assert.Equal(("StoreInUse", CcErrorKind.Conflict), (e.ErrorId, e.Kind));
        }
        await using (PostgresStore shared = await PostgresStore.OpenAsync(_database, None)) Assert.Equal(2, (await shared.Exports.ListAsync(None)).Count);
        await CcEngine.MoveToHomeAsync(temp.Home, _database, wrapped, TimeProvider.System, None);
        await using SqliteStore home = await SqliteStore.OpenAsync(temp.Home, TimeProvider.System, None);
        Assert.Equal(2, (await home.Exports.ListAsync(None)).Count);
    }

    /// <summary>A column that is added to one store and not to the other would be lost on the way.</summary>
    [PostgresFact]
    public async Task Every_column_that_matters_is_in_both()
    {
        await using SqliteStore home = await SqliteStore.OpenAsync(temp.Home, TimeProvider.System, None);
        using var file = new SqliteConnection($"Data Source={temp.Home.StoreFile};Pooling=False");
        string[] here = [.. file.Query<string>("SELECT lower(m.name || '.' || c.name) FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'")];
        await using var database = new Npgsql.NpgsqlConnection(_database);
        string[] there = [.. await database.QueryAsync<string>("SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'ccexport'")];
        // When a file had which step, and when a list was looked at, which nobody asks any more.
        Assert.Equal(["fingerprints.lookedat", "history.appliedat", "history.step"], here.Except(there).Order());
        Assert.Equal(["callplaces.boot", "facts.name", "facts.value", "history.applied", "history.schemaversionsid", "history.scriptname", "keys.name", "keys.xml", "leases.boot"], there.Except(here).Order());
    }

    [PostgresFact]
    public async Task It_is_not_moved_while_somebody_is_at_it_nor_over_another_nor_unwrapped()
    {
        await using SqliteStore store = await SqliteStore.OpenAsync(temp.Home, TimeProvider.System, None);
        using (KeyRing ring = await RingAsync(store, new KeyRingOptions())) await FillAsync(store, ring);
        Task<CcException> MoveFails(KeyRingOptions options) => Assert.ThrowsAsync<CcException>(() => CcEngine.MoveFromHomeAsync(temp.Home, _database, options, TimeProvider.System, None));
        Assert.Equal("KeyRingSettingMissing", (await MoveFails(new KeyRingOptions())).ErrorId);

        LeaseOwner me = LeaseOwner.ForThisProcess("run", Guid.NewGuid);
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        await store.Leases.TryTakeAsync("export/WEEKLY", me, now, now.AddMinutes(1), None);
        KeyRingOptions wrapped = Wrapped();
        Assert.Equal("StoreInUse", (await MoveFails(wrapped)).ErrorId);
        // Nothing has happened here, and there nobody takes the half for a whole.
        Assert.Equal(2, (await store.Exports.ListAsync(None)).Count);
        Assert.Equal("StoreArriving", (await Assert.ThrowsAsync<CcException>(() => PostgresStore.OpenAsync(_database, None))).ErrorId);
        await store.Leases.ReleaseAsync("export/WEEKLY", me, None);
        await CcEngine.MoveFromHomeAsync(temp.Home, _database, wrapped, TimeProvider.System, None);

        using var other = new TempHome();
        await using (SqliteStore second = await SqliteStore.OpenAsync(other.Home, TimeProvider.System, None)) await second.Sources.SaveAsync(Records.Definition("S"), replace: false, None);
        Assert.Equal("StoreNotEmpty", (await Assert.ThrowsAsync<CcException>(() => CcEngine.MoveFromHomeAsync(other.Home, _database, wrapped, TimeProvider.System, None))).ErrorId);
        Assert.Equal("StoreNotFound", (await Assert.ThrowsAsync<CcException>(() => CcEngine.MoveFromHomeAsync(temp.Home, _database, wrapped, TimeProvider.System, None))).ErrorId);
    }

    [PostgresFact]
    public async Task A_folder_is_taken_for_the_stores_only_if_it_is()
    {
        await using PostgresStore store = await PostgresStore.OpenAsync(_database, None);
        await store.AdoptAsync(temp.Home, None);
        await store.AdoptAsync(temp.Home, None);
        using var other = new TempHome();
        CcException apart = await Assert.ThrowsAsync<CcException>(() => store.AdoptAsync(other.Home, None));
        Assert.Equal("HomeNotShared", apart.ErrorId);
        Assert.Contains(temp.Home.Root, apart.Message, StringComparison.Ordinal);
        await using (await SqliteStore.OpenAsync(other.Home, TimeProvider.System, None))
        {
        }
        Assert.Equal("HomeHasStore", (await Assert.ThrowsAsync<CcException>(() => store.AdoptAsync(other.Home, None))).ErrorId);
        SharedFolder.Write(other.Home, Guid.NewGuid());
        Assert.Equal("HomeOfAnotherStore", (await Assert.ThrowsAsync<CcException>(() => store.AdoptAsync(other.Home, None))).ErrorId);
        // Lost and made anew by hand, as the message says.
        SharedFolder.Write(other.Home, store.Id);
        await store.AdoptAsync(other.Home, None);
    }
}
