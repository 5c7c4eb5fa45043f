using static CcExport.Engine.Store.PostgreSql.PostgresValues;

namespace CcExport.Engine.Store.PostgreSql;

/// <summary>Where the former values of runs' contacts lie; a contributor sees that they do, without the key.</summary>
internal sealed class PostgresPreImages(PostgresDatabase database, StoreAccess access) : IPreImageStore
{
    private readonly string _select = "SELECT RunId, CreatedAt, File, Why, UndoneBy" + (access.ReadsSecrets || access.Administers ? ", Key" : "") + " FROM PreImages";

    public async Task<PreImageRecord?> FindAsync(long runId, CancellationToken ct) =>
        (await database.ReadAsync(s => s.FirstAsync<Row>($"{_select} WHERE RunId = @runId", new { runId }), ct).ConfigureAwait(false))?.ToRecord();

    public async Task<IReadOnlyList<PreImageRecord>> ListAsync(CancellationToken ct) =>
        [.. (await database.ReadAsync(s => s.QueryAsync<Row>($"{_select} ORDER BY RunId"), ct).ConfigureAwait(false)).Select(r => r.ToRecord())];

    public Task PutAsync(PreImageRecord record, CancellationToken ct) => database.WriteAsync(
        s => s.ExecuteAsync("""
            INSERT INTO PreImages (RunId, CreatedAt, File, Key, Why, UndoneBy) VALUES (@RunId, @CreatedAt, @File, @Key, @Why, @UndoneBy)
            ON CONFLICT (RunId) DO UPDATE SET CreatedAt = excluded.CreatedAt, File = excluded.File, Key = excluded.Key, Why = excluded.Why, UndoneBy = excluded.UndoneBy
            """, new { record.RunId, CreatedAt = record.CreatedAt.UtcDateTime, record.File, record.Key, record.Why, record.UndoneBy }), ct);

    public Task UndoneByAsync(long runId, long by, CancellationToken ct) =>
        database.WriteAsync(s => s.ExecuteAsync("UPDATE PreImages SET UndoneBy = @by WHERE RunId = @runId", new { runId, by }), ct);

    public Task RemoveAsync(IReadOnlyCollection<long> runIds, CancellationToken ct) =>
        database.WriteAsync(s => s.ExecuteAsync("DELETE FROM PreImages WHERE RunId = ANY(@ids)", new { ids = runIds.ToArray() }), ct);

    private sealed class Row
    {
        public long RunId { get; set; }
        public DateTime CreatedAt { get; set; }
        public string? File { get; set; }
        public byte[]? Key { get; set; }
        public string? Why { get; set; }
        public long? UndoneBy { get; set; }

        public PreImageRecord ToRecord() => new() { RunId = RunId, CreatedAt = Time(CreatedAt), File = File, Key = Key, Why = Why, UndoneBy = UndoneBy };
    }
}
