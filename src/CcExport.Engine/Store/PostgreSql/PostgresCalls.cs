using Dapper;
using static CcExport.Engine.Store.PostgreSql.PostgresValues;

namespace CcExport.Engine.Store.PostgreSql;

/// <summary>
/// The ledger of calls, for all machines. Two ways to the server for each call, and no wait for its disk: if its machine fails, the last calls may be forgotten. The
/// places then are free anyway, for a server takes longer than a second to start; and the count is at worst a few low, which the service, who counts for itself,
/// corrects by saying that the day is over.
/// </summary>
internal sealed class PostgresCalls(PostgresDatabase database, Func<int, long, bool> isAlive) : ICallLedger
{
    private const int DaysKept = 40;

    private readonly long _startTicks = ProcessTable.StartOf(Environment.ProcessId) ?? 0;

    public Task<CallPlace> TryTakeAsync(string apiKey, DateTimeOffset now, DateTimeOffset heldUntil, int callsPerDay, CancellationToken ct, string spender = "") =>
        database.WriteRelaxedAsync(s => TakeAsync(s, apiKey, spender, now, CallPlaces.HoldUntil(now, heldUntil), callsPerDay), ct);

    // Only by its ticket: who comes back after his time must not free the place of the next holder.
    public Task ReleaseAsync(string apiKey, CallPlace place, DateTimeOffset freeAt, CancellationToken ct) =>
        database.WriteRelaxedAsync(
            s => s.ExecuteAsync("""
                UPDATE CallPlaces SET FreeAt = @freeAt, Held = false WHERE ApiKey = @apiKey AND Slot = @Slot AND Ticket = @Ticket AND Held
                """, new { apiKey, place.Slot, place.Ticket, freeAt = freeAt.UtcDateTime }), ct);

    public Task MarkDayEndedAsync(string apiKey, DateTimeOffset now, CancellationToken ct) =>
        database.WriteRelaxedAsync(s => s.ExecuteAsync(CountDay, Counted(apiKey, now, calls: 0, ended: true)), ct);

    public async Task<CallUse> GetUseAsync(string apiKey, DateTimeOffset now, CancellationToken ct) =>
        (await database.ReadAsync(s => s.FirstAsync<DayRow>(ReadDay, new { apiKey, day = CallPlaces.DayOf(now).DayNumber }), ct).ConfigureAwait(false))!.ToUse(now);

    public Task<IReadOnlyList<CallsSpent>> GetSpentAsync(string apiKey, DateTimeOffset now, CancellationToken ct) =>
        database.ReadAsync(s => s.QueryAsync<CallsSpent>(
            "SELECT Spender, Machine, Calls FROM CallsSpent WHERE ApiKey = @apiKey AND Day = @day ORDER BY Calls DESC, Spender, Machine", new { apiKey, day = CallPlaces.DayOf(now).DayNumber }), ct);

    public Task ReserveAsync(string apiKey, int calls, CancellationToken ct) =>
        database.WriteAsync(s => s.ExecuteAsync("INSERT INTO CallKeys (ApiKey, Reserved) VALUES (@apiKey, @calls) ON CONFLICT (ApiKey) DO UPDATE SET Reserved = @calls", new { apiKey, calls }), ct);

    private async Task<CallPlace> TakeAsync(PostgresSession s, string apiKey, string spender, DateTimeOffset now, DateTimeOffset heldUntil, int callsPerDay)
    {
        CallUse today;
        StoredPlace[] places;
        // One way: the lock, then what it guards; each statement sees what was committed before it.
        SqlMapper.GridReader answers = await s.ManyAsync($"SELECT pg_advisory_xact_lock(hashtextextended(@lock, 7214)); {ReadDay}; {ReadPlaces}",
            new { @lock = "calls/" + apiKey, apiKey, day = CallPlaces.DayOf(now).DayNumber }).ConfigureAwait(false);
        await using (answers.ConfigureAwait(false))
        {
            await answers.ReadAsync<object>().ConfigureAwait(false);
            today = (await answers.ReadFirstAsync<DayRow>().ConfigureAwait(false)).ToUse(now);
            places = [.. (await answers.ReadAsync<PlaceRow>().ConfigureAwait(false)).Select(row => row.ToPlace())];
        }
        if (today.Left(callsPerDay) == 0) return CallPlaces.Tomorrow(now);
        CallPlace place = CallPlaces.Choose(places, now);
        // Only then is it worth asking who holds them.
        if (place.Slot < 0 && await BuryTheDeadAsync(s, apiKey, now).ConfigureAwait(false))
            place = CallPlaces.Choose([.. (await s.QueryAsync<PlaceRow>(ReadPlaces, new { apiKey }).ConfigureAwait(false)).Select(row => row.ToPlace())], now);
        if (place.Slot < 0) return place;
        var values = new DynamicParameters(Counted(apiKey, now, calls: 1, ended: false));
        values.AddDynamicParams(new { place.Slot, place.Ticket, heldUntil = heldUntil.UtcDateTime, spender, host = Environment.MachineName, machine = ProcessTable.Machine, boot = ProcessTable.Boot, process = Environment.ProcessId, start = _startTicks });
        await s.ExecuteAsync($"""
            INSERT INTO CallPlaces (ApiKey, Slot, FreeAt, Held, Ticket, Machine, Boot, ProcessId, ProcessStartTicks)
            VALUES (@apiKey, @Slot, @heldUntil, true, @Ticket, @machine, @boot, @process, @start)
            ON CONFLICT (ApiKey, Slot) DO UPDATE SET FreeAt = excluded.FreeAt, Held = true, Ticket = excluded.Ticket,
                Machine = excluded.Machine, Boot = excluded.Boot, ProcessId = excluded.ProcessId, ProcessStartTicks = excluded.ProcessStartTicks;
            INSERT INTO CallsSpent (ApiKey, Day, Spender, Machine, Calls) VALUES (@apiKey, @day, @spender, @host, 1)
            ON CONFLICT (ApiKey, Day, Spender, Machine) DO UPDATE SET Calls = CallsSpent.Calls + 1;
            {CountDay}
            """, values).ConfigureAwait(false);
        return place;
    }

    /// <summary>Gives back what processes of this machine held that are gone, as if their calls had ended just now.</summary>
    private async Task<bool> BuryTheDeadAsync(PostgresSession s, string apiKey, DateTimeOffset now)
    {
        DateTime freeAt = (now + CallPlaces.AfterDeath).UtcDateTime;
        bool any = false;
        foreach ((int slot, int process, long start) in await s.QueryAsync<(int, int, long)>(
            "SELECT Slot, ProcessId, ProcessStartTicks FROM CallPlaces WHERE ApiKey = @apiKey AND Held AND Machine = @machine AND Boot = @boot AND FreeAt > @freeAt",
            new { apiKey, machine = ProcessTable.Machine, boot = ProcessTable.Boot, freeAt }).ConfigureAwait(false))
        {
            if (isAlive(process, start)) continue;
            await s.ExecuteAsync("UPDATE CallPlaces SET FreeAt = @freeAt, Held = false WHERE ApiKey = @apiKey AND Slot = @slot", new { apiKey, slot, freeAt }).ConfigureAwait(false);
            any = true;
        }
        return any;
    }

    private const string ReadDay = """
        SELECT coalesce(d.Calls, 0) AS Calls, coalesce(d.EndedByServer, false) AS EndedByServer, coalesce(k.Reserved, 0) AS Reserved
        FROM (SELECT 1) AS one LEFT JOIN CallDays d ON d.ApiKey = @apiKey AND d.Day = @day LEFT JOIN CallKeys k ON k.ApiKey = @apiKey
        """;
    private const string ReadPlaces = "SELECT Slot, FreeAt, Held, Ticket FROM CallPlaces WHERE ApiKey = @apiKey";

    // One row a day, not one counter set to 0: a clock set back over midnight finds the old day's count again.
    private const string CountDay = """
        INSERT INTO CallDays (ApiKey, Day, Calls, EndedByServer) VALUES (@apiKey, @day, @calls, @ended)
        ON CONFLICT (ApiKey, Day) DO UPDATE SET Calls = CallDays.Calls + excluded.Calls, EndedByServer = CallDays.EndedByServer OR excluded.EndedByServer;
        DELETE FROM CallDays WHERE ApiKey = @apiKey AND Day < @oldest;
        DELETE FROM CallsSpent WHERE ApiKey = @apiKey AND Day < @oldest
        """;

    private static object Counted(string apiKey, DateTimeOffset now, long calls, bool ended)
    {
        int day = CallPlaces.DayOf(now).DayNumber;
        return new { apiKey, day, calls, ended, oldest = day - DaysKept };
    }

    private sealed class DayRow
    {
        public long Calls { get; set; }
        public bool EndedByServer { get; set; }
        public int Reserved { get; set; }

        public CallUse ToUse(DateTimeOffset now) => new(CallPlaces.DayOf(now), Calls, EndedByServer, Reserved);
    }

    private sealed class PlaceRow
    {
        public int Slot { get; set; }
        public DateTime FreeAt { get; set; }
        public bool Held { get; set; }
        public long Ticket { get; set; }

        public StoredPlace ToPlace() => new(Slot, Time(FreeAt), Held, Ticket);
    }
}
