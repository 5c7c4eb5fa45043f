using System.Globalization;
using CcExport.Simulator;

namespace CcExport.Chaos;

/// <summary>One kill: at a step, or some time after the host's start or after the service has taken so many imports from it.</summary>
internal sealed record PlannedKill(KillPlan? Step, TimeSpan? After, int Imports = 0)
{
    public override string ToString() => Step?.ToString()
        ?? string.Create(CultureInfo.InvariantCulture, $"{After!.Value.TotalMilliseconds:F0} ms after {(Imports > 0 ? $"import {Imports}" : "the start")}");
}

/// <summary>What is done to one run, all of it from its seed: the kills in their order, the faults, and when access tokens end.</summary>
internal sealed record RunPlan
{
    public required int Index { get; init; }
    public required int Seed { get; init; }
    public required IReadOnlyList<PlannedKill> Kills { get; init; }
    public required IReadOnlyList<FaultRule> Faults { get; init; }
    /// <summary>For the n-th host: how long after its start all access tokens end.</summary>
    public required IReadOnlyList<TimeSpan?> Expiries { get; init; }

    /// <summary>Some of its jobs end without completing; see <see cref="EndsOfImports"/>.</summary>
    public required bool JobsFail { get; init; }
    /// <summary>The list is read back at the end.</summary>
    public required bool Verify { get; init; }

    private const string Import = "contacts_json_import";

    public static RunPlan Make(int index, int seed, int mostKills = 4)
    {
        int own = Mix(seed, index);
        var chance = new Random(own);
        List<FaultRule> faults = [];
        for (int left = chance.Next(10) switch { < 3 => 0, < 7 => 1, < 9 => 2, _ => 3 }; left > 0; left--) faults.Add(Fault(chance));
        List<TimeSpan?> expiries = [];
        for (int host = 0; host < 8; host++) expiries.Add(chance.NextDouble() < 0.2 ? TimeSpan.FromMilliseconds(chance.Next(500, 5000)) : null);
        KillPlan turn = KillPlan.Of(index, chance);
        bool jobsFail = turn.Step == "Settled" || chance.Next(4) == 0, verify = turn.Step == "Revised" || chance.Next(5) == 0;
        return new RunPlan
        {
            Index = index,
            Seed = own,
            Kills = MakeKills(turn, [.. KillPlan.Steps.Where(s => (s != "Settled" || jobsFail) && (s != "Revised" || verify))], mostKills, chance),
            Faults = faults,
            Expiries = expiries,
            JobsFail = jobsFail,
            Verify = verify,
        };
    }

    /// <summary>
    /// How the run's imports end, in the order in which the service takes them: of the first round a third do not complete, but never all;
    /// of those that go once more the first fails now and then too, so that its contacts are refused for good.
    /// </summary>
    public JobOutcome[] EndsOfImports(int batches)
    {
        if (!JobsFail) return [];
        var chance = new Random(Mix(Seed, batches));
        JobOutcome[] bad = [JobOutcome.Failed, JobOutcome.TimedOut, JobOutcome.Cancelled, JobOutcome.PartialFailure, JobOutcome.PartialFailure];
        JobOutcome Bad() => bad[chance.Next(bad.Length)];
        List<JobOutcome> ends = [.. Enumerable.Range(0, batches).Select(_ => chance.Next(3) == 0 ? Bad() : JobOutcome.Completed)];
        ends[chance.Next(batches)] = Bad();
        if (!ends.Contains(JobOutcome.Completed)) ends[0] = JobOutcome.Completed;
        if (chance.Next(3) == 0) ends.Add(Bad());
        return [.. ends];
    }

    /// <summary>Every run dies at one step by turns, so that each gets its share; most die some times more.</summary>
    private static List<PlannedKill> MakeKills(KillPlan turn, string[] steps, int most, Random chance)
    {
        List<KillPlan> early = [], late = [];
        List<PlannedKill> timed = [];
        for (int more = Math.Min(most - 1, chance.Next(20) switch { < 5 => 0, < 12 => 1, < 17 => 2, _ => 3 }); more > 0; more--)
        {
            if (chance.Next(2) == 0) timed.Add(new PlannedKill(null, TimeSpan.FromMilliseconds(chance.Next(300, 8000))));
            else if (KillPlan.Of(steps, chance.Next(2 * steps.Length), chance) is { } step) (step.Phase < turn.Phase && step.Phase < Sending ? early : late).Add(step);
        }
        List<PlannedKill> kills = [.. early.OrderBy(k => k.Phase).Select(k => new PlannedKill(k, null))];
        // A death by the clock first only where it cannot pass the step whose turn it is.
        if (turn.Phase >= Sending && timed.Count > 0 && chance.Next(3) == 0)
        {
            kills.Add(timed[0] with { After = timed[0].After / 3 });
            timed.RemoveAt(0);
        }
        kills.Add(new PlannedKill(turn, null));
        kills.AddRange(timed);
        kills.AddRange(late.OrderBy(k => k.Phase).Select(k => new PlannedKill(k, null)));
        return kills;
    }

    private static int Sending => Array.IndexOf(KillPlan.Steps, "Sending");

    /// <summary>The same run at full size, where only the clock and the imports taken tell when to kill, and the imports are some more.</summary>
    /// <param name="length">About how long a host takes to send all.</param>
    public static RunPlan MakeLarge(int index, int seed, TimeSpan length, int imports)
    {
        RunPlan plan = Make(index, seed);
        var chance = new Random(Mix(plan.Seed, index));
        List<PlannedKill> kills = [];
        for (int left = chance.Next(1, 5); left > 0; left--)
        {
            kills.Add(chance.Next(2) == 0
                ? new PlannedKill(null, TimeSpan.FromMilliseconds(chance.Next(500, (int)length.TotalMilliseconds)))
                : new PlannedKill(null, TimeSpan.FromMilliseconds(chance.Next(1500)), chance.Next(1, (imports * 2 / 3) + 2)));
        }
        List<FaultRule> faults = [];
        for (int left = chance.Next(1, 6); left > 0; left--) faults.Add(Fault(chance, imports));
        return plan with { Kills = kills, Faults = faults };
    }

    private static FaultRule Fault(Random chance, int imports = 7)
    {
        bool read = chance.Next(4) == 0;
        (FaultKind kind, int? status, int delay, int count) = chance.Next(read ? 4 : 8) switch
        {
            0 => (FaultKind.Status, chance.Next(3) switch { 0 => 500, 1 => 503, _ => 504 }, 0, 1),
            1 => (FaultKind.Html, (int?)null, 0, 1),
            2 => (FaultKind.Drop, null, 0, 1),
            3 => (FaultKind.Throttle, null, 0, chance.Next(1, 4)),
            4 or 5 => (FaultKind.ProcessThenDrop, null, 0, 1),
            6 => (FaultKind.ProcessThenStatus, 500 + chance.Next(4), 0, 1),
            _ => (FaultKind.Delay, null, chance.Next(100, 1500), chance.Next(1, 4)),
        };
        return new FaultRule
        {
            Match = new FaultMatch { Method = read ? "GET" : "POST", Path = read ? "/v3/" : Import, Nth = chance.Next(1, read ? 12 : imports + 1), Count = count },
            Effect = new FaultEffect { Kind = kind, Status = status, DelayMs = delay },
        };
    }

    /// <summary>What must happen at the service so that a host comes to the step at all.</summary>
    public static void Provoke(KillPlan kill, Simulation service)
    {
        FaultKind? kind = kill.Step switch { "InDoubt" => FaultKind.ProcessThenDrop, "NotSent" => FaultKind.Drop, _ => null };
        if (kind is { } lost)
            service.AddFault(new FaultRule { Match = new FaultMatch { Method = "POST", Path = Import, Nth = 1 }, Effect = new FaultEffect { Kind = lost } });
        if (kill.Step == "SaveSecrets") service.ExpireAccessTokens();
    }

    /// <summary>Seeds of neighbours have nothing in common.</summary>
    private static int Mix(int seed, int index)
    {
        ulong z = ((ulong)(uint)seed << 32) + (uint)index + 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return (int)((z ^ (z >> 31)) & 0x7FFFFFFF);
    }
}
