using Dapper;
using Microsoft.Data.Sqlite;
using static CcExport.Engine.Store.Sqlite.SqliteValues;

namespace CcExport.Engine.Store.Sqlite;

/// <summary>Up to which due time each export's schedule is dealt with, and who takes the next.</summary>
internal sealed class SqliteSchedules(SqliteFile file, SqliteLeases leases) : IScheduleStore
{
    public Task<ScheduleState> GetAsync(string export, CancellationToken ct) =>
        file.ReadAsync(
            c => c.QueryFirstOrDefault<Row>("SELECT HandledAt, RequestedAt, RequestedBy FROM Schedules WHERE ExportKey = @key", new Parameters { ["key"] = NameKey.Of(export) })?.ToState() ?? ScheduleState.None, ct);

    public Task<IReadOnlyDictionary<string, ScheduleState>> ListAsync(CancellationToken ct) =>
        file.ReadAsync<IReadOnlyDictionary<string, ScheduleState>>(
            c => c.Query<Row>("SELECT e.Name, s.HandledAt, s.RequestedAt, s.RequestedBy FROM Schedules s JOIN Exports e ON e.NameKey = s.ExportKey")
                .ToDictionary(row => row.Name, row => row.ToState(), StringComparer.OrdinalIgnoreCase), ct);

    public Task SetHandledAsync(string export, DateTimeOffset due, CancellationToken ct) =>
        file.WriteAsync(
            c => c.Execute("""
                INSERT INTO Schedules (ExportKey, HandledAt) SELECT NameKey, @at FROM Exports WHERE NameKey = @key
                ON CONFLICT (ExportKey) DO UPDATE SET HandledAt = max(HandledAt, excluded.HandledAt)
                """, new Parameters { ["key"] = NameKey.Of(export), ["at"] = due.UtcTicks }), ct);

    public Task<bool> RequestAsync(string export, string by, DateTimeOffset at, CancellationToken ct) =>
        file.WriteAsync(
            c => c.Execute("""
                INSERT INTO Schedules (ExportKey, HandledAt, RequestedAt, RequestedBy) SELECT NameKey, 0, @at, @by FROM Exports WHERE NameKey = @key
                ON CONFLICT (ExportKey) DO UPDATE SET RequestedAt = excluded.RequestedAt, RequestedBy = excluded.RequestedBy
                """, new Parameters { ["key"] = NameKey.Of(export), ["at"] = at.UtcTicks, ["by"] = by }) == 1, ct);

    public Task AnswerAsync(string export, DateTimeOffset at, CancellationToken ct) =>
        file.WriteAsync(c => c.Execute("UPDATE Schedules SET RequestedAt = NULL, RequestedBy = NULL WHERE ExportKey = @key AND RequestedAt <= @at",
            new Parameters { ["key"] = NameKey.Of(export), ["at"] = at.UtcTicks }), ct);

    // One writer at a time: whoever is at it sees all leases as they are.
    public Task<ScheduleClaim?> ClaimAsync(IReadOnlyList<DueExport> exports, LeaseOwner owner, DateTimeOffset now, DateTimeOffset expires, CancellationToken ct) =>
        file.WriteAsync(c => exports.Select(export => Claim(c, export, owner, now, expires)).FirstOrDefault(claim => claim is not null), ct);

    private ScheduleClaim? Claim(SqliteConnection c, DueExport export, LeaseOwner owner, DateTimeOffset now, DateTimeOffset expires) =>
        c.ExecuteScalar<bool>("""
            SELECT EXISTS (SELECT 1 FROM Exports WHERE NameKey = @key)
                AND NOT EXISTS (SELECT 1 FROM Schedules WHERE ExportKey = @key AND HandledAt >= @due AND RequestedAt IS NULL)
            """, new Parameters { ["key"] = NameKey.Of(export.Name), ["due"] = export.At.UtcTicks })
        && leases.Take(c, IScheduleStore.LeaseOf(export.Name), owner, now, expires) is { Taken: true } lease ? new ScheduleClaim(export.Name, lease) : null;

    private sealed class Row
    {
        public string Name { get; set; } = "";
        public long HandledAt { get; set; }
        public long? RequestedAt { get; set; }
        public string? RequestedBy { get; set; }

        // 0: only asked for, never yet dealt with.
        public ScheduleState ToState() => new(HandledAt == 0 ? null : Time(HandledAt), Time(RequestedAt), RequestedBy);
    }
}
