using Dapper;
using Microsoft.Data.Sqlite;
using static CcExport.Engine.Store.Sqlite.SqliteValues;

namespace CcExport.Engine.Store.Sqlite;

/// <summary>
/// The ledger of calls. Written without a disk flush for each call, eight of which a second would be the busiest writer of
/// all: a power failure may forget the last calls. The places then are free anyway, for a machine takes longer than a second
/// to start; and the count is at worst a few low, which the service, who counts for itself, corrects by saying that the day is over.
/// </summary>
internal sealed class SqliteCalls(SqliteFile file) : ICallLedger
{
    private const int DaysKept = 40;

    public Task<CallPlace> TryTakeAsync(string apiKey, DateTimeOffset now, DateTimeOffset heldUntil, int callsPerDay, CancellationToken ct) =>
        file.WriteRelaxedAsync(c => Take(c, apiKey, now, CallPlaces.HoldUntil(now, heldUntil), callsPerDay), ct);

    // Only by its ticket: who comes back after his time must not free the place of the next holder.
    public Task ReleaseAsync(string apiKey, CallPlace place, DateTimeOffset freeAt, CancellationToken ct) =>
        file.WriteRelaxedAsync(
            c => c.Execute("""
                UPDATE CallPlaces SET FreeAt = @freeAt, Held = 0 WHERE ApiKey = @apiKey AND Slot = @Slot AND Ticket = @Ticket AND Held = 1
                """, new { apiKey, place.Slot, place.Ticket, freeAt = freeAt.UtcTicks }), ct);

    public Task MarkDayEndedAsync(string apiKey, DateTimeOffset now, CancellationToken ct) =>
        file.WriteRelaxedAsync(c => CountDay(c, apiKey, now, calls: 0, ended: 1), ct);

    public Task<CallUse> GetUseAsync(string apiKey, DateTimeOffset now, CancellationToken ct) => file.ReadAsync(c => ReadDay(c, apiKey, now), ct);

    private static CallPlace Take(SqliteConnection c, string apiKey, DateTimeOffset now, DateTimeOffset heldUntil, int callsPerDay)
    {
        CallUse today = ReadDay(c, apiKey, now);
        if (today.EndedByServer || today.Calls >= callsPerDay)
        {
            return CallPlaces.Tomorrow(now);
        }
        StoredPlace[] stored =
        [
            .. c.Query<(long Slot, long FreeAt, long Held, long Ticket)>(
                    "SELECT Slot, FreeAt, Held, Ticket FROM CallPlaces WHERE ApiKey = @apiKey", new { apiKey })
                .Select(row => new StoredPlace((int)row.Slot, Time(row.FreeAt), row.Held != 0, row.Ticket)),
        ];
        CallPlace place = CallPlaces.Choose(stored, now);
        if (place.Slot >= 0)
        {
            c.Execute("""
                INSERT INTO CallPlaces (ApiKey, Slot, FreeAt, Held, Ticket) VALUES (@apiKey, @Slot, @heldUntil, 1, @Ticket)
                ON CONFLICT (ApiKey, Slot) DO UPDATE SET FreeAt = excluded.FreeAt, Held = 1, Ticket = excluded.Ticket
                """, new { apiKey, place.Slot, place.Ticket, heldUntil = heldUntil.UtcTicks });
            CountDay(c, apiKey, now, calls: 1, ended: 0);
        }
        return place;
    }

    private static CallUse ReadDay(SqliteConnection c, string apiKey, DateTimeOffset now)
    {
        DateOnly day = CallPlaces.DayOf(now);
        (long calls, long ended) = c.QueryFirstOrDefault<(long, long)>(
            "SELECT Calls, EndedByServer FROM CallDays WHERE ApiKey = @apiKey AND Day = @day", new { apiKey, day = day.DayNumber });
        return new CallUse(day, calls, ended != 0);
    }

    // One row a day, not one counter set to 0: a clock set back over midnight finds the old day's count again.
    private static int CountDay(SqliteConnection c, string apiKey, DateTimeOffset now, int calls, int ended)
    {
        int day = CallPlaces.DayOf(now).DayNumber;
        int changed = c.Execute(
            "UPDATE CallDays SET Calls = Calls + @calls, EndedByServer = max(EndedByServer, @ended) WHERE ApiKey = @apiKey AND Day = @day",
            new { apiKey, day, calls, ended });
        if (changed == 0)
        {
            c.Execute("INSERT INTO CallDays (ApiKey, Day, Calls, EndedByServer) VALUES (@apiKey, @day, @calls, @ended)",
                new { apiKey, day, calls, ended });
            c.Execute("DELETE FROM CallDays WHERE ApiKey = @apiKey AND Day < @oldest", new { apiKey, oldest = day - DaysKept });
        }
        return changed;
    }
}
