using CcExport.Engine.Store;
using CcExport.Engine.Store.PostgreSql;
using Npgsql;

namespace CcExport.Engine.Tests.Store;

/// <summary>A test that needs a PostgreSQL server: <c>build.ps1 test</c> starts one and names it in <c>CCEXPORT_TEST_POSTGRES</c>.</summary>
public sealed class PostgresFactAttribute : FactAttribute
{
    public const string Reason = "skipped: needs a PostgreSQL server (build.ps1 test starts one where initdb is installed)";

    public PostgresFactAttribute()
    {
        if (PostgresDatabases.Server is null) Skip = Reason;
    }
}

/// <summary>Databases of one test each, on the server that the tests were given.</summary>
internal static class PostgresDatabases
{
    public static string? Server { get; } = Environment.GetEnvironmentVariable("CCEXPORT_TEST_POSTGRES") is { Length: > 0 } given ? given : null;

    private static readonly Lazy<Task<string>> Made = new(MakeAsync);
    private static readonly SemaphoreSlim Copying = new(1, 1);

    /// <summary>An empty database, or a copy of one that holds the tables already, which takes a fraction of the time.</summary>
    public static async Task<string> CreateAsync(bool withTables = true)
    {
        string name = "test_" + Guid.NewGuid().ToString("N")[..12];
        string template = withTables ? $" TEMPLATE {await Made.Value}" : "";
        // One copy of a template at a time.
        await Copying.WaitAsync();
        try
        {
            await BossAsync($"CREATE DATABASE {name}{template}");
        }
        finally
        {
            Copying.Release();
        }
        return new NpgsqlConnectionStringBuilder(Server) { Database = name }.ToString();
    }

    private static async Task<string> MakeAsync()
    {
        string name = "made_" + Guid.NewGuid().ToString("N")[..12];
        await BossAsync($"CREATE DATABASE {name}");
        // Without a pool: a database that somebody is connected to is no template.
        await using (await PostgresStore.OpenAsync(new NpgsqlConnectionStringBuilder(Server) { Database = name, Pooling = false }.ToString(), default)) return name;
    }

    public static async Task DropAsync(string connectionString)
    {
        var target = new NpgsqlConnectionStringBuilder(connectionString);
        await BossAsync($"DROP DATABASE IF EXISTS {target.Database} WITH (FORCE)");
    }

    /// <summary>A login with one of the roles (or none), on the same database.</summary>
    public static async Task<string> LoginAsync(string connectionString, params string[] roles)
    {
        string name = "login_" + Guid.NewGuid().ToString("N")[..12], secret = Guid.NewGuid().ToString("N");
        await BossAsync($"CREATE ROLE {name} LOGIN PASSWORD '{secret}' {(roles.Length > 0 ? "IN ROLE " + string.Join(", ", roles) : "")}");
        return new NpgsqlConnectionStringBuilder(connectionString) { Username = name, Password = secret }.ToString();
    }

    public static async Task BossAsync(string sql, string? database = null)
    {
        await using var boss = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(database ?? Server) { Pooling = false }.ToString());
        await boss.OpenAsync();
        await using var command = new NpgsqlCommand(sql, boss);
        await command.ExecuteNonQueryAsync();
    }
}

/// <summary>Opens PostgreSQL stores for the compliance suites, each test's in a database of its own.</summary>
internal sealed class PostgresFixture
{
    private string? _database;

    public async Task<IStore> OpenAsync(Func<int, long, bool>? isAlive)
    {
        _database ??= await PostgresDatabases.CreateAsync();
        return await PostgresStore.OpenAsync(_database, new PostgresStoreOptions { IsAlive = isAlive ?? ProcessTable.IsAlive }, CancellationToken.None);
    }

    public async Task DropAsync()
    {
        if (_database is not null) await PostgresDatabases.DropAsync(_database);
    }
}
