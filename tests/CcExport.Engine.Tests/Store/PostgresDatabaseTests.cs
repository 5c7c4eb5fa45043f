using CcExport.Engine.Store;
using CcExport.Engine.Store.PostgreSql;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace CcExport.Engine.Tests.Store;

/// <summary>Making the tables, what goes wrong with a server, and its clock.</summary>
public sealed class PostgresDatabaseTests : IAsyncLifetime
{
    private string _database = "";

    private static CancellationToken None => CancellationToken.None;

    public async Task InitializeAsync()
    {
        if (PostgresDatabases.Server is not null) _database = await PostgresDatabases.CreateAsync(withTables: false);
    }

    public async Task DisposeAsync()
    {
        if (_database.Length > 0) await PostgresDatabases.DropAsync(_database);
    }

    private string With(Action<NpgsqlConnectionStringBuilder> change)
    {
        var target = new NpgsqlConnectionStringBuilder(_database);
        change(target);
        return target.ToString();
    }

    private static async Task<CcException> FailsAsync(string errorId, string connectionString, TimeSpan? patience = null)
    {
        CcException e = await Assert.ThrowsAsync<CcException>(() => PostgresStore.OpenAsync(connectionString, new PostgresStoreOptions { Patience = patience ?? TimeSpan.FromSeconds(5) }, None));
        Assert.Equal(errorId, e.ErrorId);
        Assert.NotNull(e.Remedy);
        for (Exception? at = e; at is not null; at = at.InnerException) Assert.DoesNotContain(new NpgsqlConnectionStringBuilder(PostgresDatabases.Server).Password!, at.Message, StringComparison.Ordinal);
        return e;
    }

    [PostgresFact]
    public async Task Many_that_open_an_empty_database_at_once_make_one_store()
    {
        PostgresStore[] stores = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(() => PostgresStore.OpenAsync(_database, None))));
        Assert.Single(stores.Select(s => s.Id).Distinct());
        await stores[0].Connections.AddAsync(Records.Connection(), None);
        Assert.Single(await stores[5].Connections.ListAsync(None));
        foreach (PostgresStore store in stores) await store.DisposeAsync();
    }

    [PostgresFact]
    public async Task A_store_of_a_newer_version_is_left_alone()
    {
        await (await PostgresStore.OpenAsync(_database, None)).DisposeAsync();
        await PostgresDatabases.BossAsync("INSERT INTO ccexport.history (scriptname, applied) VALUES ('0099_later.sql', now())", _database);
        Assert.Contains("0099_later", (await FailsAsync("StoreTooNew", _database)).Message, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task Whoever_may_not_make_the_store_is_told_who_may()
    {
        string login = await PostgresDatabases.LoginAsync(_database);
        await FailsAsync("StoreNotReady", login);
        string owner = await PostgresDatabases.LoginAsync(_database);
        await PostgresDatabases.BossAsync($"GRANT CREATE ON DATABASE {new NpgsqlConnectionStringBuilder(_database).Database} TO {new NpgsqlConnectionStringBuilder(owner).Username}", _database);
        // The roles exist on this server, for the tests made them; so an owner without the right to make any gets by.
        await using PostgresStore store = await PostgresStore.OpenAsync(owner, None);
        Assert.Equal(StoreAccess.Whole, store.Access);
    }

    [PostgresFact]
    public async Task Wrong_servers_databases_and_passwords_are_told_apart_and_no_password_is_shown()
    {
        await FailsAsync("StoreUnreachable", With(t => t.Port = 1), TimeSpan.FromMilliseconds(300));
        await FailsAsync("StoreNotFound", With(t => t.Database = "nowhere"));
        await FailsAsync("StoreSignInRefused", With(t => t.Username = "nobody"));
        string secret = new NpgsqlConnectionStringBuilder(PostgresDatabases.Server).Password!;
        foreach (string text in new[] { $"Password={secret};nonsense", $"Host=x;Database=y;Port={secret}", "" }) await FailsAsync("StoreUnsuitable", text);
    }

    [PostgresFact]
    public async Task A_restart_of_the_sessions_is_gone_through()
    {
        await using PostgresStore store = await PostgresStore.OpenAsync(_database, None);
        await store.Connections.AddAsync(Records.Connection(), None);
        for (int i = 0; i < 5; i++)
        {
            await PostgresDatabases.BossAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()", _database);
            Assert.Single(await store.Connections.ListAsync(None));
            await store.Sources.SaveAsync(Records.Definition($"S{i}"), replace: false, None);
        }
        Assert.Equal(5, (await store.Sources.ListAsync(None)).Count);
    }

    [PostgresFact]
    public async Task A_row_that_somebody_holds_is_not_waited_for_without_end_and_the_token_is_heard()
    {
        await using PostgresStore store = await PostgresStore.OpenAsync(_database, new PostgresStoreOptions { Patience = TimeSpan.FromMilliseconds(600) }, None);
        await store.Sources.SaveAsync(Records.Definition("Held"), replace: false, None);
        await using var holder = new NpgsqlConnection(With(t => t.Pooling = false));
        await holder.OpenAsync();
        await using NpgsqlTransaction transaction = await holder.BeginTransactionAsync();
        await new NpgsqlCommand("SELECT 1 FROM ccexport.Sources FOR UPDATE", holder).ExecuteScalarAsync();
        Assert.Equal("StoreLocked", (await Assert.ThrowsAsync<CcException>(() => store.Sources.RemoveAsync("Held", None))).ErrorId);
        using var soon = new CancellationTokenSource(TimeSpan.FromMilliseconds(150));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => store.Sources.RemoveAsync("Held", soon.Token));
        await transaction.RollbackAsync();
        Assert.True(await store.Sources.RemoveAsync("Held", None));
    }

    [PostgresFact]
    public async Task All_machines_tell_the_time_of_the_database_however_wrong_their_own_is()
    {
        var wrong = new FakeTimeProvider(new DateTimeOffset(2001, 1, 1, 0, 0, 0, TimeSpan.Zero));
        await using PostgresStore right = await PostgresStore.OpenAsync(_database, None), other = await PostgresStore.OpenAsync(_database, new PostgresStoreOptions { WaitClock = wrong }, None);
        Assert.InRange(other.Clock.GetUtcNow() - right.Clock.GetUtcNow(), TimeSpan.FromSeconds(-10), TimeSpan.FromSeconds(1));
        // Set anew, it makes no difference: the steady timer counts, and the database is asked again before long.
        DateTimeOffset before = other.Clock.GetUtcNow();
        wrong.AdjustTime(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));
        await other.Connections.ListAsync(None);
        Assert.InRange(other.Clock.GetUtcNow() - before, TimeSpan.Zero, TimeSpan.FromMinutes(1));
    }
}
