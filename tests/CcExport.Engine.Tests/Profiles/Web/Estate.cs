using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using CcExport.Engine.Profiles;
using CcExport.Simulator;
using CcExport.Simulator.Insights;

namespace CcExport.Engine.Tests.Profiles.Web;

/// <summary>Every wait is over at once and moves the clock, for the engine and the simulator alike.</summary>
internal sealed class SteppingTime : TimeProvider
{
    private static readonly DateTimeOffset Start = new(2026, 11, 24, 10, 0, 0, TimeSpan.Zero);
    private long _ahead;

    public ConcurrentQueue<TimeSpan> Waits { get; } = new();

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Interlocked.Read(ref _ahead);

    public override DateTimeOffset GetUtcNow() => Start + TimeSpan.FromTicks(GetTimestamp());

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        // Time-outs are no waits.
        if (state is CancellationTokenSource || dueTime == Timeout.InfiniteTimeSpan) return System.CreateTimer(callback, state, dueTime, period);
        Waits.Enqueue(dueTime);
        Interlocked.Add(ref _ahead, dueTime.Ticks);
        return System.CreateTimer(callback, state, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }
}

/// <summary>Tokens of a test: the first one, and another each time that one is refused.</summary>
internal sealed class TestTokens(Func<int, string> token) : IAccessTokens
{
    public List<string> Scopes { get; } = [];
    public int Renewed { get; private set; }
    public string Identity => "reader@contoso.example";

    public ValueTask<BearerToken> GetAsync(string scope, bool renew, CancellationToken ct)
    {
        if (renew) Renewed++;
        Scopes.Add(scope);
        return new(new BearerToken(token(Renewed), DateTimeOffset.MaxValue));
    }
}

/// <summary>A simulated Customer Insights - Data and sources that read it over HTTP.</summary>
internal sealed class Estate : IAsyncDisposable
{
    public const string Token = "secret-token-0123456789abcdefghij";

    public static readonly string[] Columns = ["msdynci_emailaddress1", "msdynci_firstname", "msdynci_lastname"];

    private Estate(RunningSimulator simulator, SteppingTime time)
    {
        (Simulator, Time) = (simulator, time);
        State.RegisterToken(Token, simulator.DataverseUrl);
        Register(State, simulator);
    }

    public RunningSimulator Simulator { get; }
    public SteppingTime Time { get; }
    public InsightsEstate State => Simulator.State.Insights;
    public TestTokens Tokens { get; set; } = new(_ => Token);
    public List<string> Warnings { get; } = [];
    public List<string> Details { get; } = [];

    public static async Task<Estate> StartAsync(long profiles = 1000)
    {
        var time = new SteppingTime();
        return new Estate(await SimulatorHost.StartAsync(new SimulatorOptions { Profiles = profiles }, time), time);
    }

    /// <summary>A token is for one audience: Customer Insights has one of its own.</summary>
    private static void Register(InsightsEstate state, RunningSimulator simulator)
    {
        state.RegisterToken(Token, simulator.DataverseUrl, DateTimeOffset.MaxValue);
        state.RegisterToken(Token + "-ci", InsightsEstate.InsightsAudience, DateTimeOffset.MaxValue);
    }

    public SourceContext Context => new()
    {
        Time = Time,
        Tokens = Tokens,
        Warn = Warnings.Add,
        Verbose = Details.Add,
        Random = () => 0,
    };

    public SourceReference DataverseReference => new() { Dataverse = new Uri(Simulator.DataverseUrl) };

    public SourceReference InsightsReference => new() { CustomerInsights = Simulator.InstanceId, ApiEndpoint = new Uri(Simulator.InsightsUrl), SubscriptionKey = Simulator.SubscriptionKey };

    public IProfileSource Dataverse() => Open(DataverseReference);

    public IProfileSource Insights()
    {
        Tokens = new TestTokens(_ => Token + "-ci");
        return Open(InsightsReference);
    }

    public IProfileSource Open(SourceReference reference)
    {
        SourceKind kind = SourceKinds.Find(reference);
        kind.Check(reference);
        return kind.Open(reference, Context);
    }

    public Task<List<string?[]>> ReadAsync(string segment, params string[] columns) => Dataverse().RowsAsync(segment, columns.Length == 0 ? Columns : columns);

    /// <summary>Rows of segments that are read together, by segment, with their numbers checked.</summary>
    public static async Task<List<(int Segment, string?[] Row)>> TogetherAsync(IProfileSource source, string[] segments, params string[] columns)
    {
        List<(int, string?[])> rows = [];
        var next = new long[segments.Length];
        await foreach ((int segment, ProfileBatch batch) in ((IReadsTogether)source).ReadTogetherAsync(segments, columns, default))
        {
            Assert.Equal(next[segment] + 1, batch.FirstRow);
            next[segment] += batch.Rows;
            for (int row = 0; row < batch.Rows; row++)
                rows.Add((segment, [.. Enumerable.Range(0, columns.Length).Select(c => batch.IsNull(row, c) ? null : Encoding.UTF8.GetString(batch[row, c]))]));
        }
        return rows;
    }

    /// <summary>What the members of a segment must be read as: computed profiles, by their number.</summary>
    public List<string?[]> Expected(Func<long, bool> has)
        => [.. Range(State.Profiles).Where(has).Select(i => State.Profile(i)).Select(p => new[] { p.Email, p.FirstName, p.LastName })];

    public static IEnumerable<long> Range(long count)
    {
        for (long i = 0; i < count; i++) yield return i;
    }

    public static SimulatedProfile Person(int number, params string[] segments) => new()
    {
        CustomerId = number.ToString("x32", CultureInfo.InvariantCulture),
        Email = string.Create(CultureInfo.InvariantCulture, $"p{number}@example.com"),
        FirstName = string.Create(CultureInfo.InvariantCulture, $"First{number}"),
        Segments = segments,
    };

    /// <summary>Rows in no order.</summary>
    public static void Same(IEnumerable<string?[]> expected, IEnumerable<string?[]> actual)
        => Assert.Equal(expected.Select(Show).Order(StringComparer.Ordinal), actual.Select(Show).Order(StringComparer.Ordinal));

    private static string Show(string?[] row) => string.Join("|", row.Select(v => v ?? "<null>"));

    public ValueTask DisposeAsync() => Simulator.DisposeAsync();
}
