namespace CcExport.Engine.Store.PostgreSql;

/// <summary>Times as Npgsql gives them: UTC, to the microsecond.</summary>
internal static class PostgresValues
{
    /// <summary>A column's time is as fine as a microsecond, that of a file ten times finer: cut off, a mark would lie before what it is a mark of.</summary>
    public static DateTime RoundedUp(long utcTicks) => new((utcTicks + TimeSpan.TicksPerMicrosecond - 1) / TimeSpan.TicksPerMicrosecond * TimeSpan.TicksPerMicrosecond, DateTimeKind.Utc);

    public static DateTimeOffset Time(DateTime utc) => new(utc, TimeSpan.Zero);

    public static DateTimeOffset? Time(DateTime? utc) => utc is { } some ? Time(some) : null;
}
