using System.Collections.Concurrent;
using CcExport.Simulator.Entra;
using CcExport.Simulator.State;

namespace CcExport.Simulator.Insights;

/// <summary>
/// A simulated Customer Insights - Data: unified profiles and segments behind a Dataverse Web API and the Customer Insights API. Profiles are computed
/// from their number and a seed, and not stored: three million cost no memory.
/// </summary>
public sealed class InsightsEstate
{
    /// <summary>For whom a token of the Customer Insights API must be.</summary>
    public const string InsightsAudience = "https://api.ci.ai.microsoft.com";

    private readonly RegisteredTokens _registered;
    private readonly ConcurrentDictionary<InsightsCall, int> _calls = new();
    private readonly ConcurrentDictionary<SimulatedSegment, (long Profiles, long Size)> _sizes = new();
    private IReadOnlyList<SimulatedSegment> _segments;
    private InsightsSwitches _switches = new();
    private MembershipTexts? _texts;

    internal InsightsEstate(int seed, SimulationClock clock, TokenCheck tenant)
    {
        Clock = clock;
        Writer = new ProfileWriter(seed);
        TokenCheck = _registered = new RegisteredTokens(() => clock.Now, tenant);
        var ids = new IdSource(seed ^ 0x5EED);
        InstanceId = Guid.Parse(ids.Guid());
        SubscriptionKey = ids.Guid().Replace("-", "", StringComparison.Ordinal);
        _segments =
        [
            new SimulatedSegment { Name = "VIP", FriendlyName = "Very important customers", Has = i => i % 10 == 3 },
            new SimulatedSegment { Name = "VIP_2", FriendlyName = "Nearly as important", Has = i => i % 20 is 3 or 7 },
            new SimulatedSegment { Name = "Newsletter", Has = i => i % 3 == 0 },
        ];
    }

    internal SimulationClock Clock { get; }

    internal ProfileWriter Writer { get; }

    internal ITokenCheck TokenCheck { get; set; }

    internal InsightsFaults Faults { get; } = new();

    internal PageLinks Links { get; } = new();

    internal Limits.SlidingCalls DataverseCalls { get; } = new(TimeSpan.FromMinutes(5));

    internal Limits.SlidingCalls InsightsCalls { get; } = new(TimeSpan.FromMinutes(1));

    /// <summary>The instance's id.</summary>
    public Guid InstanceId { get; }

    /// <summary>The key that the Customer Insights API asks for.</summary>
    public string SubscriptionKey { get; }

    /// <summary>How many profiles are computed.</summary>
    public long Profiles { get; set; }

    /// <summary>Profiles that stand before the computed ones, for small tests. Each has one membership row.</summary>
    public IReadOnlyList<SimulatedProfile> Written { get; set; } = [];

    /// <summary>Membership rows that stand before all others.</summary>
    public IReadOnlyList<SimulatedMembership> WrittenMemberships { get; set; } = [];

    /// <summary>Computed profiles that have a membership row and no profile.</summary>
    public Func<long, bool> Gone { get; set; } = static _ => false;

    /// <summary>Each so-many-th computed profile has a second membership row, of another type and provider, with the same segments; 0: none.</summary>
    public int ForeignRowEvery { get; set; } = 50;

    /// <summary>The segments.</summary>
    public IReadOnlyList<SimulatedSegment> Segments
    {
        get => Volatile.Read(ref _segments);
        set => Volatile.Write(ref _segments, value);
    }

    /// <summary>The switches in force. Use <see cref="Set"/> to change them.</summary>
    public InsightsSwitches Switches => Volatile.Read(ref _switches);

    /// <summary>Called with each call before it is answered; may change anything.</summary>
    public Action<InsightsCall>? OnCall { get; set; }

    /// <summary>Changes switches.</summary>
    public void Set(Action<InsightsSwitches> change)
    {
        InsightsSwitches next = Switches with { };
        change(next);
        Replace(next);
    }

    internal void Replace(InsightsSwitches switches) => Volatile.Write(ref _switches, switches);

    /// <summary>The computed profile of a number.</summary>
    public SimulatedProfile Profile(long number) => Writer.Profile(number);

    /// <summary>How many members a segment really has.</summary>
    public long SizeOf(SimulatedSegment segment)
    {
        ArgumentNullException.ThrowIfNull(segment);
        (long profiles, long size) = _sizes.GetOrAdd(segment, Count);
        if (profiles != Profiles) (_, size) = _sizes[segment] = Count(segment);
        return size + Written.Count(p => p.Segments.Contains(segment.Name));
    }

    private (long Profiles, long Size) Count(SimulatedSegment segment)
    {
        long size = 0;
        for (long i = 0; i < Profiles; i++) size += segment.Has(i) ? 1 : 0;
        return (Profiles, size);
    }

    /// <summary>Lets calls with this token pass.</summary>
    /// <param name="token">The token.</param>
    /// <param name="audience">For whom it is: the Dataverse address of this simulator, or <see cref="InsightsAudience"/>.</param>
    /// <param name="expiresAt">An hour from now when not given.</param>
    public void RegisterToken(string token, string audience, DateTimeOffset? expiresAt = null) => _registered.Add(token, audience, expiresAt ?? Clock.Now.AddHours(1));

    /// <summary>Ends a token.</summary>
    public void RevokeToken(string token) => _registered.Remove(token);

    /// <summary>Refuses the next calls as one of the three limits of Dataverse does.</summary>
    public void ThrottleNext(int calls, DataverseLimit limit, int seconds) => Faults.Throttle(calls, limit, seconds);

    /// <summary>Answers the next calls with a status of trouble.</summary>
    public void FailNext(int calls, int status) => Faults.Fail(calls, status);

    /// <summary>Closes the connection in the middle of the next answers.</summary>
    public void CutNext(int calls) => Faults.Cut(calls);

    /// <summary>Ends the next answers in their middle as if that was all.</summary>
    public void TruncateNext(int calls) => Faults.Truncate(calls);

    /// <summary>Answered calls of a kind, without those that were refused.</summary>
    public int Calls(InsightsCall kind) => _calls.GetValueOrDefault(kind);

    /// <summary>All answered calls.</summary>
    public int Calls() => _calls.Values.Sum();

    /// <summary>The addresses of the calls, as they came, newest last; the last thousand.</summary>
    public IReadOnlyList<string> Targets => [.. _targets];

    private readonly ConcurrentQueue<string> _targets = new();

    internal void Count(InsightsCall kind) => _calls.AddOrUpdate(kind, 1, (_, n) => n + 1);

    internal void Saw(string target)
    {
        _targets.Enqueue(target);
        if (_targets.Count > 1000) _targets.TryDequeue(out _);
    }

    /// <summary>The texts of membership rows, made once for the segments in force.</summary>
    internal MembershipTexts Texts()
    {
        MembershipTexts? texts = Volatile.Read(ref _texts);
        IReadOnlyList<SimulatedSegment> segments = Segments;
        if (texts is null || texts.Segments != segments) Volatile.Write(ref _texts, texts = new MembershipTexts(segments));
        return texts;
    }
}
