namespace CcExport.Engine.ConstantContact;

/// <summary>
/// How far the service's clock is from ours, from the Date header. The day's quota ends by its clock, and its jobs carry its
/// times. The header counts whole seconds, so half of one is added; of several answers the quickest tells best.
/// </summary>
internal sealed class ServerClock(TimeProvider time)
{
    private static readonly TimeSpan BestFor = TimeSpan.FromMinutes(10);
    /// <summary>Half a second each way in either answer.</summary>
    private static readonly TimeSpan Rounding = TimeSpan.FromSeconds(1);
    private readonly object _lock = new();
    private TimeSpan _skew;
    private TimeSpan _roundTrip = TimeSpan.MaxValue;
    private DateTimeOffset _noted;

    /// <summary>Theirs minus ours; zero until an answer came.</summary>
    public TimeSpan Skew
    {
        get { lock (_lock) return _skew; }
    }

    public DateTimeOffset Now => time.GetUtcNow() + Skew;

    /// <param name="itself">The service itself answered, and not something on the way: a gateway's failure has that one's clock. It will do only while there is no other.</param>
    public void Note(DateTimeOffset? serverDate, DateTimeOffset sent, DateTimeOffset received, bool itself)
    {
        if (serverDate is not { } date || received < sent) return;
        TimeSpan roundTrip = received - sent, skew = date + TimeSpan.FromSeconds(0.5) - (sent + (roundTrip / 2));
        lock (_lock)
        {
            if (!itself && _roundTrip != TimeSpan.MaxValue) return;
            // What differs by more than both answers together can be wrong tells that a clock was set, or that the machine slept.
            bool moved = _roundTrip != TimeSpan.MaxValue && (skew - _skew).Duration() > ((roundTrip + _roundTrip) / 2) + Rounding;
            if (!moved && roundTrip > _roundTrip && received - _noted < BestFor) return;
            _roundTrip = roundTrip;
            _noted = received;
            _skew = skew;
        }
    }
}
