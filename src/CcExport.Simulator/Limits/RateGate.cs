using CcExport.Simulator.State;

namespace CcExport.Simulator.Limits;

internal enum Verdict
{
    Pass,
    Throttled,
    QuotaExceeded,
}

/// <summary>The limits of one client id, on arrival. Refused calls take no place.</summary>
internal sealed class RateGate(SimulationClock clock)
{
    private readonly RollingWindow _window = new();
    private DateOnly _day;
    private double _tokens = double.MaxValue;
    private TimeSpan _filledAt;
    private int _throttleNext;

    /// <summary>Calls that counted today.</summary>
    public int Today
    {
        get
        {
            TurnDay();
            return field;
        }
        private set;
    }

    /// <summary>Refuses the next calls whatever the limits say.</summary>
    public void ThrottleNext(int calls) => _throttleNext = calls;

    public void SetToday(int calls)
    {
        TurnDay();
        Today = calls;
    }

    public Verdict Ask(SimulatorSwitches switches)
    {
        if (_throttleNext > 0)
        {
            _throttleNext--;
            return Verdict.Throttled;
        }

        if (switches.RateLimit == RateLimitMode.Off)
        {
            Today++;
            return Verdict.Pass;
        }

        if (Today >= switches.CallsPerDay) return Verdict.QuotaExceeded;
        TimeSpan now = clock.Elapsed;
        bool fits = switches.RateLimit == RateLimitMode.Rolling
            ? _window.Take(now, switches.CallsPerSecond)
            : TakeToken(now, switches);
        if (!fits) return Verdict.Throttled;
        Today++;
        return Verdict.Pass;
    }

    private bool TakeToken(TimeSpan now, SimulatorSwitches switches)
    {
        double grown = (now - _filledAt).TotalSeconds * switches.CallsPerSecond;
        _tokens = Math.Min(switches.BucketBurst, _tokens + grown);
        _filledAt = now;
        if (_tokens < 1) return false;
        _tokens--;
        return true;
    }

    private void TurnDay()
    {
        var today = DateOnly.FromDateTime(clock.Now.UtcDateTime);
        if (today == _day) return;
        _day = today;
        Today = 0;
    }
}
