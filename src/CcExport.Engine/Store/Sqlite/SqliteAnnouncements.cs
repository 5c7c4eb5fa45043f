using Dapper;

namespace CcExport.Engine.Store.Sqlite;

/// <summary>Which failures of each export have been announced.</summary>
internal sealed class SqliteAnnouncements(SqliteFile file) : IAnnouncementStore
{
    public Task<bool> TryNoteAsync(string export, string errorId, DateTimeOffset at, CancellationToken ct) =>
        file.WriteAsync(
            c => c.Execute("""
                INSERT INTO Announcements (ExportKey, ErrorId, At) SELECT NameKey, @errorId, @at FROM Exports WHERE NameKey = @key
                ON CONFLICT (ExportKey, ErrorId) DO NOTHING
                """, new Parameters { ["key"] = NameKey.Of(export), ["errorId"] = errorId, ["at"] = at.UtcTicks }) > 0, ct);

    public async Task ForgetAsync(string export, string? errorId, CancellationToken ct)
    {
        string key = NameKey.Of(export);
        // Each run that went well asks: most have nothing to forget, and need no place among the writers.
        if (!await file.ReadAsync(c => c.ExecuteScalar<bool>("SELECT EXISTS (SELECT 1 FROM Announcements WHERE ExportKey = @key)", new Parameters { ["key"] = key }), ct).ConfigureAwait(false)) return;
        await file.WriteAsync(c => c.Execute("DELETE FROM Announcements WHERE ExportKey = @key AND (@errorId IS NULL OR ErrorId = @errorId)", new Parameters { ["key"] = key, ["errorId"] = errorId }), ct).ConfigureAwait(false);
    }
}
