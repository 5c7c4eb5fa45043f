namespace CcExport.Engine.Store.PostgreSql;

/// <summary>Which failures of each export have been announced.</summary>
internal sealed class PostgresAnnouncements(PostgresDatabase database) : IAnnouncementStore
{
    public Task<bool> TryNoteAsync(string export, string errorId, DateTimeOffset at, CancellationToken ct) =>
        database.WriteAsync(
            async s => await s.ExecuteAsync("""
                INSERT INTO Announcements (ExportKey, ErrorId, At) SELECT NameKey, @errorId, @at FROM Exports WHERE NameKey = @key
                ON CONFLICT (ExportKey, ErrorId) DO NOTHING
                """, new { key = NameKey.Of(export), errorId, at = at.UtcDateTime }).ConfigureAwait(false) > 0, ct);

    public Task ForgetAsync(string export, string? errorId, CancellationToken ct) =>
        database.WriteAsync(s => s.ExecuteAsync("DELETE FROM Announcements WHERE ExportKey = @key AND (@errorId::text IS NULL OR ErrorId = @errorId)", new { key = NameKey.Of(export), errorId }), ct);
}
