using CcExport.Engine.Mapping;
using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>Plans as the objects people see: what they will do, what that takes, and when it will be done.</summary>
internal sealed class PlanViews(EngineParts parts)
{
    /// <summary>For following the jobs, where no run of the export has shown how long they take.</summary>
    private static readonly TimeSpan UsualFollowing = TimeSpan.FromSeconds(30);

    /// <summary>Calls for a look at the list before members are taken off it, and one after.</summary>
    private const int LooksOfRemoval = 6;

    /// <summary>All that wait, newest first.</summary>
    public async Task<IReadOnlyList<Plan>> ListAsync(CancellationToken ct)
    {
        List<Plan> plans = [];
        foreach (RunRecord run in await parts.Store.Runs.ListAsync(new RunQuery(Plans: true), ct).ConfigureAwait(false))
        {
            if (PlanBook.Waits(run)) plans.Add(await OfAsync(run, ct).ConfigureAwait(false));
        }
        return plans;
    }

    public async Task<Plan> OfAsync(RunRecord run, CancellationToken ct)
    {
        Sight sight = Sight.Of(run) ?? new Sight();
        ExportDefinition definition = ExportDefinition.FromJson(run.Definition);
        (SortedDictionary<string, long> reasons, long leavers) = await ReasonsAsync(run, ct).ConfigureAwait(false);
        IReadOnlyList<BatchRecord> batches = await parts.Store.Runs.GetBatchesAsync(run.Id, ct).ConfigureAwait(false);
        DateTimeOffset now = parts.Time.GetUtcNow();
        long calls = batches.Count + Limits.CallsBesideBatches + OfRemoval(sight), left = 0;
        int perDay = parts.Wire.Options.CallsPerDay;
        if (await parts.Store.Connections.FindAsync(run.ConnectionId, ct).ConfigureAwait(false) is { } connection)
        {
            CallUse use = await parts.Store.Calls.GetUseAsync(connection.ClientId, now, ct).ConfigureAwait(false);
            left = use.Left(perDay);
        }
        TimeSpan duration = await DurationAsync(run, batches.Count, ct).ConfigureAwait(false);
        return new Plan
        {
            Id = run.Id,
            Export = run.Export,
            Connection = run.Connection,
            ListId = run.ListId,
            ListName = sight.Plan?.ListName ?? run.ListId,
            Members = sight.Members,
            Mode = definition.Mode,
            IncludeLeavers = definition.IncludeLeavers,
            Read = run.Numbers.Read,
            Invalid = run.Numbers.Invalid,
            Duplicate = run.Numbers.Duplicate,
            Suppressed = run.Numbers.Suppressed,
            Leavers = leavers,
            Unchanged = run.Numbers.Unchanged,
            Adds = sight.New,
            Updates = run.Numbers.Sent - sight.New,
            Removals = sight.Removals,
            Noted = run.Numbers.Noted,
            Batches = batches.Count,
            Bytes = batches.Sum(b => (long)b.Bytes),
            Calls = calls,
            CallsLeft = left,
            Duration = duration,
            FinishesOn = FinishesOn(now, calls, left, perDay, duration),
            PlannedAt = sight.Plan?.At ?? run.StartedAt,
            ExpiresAt = (run.PlannedAt ?? run.StartedAt) + PlanBook.Life,
            Warnings = [.. Warnings(sight, calls, left)],
            Reasons = reasons,
        };
    }

    private long OfRemoval(Sight sight)
    {
        if (sight.Removals == 0) return 0;
        long members = sight.Members ?? long.MaxValue / 2;
        return LooksOfRemoval + RemovalCost.Of(RemovalCost.Cheapest(sight.Removals, members, idsKnown: false, parts.BatchRows), sight.Removals, members, parts.BatchRows);
    }

    private static IEnumerable<string> Warnings(Sight sight, long calls, long left)
    {
        foreach (GuardFinding finding in sight.Findings ?? []) yield return $"{finding.Message} Only -Force runs the plan.";
        foreach (string warning in sight.Plan?.Warnings ?? []) yield return warning;
        if (calls > left) yield return FormattableString.Invariant($"It needs up to {calls:N0} calls and its API key has {left:N0} left today. What fits is sent then, the rest after 00:00 UTC.");
    }

    private async Task<(SortedDictionary<string, long> Reasons, long Leavers)> ReasonsAsync(RunRecord run, CancellationToken ct)
    {
        var reasons = new SortedDictionary<string, long>(StringComparer.Ordinal);
        long leavers = 0;
        await foreach (RejectionRecord r in RejectionFile.ReadAsync(parts.Home, run.Id, ct).ConfigureAwait(false))
        {
            reasons[r.ReasonId] = reasons.GetValueOrDefault(r.ReasonId) + r.Count;
            if (r.ReasonId is Reasons.LeftList or Reasons.Unsubscribed) leavers += r.Count;
        }
        return (reasons, leavers);
    }

    /// <summary>By the call limit, and by how long the last run was at it that went to its end: its reading is in it, so this is rather too long.</summary>
    private async Task<TimeSpan> DurationAsync(RunRecord run, int batches, CancellationToken ct)
    {
        TimeSpan sending = TimeSpan.FromSeconds(Math.Max(0, batches - 1) / (double)Limits.CallsPerSecond);
        if (batches == 0) return TimeSpan.Zero;
        RunRecord? last = (await parts.Store.Runs.ListAsync(
            new RunQuery(run.Export, Limit: 1, WholeOnly: true, Unnamed: run.Export is null ? (run.ConnectionId, run.ListId) : null), ct).ConfigureAwait(false)).FirstOrDefault();
        if (last is not { Numbers.Sent: > 0, CompletedAt: { } ended }) return sending + UsualFollowing;
        double larger = Math.Max(1, (double)run.Numbers.Sent / last.Numbers.Sent);
        TimeSpan before = (ended - last.StartedAt) * larger;
        return TimeSpan.FromSeconds(Math.Ceiling((before > sending ? before : sending).TotalSeconds));
    }

    /// <summary>What does not fit today's calls waits for the next day's, and so on.</summary>
    internal static DateOnly FinishesOn(DateTimeOffset now, long calls, long left, int perDay, TimeSpan duration)
    {
        DateOnly today = DateOnly.FromDateTime(now.UtcDateTime), byTime = DateOnly.FromDateTime((now + duration).UtcDateTime);
        DateOnly byCalls = today.AddDays((int)Math.Min(3650, (Math.Max(0, calls - left) + perDay - 1) / perDay));
        return byCalls > byTime ? byCalls : byTime;
    }
}
