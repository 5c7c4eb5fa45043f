using Dapper;
using Microsoft.Data.Sqlite;
using static CcExport.Engine.Store.Sqlite.SqliteValues;

namespace CcExport.Engine.Store.Sqlite;

/// <summary>The stored export users.</summary>
internal sealed class SqliteExportUsers(SqliteFile file) : IExportUserStore
{
    private const string Columns = "ConnectionId, Json, CreatedAt, SecretsVersion, Secrets";

    public Task<IReadOnlyList<ExportUserRecord>> ListAsync(CancellationToken ct) =>
        file.ReadAsync<IReadOnlyList<ExportUserRecord>>(c => [.. c.Query<Row>($"SELECT {Columns} FROM ExportUsers ORDER BY CreatedAt").Select(row => row.ToRecord())], ct);

    public Task<ExportUserRecord?> FindAsync(Guid connectionId, CancellationToken ct) =>
        file.ReadAsync(c => c.QueryFirstOrDefault<Row>($"SELECT {Columns} FROM ExportUsers WHERE ConnectionId = @id", new Parameters { ["id"] = Text(connectionId) })?.ToRecord(), ct);

    public Task SaveAsync(ExportUserRecord record, CancellationToken ct) =>
        file.WriteAsync(
            c =>
            {
                try
                {
                    // The version goes on counting: what another process read before is out of date.
                    return c.Execute($"""
                        INSERT INTO ExportUsers ({Columns}) VALUES (@id, @Json, @createdAt, 1, @Secrets)
                        ON CONFLICT (ConnectionId) DO UPDATE SET Json = excluded.Json, CreatedAt = excluded.CreatedAt, Secrets = excluded.Secrets,
                            SecretsVersion = ExportUsers.SecretsVersion + 1
                        """, new Parameters { ["id"] = Text(record.ConnectionId), ["Json"] = record.Json, ["createdAt"] = record.CreatedAt.UtcTicks, ["Secrets"] = record.Secrets });
                }
                catch (SqliteException e) when (SqliteErrors.IsMissingParent(e))
                {
                    throw SqliteConnections.Gone(Text(record.ConnectionId));
                }
            }, ct);

    public Task<bool> SaveSecretsAsync(Guid connectionId, long expectedVersion, byte[] secrets, CancellationToken ct) =>
        file.WriteAsync(
            c => c.Execute(
                "UPDATE ExportUsers SET Secrets = @secrets, SecretsVersion = SecretsVersion + 1 WHERE ConnectionId = @id AND SecretsVersion = @expectedVersion",
                new Parameters { ["id"] = Text(connectionId), ["expectedVersion"] = expectedVersion, ["secrets"] = secrets }) > 0, ct);

    public Task<bool> SaveJsonAsync(Guid connectionId, long secretsVersion, string json, CancellationToken ct) =>
        file.WriteAsync(
            c => c.Execute("UPDATE ExportUsers SET Json = @json WHERE ConnectionId = @id AND SecretsVersion = @secretsVersion",
                new Parameters { ["id"] = Text(connectionId), ["secretsVersion"] = secretsVersion, ["json"] = json }) > 0, ct);

    public Task<bool> RemoveAsync(Guid connectionId, CancellationToken ct) =>
        file.WriteAsync(c => c.Execute("DELETE FROM ExportUsers WHERE ConnectionId = @id", new Parameters { ["id"] = Text(connectionId) }) > 0, ct);

    private sealed class Row
    {
        public string ConnectionId { get; set; } = "";
        public string Json { get; set; } = "";
        public long CreatedAt { get; set; }
        public long SecretsVersion { get; set; }
        public byte[] Secrets { get; set; } = [];

        public ExportUserRecord ToRecord() => new()
        {
            ConnectionId = Guid.Parse(ConnectionId),
            Json = Json,
            CreatedAt = Time(CreatedAt),
            SecretsVersion = SecretsVersion,
            Secrets = Secrets,
        };
    }
}
