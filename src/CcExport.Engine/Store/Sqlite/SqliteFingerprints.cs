using Dapper;
using static CcExport.Engine.Store.Sqlite.SqliteValues;

namespace CcExport.Engine.Store.Sqlite;

/// <summary>Where the fingerprints lie.</summary>
internal sealed class SqliteFingerprints(SqliteFile file) : IFingerprintStore
{
    private const string Columns = "Export, Account, ListId, File, Key, Records, RunId, UpdatedAt, LookTook, Others";

    public Task<IReadOnlyList<FingerprintRecord>> ListAsync(string account, string listId, CancellationToken ct) => file.ReadAsync<IReadOnlyList<FingerprintRecord>>(
        c => [.. c.Query<Row>($"SELECT {Columns} FROM Fingerprints WHERE Account = @account AND ListId = @listId ORDER BY ExportKey", new Parameters { ["account"] = account, ["listId"] = listId }).Select(r => r.ToRecord())], ct);

    public Task<IReadOnlyList<FingerprintRecord>> ListAllAsync(CancellationToken ct) => file.ReadAsync<IReadOnlyList<FingerprintRecord>>(
        c => [.. c.Query<Row>($"SELECT {Columns} FROM Fingerprints ORDER BY ExportKey").Select(r => r.ToRecord())], ct);

    public Task<bool> PutAsync(FingerprintRecord record, string? expectedFile, CancellationToken ct) => file.WriteAsync(
        c =>
        {
            var values = new Parameters
            {
                ["key"] = NameKey.Of(record.Export),
                ["Export"] = record.Export,
                ["Account"] = record.Account,
                ["ListId"] = record.ListId,
                ["File"] = record.File,
                ["Key"] = record.Key,
                ["Records"] = record.Records,
                ["RunId"] = record.RunId,
                ["UpdatedAt"] = record.UpdatedAt.UtcTicks,
                ["LookTook"] = record.LookTook?.Ticks,
                ["Others"] = record.Others,
                ["expectedFile"] = expectedFile,
            };
            return c.Execute(expectedFile is null
                ? $"INSERT OR IGNORE INTO Fingerprints (ExportKey, {Columns}) VALUES (@key, @Export, @Account, @ListId, @File, @Key, @Records, @RunId, @UpdatedAt, @LookTook, @Others)"
                : """
                    UPDATE Fingerprints SET Export = @Export, File = @File, Key = @Key, Records = @Records, RunId = @RunId, UpdatedAt = @UpdatedAt, LookTook = @LookTook, Others = @Others
                    WHERE ExportKey = @key AND Account = @Account AND ListId = @ListId AND File = @expectedFile
                    """, values) == 1;
        }, ct);

    private sealed class Row
    {
        public string Export { get; set; } = "";
        public string Account { get; set; } = "";
        public string ListId { get; set; } = "";
        public string File { get; set; } = "";
        public byte[] Key { get; set; } = [];
        public long Records { get; set; }
        public long RunId { get; set; }
        public long UpdatedAt { get; set; }
        public long? LookTook { get; set; }
        public long? Others { get; set; }

        public FingerprintRecord ToRecord() => new()
        {
            Export = Export,
            Account = Account,
            ListId = ListId,
            File = File,
            Key = Key,
            Records = Records,
            RunId = RunId,
            UpdatedAt = Time(UpdatedAt),
            LookTook = LookTook is { } ticks ? TimeSpan.FromTicks(ticks) : null,
            Others = Others,
        };
    }
}
