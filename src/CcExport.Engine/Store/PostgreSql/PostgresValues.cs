namespace CcExport.Engine.Store.PostgreSql;

/// <summary>Times as Npgsql gives them: UTC, to the microsecond.</summary>
internal static class PostgresValues
{
    public static DateTimeOffset Time(DateTime utc) => new(utc, TimeSpan.Zero);

    public static DateTimeOffset? Time(DateTime? utc) => utc is { } some ? Time(some) : null;
}
