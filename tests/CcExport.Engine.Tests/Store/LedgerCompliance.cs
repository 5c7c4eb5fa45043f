using System.Diagnostics;
using CcExport.Engine.Store;
using Microsoft.Extensions.Time.Testing;

namespace CcExport.Engine.Tests.Store;

/// <summary>The ledger of calls.</summary>
public abstract class LedgerCompliance : StoreCompliance
{
    private const int Day = Limits.CallsPerDay;
    private static readonly TimeSpan Hold = TimeSpan.FromSeconds(120);
    private readonly FakeTimeProvider clock = new(Records.Noon);

    private DateTimeOffset Now => clock.GetUtcNow();

    private Task<CallPlace> TakeAsync(string key = "key", int perDay = Day) => Store.Calls.TryTakeAsync(key, Now, Now + Hold, perDay, None);

    private Task ReleaseAsync(CallPlace place, string key = "key") => Store.Calls.ReleaseAsync(key, place, Now + TimeSpan.FromSeconds(1), None);

    private async Task<CallPlace[]> TakeAllAsync()
    {
        var places = new CallPlace[Limits.CallsPerSecond];
        for (int i = 0; i < places.Length; i++)
        {
            places[i] = await TakeAsync();
        }
        Assert.Equal([0, 1, 2, 3], places.Select(p => p.Slot).Order());
        return places;
    }

    [StoreFact]
    public async Task Four_places_and_no_fifth_until_a_second_after_one_came_back()
    {
        CallPlace[] places = await TakeAllAsync();
        CallPlace fifth = await TakeAsync();
        Assert.Equal((-1, false), (fifth.Slot, fifth.DayEnded));
        Assert.Equal(TimeSpan.FromSeconds(1), fifth.Wait);

        await ReleaseAsync(places[2]);
        clock.Advance(TimeSpan.FromMilliseconds(600));
        Assert.Equal((-1, TimeSpan.FromMilliseconds(400)), (await TakeAsync() is var soon ? (soon.Slot, soon.Wait) : default));

        clock.Advance(TimeSpan.FromMilliseconds(400));
        CallPlace again = await TakeAsync();
        Assert.Equal(places[2].Slot, again.Slot);
        Assert.NotEqual(places[2].Ticket, again.Ticket);
        Assert.Equal(-1, (await TakeAsync()).Slot);
        Assert.Equal(5, (await Store.Calls.GetUseAsync("key", Now, None)).Calls);
    }

    [StoreFact]
    public async Task Keys_do_not_share_places_or_days()
    {
        await TakeAllAsync();
        Assert.True((await TakeAsync("other")).Slot >= 0);
        await Store.Calls.MarkDayEndedAsync("third", Now, None);
        Assert.True((await TakeAsync("third")).DayEnded);
        Assert.Equal(new CallUse(new DateOnly(2026, 3, 14), 4, false), await Store.Calls.GetUseAsync("key", Now, None));
        Assert.Equal(new CallUse(new DateOnly(2026, 3, 14), 1, false), await Store.Calls.GetUseAsync("other", Now, None));
        Assert.Equal(new CallUse(new DateOnly(2026, 3, 14), 0, true), await Store.Calls.GetUseAsync("third", Now, None));
    }

    [StoreFact]
    public async Task A_place_never_given_back_is_free_when_its_time_is_over()
    {
        CallPlace[] lost = await TakeAllAsync();
        clock.Advance(Hold - TimeSpan.FromMilliseconds(10));
        CallPlace early = await TakeAsync();
        Assert.Equal((-1, TimeSpan.FromMilliseconds(10)), (early.Slot, early.Wait));

        clock.Advance(TimeSpan.FromMilliseconds(10));
        CallPlace next = await TakeAsync();
        Assert.True(next.Slot >= 0);

        // Its first holder comes back at last: he must not free what is another's now.
        await ReleaseAsync(lost.Single(p => p.Slot == next.Slot));
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.NotEqual(next.Slot, (await TakeAsync()).Slot);
    }

    [StoreFact]
    public async Task A_clock_set_back_blocks_no_longer_than_a_hold()
    {
        foreach (CallPlace place in await TakeAllAsync())
        {
            await ReleaseAsync(place);
        }
        clock.AdjustTime(Now - TimeSpan.FromSeconds(100));
        Assert.Equal(-1, (await TakeAsync()).Slot);
        clock.AdjustTime(Now - TimeSpan.FromSeconds(3600));
        Assert.True((await TakeAsync()).Slot >= 0);
    }

    [StoreFact]
    public async Task What_a_dead_process_held_is_free_a_second_after_it_was_missed()
    {
        await TakeAllAsync();
        IStore alive = await AnotherAsync((_, _) => true), dead = await AnotherAsync((_, _) => false);
        Assert.Equal(-1, (await alive.Calls.TryTakeAsync("key", Now, Now + Hold, Day, None)).Slot);
        clock.Advance(TimeSpan.FromSeconds(5));
        CallPlace place = await dead.Calls.TryTakeAsync("key", Now, Now + Hold, Day, None);
        Assert.Equal((-1, CallPlaces.AfterDeath), (place.Slot, place.Wait));
        clock.Advance(TimeSpan.FromMilliseconds(1005));
        Assert.Equal(-1, (await dead.Calls.TryTakeAsync("key", Now, Now + Hold, Day, None)).Slot);
        clock.Advance(TimeSpan.FromMilliseconds(5));
        Assert.True((await alive.Calls.TryTakeAsync("key", Now, Now + Hold, Day, None)).Slot >= 0);
    }

    [StoreFact]
    public async Task A_hold_is_cut_to_the_longest()
    {
        CallPlace place = await Store.Calls.TryTakeAsync("key", Now, Now + TimeSpan.FromHours(1), Day, None);
        clock.Advance(CallPlaces.LongestHold - TimeSpan.FromSeconds(1));
        for (int i = 0; i < 3; i++)
        {
            Assert.NotEqual(place.Slot, (await TakeAsync()).Slot);
        }
        Assert.Equal(-1, (await TakeAsync()).Slot);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(place.Slot, (await TakeAsync()).Slot);
    }

    /// <summary>Each reads the clock and then waits for the store: who comes second may have read it first.</summary>
    [StoreFact]
    public async Task A_place_held_the_longest_is_not_free_for_whoever_read_the_clock_a_moment_earlier()
    {
        for (int i = 0; i < 4; i++) Assert.True((await Store.Calls.TryTakeAsync("key", Now, Now + TimeSpan.FromHours(1), Day, None)).Slot >= 0);
        Assert.Equal(-1, (await Store.Calls.TryTakeAsync("key", Now - TimeSpan.FromMilliseconds(20), Now + Hold, Day, None)).Slot);
        Assert.Equal(-1, (await Store.Calls.TryTakeAsync("key", Now - TimeSpan.FromSeconds(5), Now + Hold, Day, None)).Slot);
    }

    [StoreFact]
    public async Task The_day_ends_with_its_last_call_and_begins_anew_at_midnight_UTC()
    {
        clock.AdjustTime(new DateTimeOffset(2026, 3, 14, 23, 59, 58, TimeSpan.Zero));
        for (int i = 0; i < 3; i++)
        {
            await ReleaseAsync(await TakeAsync(perDay: 3));
        }
        CallPlace over = await TakeAsync(perDay: 3);
        Assert.Equal((-1, true, TimeSpan.FromSeconds(2)), (over.Slot, over.DayEnded, over.Wait));
        Assert.Equal(3, (await Store.Calls.GetUseAsync("key", Now, None)).Calls);

        // Local time does not matter: the same instant, written with another offset.
        CallPlace elsewhere = await Store.Calls.TryTakeAsync("key", Now.ToOffset(TimeSpan.FromHours(9)), Now + Hold, 3, None);
        Assert.True(elsewhere.DayEnded);

        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.True((await TakeAsync(perDay: 3)).Slot >= 0);
        Assert.Equal(new CallUse(new DateOnly(2026, 3, 15), 1, false), await Store.Calls.GetUseAsync("key", Now, None));

        clock.AdjustTime(Now - TimeSpan.FromSeconds(1));
        Assert.True((await TakeAsync(perDay: 3)).DayEnded);
    }

    [StoreFact]
    public async Task When_the_service_says_the_day_is_over_it_is()
    {
        await ReleaseAsync(await TakeAsync());
        await Store.Calls.MarkDayEndedAsync("key", Now, None);
        Assert.True((await TakeAsync()).DayEnded);
        Assert.Equal(new CallUse(new DateOnly(2026, 3, 14), 1, true), await Store.Calls.GetUseAsync("key", Now, None));
        clock.AdjustTime(new DateTimeOffset(2026, 3, 15, 0, 0, 0, TimeSpan.Zero));
        Assert.True((await TakeAsync()).Slot >= 0);
    }

    [StoreFact]
    public async Task Old_days_are_forgotten()
    {
        DateTimeOffset first = Now;
        await ReleaseAsync(await TakeAsync());
        clock.Advance(TimeSpan.FromDays(60));
        await TakeAsync();
        Assert.Equal(0, (await Store.Calls.GetUseAsync("key", first, None)).Calls);
    }

    [StoreFact]
    public async Task What_is_kept_for_others_is_not_spent_whatever_connection_asks()
    {
        await Store.Calls.ReserveAsync("key", 7, None);
        IStore other = await AnotherAsync();
        for (int i = 0; i < 3; i++) await ReleaseAsync(await TakeAsync(perDay: 10));
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.True((await other.Calls.TryTakeAsync("key", Now, Now + Hold, 10, None)).DayEnded);
        Assert.True((await TakeAsync("other", perDay: 10)).Slot >= 0);
        CallUse use = await Store.Calls.GetUseAsync("key", Now, None);
        Assert.Equal((3L, 7, 0L, 9_990L), (use.Calls, use.Reserved, use.Left(10), use.Left(10_000)));
        await Store.Calls.ReserveAsync("key", 0, None);
        Assert.True((await TakeAsync(perDay: 10)).Slot >= 0);
        Assert.Equal(6, (await Store.Calls.GetUseAsync("key", Now, None)).Left(10));
    }

    [StoreFact]
    public async Task The_calls_of_a_day_are_told_by_what_they_were_for()
    {
        foreach (string spender in new[] { "Weekly", "Daily", "Weekly", "" })
        {
            CallPlace place = await Store.Calls.TryTakeAsync("key", Now, Now + Hold, Day, None, spender);
            await ReleaseAsync(place);
            clock.Advance(TimeSpan.FromSeconds(2));
        }
        Assert.Equal([("Weekly", 2L), ("", 1L), ("Daily", 1L)], (await Store.Calls.GetSpentAsync("key", Now, None)).Select(s => (s.Spender, s.Calls)));
        Assert.All(await Store.Calls.GetSpentAsync("key", Now, None), s => Assert.Equal(Environment.MachineName, s.Machine));
        Assert.Empty(await Store.Calls.GetSpentAsync("other", Now, None));
        Assert.Empty(await Store.Calls.GetSpentAsync("key", Now.AddDays(1), None));
        clock.Advance(TimeSpan.FromDays(60));
        DateTimeOffset first = Now.AddDays(-60);
        await TakeAsync();
        Assert.Empty(await Store.Calls.GetSpentAsync("key", first, None));
    }

    /// <summary>
    /// Under a real clock, many callers in "several processes": a call counts at the server at some instant between its take
    /// and its end, so no window as long as the gap may touch more than four of the intervals.
    /// </summary>
    [StoreFact]
    public async Task Never_more_than_four_calls_can_reach_the_server_in_one_gap()
    {
        var gap = TimeSpan.FromMilliseconds(150);
        IStore[] stores = [Store, await AnotherAsync(), await AnotherAsync(), await AnotherAsync()];
        var calls = new List<(DateTimeOffset Take, DateTimeOffset End)>();
        var length = TimeSpan.FromSeconds(3);
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(worker => Task.Run(async () =>
        {
            var random = new Random(worker);
            while (watch.Elapsed < length)
            {
                IStore store = stores[worker % stores.Length];
                DateTimeOffset take = TimeProvider.System.GetUtcNow();
                CallPlace place = await store.Calls.TryTakeAsync("key", take, take + Hold, Day, None);
                if (place.Slot < 0)
                {
                    await Task.Delay(random.Next(1, 15));
                    continue;
                }
                await Task.Delay(random.Next(0, 20));
                DateTimeOffset end = TimeProvider.System.GetUtcNow();
                await store.Calls.ReleaseAsync("key", place, end + gap, None);
                lock (calls)
                {
                    calls.Add((take, end));
                }
            }
        })));

        // A window (w, w + gap] touches an interval when w lies in [take - gap, end): so four at most may overlap at any w.
        (DateTimeOffset At, int Change)[] edges = [.. calls.SelectMany(c => new[] { (c.Take - gap, +1), (c.End, -1) }).OrderBy(e => e.Item1).ThenBy(e => e.Item2)];
        int most = 0, now = 0;
        foreach ((_, int change) in edges)
        {
            now += change;
            most = Math.Max(most, now);
        }
        Assert.Equal(Limits.CallsPerSecond, most);
        Assert.InRange(calls.Count, 2 * Limits.CallsPerSecond, (int)(length / gap + 2) * Limits.CallsPerSecond);
        Assert.Equal(calls.Count, (await Store.Calls.GetUseAsync("key", TimeProvider.System.GetUtcNow(), None)).Calls);
    }
}
