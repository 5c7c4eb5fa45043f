using Npgsql;
using static CcExport.Engine.Store.PostgreSql.PostgresValues;

namespace CcExport.Engine.Store.PostgreSql;

/// <summary>The stored connections: whole for a runner, without secrets for an administrator, and by name alone for a contributor.</summary>
internal sealed class PostgresConnections(PostgresDatabase database, StoreAccess access) : IConnectionStore
{
    private const string Open =
        "Id, Name, ClientId, ApiEndpoint, AuthorizationEndpoint, AccountId, Organization, ContactLimit, AllowContributor, " +
        "ConsentedBy, ConsentedAt, ConsentTextVersion, CreatedAt, SignedOutAt, RefreshTokenIssuedAt, SecretsVersion";

    private readonly string _columns = access.ReadsSecrets ? Open + ", Secrets" : access.Administers ? Open : "Id, Name, AllowContributor";

    public async Task<IReadOnlyList<ConnectionRecord>> ListAsync(CancellationToken ct) =>
        [.. (await database.ReadAsync(s => s.QueryAsync<Row>($"SELECT {_columns} FROM Connections ORDER BY NameKey"), ct).ConfigureAwait(false)).Select(row => row.ToRecord())];

    public Task<ConnectionRecord?> FindAsync(string name, CancellationToken ct) => FindAsync("NameKey = @key", new { key = NameKey.Of(name) }, ct);

    public Task<ConnectionRecord?> FindAsync(Guid id, CancellationToken ct) => FindAsync("Id = @id", new { id }, ct);

    private async Task<ConnectionRecord?> FindAsync(string where, object values, CancellationToken ct) =>
        (await database.ReadAsync(s => s.FirstAsync<Row>($"SELECT {_columns} FROM Connections WHERE {where}", values), ct).ConfigureAwait(false))?.ToRecord();

    public Task AddAsync(ConnectionRecord record, CancellationToken ct) => WriteNamedAsync(record, """
        INSERT INTO Connections (Id, Name, NameKey, ClientId, ApiEndpoint, AuthorizationEndpoint, AccountId, Organization, ContactLimit,
            AllowContributor, ConsentedBy, ConsentedAt, ConsentTextVersion, CreatedAt, SignedOutAt, RefreshTokenIssuedAt, SecretsVersion, Secrets)
        VALUES (@Id, @Name, @NameKey, @ClientId, @ApiEndpoint, @AuthorizationEndpoint, @AccountId, @Organization, @ContactLimit,
            @AllowContributor, @ConsentedBy, @ConsentedAt, @ConsentTextVersion, @CreatedAt, @SignedOutAt, @RefreshTokenIssuedAt,
            @SecretsVersion, @Secrets)
        """, ct);

    // Not RefreshTokenIssuedAt either: it belongs to the secrets, and a stale record must not set it back.
    public Task UpdateAsync(ConnectionRecord record, CancellationToken ct) => WriteNamedAsync(record, """
        UPDATE Connections SET Name = @Name, NameKey = @NameKey, ClientId = @ClientId, ApiEndpoint = @ApiEndpoint,
            AuthorizationEndpoint = @AuthorizationEndpoint, AccountId = @AccountId, Organization = @Organization, ContactLimit = @ContactLimit,
            AllowContributor = @AllowContributor, ConsentedBy = @ConsentedBy, ConsentedAt = @ConsentedAt,
            ConsentTextVersion = @ConsentTextVersion, CreatedAt = @CreatedAt, SignedOutAt = @SignedOutAt
        WHERE Id = @Id
        """, ct);

    public Task<bool> SaveSecretsAsync(Guid id, long expectedVersion, byte[] secrets, DateTimeOffset refreshTokenIssuedAt, CancellationToken ct) =>
        database.WriteAsync(
            async s =>
            {
                int changed = await s.ExecuteAsync("""
                    UPDATE Connections SET Secrets = @secrets, SecretsVersion = SecretsVersion + 1, RefreshTokenIssuedAt = @issued
                    WHERE Id = @id AND SecretsVersion = @expectedVersion
                    """, new { id, expectedVersion, secrets, issued = refreshTokenIssuedAt.UtcDateTime }).ConfigureAwait(false);
                return changed == 1 || (await s.FirstAsync<bool>("SELECT EXISTS (SELECT 1 FROM Connections WHERE Id = @id)", new { id }).ConfigureAwait(false) ? false : throw Gone(id.ToString()));
            }, ct);

    public Task RemoveAsync(Guid id, CancellationToken ct) =>
        database.WriteAsync(
            async s =>
            {
                try
                {
                    return await s.ExecuteAsync("DELETE FROM Connections WHERE Id = @id", new { id }).ConfigureAwait(false);
                }
                catch (PostgresException e) when (PostgresErrors.IsMissingParent(e) || e.SqlState == PostgresErrorCodes.RestrictViolation)
                {
                    throw new CcException("ConnectionInUse", CcErrorKind.Conflict, "The connection is used by an export.", "Detach or remove its exports first.", e);
                }
            }, ct);

    public static CcException Gone(string which) =>
        new("ConnectionNotFound", CcErrorKind.NotFound, $"The connection '{which}' does not exist.", "See Get-CcConnection for those that do.")
        { Subject = which };

    private Task WriteNamedAsync(ConnectionRecord record, string sql, CancellationToken ct) =>
        database.WriteAsync(
            async s =>
            {
                try
                {
                    return await s.ExecuteAsync(sql, Row.Of(record)).ConfigureAwait(false) == 1 ? true : throw Gone(record.Name);
                }
                catch (PostgresException e) when (PostgresErrors.IsDuplicate(e))
                {
                    throw NameKey.Taken("A connection", record.Name, e);
                }
            }, ct);

    private sealed class Row
    {
        // What a contributor does not see has a value all the same.
        private const string Hidden = "https://hidden.invalid/";

        public Guid Id { get; set; }
        public string Name { get; set; } = "";
        public string? NameKey { get; set; }
        public string ClientId { get; set; } = "";
        public string ApiEndpoint { get; set; } = Hidden;
        public string AuthorizationEndpoint { get; set; } = Hidden;
        public string? AccountId { get; set; }
        public string? Organization { get; set; }
        public int? ContactLimit { get; set; }
        public bool AllowContributor { get; set; }
        public string ConsentedBy { get; set; } = "";
        public DateTime ConsentedAt { get; set; }
        public string ConsentTextVersion { get; set; } = "";
        public DateTime CreatedAt { get; set; }
        public DateTime? SignedOutAt { get; set; }
        public DateTime RefreshTokenIssuedAt { get; set; }
        public long SecretsVersion { get; set; }
        public byte[] Secrets { get; set; } = [];

        public static Row Of(ConnectionRecord record) => new()
        {
            Id = record.Id,
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
            ConsentedAt = record.ConsentedAt.UtcDateTime,
            ConsentTextVersion = record.ConsentTextVersion,
            CreatedAt = record.CreatedAt.UtcDateTime,
            SignedOutAt = record.SignedOutAt?.UtcDateTime,
            RefreshTokenIssuedAt = record.RefreshTokenIssuedAt.UtcDateTime,
            SecretsVersion = record.SecretsVersion,
            Secrets = record.Secrets,
        };

        public ConnectionRecord ToRecord() => new()
        {
            Id = Id,
            Name = Name,
            ClientId = ClientId,
            ApiEndpoint = new Uri(ApiEndpoint),
            AuthorizationEndpoint = new Uri(AuthorizationEndpoint),
            AccountId = AccountId,
            Organization = Organization,
            ContactLimit = ContactLimit,
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
