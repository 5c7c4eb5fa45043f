using Dapper;
using Microsoft.Data.Sqlite;
using static CcExport.Engine.Store.Sqlite.SqliteValues;

namespace CcExport.Engine.Store.Sqlite;

/// <summary>The named leases.</summary>
internal sealed class SqliteLeases(SqliteFile file, Func<int, long, bool> isAlive) : ILeaseStore
{
    public Task<LeaseAnswer> TryTakeAsync(string name, LeaseOwner owner, DateTimeOffset now, DateTimeOffset expires, CancellationToken ct) =>
        file.WriteAsync(c => Take(c, name, owner, now, expires), ct);

    /// <summary>Takes it inside a transaction that goes on.</summary>
    public LeaseAnswer Take(SqliteConnection c, string name, LeaseOwner owner, DateTimeOffset now, DateTimeOffset expires)
    {
        Row? held = c.QueryFirstOrDefault<Row>("SELECT * FROM Leases WHERE Name = @name", new Parameters { ["name"] = name });
        LeaseOwner? holder = held?.Owner();
        if (held is not null && holder!.Id != owner.Id && !LeaseRules.MayTakeOver(holder, Time(held.Expires), owner, now, isAlive))
        {
            return new LeaseAnswer(Taken: false, holder, Time(held.Expires), TookOver: false);
        }
        c.Execute("""
            INSERT OR REPLACE INTO Leases (Name, OwnerId, Machine, ProcessId, ProcessStartTicks, Purpose, Expires)
            VALUES (@name, @id, @Machine, @ProcessId, @ProcessStartTicks, @Purpose, @expires)
            """,
            new Parameters { ["name"] = name, ["id"] = Text(owner.Id), ["Machine"] = owner.Machine, ["ProcessId"] = owner.ProcessId, ["ProcessStartTicks"] = owner.ProcessStartTicks, ["Purpose"] = owner.Purpose, ["expires"] = expires.UtcTicks });
        bool tookOver = holder is not null && holder.Id != owner.Id;
        return new LeaseAnswer(Taken: true, owner, expires, tookOver,
            FromTheDead: tookOver && holder!.Machine == owner.Machine && !isAlive(holder.ProcessId, holder.ProcessStartTicks));
    }

    public Task<IReadOnlyDictionary<string, LeaseOwner>> GetHeldAsync(IReadOnlyCollection<string> names, DateTimeOffset now, CancellationToken ct) =>
        file.ReadAsync<IReadOnlyDictionary<string, LeaseOwner>>(
            c => c.Query<Row>("SELECT * FROM Leases WHERE Name IN (SELECT value FROM json_each(@names)) AND Expires > @now",
                    new Parameters { ["names"] = Array(names), ["now"] = now.UtcTicks })
                .Where(row => row.Machine != ProcessTable.Machine || isAlive(row.ProcessId, row.ProcessStartTicks))
                .ToDictionary(row => row.Name, row => row.Owner()), ct);

    public Task<bool> RenewAsync(string name, LeaseOwner owner, DateTimeOffset expires, CancellationToken ct) =>
        file.WriteAsync(
            c => c.Execute("UPDATE Leases SET Expires = @expires WHERE Name = @name AND OwnerId = @id",
                new Parameters { ["name"] = name, ["id"] = Text(owner.Id), ["expires"] = expires.UtcTicks }) == 1, ct);

    public Task ReleaseAsync(string name, LeaseOwner owner, CancellationToken ct) =>
        file.WriteAsync(c => c.Execute("DELETE FROM Leases WHERE Name = @name AND OwnerId = @id", new Parameters { ["name"] = name, ["id"] = Text(owner.Id) }), ct);

    private sealed class Row
    {
        public string Name { get; set; } = "";
        public string OwnerId { get; set; } = "";
        public string Machine { get; set; } = "";
        public int ProcessId { get; set; }
        public long ProcessStartTicks { get; set; }
        public string Purpose { get; set; } = "";
        public long Expires { get; set; }

        public LeaseOwner Owner() => new(Guid.Parse(OwnerId), Machine, ProcessId, ProcessStartTicks, Purpose);
    }
}
