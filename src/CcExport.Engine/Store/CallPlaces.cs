namespace CcExport.Engine.Store;

/// <summary>One place as stored. A place never used is simply absent.</summary>
internal readonly record struct StoredPlace(int Slot, DateTimeOffset FreeAt, bool Held, long Ticket);

/// <summary>Which place to take, decided over plain values: the same for every store.</summary>
internal static class CallPlaces
{
    /// <summary>
    /// The longest time that a call may hold its place. A place that is said to come free later than this was written
    /// before the clock was set back, and counts as free: a wrong clock must not stop the work for longer than one lost call would.
    /// </summary>
    public static readonly TimeSpan LongestHold = TimeSpan.FromSeconds(150);

    /// <summary>
    /// By so much the present of two who ask may differ: each reads the clock, then waits for the store. Whoever read it a moment before the holder did
    /// sees a place that is held for longer than the longest.
    /// </summary>
    private static readonly TimeSpan Apart = TimeSpan.FromSeconds(30);

    /// <summary>
    /// After its holder was found dead, a place is free a second later: what that process sent may have arrived only now, with the margin that
    /// every call has.
    /// </summary>
    public static readonly TimeSpan AfterDeath = TimeSpan.FromMilliseconds(1010);

    // A held place may be given back at any moment, and is then free a second later: sooner it is not worth asking.
    private static readonly TimeSpan AfterGivingBack = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ShortestWait = TimeSpan.FromMilliseconds(1);

    /// <summary>A free place and the ticket to take it with; or, with Slot -1, how long to wait.</summary>
    public static CallPlace Choose(IReadOnlyCollection<StoredPlace> stored, DateTimeOffset now)
    {
        TimeSpan wait = LongestHold;
        for (int slot = 0; slot < Limits.CallsPerSecond; slot++)
        {
            StoredPlace? found = null;
            foreach (StoredPlace place in stored)
            {
                if (place.Slot == slot)
                {
                    found = place;
                }
            }
            TimeSpan left = found is { } used ? used.FreeAt - now : TimeSpan.Zero;
            if (left <= TimeSpan.Zero || left > LongestHold + Apart)
            {
                return new CallPlace(slot, (found?.Ticket ?? 0) + 1, TimeSpan.Zero, DayEnded: false);
            }
            TimeSpan worth = found!.Value.Held && left > AfterGivingBack ? AfterGivingBack : left;
            wait = worth < wait ? worth : wait;
        }
        return new CallPlace(-1, 0, wait > ShortestWait ? wait : ShortestWait, DayEnded: false);
    }

    /// <summary>The answer when the day has no calls left: nothing before the next 00:00 UTC.</summary>
    public static CallPlace Tomorrow(DateTimeOffset now) => new(-1, 0, now.UtcDateTime.Date.AddDays(1) - now.UtcDateTime, DayEnded: true);

    public static DateOnly DayOf(DateTimeOffset now) => DateOnly.FromDateTime(now.UtcDateTime);

    /// <summary>Until when a place is held: as asked, but never longer than <see cref="LongestHold"/>, or it would read as a wrong clock's.</summary>
    public static DateTimeOffset HoldUntil(DateTimeOffset now, DateTimeOffset asked) => asked - now > LongestHold ? now + LongestHold : asked;
}
