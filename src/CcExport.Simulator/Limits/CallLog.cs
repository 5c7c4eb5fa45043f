using CcExport.Simulator.State;

namespace CcExport.Simulator.Limits;

/// <summary>Every call that arrived, and what the limits' checks need to know of them.</summary>
internal sealed class CallLog(SimulationClock clock)
{
    private const int Kept = 20_000;
    private const int BarSeconds = 60;
    private readonly Queue<CallRecord> _latest = new();
    private readonly Dictionary<string, RollingWindow> _windows = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _byRoute = new(StringComparer.Ordinal);
    private readonly (long Second, int Passed, int Refused)[] _bars = new (long, int, int)[BarSeconds];

    public long Total { get; private set; }

    public int Refused { get; private set; }

    public int MaxInAnySecond { get; private set; }

    public IReadOnlyDictionary<string, int> ByRoute => _byRoute;

    public IReadOnlyCollection<CallRecord> Latest => _latest;

    /// <summary>Counts an API call the moment it is here, refused or not.</summary>
    public void Arrived(string clientId, string route)
    {
        Total++;
        _byRoute[route] = _byRoute.GetValueOrDefault(route) + 1;
        if (!_windows.TryGetValue(clientId, out RollingWindow? window)) _windows[clientId] = window = new RollingWindow();
        TimeSpan now = clock.Elapsed;
        int before = window.Count(now);
        window.Add(now);
        MaxInAnySecond = Math.Max(MaxInAnySecond, before + 1);
    }

    public void Answered(CallRecord record)
    {
        if (_latest.Count == Kept) _latest.Dequeue();
        _latest.Enqueue(record);
        if (record.Status == 429) Refused++;
        long second = (long)clock.Elapsed.TotalSeconds;
        ref (long Second, int Passed, int Refused) bar = ref _bars[second % BarSeconds];
        if (bar.Second != second) bar = (second, 0, 0);
        if (record.Status is >= 200 and < 400) bar.Passed++;
        else bar.Refused++;
    }

    /// <summary>Passed and refused calls of the last minute, the oldest second first.</summary>
    public IEnumerable<(int Passed, int Refused)> Bars()
    {
        long now = (long)clock.Elapsed.TotalSeconds;
        for (long second = now - BarSeconds + 1; second <= now; second++)
        {
            (long Second, int Passed, int Refused) bar = second < 0 ? default : _bars[second % BarSeconds];
            yield return bar.Second == second ? (bar.Passed, bar.Refused) : (0, 0);
        }
    }

    public void Clear()
    {
        _latest.Clear();
        _windows.Clear();
        _byRoute.Clear();
        Total = 0;
        Refused = 0;
        MaxInAnySecond = 0;
    }
}
