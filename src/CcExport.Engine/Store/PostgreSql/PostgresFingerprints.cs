using static CcExport.Engine.Store.PostgreSql.PostgresValues;

namespace CcExport.Engine.Store.PostgreSql;

/// <summary>Where the fingerprints lie.</summary>
internal sealed class PostgresFingerprints(PostgresDatabase database) : IFingerprintStore
{
    private const string Columns = "Export, Account, ListId, File, Key, Records, RunId, UpdatedAt, LookTook, Others";

    public Task<IReadOnlyList<FingerprintRecord>> ListAsync(string account, string listId, CancellationToken ct) =>
        ListAsync("WHERE Account = @account AND ListId = @listId", new { account, listId }, ct);

    public Task<IReadOnlyList<FingerprintRecord>> ListAllAsync(CancellationToken ct) => ListAsync("", new { }, ct);

    private async Task<IReadOnlyList<FingerprintRecord>> ListAsync(string where, object values, CancellationToken ct) =>
        [.. (await database.ReadAsync(s => s.QueryAsync<Row>($"SELECT {Columns} FROM Fingerprints {where} ORDER BY ExportKey", values), ct).ConfigureAwait(false)).Select(r => r.ToRecord())];

    public Task<bool> PutAsync(FingerprintRecord record, string? expectedFile, CancellationToken ct) => database.WriteAsync(
        async s => await s.ExecuteAsync(expectedFile is null
            ? $"""
                INSERT INTO Fingerprints (ExportKey, {Columns}) VALUES (@exportKey, @Export, @Account, @ListId, @File, @Key, @Records, @RunId, @UpdatedAt, @LookTook, @Others)
                ON CONFLICT DO NOTHING
                """
            : """
                UPDATE Fingerprints SET Export = @Export, File = @File, Key = @Key, Records = @Records, RunId = @RunId, UpdatedAt = @UpdatedAt, LookTook = @LookTook, Others = @Others
                WHERE ExportKey = @exportKey AND Account = @Account AND ListId = @ListId AND File = @expectedFile
                """,
            new
            {
                exportKey = NameKey.Of(record.Export),
                record.Export,
                record.Account,
                record.ListId,
                record.File,
                record.Key,
                record.Records,
                record.RunId,
                UpdatedAt = record.UpdatedAt.UtcDateTime,
                LookTook = record.LookTook?.Ticks,
                record.Others,
                expectedFile,
            }).ConfigureAwait(false) == 1, ct);

    private sealed class Row
    {
        public string Export { get; set; } = "";
        public string Account { get; set; } = "";
        public string ListId { get; set; } = "";
        public string File { get; set; } = "";
        public byte[] Key { get; set; } = [];
        public long Records { get; set; }
        public long RunId { get; set; }
        public DateTime UpdatedAt { get; set; }
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
