using Npgsql;
using static CcExport.Engine.Store.PostgreSql.PostgresValues;

namespace CcExport.Engine.Store.PostgreSql;

/// <summary>The stored export users; their secrets are read by a runner alone, and a contributor sees none of them.</summary>
internal sealed class PostgresExportUsers(PostgresDatabase database, StoreAccess access) : IExportUserStore
{
    private readonly string _select = "SELECT ConnectionId, Json, CreatedAt, SecretsVersion" + (access.ReadsSecrets ? ", Secrets" : "") + " FROM ExportUsers";

    private bool IsBlind => access is { ReadsSecrets: false, Administers: false };

    public async Task<IReadOnlyList<ExportUserRecord>> ListAsync(CancellationToken ct) =>
        IsBlind ? [] : [.. (await database.ReadAsync(s => s.QueryAsync<Row>($"{_select} ORDER BY CreatedAt"), ct).ConfigureAwait(false)).Select(row => row.ToRecord())];

    public async Task<ExportUserRecord?> FindAsync(Guid connectionId, CancellationToken ct) =>
        IsBlind ? null : (await database.ReadAsync(s => s.FirstAsync<Row>($"{_select} WHERE ConnectionId = @connectionId", new { connectionId }), ct).ConfigureAwait(false))?.ToRecord();

    public Task SaveAsync(ExportUserRecord record, CancellationToken ct) =>
        database.WriteAsync(
            async s =>
            {
                try
                {
                    // The version goes on counting: what another process read before is out of date.
                    return await s.ExecuteAsync("""
                        INSERT INTO ExportUsers (ConnectionId, Json, CreatedAt, SecretsVersion, Secrets) VALUES (@ConnectionId, @Json, @createdAt, 1, @Secrets)
                        ON CONFLICT (ConnectionId) DO UPDATE SET Json = @Json, CreatedAt = @createdAt, Secrets = @Secrets, SecretsVersion = ExportUsers.SecretsVersion + 1
                        """, new { record.ConnectionId, record.Json, createdAt = record.CreatedAt.UtcDateTime, record.Secrets }).ConfigureAwait(false);
                }
                catch (PostgresException e) when (PostgresErrors.IsMissingParent(e))
                {
                    throw PostgresConnections.Gone(record.ConnectionId.ToString());
                }
            }, ct);

    public Task<bool> SaveSecretsAsync(Guid connectionId, long expectedVersion, byte[] secrets, CancellationToken ct) =>
        ChangeAsync("UPDATE ExportUsers SET Secrets = @secrets, SecretsVersion = SecretsVersion + 1 WHERE ConnectionId = @connectionId AND SecretsVersion = @expectedVersion",
            new { connectionId, expectedVersion, secrets }, ct);

    public Task<bool> SaveJsonAsync(Guid connectionId, long secretsVersion, string json, CancellationToken ct) =>
        ChangeAsync("UPDATE ExportUsers SET Json = @json WHERE ConnectionId = @connectionId AND SecretsVersion = @secretsVersion", new { connectionId, secretsVersion, json }, ct);

    public Task<bool> RemoveAsync(Guid connectionId, CancellationToken ct) => ChangeAsync("DELETE FROM ExportUsers WHERE ConnectionId = @connectionId", new { connectionId }, ct);

    private Task<bool> ChangeAsync(string sql, object values, CancellationToken ct) => database.WriteAsync(async s => await s.ExecuteAsync(sql, values).ConfigureAwait(false) > 0, ct);

    private sealed class Row
    {
        public Guid ConnectionId { get; set; }
        public string Json { get; set; } = "";
        public DateTime CreatedAt { get; set; }
        public long SecretsVersion { get; set; }
        public byte[] Secrets { get; set; } = [];

        public ExportUserRecord ToRecord() => new() { ConnectionId = ConnectionId, Json = Json, CreatedAt = Time(CreatedAt), SecretsVersion = SecretsVersion, Secrets = Secrets };
    }
}
