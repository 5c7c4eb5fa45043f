using System.Reflection;
using DbUp;
using DbUp.Engine;
using DbUp.Engine.Output;
using Npgsql;

namespace CcExport.Engine.Store.PostgreSql;

/// <summary>
/// The tables, as scripts in their order, applied by DbUp, which notes each in the table History. A script that was ever released is never changed, only
/// followed by another. The owner of the database makes them; whoever has a role only looks whether they are there.
/// </summary>
internal static class PostgresSchema
{
    // A number of our own: nobody else's lock.
    private const long MakingLock = 7_214_001;

    private static readonly Assembly Here = typeof(PostgresSchema).Assembly;
    private const string Prefix = "CcExport.Engine.Store.PostgreSql.Scripts.";

    public static IReadOnlyList<string> Names { get; } = [.. Here.GetManifestResourceNames().Where(n => n.StartsWith(Prefix, StringComparison.Ordinal)).Select(n => n[Prefix.Length..]).Order(StringComparer.Ordinal)];

    public static async Task MigrateAsync(PostgresDatabase database, CancellationToken ct)
    {
        if (await IsCurrentAsync(database, ct).ConfigureAwait(false)) return;
        bool may = await database.ReadAsync(s => s.FirstAsync<bool>("""
            SELECT CASE WHEN to_regnamespace(@schema) IS NULL THEN has_database_privilege(current_database(), 'CREATE')
                ELSE pg_has_role((SELECT nspowner FROM pg_namespace WHERE nspname = @schema), 'USAGE') END
            """, new { schema = PostgresDatabase.Schema }), ct).ConfigureAwait(false);
        if (!may) throw database.Errors.NotMade();
        try
        {
            // A session of its own, not the pool's: what is locked here is free again when it ends, however it ends.
            var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(database.ConnectionString) { Pooling = false, Options = null }.ToString());
            await using (connection.ConfigureAwait(false))
            {
                await connection.OpenAsync(ct).ConfigureAwait(false);
                var session = new PostgresSession(connection, ct);
                await session.ExecuteAsync("SELECT pg_advisory_lock(@number)", new { number = MakingLock }).ConfigureAwait(false);
                if (await IsCurrentAsync(database, ct).ConfigureAwait(false)) return;
                await session.ExecuteAsync($"CREATE SCHEMA IF NOT EXISTS {PostgresDatabase.Schema}").ConfigureAwait(false);
                DatabaseUpgradeResult result = await Task.Run(() => DeployChanges.To.PostgresqlDatabase(database.ConnectionString, PostgresDatabase.Schema)
                    .WithScripts(Names.Select(Script)).WithVariablesDisabled().WithTransactionPerScript().JournalToPostgresqlTable(PostgresDatabase.Schema, "history")
                    .LogTo(new NoUpgradeLog()).Build().PerformUpgrade(), ct).ConfigureAwait(false);
                if (!result.Successful) throw result.Error;
            }
        }
        catch (NpgsqlException e)
        {
            throw database.Errors.Translate(e);
        }
    }

    private static SqlScript Script(string name)
    {
        using var reader = new StreamReader(Here.GetManifestResourceStream(Prefix + name)!);
        return new SqlScript(name, reader.ReadToEnd());
    }

    /// <summary>Throws <c>StoreTooNew</c> where a step was taken that is not known here.</summary>
    private static async Task<bool> IsCurrentAsync(PostgresDatabase database, CancellationToken ct)
    {
        // Where this login may not even see the schema, it has no role in it.
        (bool there, bool mayUse) = await database.ReadAsync(s => s.FirstAsync<(bool, bool)>(
            "SELECT count(*) > 0, coalesce(bool_or(has_schema_privilege(oid, 'USAGE')), false) FROM pg_namespace WHERE nspname = @schema", new { schema = PostgresDatabase.Schema }), ct).ConfigureAwait(false);
        if (!there) return false;
        if (!mayUse) throw database.Errors.Forbidden();
        if (!await database.ReadAsync(s => s.FirstAsync<bool>("SELECT to_regclass(@table) IS NOT NULL", new { table = PostgresDatabase.Schema + ".history" }), ct).ConfigureAwait(false)) return false;
        IReadOnlyList<string> taken = await database.ReadAsync(s => s.QueryAsync<string>("SELECT ScriptName FROM History ORDER BY SchemaVersionsId"), ct).ConfigureAwait(false);
        return taken.FirstOrDefault(name => !Names.Contains(name)) is { } newer ? throw database.Errors.TooNew(newer) : taken.Count == Names.Count;
    }

    private sealed class NoUpgradeLog : IUpgradeLog
    {
        public void LogTrace(string format, params object[] args) { }
        public void LogDebug(string format, params object[] args) { }
        public void LogInformation(string format, params object[] args) { }
        public void LogWarning(string format, params object[] args) { }
        public void LogError(string format, params object[] args) { }
        public void LogError(Exception ex, string format, params object[] args) { }
    }
}
