using static CcExport.Engine.Store.PostgreSql.PostgresValues;

namespace CcExport.Engine.Store.PostgreSql;

/// <summary>
/// The named leases. Of a holder on the same machine since the same start of it, the process is looked up; of any other, only the time says that it is gone.
/// </summary>
internal sealed class PostgresLeases(PostgresDatabase database, Func<int, long, bool> isAlive) : ILeaseStore
{
    public Task<LeaseAnswer> TryTakeAsync(string name, LeaseOwner owner, DateTimeOffset now, DateTimeOffset expires, CancellationToken ct) =>
        database.WriteAsync(s => TakeAsync(s, name, owner, now, expires), ct);

    /// <summary>Takes it inside a transaction that goes on.</summary>
    public async Task<LeaseAnswer> TakeAsync(PostgresSession s, string name, LeaseOwner owner, DateTimeOffset now, DateTimeOffset expires)
    {
        // By its name, for the row may not exist yet.
        await s.LockAsync("lease/" + name).ConfigureAwait(false);
        Row? held = await s.FirstAsync<Row>("SELECT * FROM Leases WHERE Name = @name", new { name }).ConfigureAwait(false);
        LeaseOwner? holder = held?.Owner();
        if (held is not null && holder!.Id != owner.Id && !LeaseRules.MayTakeOver(holder, Time(held.Expires), owner, now, (_, _) => !IsDead(held, owner.Machine)))
        {
            return new LeaseAnswer(Taken: false, holder, Time(held.Expires), TookOver: false);
        }
        await s.ExecuteAsync("""
            INSERT INTO Leases (Name, OwnerId, Machine, Boot, ProcessId, ProcessStartTicks, Purpose, Expires)
            VALUES (@name, @Id, @Machine, @boot, @ProcessId, @ProcessStartTicks, @Purpose, @expires)
            ON CONFLICT (Name) DO UPDATE SET OwnerId = excluded.OwnerId, Machine = excluded.Machine, Boot = excluded.Boot, ProcessId = excluded.ProcessId,
                ProcessStartTicks = excluded.ProcessStartTicks, Purpose = excluded.Purpose, Expires = excluded.Expires
            """,
            new { name, owner.Id, owner.Machine, boot = ProcessTable.Boot, owner.ProcessId, owner.ProcessStartTicks, owner.Purpose, expires = expires.UtcDateTime }).ConfigureAwait(false);
        bool tookOver = holder is not null && holder.Id != owner.Id;
        return new LeaseAnswer(Taken: true, owner, expires, tookOver, FromTheDead: tookOver && IsDead(held!, owner.Machine));
    }

    public async Task<IReadOnlyDictionary<string, LeaseOwner>> GetHeldAsync(IReadOnlyCollection<string> names, DateTimeOffset now, CancellationToken ct) =>
        (await database.ReadAsync(s => s.QueryAsync<Row>("SELECT * FROM Leases WHERE Name = ANY(@names) AND Expires > @now", new { names = names.ToArray(), now = now.UtcDateTime }), ct).ConfigureAwait(false))
            .Where(row => !IsDead(row, ProcessTable.Machine)).ToDictionary(row => row.Name, row => row.Owner());

    public Task<bool> RenewAsync(string name, LeaseOwner owner, DateTimeOffset expires, CancellationToken ct) =>
        database.WriteAsync(
            async s => await s.ExecuteAsync("UPDATE Leases SET Expires = @expires WHERE Name = @name AND OwnerId = @Id",
                new { name, owner.Id, expires = expires.UtcDateTime }).ConfigureAwait(false) == 1, ct);

    public Task ReleaseAsync(string name, LeaseOwner owner, CancellationToken ct) =>
        database.WriteAsync(s => s.ExecuteAsync("DELETE FROM Leases WHERE Name = @name AND OwnerId = @Id", new { name, owner.Id }), ct);

    private bool IsDead(Row row, string machine) => row.Machine == machine && row.Boot == ProcessTable.Boot && !isAlive(row.ProcessId, row.ProcessStartTicks);

    private sealed class Row
    {
        public string Name { get; set; } = "";
        public Guid OwnerId { get; set; }
        public string Machine { get; set; } = "";
        public string Boot { get; set; } = "";
        public int ProcessId { get; set; }
        public long ProcessStartTicks { get; set; }
        public string Purpose { get; set; } = "";
        public DateTime Expires { get; set; }

        public LeaseOwner Owner() => new(OwnerId, Machine, ProcessId, ProcessStartTicks, Purpose);
    }
}
