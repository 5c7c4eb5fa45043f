using Dapper;
using Microsoft.Data.Sqlite;
using static CcExport.Engine.Store.Sqlite.SqliteValues;

namespace CcExport.Engine.Store.Sqlite;

/// <summary>
/// The ledger of calls. Written without a disk flush for each call, eight of which a second would be the busiest writer of
/// all: a power failure may forget the last calls. The places then are free anyway, for a machine takes longer than a second
/// to start; and the count is at worst a few low, which the service, who counts for itself, corrects by saying that the day is over.
/// </summary>
internal sealed class SqliteCalls(SqliteFile file, Func<int, long, bool> isAlive) : ICallLedger
{
    private const int DaysKept = 40;

    private readonly long startTicks = ProcessTable.StartOf(Environment.ProcessId) ?? 0;

    public Task<CallPlace> TryTakeAsync(string apiKey, DateTimeOffset now, DateTimeOffset heldUntil, int callsPerDay, CancellationToken ct, string spender = "") =>
        file.WriteRelaxedAsync(c => Take(c, apiKey, spender, now, CallPlaces.HoldUntil(now, heldUntil), callsPerDay), ct);

    // Only by its ticket: who comes back after his time must not free the place of the next holder.
    public Task ReleaseAsync(string apiKey, CallPlace place, DateTimeOffset freeAt, CancellationToken ct) =>
        file.WriteRelaxedAsync(
            c => c.Execute("""
                UPDATE CallPlaces SET FreeAt = @freeAt, Held = 0 WHERE ApiKey = @apiKey AND Slot = @Slot AND Ticket = @Ticket AND Held = 1
                """, new Parameters { ["apiKey"] = apiKey, ["Slot"] = place.Slot, ["Ticket"] = place.Ticket, ["freeAt"] = freeAt.UtcTicks }), ct);

    public Task MarkDayEndedAsync(string apiKey, DateTimeOffset now, CancellationToken ct) =>
        file.WriteRelaxedAsync(c => CountDay(c, apiKey, now, calls: 0, ended: 1), ct);

    public Task<CallUse> GetUseAsync(string apiKey, DateTimeOffset now, CancellationToken ct) => file.ReadAsync(c => ReadDay(c, apiKey, now), ct);

    public Task<IReadOnlyList<CallsSpent>> GetSpentAsync(string apiKey, DateTimeOffset now, CancellationToken ct) =>
        file.ReadAsync<IReadOnlyList<CallsSpent>>(
            c => [.. c.Query<(string Spender, string Machine, long Calls)>(
                "SELECT Spender, Machine, Calls FROM CallsSpent WHERE ApiKey = @apiKey AND Day = @day ORDER BY Calls DESC, Spender, Machine", new Parameters { ["apiKey"] = apiKey, ["day"] = CallPlaces.DayOf(now).DayNumber })
                .Select(row => new CallsSpent(row.Spender, row.Machine, row.Calls))], ct);

    public Task ReserveAsync(string apiKey, int calls, CancellationToken ct) =>
        file.WriteAsync(c => c.Execute("INSERT OR REPLACE INTO CallKeys (ApiKey, Reserved) VALUES (@apiKey, @calls)", new Parameters { ["apiKey"] = apiKey, ["calls"] = calls }), ct);

    private CallPlace Take(SqliteConnection c, string apiKey, string spender, DateTimeOffset now, DateTimeOffset heldUntil, int callsPerDay)
    {
        if (ReadDay(c, apiKey, now).Left(callsPerDay) == 0)
        {
            return CallPlaces.Tomorrow(now);
        }
        CallPlace place = CallPlaces.Choose(Stored(c, apiKey), now);
        // Only then is it worth asking who holds them.
        if (place.Slot < 0 && BuryTheDead(c, apiKey, now)) place = CallPlaces.Choose(Stored(c, apiKey), now);
        if (place.Slot >= 0)
        {
            c.Execute("""
                INSERT INTO CallPlaces (ApiKey, Slot, FreeAt, Held, Ticket, Machine, ProcessId, ProcessStartTicks)
                VALUES (@apiKey, @Slot, @heldUntil, 1, @Ticket, @machine, @process, @start)
                ON CONFLICT (ApiKey, Slot) DO UPDATE SET FreeAt = excluded.FreeAt, Held = 1, Ticket = excluded.Ticket,
                    Machine = excluded.Machine, ProcessId = excluded.ProcessId, ProcessStartTicks = excluded.ProcessStartTicks
                """, new Parameters { ["apiKey"] = apiKey, ["Slot"] = place.Slot, ["Ticket"] = place.Ticket, ["heldUntil"] = heldUntil.UtcTicks, ["machine"] = ProcessTable.Machine, ["process"] = Environment.ProcessId, ["start"] = startTicks });
            CountDay(c, apiKey, now, calls: 1, ended: 0);
            c.Execute("""
                INSERT INTO CallsSpent (ApiKey, Day, Spender, Machine, Calls) VALUES (@apiKey, @day, @spender, @machine, 1)
                ON CONFLICT (ApiKey, Day, Spender, Machine) DO UPDATE SET Calls = Calls + 1
                """, new Parameters { ["apiKey"] = apiKey, ["day"] = CallPlaces.DayOf(now).DayNumber, ["spender"] = spender, ["machine"] = Environment.MachineName });
        }
        return place;
    }

    private static StoredPlace[] Stored(SqliteConnection c, string apiKey) =>
    [
        .. c.Query<(long Slot, long FreeAt, long Held, long Ticket)>(
                "SELECT Slot, FreeAt, Held, Ticket FROM CallPlaces WHERE ApiKey = @apiKey", new Parameters { ["apiKey"] = apiKey })
            .Select(row => new StoredPlace((int)row.Slot, Time(row.FreeAt), row.Held != 0, row.Ticket)),
    ];

    /// <summary>Gives back what processes of this machine held that are gone, as if their calls had ended just now.</summary>
    private bool BuryTheDead(SqliteConnection c, string apiKey, DateTimeOffset now)
    {
        DateTimeOffset freeAt = now + CallPlaces.AfterDeath;
        bool any = false;
        foreach ((long slot, long process, long start) in c.Query<(long, long, long)>(
            "SELECT Slot, ProcessId, ProcessStartTicks FROM CallPlaces WHERE ApiKey = @apiKey AND Held = 1 AND Machine = @machine AND FreeAt > @freeAt",
            new Parameters { ["apiKey"] = apiKey, ["machine"] = ProcessTable.Machine, ["freeAt"] = freeAt.UtcTicks }).ToList())
        {
            if (isAlive((int)process, start)) continue;
            c.Execute("UPDATE CallPlaces SET FreeAt = @freeAt, Held = 0 WHERE ApiKey = @apiKey AND Slot = @slot", new Parameters { ["apiKey"] = apiKey, ["slot"] = slot, ["freeAt"] = freeAt.UtcTicks });
            any = true;
        }
        return any;
    }

    private static CallUse ReadDay(SqliteConnection c, string apiKey, DateTimeOffset now)
    {
        DateOnly day = CallPlaces.DayOf(now);
        (long calls, long ended) = c.QueryFirstOrDefault<(long, long)>(
            "SELECT Calls, EndedByServer FROM CallDays WHERE ApiKey = @apiKey AND Day = @day", new Parameters { ["apiKey"] = apiKey, ["day"] = day.DayNumber });
        return new CallUse(day, calls, ended != 0, c.ExecuteScalar<int>("SELECT coalesce(max(Reserved), 0) FROM CallKeys WHERE ApiKey = @apiKey", new Parameters { ["apiKey"] = apiKey }));
    }

    // One row a day, not one counter set to 0: a clock set back over midnight finds the old day's count again.
    private static int CountDay(SqliteConnection c, string apiKey, DateTimeOffset now, int calls, int ended)
    {
        int day = CallPlaces.DayOf(now).DayNumber;
        int changed = c.Execute(
            "UPDATE CallDays SET Calls = Calls + @calls, EndedByServer = max(EndedByServer, @ended) WHERE ApiKey = @apiKey AND Day = @day",
            new Parameters { ["apiKey"] = apiKey, ["day"] = day, ["calls"] = calls, ["ended"] = ended });
        if (changed == 0)
        {
            c.Execute("INSERT INTO CallDays (ApiKey, Day, Calls, EndedByServer) VALUES (@apiKey, @day, @calls, @ended)",
                new Parameters { ["apiKey"] = apiKey, ["day"] = day, ["calls"] = calls, ["ended"] = ended });
            c.Execute("DELETE FROM CallDays WHERE ApiKey = @apiKey AND Day < @oldest; DELETE FROM CallsSpent WHERE ApiKey = @apiKey AND Day < @oldest", new Parameters { ["apiKey"] = apiKey, ["oldest"] = day - DaysKept });
        }
        return changed;
    }
}
