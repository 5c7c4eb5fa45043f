using Npgsql;
using static CcExport.Engine.Store.PostgreSql.PostgresValues;

namespace CcExport.Engine.Store.PostgreSql;

/// <summary>What sources and exports have in common: a name and a JSON text that only their own room reads.</summary>
internal sealed class PostgresDefinitions(PostgresDatabase database, string table, string what, string[] own, string readable)
{
    public async Task<IReadOnlyList<DefinitionRecord>> ListAsync(CancellationToken ct) =>
        [.. (await database.ReadAsync(s => s.QueryAsync<Row>($"SELECT {readable} FROM {table} ORDER BY NameKey"), ct).ConfigureAwait(false)).Select(row => row.ToRecord())];

    public async Task<DefinitionRecord?> FindAsync(string name, CancellationToken ct) =>
        (await database.ReadAsync(s => s.FirstAsync<Row>($"SELECT {readable} FROM {table} WHERE NameKey = @key", new { key = NameKey.Of(name) }), ct).ConfigureAwait(false))?.ToRecord();

    public Task SaveAsync(DefinitionRecord record, bool replace, CancellationToken ct)
    {
        // CreatedAt is not among those written over: a changed definition was still made when it was made. By parameters: reading 'excluded' takes the right to read.
        string onTaken = replace ? $" ON CONFLICT (NameKey) DO UPDATE SET {string.Join(", ", own.Select(name => $"{name} = @{name}"))}" : "";
        string sql = $"INSERT INTO {table} (NameKey, CreatedAt, {string.Join(", ", own)}) VALUES (@NameKey, @CreatedAt, {string.Join(", ", own.Select(name => "@" + name))}){onTaken}";
        var values = new Row
        {
            Name = record.Name,
            NameKey = NameKey.Of(record.Name),
            ConnectionId = record.ConnectionId,
            Json = record.Json,
            CreatedAt = record.CreatedAt.UtcDateTime,
            UpdatedAt = record.UpdatedAt.UtcDateTime,
            Secrets = record.Secrets,
        };
        return database.WriteAsync(
            async s =>
            {
                try
                {
                    return await s.ExecuteAsync(sql, values).ConfigureAwait(false);
                }
                catch (PostgresException e) when (PostgresErrors.IsDuplicate(e))
                {
                    throw NameKey.Taken(what, record.Name, e);
                }
                catch (PostgresException e) when (PostgresErrors.IsMissingParent(e))
                {
                    throw PostgresConnections.Gone(values.ConnectionId?.ToString() ?? "");
                }
            }, ct);
    }

    public Task<bool> RemoveAsync(string name, CancellationToken ct) =>
        database.WriteAsync(async s => await s.ExecuteAsync($"DELETE FROM {table} WHERE NameKey = @key", new { key = NameKey.Of(name) }).ConfigureAwait(false) > 0, ct);

    private sealed class Row
    {
        public string Name { get; set; } = "";
        public string? NameKey { get; set; }
        public Guid? ConnectionId { get; set; }
        public string Json { get; set; } = "";
        public DateTime CreatedAt { get; set; }
        public DateTime UpdatedAt { get; set; }
        public byte[]? Secrets { get; set; }

        public DefinitionRecord ToRecord() => new() { Name = Name, ConnectionId = ConnectionId, Json = Json, CreatedAt = Time(CreatedAt), UpdatedAt = Time(UpdatedAt), Secrets = Secrets };
    }
}

/// <summary>The stored sources; what opens them is read by a runner alone.</summary>
internal sealed class PostgresSources(PostgresDatabase database, StoreAccess access) : ISourceStore
{
    private readonly PostgresDefinitions _definitions = new(database, "Sources", "A source", ["Name", "Json", "UpdatedAt", "Secrets"],
        "Name, Json, CreatedAt, UpdatedAt" + (access.ReadsSecrets ? ", Secrets" : ""));

    public Task<IReadOnlyList<DefinitionRecord>> ListAsync(CancellationToken ct) => _definitions.ListAsync(ct);
    public Task<DefinitionRecord?> FindAsync(string name, CancellationToken ct) => _definitions.FindAsync(name, ct);
    public Task SaveAsync(DefinitionRecord record, bool replace, CancellationToken ct) => _definitions.SaveAsync(record, replace, ct);
    public Task<bool> RemoveAsync(string name, CancellationToken ct) => _definitions.RemoveAsync(name, ct);
}

/// <summary>The stored exports; a contributor's are those over shared connections.</summary>
internal sealed class PostgresExports(PostgresDatabase database) : IExportStore
{
    private readonly PostgresDefinitions _definitions = new(database, "Exports", "An export", ["Name", "ConnectionId", "Json", "UpdatedAt", "Secrets"], "Name, ConnectionId, Json, CreatedAt, UpdatedAt, Secrets");

    public Task<IReadOnlyList<DefinitionRecord>> ListAsync(CancellationToken ct) => _definitions.ListAsync(ct);
    public Task<DefinitionRecord?> FindAsync(string name, CancellationToken ct) => _definitions.FindAsync(name, ct);
    public Task SaveAsync(DefinitionRecord record, bool replace, CancellationToken ct) => _definitions.SaveAsync(record, replace, ct);
    public Task<bool> RemoveAsync(string name, CancellationToken ct) => _definitions.RemoveAsync(name, ct);

    public Task<IReadOnlyList<string>> UsingConnectionAsync(Guid connectionId, CancellationToken ct) =>
        database.ReadAsync(s => s.QueryAsync<string>("SELECT Name FROM Exports WHERE ConnectionId = @id ORDER BY NameKey", new { id = connectionId }), ct);
}
