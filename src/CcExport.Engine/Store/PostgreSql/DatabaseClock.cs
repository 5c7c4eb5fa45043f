namespace CcExport.Engine.Store.PostgreSql;

/// <summary>
/// The database's clock, seen from this machine: read when the store is opened and again every minute that it is used, and followed in between by the machine's own
/// steady timer. So leases, call places and due times mean the same to all machines, however wrong a machine's clock is and whenever it is set.
/// </summary>
internal sealed class DatabaseClock(TimeProvider own) : TimeProvider
{
    private static readonly TimeSpan Followed = TimeSpan.FromMinutes(1);

    // A reading that was longer on its way says less than the steady timer does in an hour.
    private static readonly TimeSpan LongestWay = TimeSpan.FromMilliseconds(250);

    private volatile Reading? _last;
    private long _askedAt;

    /// <summary>It was not asked for a while. Asked and not believed is asked: on a slow line each command would ask anew.</summary>
    public bool IsOld => _last is null || own.GetElapsedTime(Volatile.Read(ref _askedAt)) >= Followed;

    /// <summary>Reads it, a few times the first time: the quickest answer is the truest.</summary>
    public async Task ReadAsync(PostgresSession session)
    {
        Reading? best = null;
        for (int i = _last is null ? 3 : 1; i > 0; i--)
        {
            long asked = own.GetTimestamp();
            DateTime told = await session.FirstAsync<DateTime>("SELECT clock_timestamp()").ConfigureAwait(false);
            TimeSpan way = own.GetElapsedTime(asked);
            // It was so at some moment on the way: the middle is the least wrong.
            if (best is null || way < best.Way) best = new Reading(way, PostgresValues.Time(told), asked + (long)(way.TotalSeconds / 2 * own.TimestampFrequency));
        }
        Volatile.Write(ref _askedAt, own.GetTimestamp());
        if (_last is null || best!.Way <= LongestWay) _last = best;
    }

    public override DateTimeOffset GetUtcNow() => _last is { } last ? last.Told + own.GetElapsedTime(last.At) : own.GetUtcNow();

    public override long TimestampFrequency => own.TimestampFrequency;

    public override TimeZoneInfo LocalTimeZone => own.LocalTimeZone;

    public override long GetTimestamp() => own.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => own.CreateTimer(callback, state, dueTime, period);

    private sealed record Reading(TimeSpan Way, DateTimeOffset Told, long At);
}
