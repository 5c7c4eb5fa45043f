namespace CcExport.Simulator.Insights;

/// <summary>What the next calls meet, in order.</summary>
internal sealed class InsightsFaults
{
    private readonly Lock _lock = new();
    private readonly Queue<InsightsFault> _next = new();

    public void Throttle(int calls, DataverseLimit limit, int seconds) => Add(calls, new InsightsFault(429) { Limit = limit, Seconds = seconds });

    public void Fail(int calls, int status) => Add(calls, new InsightsFault(status));

    public void Cut(int calls) => Add(calls, new InsightsFault(200) { Cuts = true });

    public void Truncate(int calls) => Add(calls, new InsightsFault(200) { Truncates = true });

    public InsightsFault? Next()
    {
        lock (_lock) return _next.TryDequeue(out InsightsFault? fault) ? fault : null;
    }

    private void Add(int calls, InsightsFault fault)
    {
        lock (_lock)
        {
            for (int i = 0; i < calls; i++) _next.Enqueue(fault);
        }
    }
}

/// <param name="Status">Of the answer.</param>
internal sealed record InsightsFault(int Status)
{
    public DataverseLimit Limit { get; init; }
    public int Seconds { get; init; }
    public bool Cuts { get; init; }
    public bool Truncates { get; init; }
}
