using Dapper;
using Microsoft.Data.Sqlite;
using static CcExport.Engine.Store.Sqlite.SqliteValues;

namespace CcExport.Engine.Store.Sqlite;

/// <summary>The stored connections.</summary>
internal sealed class SqliteConnections(SqliteFile file) : IConnectionStore
{
    private const string Columns =
        "Id, Name, ClientId, ApiEndpoint, AuthorizationEndpoint, AccountId, Organization, ContactLimit, AllowContributor, " +
        "ConsentedBy, ConsentedAt, ConsentTextVersion, CreatedAt, SignedOutAt, RefreshTokenIssuedAt, SecretsVersion, Secrets";

    public Task<IReadOnlyList<ConnectionRecord>> ListAsync(CancellationToken ct) =>
        file.ReadAsync<IReadOnlyList<ConnectionRecord>>(
            c => [.. c.Query<Row>($"SELECT {Columns} FROM Connections ORDER BY NameKey").Select(row => row.ToRecord())], ct);

    public Task<ConnectionRecord?> FindAsync(string name, CancellationToken ct) =>
        file.ReadAsync(
            c => c.QueryFirstOrDefault<Row>($"SELECT {Columns} FROM Connections WHERE NameKey = @key", new Parameters { ["key"] = NameKey.Of(name) })?.ToRecord(), ct);

    public Task<ConnectionRecord?> FindAsync(Guid id, CancellationToken ct) =>
        file.ReadAsync(c => c.QueryFirstOrDefault<Row>($"SELECT {Columns} FROM Connections WHERE Id = @id", new Parameters { ["id"] = Text(id) })?.ToRecord(), ct);

    public Task AddAsync(ConnectionRecord record, CancellationToken ct) =>
        WriteNamedAsync(record, """
            INSERT INTO Connections (Id, Name, NameKey, ClientId, ApiEndpoint, AuthorizationEndpoint, AccountId, Organization, ContactLimit,
                AllowContributor, ConsentedBy, ConsentedAt, ConsentTextVersion, CreatedAt, SignedOutAt, RefreshTokenIssuedAt, SecretsVersion, Secrets)
            VALUES (@Id, @Name, @NameKey, @ClientId, @ApiEndpoint, @AuthorizationEndpoint, @AccountId, @Organization, @ContactLimit,
                @AllowContributor, @ConsentedBy, @ConsentedAt, @ConsentTextVersion, @CreatedAt, @SignedOutAt, @RefreshTokenIssuedAt,
                @SecretsVersion, @Secrets)
            """, ct);

    // Not RefreshTokenIssuedAt either: it belongs to the secrets, and a stale record must not set it back.
    public Task UpdateAsync(ConnectionRecord record, CancellationToken ct) =>
        WriteNamedAsync(record, """
            UPDATE Connections SET Name = @Name, NameKey = @NameKey, ClientId = @ClientId, ApiEndpoint = @ApiEndpoint,
                AuthorizationEndpoint = @AuthorizationEndpoint, AccountId = @AccountId, Organization = @Organization, ContactLimit = @ContactLimit,
                AllowContributor = @AllowContributor, ConsentedBy = @ConsentedBy, ConsentedAt = @ConsentedAt,
                ConsentTextVersion = @ConsentTextVersion, CreatedAt = @CreatedAt, SignedOutAt = @SignedOutAt
            WHERE Id = @Id
            """, ct);

    public Task<bool> SaveSecretsAsync(Guid id, long expectedVersion, byte[] secrets, DateTimeOffset refreshTokenIssuedAt, CancellationToken ct) =>
        file.WriteAsync(
            c =>
            {
                int changed = c.Execute("""
                    UPDATE Connections SET Secrets = @secrets, SecretsVersion = SecretsVersion + 1, RefreshTokenIssuedAt = @issued
                    WHERE Id = @id AND SecretsVersion = @expectedVersion
                    """, new Parameters { ["id"] = Text(id), ["expectedVersion"] = expectedVersion, ["secrets"] = secrets, ["issued"] = refreshTokenIssuedAt.UtcTicks });
                return changed == 1 || (Exists(c, id) ? false : throw Gone(id.ToString()));
            }, ct);

    public Task RemoveAsync(Guid id, CancellationToken ct) =>
        file.WriteAsync(
            c =>
            {
                try
                {
                    return c.Execute("DELETE FROM Connections WHERE Id = @id", new Parameters { ["id"] = Text(id) });
                }
                catch (SqliteException e) when (SqliteErrors.IsMissingParent(e) || SqliteErrors.IsRestricted(e))
                {
                    throw InUse(e);
                }
            }, ct);

    public static CcException Gone(string which) =>
        new("ConnectionNotFound", CcErrorKind.NotFound, $"The connection '{which}' does not exist.", "See Get-CcConnection for those that do.")
        { Subject = which };

    private static CcException InUse(Exception cause) =>
        new("ConnectionInUse", CcErrorKind.Conflict, "The connection is used by an export.", "Detach or remove its exports first.", cause);

    private static bool Exists(SqliteConnection c, Guid id) =>
        c.ExecuteScalar<long>("SELECT count(*) FROM Connections WHERE Id = @id", new Parameters { ["id"] = Text(id) }) > 0;

    private Task WriteNamedAsync(ConnectionRecord record, string sql, CancellationToken ct) =>
        file.WriteAsync(
            c =>
            {
                try
                {
                    return c.Execute(sql, Row.Of(record)) == 1 ? true : throw Gone(record.Name);
                }
                catch (SqliteException e) when (SqliteErrors.IsDuplicate(e))
                {
                    throw NameKey.Taken("A connection", record.Name, e);
                }
            }, ct);

    private sealed class Row
    {
        public string Id { get; set; } = "";
        public string Name { get; set; } = "";
        public string? NameKey { get; set; }
        public string ClientId { get; set; } = "";
        public string ApiEndpoint { get; set; } = "";
        public string AuthorizationEndpoint { get; set; } = "";
        public string? AccountId { get; set; }
        public string? Organization { get; set; }
        public long? ContactLimit { get; set; }
        public bool AllowContributor { get; set; }
        public string ConsentedBy { get; set; } = "";
        public long ConsentedAt { get; set; }
        public string ConsentTextVersion { get; set; } = "";
        public long CreatedAt { get; set; }
        public long? SignedOutAt { get; set; }
        public long RefreshTokenIssuedAt { get; set; }
        public long SecretsVersion { get; set; }
        public byte[] Secrets { get; set; } = [];

        public static Row Of(ConnectionRecord record) => new()
        {
            Id = Text(record.Id),
            Name = record.Name,
            NameKey = Store.NameKey.Of(record.Name),
            ClientId = record.ClientId,
            ApiEndpoint = record.ApiEndpoint.OriginalString,
            AuthorizationEndpoint = record.AuthorizationEndpoint.OriginalString,
            AccountId = record.AccountId,
            Organization = record.Organization,
            ContactLimit = record.ContactLimit,
            AllowContributor = record.AllowContributor,
            ConsentedBy = record.ConsentedBy,
            ConsentedAt = record.ConsentedAt.UtcTicks,
            ConsentTextVersion = record.ConsentTextVersion,
            CreatedAt = record.CreatedAt.UtcTicks,
            SignedOutAt = record.SignedOutAt?.UtcTicks,
            RefreshTokenIssuedAt = record.RefreshTokenIssuedAt.UtcTicks,
            SecretsVersion = record.SecretsVersion,
            Secrets = record.Secrets,
        };

        public ConnectionRecord ToRecord() => new()
        {
            Id = Guid.Parse(Id),
            Name = Name,
            ClientId = ClientId,
            ApiEndpoint = new Uri(ApiEndpoint),
            AuthorizationEndpoint = new Uri(AuthorizationEndpoint),
            AccountId = AccountId,
            Organization = Organization,
            ContactLimit = (int?)ContactLimit,
            AllowContributor = AllowContributor,
            ConsentedBy = ConsentedBy,
            ConsentedAt = Time(ConsentedAt),
            ConsentTextVersion = ConsentTextVersion,
            CreatedAt = Time(CreatedAt),
            SignedOutAt = Time(SignedOutAt),
            RefreshTokenIssuedAt = Time(RefreshTokenIssuedAt),
            SecretsVersion = SecretsVersion,
            Secrets = Secrets,
        };
    }
}
