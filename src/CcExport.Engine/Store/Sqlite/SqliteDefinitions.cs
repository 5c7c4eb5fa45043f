using Dapper;
using Microsoft.Data.Sqlite;
using static CcExport.Engine.Store.Sqlite.SqliteValues;

namespace CcExport.Engine.Store.Sqlite;

/// <summary>What sources and exports have in common: a name and a JSON text that only their own room reads.</summary>
internal sealed class SqliteDefinitions(SqliteFile file, string table, string what, bool withConnection)
{
    private readonly string columns = withConnection ? "Name, ConnectionId, Json, CreatedAt, UpdatedAt, Secrets" : "Name, Json, CreatedAt, UpdatedAt, Secrets";

    public Task<IReadOnlyList<DefinitionRecord>> ListAsync(CancellationToken ct) =>
        file.ReadAsync<IReadOnlyList<DefinitionRecord>>(
            c => [.. c.Query<Row>($"SELECT {columns} FROM {table} ORDER BY NameKey").Select(row => row.ToRecord())], ct);

    public Task<DefinitionRecord?> FindAsync(string name, CancellationToken ct) =>
        file.ReadAsync(
            c => c.QueryFirstOrDefault<Row>($"SELECT {columns} FROM {table} WHERE NameKey = @key", new Parameters { ["key"] = NameKey.Of(name) })?.ToRecord(), ct);

    public Task SaveAsync(DefinitionRecord record, bool replace, CancellationToken ct)
    {
        string[] own = withConnection ? ["Name", "ConnectionId", "Json", "UpdatedAt", "Secrets"] : ["Name", "Json", "UpdatedAt", "Secrets"];
        // CreatedAt is not among those written over: a changed definition was still made when it was made.
        string onTaken = replace ? $" ON CONFLICT (NameKey) DO UPDATE SET {string.Join(", ", own.Select(name => $"{name} = excluded.{name}"))}" : "";
        string sql = $"INSERT INTO {table} (NameKey, CreatedAt, {string.Join(", ", own)}) " +
            $"VALUES (@NameKey, @CreatedAt, {string.Join(", ", own.Select(name => "@" + name))}){onTaken}";
        var values = new Row
        {
            Name = record.Name,
            NameKey = NameKey.Of(record.Name),
            ConnectionId = record.ConnectionId is { } id ? Text(id) : null,
            Json = record.Json,
            CreatedAt = record.CreatedAt.UtcTicks,
            UpdatedAt = record.UpdatedAt.UtcTicks,
            Secrets = record.Secrets,
        };
        return file.WriteAsync(
            c =>
            {
                try
                {
                    return c.Execute(sql, values);
                }
                catch (SqliteException e) when (SqliteErrors.IsDuplicate(e))
                {
                    throw NameKey.Taken(what, record.Name, e);
                }
                catch (SqliteException e) when (SqliteErrors.IsMissingParent(e))
                {
                    throw SqliteConnections.Gone(values.ConnectionId ?? "");
                }
            }, ct);
    }

    public Task<bool> RemoveAsync(string name, CancellationToken ct) =>
        file.WriteAsync(c => c.Execute($"DELETE FROM {table} WHERE NameKey = @key", new Parameters { ["key"] = NameKey.Of(name) }) > 0, ct);

    private sealed class Row
    {
        public string Name { get; set; } = "";
        public string? NameKey { get; set; }
        public string? ConnectionId { get; set; }
        public string Json { get; set; } = "";
        public long CreatedAt { get; set; }
        public long UpdatedAt { get; set; }
        public byte[]? Secrets { get; set; }

        public DefinitionRecord ToRecord() => new()
        {
            Name = Name,
            ConnectionId = ConnectionId is null ? null : Guid.Parse(ConnectionId),
            Json = Json,
            CreatedAt = Time(CreatedAt),
            UpdatedAt = Time(UpdatedAt),
            Secrets = Secrets,
        };
    }
}

/// <summary>The stored sources.</summary>
internal sealed class SqliteSources(SqliteFile file) : ISourceStore
{
    private readonly SqliteDefinitions definitions = new(file, "Sources", "A source", withConnection: false);

    public Task<IReadOnlyList<DefinitionRecord>> ListAsync(CancellationToken ct) => definitions.ListAsync(ct);
    public Task<DefinitionRecord?> FindAsync(string name, CancellationToken ct) => definitions.FindAsync(name, ct);
    public Task SaveAsync(DefinitionRecord record, bool replace, CancellationToken ct) => definitions.SaveAsync(record, replace, ct);
    public Task<bool> RemoveAsync(string name, CancellationToken ct) => definitions.RemoveAsync(name, ct);
}

/// <summary>The stored exports.</summary>
internal sealed class SqliteExports(SqliteFile file) : IExportStore
{
    private readonly SqliteDefinitions definitions = new(file, "Exports", "An export", withConnection: true);

    public Task<IReadOnlyList<DefinitionRecord>> ListAsync(CancellationToken ct) => definitions.ListAsync(ct);
    public Task<DefinitionRecord?> FindAsync(string name, CancellationToken ct) => definitions.FindAsync(name, ct);
    public Task SaveAsync(DefinitionRecord record, bool replace, CancellationToken ct) => definitions.SaveAsync(record, replace, ct);
    public Task<bool> RemoveAsync(string name, CancellationToken ct) => definitions.RemoveAsync(name, ct);

    public Task<IReadOnlyList<string>> UsingConnectionAsync(Guid connectionId, CancellationToken ct) =>
        file.ReadAsync<IReadOnlyList<string>>(
            c => [.. c.Query<string>("SELECT Name FROM Exports WHERE ConnectionId = @id ORDER BY NameKey", new Parameters { ["id"] = Text(connectionId) })], ct);
}
