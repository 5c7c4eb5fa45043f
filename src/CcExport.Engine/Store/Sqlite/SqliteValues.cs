using System.Globalization;
using System.Text.Json;

namespace CcExport.Engine.Store.Sqlite;

/// <summary>How values lie in the columns: Dapper can't read times and ids from SQLite by itself.</summary>
internal static class SqliteValues
{
    public static DateTimeOffset Time(long ticks) => new(ticks, TimeSpan.Zero);

    public static DateTimeOffset? Time(long? ticks) => ticks is { } some ? Time(some) : null;

    public static string Text(Guid id) => id.ToString("D");

    /// <summary>A JSON array for <c>json_each</c>: any number of values in one parameter. By hand, for the serialiser that works by reflection costs a process 20 ms at its first word.</summary>
    public static string Array(IEnumerable<long> values) => $"[{string.Join(',', values.Select(v => v.ToString(CultureInfo.InvariantCulture)))}]";

    /// <inheritdoc cref="Array(IEnumerable{long})"/>
    public static string Array(IEnumerable<string> values) => $"[{string.Join(',', values.Select(v => $"\"{JsonEncodedText.Encode(v)}\""))}]";
}
