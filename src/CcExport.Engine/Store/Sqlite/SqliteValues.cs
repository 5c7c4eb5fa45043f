namespace CcExport.Engine.Store.Sqlite;

/// <summary>How values lie in the columns: Dapper can't read times and ids from SQLite by itself.</summary>
internal static class SqliteValues
{
    public static DateTimeOffset Time(long ticks) => new(ticks, TimeSpan.Zero);

    public static DateTimeOffset? Time(long? ticks) => ticks is { } some ? Time(some) : null;

    public static string Text(Guid id) => id.ToString("D");
}
