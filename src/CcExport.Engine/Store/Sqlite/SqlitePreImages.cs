using Dapper;
using static CcExport.Engine.Store.Sqlite.SqliteValues;

namespace CcExport.Engine.Store.Sqlite;

/// <summary>Where the former values of runs' contacts lie.</summary>
internal sealed class SqlitePreImages(SqliteFile file) : IPreImageStore
{
    private const string Columns = "RunId, CreatedAt, File, Key, Why, UndoneBy";

    public Task<PreImageRecord?> FindAsync(long runId, CancellationToken ct) => file.ReadAsync(
        c => c.QuerySingleOrDefault<Row>($"SELECT {Columns} FROM PreImages WHERE RunId = @runId", new Parameters { ["runId"] = runId })?.ToRecord(), ct);

    public Task<IReadOnlyList<PreImageRecord>> ListAsync(CancellationToken ct) => file.ReadAsync<IReadOnlyList<PreImageRecord>>(
        c => [.. c.Query<Row>($"SELECT {Columns} FROM PreImages ORDER BY RunId").Select(r => r.ToRecord())], ct);

    public Task PutAsync(PreImageRecord record, CancellationToken ct) => file.WriteAsync(
        c => c.Execute($"INSERT OR REPLACE INTO PreImages ({Columns}) VALUES (@RunId, @CreatedAt, @File, @Key, @Why, @UndoneBy)",
            new Parameters { ["RunId"] = record.RunId, ["CreatedAt"] = record.CreatedAt.UtcTicks, ["File"] = record.File, ["Key"] = record.Key, ["Why"] = record.Why, ["UndoneBy"] = record.UndoneBy }), ct);

    public Task UndoneByAsync(long runId, long by, CancellationToken ct) => file.WriteAsync(
        c => c.Execute("UPDATE PreImages SET UndoneBy = @by WHERE RunId = @runId", new Parameters { ["runId"] = runId, ["by"] = by }), ct);

    public Task RemoveAsync(IReadOnlyCollection<long> runIds, CancellationToken ct) => file.WriteAsync(
        c => c.Execute("DELETE FROM PreImages WHERE RunId IN (SELECT value FROM json_each(@ids))", new Parameters { ["ids"] = Array(runIds) }), ct);

    private sealed class Row
    {
        public long RunId { get; set; }
        public long CreatedAt { get; set; }
        public string? File { get; set; }
        public byte[]? Key { get; set; }
        public string? Why { get; set; }
        public long? UndoneBy { get; set; }

        public PreImageRecord ToRecord() => new() { RunId = RunId, CreatedAt = Time(CreatedAt), File = File, Key = Key, Why = Why, UndoneBy = UndoneBy };
    }
}
