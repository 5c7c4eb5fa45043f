using static CcExport.Engine.Store.PostgreSql.PostgresValues;

namespace CcExport.Engine.Store.PostgreSql;

/// <summary>Up to which due time each export's schedule is dealt with, and who takes the next.</summary>
internal sealed class PostgresSchedules(PostgresDatabase database, PostgresLeases leases) : IScheduleStore
{
    public async Task<ScheduleState> GetAsync(string export, CancellationToken ct) =>
        (await database.ReadAsync(s => s.FirstAsync<Row>("SELECT HandledAt, RequestedAt, RequestedBy FROM Schedules WHERE ExportKey = @key", new { key = NameKey.Of(export) }), ct).ConfigureAwait(false))
            ?.ToState() ?? ScheduleState.None;

    public async Task<IReadOnlyDictionary<string, ScheduleState>> ListAsync(CancellationToken ct) =>
        (await database.ReadAsync(s => s.QueryAsync<Row>("SELECT e.Name, s.HandledAt, s.RequestedAt, s.RequestedBy FROM Schedules s JOIN Exports e ON e.NameKey = s.ExportKey"), ct).ConfigureAwait(false))
            .ToDictionary(row => row.Name, row => row.ToState(), StringComparer.OrdinalIgnoreCase);

    public Task SetHandledAsync(string export, DateTimeOffset due, CancellationToken ct) =>
        database.WriteAsync(
            s => s.ExecuteAsync("""
                INSERT INTO Schedules (ExportKey, HandledAt) SELECT NameKey, @at FROM Exports WHERE NameKey = @key
                ON CONFLICT (ExportKey) DO UPDATE SET HandledAt = greatest(Schedules.HandledAt, excluded.HandledAt)
                """, new { key = NameKey.Of(export), at = PostgresValues.RoundedUp(due.UtcTicks) }), ct);

    public Task<bool> RequestAsync(string export, string by, DateTimeOffset at, CancellationToken ct) =>
        database.WriteAsync(
            async s => await s.ExecuteAsync("""
                INSERT INTO Schedules (ExportKey, RequestedAt, RequestedBy) SELECT NameKey, @at, @by FROM Exports WHERE NameKey = @key
                ON CONFLICT (ExportKey) DO UPDATE SET RequestedAt = @at, RequestedBy = @by
                """, new { key = NameKey.Of(export), at = at.UtcDateTime, by }).ConfigureAwait(false) == 1, ct);

    public Task AnswerAsync(string export, DateTimeOffset at, CancellationToken ct) =>
        database.WriteAsync(s => s.ExecuteAsync("UPDATE Schedules SET RequestedAt = NULL, RequestedBy = NULL WHERE ExportKey = @key AND RequestedAt <= @at",
            new { key = NameKey.Of(export), at = at.UtcDateTime }), ct);

    public Task<ScheduleClaim?> ClaimAsync(IReadOnlyList<DueExport> exports, LeaseOwner owner, DateTimeOffset now, DateTimeOffset expires, CancellationToken ct) =>
        database.WriteAsync<ScheduleClaim?>(
            async s =>
            {
                Dictionary<string, DueExport> asked = [];
                foreach (DueExport export in exports) asked.TryAdd(NameKey.Of(export.Name), export);
                while (asked.Count > 0)
                {
                    // Whom another process locks just now is passed by: nobody waits for anybody. Holders of this machine are looked at below, for they may be dead.
                    string? key = await s.FirstAsync<string>("""
                        SELECT e.NameKey FROM Exports e JOIN unnest(@keys, @dues) WITH ORDINALITY AS asked (Key, Due, Place) ON asked.Key = e.NameKey
                        WHERE NOT EXISTS (SELECT 1 FROM Schedules s WHERE s.ExportKey = e.NameKey AND s.HandledAt >= asked.Due AND s.RequestedAt IS NULL)
                            AND NOT EXISTS (SELECT 1 FROM Leases l WHERE l.Name = @prefix || e.NameKey AND l.Expires > @now AND NOT (l.Machine = @machine AND l.Boot = @boot))
                        ORDER BY asked.Place FOR NO KEY UPDATE OF e SKIP LOCKED LIMIT 1
                        """, new { keys = asked.Keys.ToArray(), dues = asked.Values.Select(e => e.At.UtcDateTime).ToArray(), prefix = IScheduleStore.LeaseOf(""), now = now.UtcDateTime, machine = ProcessTable.Machine, boot = ProcessTable.Boot }).ConfigureAwait(false);
                    if (key is null) return null;
                    // Again, by its row: the statement above may have seen the leases as they were a moment before.
                    LeaseAnswer answer = await leases.TakeAsync(s, IScheduleStore.LeaseOf(key), owner, now, expires).ConfigureAwait(false);
                    if (answer.Taken) return new ScheduleClaim(asked[key].Name, answer);
                    asked.Remove(key);
                }
                return null;
            }, ct);

    private sealed class Row
    {
        public string Name { get; set; } = "";
        public DateTime? HandledAt { get; set; }
        public DateTime? RequestedAt { get; set; }
        public string? RequestedBy { get; set; }

        public ScheduleState ToState() => new(Time(HandledAt), Time(RequestedAt), RequestedBy);
    }
}
