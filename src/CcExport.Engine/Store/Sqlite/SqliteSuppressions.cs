using Dapper;
using static CcExport.Engine.Store.Sqlite.SqliteValues;

namespace CcExport.Engine.Store.Sqlite;

/// <summary>People who are never sent.</summary>
internal sealed class SqliteSuppressions(SqliteFile file) : ISuppressionStore
{
    private const string KeyName = "suppressions";

    public Task<byte[]> GetKeyAsync(byte[]? fresh, CancellationToken ct) => fresh is null
        ? file.ReadAsync(c => c.ExecuteScalar<byte[]>("SELECT Value FROM Secrets WHERE Name = @name", new Parameters { ["name"] = KeyName }) ?? [], ct)
        : file.WriteAsync(
            c =>
            {
                // Two processes that each make one: the first holds for both.
                c.Execute("INSERT OR IGNORE INTO Secrets (Name, Value) VALUES (@name, @fresh)", new Parameters { ["name"] = KeyName, ["fresh"] = fresh });
                return c.ExecuteScalar<byte[]>("SELECT Value FROM Secrets WHERE Name = @name", new Parameters { ["name"] = KeyName })!;
            }, ct);

    public Task<IReadOnlyList<SuppressionRecord>> ListAsync(CancellationToken ct) => file.ReadAsync<IReadOnlyList<SuppressionRecord>>(
        c => [.. c.Query<Row>("SELECT Address, Reason, AddedAt, AddedBy, Note FROM Suppressions ORDER BY AddedAt, Address").Select(r => new SuppressionRecord(r.Address, r.Reason, Time(r.AddedAt), r.AddedBy, r.Note))], ct);

    public Task<int> AddAsync(IReadOnlyCollection<SuppressionRecord> records, CancellationToken ct) => file.WriteAsync(
        c => records.Sum(r => c.Execute("""
            INSERT INTO Suppressions (Address, Reason, AddedAt, AddedBy, Note) VALUES (@Address, @Reason, @AddedAt, @AddedBy, @Note)
            ON CONFLICT (Address) DO UPDATE SET Reason = excluded.Reason, AddedAt = excluded.AddedAt, AddedBy = excluded.AddedBy, Note = excluded.Note
                WHERE excluded.Reason = 'Erased' AND Suppressions.Reason <> 'Erased'
            """, new Parameters { ["Address"] = r.Address, ["Reason"] = r.Reason, ["AddedAt"] = r.AddedAt.UtcTicks, ["AddedBy"] = r.AddedBy, ["Note"] = r.Note })), ct);

    public Task<int> RemoveAsync(IReadOnlyCollection<byte[]> addresses, CancellationToken ct) => file.WriteAsync(
        c => addresses.Sum(address => c.Execute("DELETE FROM Suppressions WHERE Address = @address", new Parameters { ["address"] = address })), ct);

    public Task<long> AddErasureAsync(ErasureRecord record, CancellationToken ct) => file.WriteAsync(
        c => c.ExecuteScalar<long>("INSERT INTO Erasures (At, By, Address, Removed) VALUES (@At, @By, @Address, @Removed) RETURNING Id",
            new Parameters { ["At"] = record.At.UtcTicks, ["By"] = record.By, ["Address"] = record.Address, ["Removed"] = record.Removed }), ct);

    public Task<IReadOnlyList<ErasureRecord>> ListErasuresAsync(CancellationToken ct) => file.ReadAsync<IReadOnlyList<ErasureRecord>>(
        c => [.. c.Query<ErasureRow>("SELECT Id, At, By, Address, Removed FROM Erasures ORDER BY Id").Select(r => new ErasureRecord(r.Id, Time(r.At), r.By, r.Address, r.Removed))], ct);

    private sealed class ErasureRow
    {
        public long Id { get; set; }
        public long At { get; set; }
        public string By { get; set; } = "";
        public byte[] Address { get; set; } = [];
        public string Removed { get; set; } = "";
    }

    private sealed class Row
    {
        public byte[] Address { get; set; } = [];
        public string Reason { get; set; } = "";
        public long AddedAt { get; set; }
        public string AddedBy { get; set; } = "";
        public string? Note { get; set; }
    }
}
