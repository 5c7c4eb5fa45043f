using static CcExport.Engine.Store.PostgreSql.PostgresValues;

namespace CcExport.Engine.Store.PostgreSql;

/// <summary>People who are never sent.</summary>
internal sealed class PostgresSuppressions(PostgresDatabase database) : ISuppressionStore
{
    private const string KeyName = "suppressions";
    private const string Find = "SELECT Value FROM Secrets WHERE Name = @name";

    public async Task<byte[]> GetKeyAsync(byte[]? fresh, CancellationToken ct) => fresh is null
        ? await database.ReadAsync(s => s.FirstAsync<byte[]>(Find, new { name = KeyName }), ct).ConfigureAwait(false) ?? []
        : await database.WriteAsync(
            async s =>
            {
                // Two processes that each make one: the first holds for both.
                await s.ExecuteAsync("INSERT INTO Secrets (Name, Value) VALUES (@name, @fresh) ON CONFLICT DO NOTHING", new { name = KeyName, fresh }).ConfigureAwait(false);
                return (await s.FirstAsync<byte[]>(Find, new { name = KeyName }).ConfigureAwait(false))!;
            }, ct).ConfigureAwait(false);

    public async Task<IReadOnlyList<SuppressionRecord>> ListAsync(CancellationToken ct) =>
        [.. (await database.ReadAsync(s => s.QueryAsync<Row>("SELECT Address, Reason, AddedAt, AddedBy, Note FROM Suppressions ORDER BY AddedAt, Address"), ct).ConfigureAwait(false))
            .Select(r => new SuppressionRecord(r.Address, r.Reason, Time(r.AddedAt), r.AddedBy, r.Note))];

    public Task<int> AddAsync(IReadOnlyCollection<SuppressionRecord> records, CancellationToken ct) => records.Count == 0 ? Task.FromResult(0) : database.WriteAsync(
        async s =>
        {
            // One statement for all: a list of suppressions may have a hundred thousand lines. Of an address that comes twice, once.
            SuppressionRecord[] once = [.. records.GroupBy(r => Convert.ToHexString(r.Address)).Select(g => g.FirstOrDefault(r => r.Reason == "Erased") ?? g.First())];
            return await s.ExecuteAsync("""
                INSERT INTO Suppressions (Address, Reason, AddedAt, AddedBy, Note)
                SELECT * FROM unnest(@addresses, @reasons, @times, @people, @notes)
                ON CONFLICT (Address) DO UPDATE SET Reason = excluded.Reason, AddedAt = excluded.AddedAt, AddedBy = excluded.AddedBy, Note = excluded.Note
                    WHERE excluded.Reason = 'Erased' AND Suppressions.Reason <> 'Erased'
                """, new
            {
                addresses = once.Select(r => r.Address).ToArray(),
                reasons = once.Select(r => r.Reason).ToArray(),
                times = once.Select(r => r.AddedAt.UtcDateTime).ToArray(),
                people = once.Select(r => r.AddedBy).ToArray(),
                notes = once.Select(r => r.Note).ToArray(),
            }).ConfigureAwait(false);
        }, ct);

    public Task<int> RemoveAsync(IReadOnlyCollection<byte[]> addresses, CancellationToken ct) =>
        database.WriteAsync(s => s.ExecuteAsync("DELETE FROM Suppressions WHERE Address = ANY(@addresses)", new { addresses = addresses.ToArray() }), ct);

    public Task<long> AddErasureAsync(ErasureRecord record, CancellationToken ct) => database.WriteAsync(
        s => s.FirstAsync<long>("INSERT INTO Erasures (At, By, Address, Removed) VALUES (@At, @By, @Address, @Removed) RETURNING Id",
            new { At = record.At.UtcDateTime, record.By, record.Address, record.Removed }), ct);

    public async Task<IReadOnlyList<ErasureRecord>> ListErasuresAsync(CancellationToken ct) =>
        [.. (await database.ReadAsync(s => s.QueryAsync<ErasureRow>("SELECT Id, At, By, Address, Removed FROM Erasures ORDER BY Id"), ct).ConfigureAwait(false))
            .Select(r => new ErasureRecord(r.Id, Time(r.At), r.By, r.Address, r.Removed))];

    private sealed class ErasureRow
    {
        public long Id { get; set; }
        public DateTime At { get; set; }
        public string By { get; set; } = "";
        public byte[] Address { get; set; } = [];
        public string Removed { get; set; } = "";
    }

    private sealed class Row
    {
        public byte[] Address { get; set; } = [];
        public string Reason { get; set; } = "";
        public DateTime AddedAt { get; set; }
        public string AddedBy { get; set; } = "";
        public string? Note { get; set; }
    }
}
