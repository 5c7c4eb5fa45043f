using CcExport.Engine;
using CcExport.Engine.Exports;
using CcExport.Engine.Store;

namespace CcExport.Model;

/// <content>Plans, undoing, and what a run names.</content>
internal sealed partial class Player
{
    private readonly Dictionary<int, Planned> _plans = [];
    // The last run of each export that has ended, and whom somebody did something to while it was at it.
    private readonly Dictionary<int, (Run Run, Plan Plan, HashSet<string> Touched)> _last = [];
    private readonly Dictionary<int, long> _undone = [];
    private readonly Dictionary<int, int> _sizes = [];
    private readonly Dictionary<int, DateTimeOffset> _runs = [];

    /// <summary>A plan that was made, and what it said.</summary>
    private sealed record Planned(long Id, Plan Plan, Engine.Exports.Plan Said, int BatchSize)
    {
        public bool Used { get; set; }
    }

    // Changed and changed back is as it was.
    private int BatchSizeOf(int export) => _sizes.TryGetValue(export, out int size) ? size : setup.Exports[export].BatchSize;

    private async Task PlanAsync(Act act)
    {
        Plan must = _account.PlanOf(act);
        Engine.Exports.Plan said;
        try
        {
            said = await world.Engine.PlanAsync(new RunRequest
            {
                ExportName = setup.Exports[act.Export].Name,
                Full = act.Full,
                IncludeLeavers = act.IncludeLeavers,
                TakeOwnership = act.TakeOwnership,
                Force = true,
            }, world.Listener, default);
        }
        catch (CcException e)
        {
            tally.Refused(e.ErrorId);
            // The day's calls may have been used up by what came before.
            if (e.ErrorId == "QuotaExceeded" || (e.ErrorId == "RunNotEnded" && _open.ContainsKey(act.Export))) return;
            throw new DivergenceException($"No plan was made: {e.ErrorId}.");
        }
        if (_open.ContainsKey(act.Export)) throw new DivergenceException($"Plan {said.Id} was made although a run is open.");
        tally.Planned();
        CheckPlan(said, must);
        Looked(must);
        _plans[act.Export] = new Planned(said.Id, must, said, BatchSizeOf(act.Export));
    }

    private void CheckPlan(Engine.Exports.Plan said, Plan must)
    {
        int open = must.Open.Count, heldOut = must.Left.Count + must.Unsubscribed.Count, size = said.Batches == 0 ? 1 : (int)((said.Adds + said.Updates + said.Batches - 1) / said.Batches);
        Is("read", said.Read, must.Read);
        Is("invalid", said.Invalid, must.Invalid);
        Is("duplicate", said.Duplicate, must.Duplicate);
        Is("suppressed", said.Suppressed, heldOut, open);
        Is("leavers", said.Leavers, heldOut, open);
        Is("unchanged", said.Unchanged, must.Unchanged.Count, open);
        Is("adds", said.Adds, must.Sent.Keys.Count(e => !must.Members.Contains(e)), open);
        Is("updates", said.Updates, must.Sent.Keys.Count(must.Members.Contains), open);
        Is("removals", said.Removals, must.Removed.Count, must.MaybeRemoved.Count);
        Is("members", said.Members ?? -1, must.Members.Count);
        Is("noted", said.Noted, must.Sent.Values.Sum(s => s.Noted), must.Open.Values.Sum(s => s.Noted));
        Is("fates", said.Invalid + said.Duplicate + said.Suppressed + said.Unchanged + said.Adds + said.Updates, said.Read);
        Is("reasons", said.Reasons.Values.Sum(), said.Invalid + said.Duplicate + said.Suppressed + said.Noted);
        // Batches are of different sizes, so that a lost job is known again; of at least half the size, but for the last.
        if (size > 12 || said.Batches > (2 * (said.Adds + said.Updates)) || (said.Batches == 0) != (said.Adds + said.Updates == 0))
            throw new DivergenceException($"Plan {said.Id} says {said.Batches} batches of {said.Adds + said.Updates} contacts.");

        void Is(string name, long number, long least, int more = 0)
        {
            if (number < least || number > least + more) throw new DivergenceException($"Plan {said.Id} of {setup.Exports[must.Export].Name} says {number} {name}; must be {least} (or {more} more).");
        }
    }

    private async Task RunPlanAsync(Act act)
    {
        if (!_plans.TryGetValue(act.Export, out Planned? planned)) return;
        int list = setup.Exports[act.Export].List;
        bool others = _runs.TryGetValue(list, out DateTimeOffset ran) && ran > planned.Said.PlannedAt;
        HashSet<string> members = [.. _account.People.Where(p => p.Value.Lists.Contains(list)).Select(p => p.Key)];
        string? must = planned.Used ? "PlanUsed"
            : world.Clock.GetUtcNow() - planned.Said.PlannedAt >= TimeSpan.FromDays(1) ? "PlanTooOld"
            : _open.ContainsKey(act.Export) ? "RunNotEnded"
            : BatchSizeOf(act.Export) != planned.BatchSize ? "PlanDefinitionMoved"
            : !members.SetEquals(planned.Plan.Members) ? "PlanListMoved" : null;
        List<HashSet<string>> leavers = Leavers();
        string? refused = await GoAsync(act, setup.Exports[act.Export].Name, planned.Id);
        Run run = await world.Engine.GetRunAsync(planned.Id, default) ?? throw new DivergenceException($"Plan {planned.Id} is gone.");
        bool went = !planned.Used && run.Status is not (RunStatus.Queued or RunStatus.Canceled or RunStatus.Failed) || (run is { Sealed: true, Sent: > 0 } && run.Status is RunStatus.Failed);
        ReadLog(leavers, act.Export, [planned.Plan]);
        tally.RanPlan(went);
        if (must is not null && (went || (!act.IsTroubled && refused != must && refused != "QuotaExceeded")))
            throw new DivergenceException($"Plan {planned.Id} {(went ? "went" : $"was refused with {refused}")}; must be refused with {must}.");
        if (!went)
        {
            if (must is null && !act.IsTroubled && refused != "QuotaExceeded" && !(others && refused == "PlanListMoved"))
                throw new DivergenceException($"Plan {planned.Id} was refused with {refused}, and nothing has moved.");
            return;
        }
        planned.Used = true;
        Plan plan = planned.Plan;
        plan.IsTroubled = act.IsTroubled;
        // What happened before it went, it has seen; and what people are now is what it finds.
        plan.Touched.Clear();
        plan.Before.Clear();
        foreach (string email in plan.Keys.Keys)
        {
            if (_account.People.TryGetValue(email, out Person? person)) plan.Before[email] = person.Copy();
        }
        await JudgeAsync(run, plan);
        if (!act.IsTroubled && run.CompletedAt is not null && (run.Sent, run.Removed) != (planned.Said.Adds + planned.Said.Updates, planned.Said.Removals))
            throw new DivergenceException($"Plan {planned.Id} said {planned.Said.Adds + planned.Said.Updates} sent and {planned.Said.Removals} removed; it came to {run.Sent} and {run.Removed}.");
    }

    /// <summary>Of the last run; again where it was undone already.</summary>
    private async Task UndoAsync(Act act)
    {
        string name = setup.Exports[act.Export].Name;
        if (!_last.TryGetValue(act.Export, out (Run Run, Plan Plan, HashSet<string> Touched) last))
        {
            if (!_undone.TryGetValue(act.Export, out long already)) return;
            string? again = await GoAsync(new Act(act.Export, Call.Undo), name, already);
            if (again != "UndoneAlready") throw new DivergenceException($"Run {already} was undone, and undoing it again is answered with {again ?? "nothing"}.");
            return;
        }
        Plan plan = _account.UndoOf(act, last.Plan, last.Touched);
        plan.IsTroubled = act.IsTroubled;
        List<HashSet<string>> leavers = Leavers();
        string? refused = await GoAsync(act, name, last.Run.Id);
        ReadLog(leavers, act.Export, [plan]);
        Run? run = (await world.Engine.GetRunsAsync(name, 1, default)).FirstOrDefault();
        if (run is { Trigger: "Undo" } && run.Id > last.Run.Id)
        {
            tally.Undone(true);
            await JudgeAsync(run, plan);
            bool exact = run.Sealed && run.CompletedAt is not null && !act.IsTroubled && !last.Plan.IsTroubled && last.Touched.Count == 0;
            if (exact && run.Read != last.Run.Sent) throw new DivergenceException($"Run {run.Id} undoes {last.Run.Sent} contacts, and says it read {run.Read}.");
            if (exact && plan.Undoes!.Values.All(u => u.Certain) && run.Sent != plan.Undoes.Values.Count(u => u.Values.Count > 0))
                throw new DivergenceException($"Run {run.Id} puts back values of {run.Sent}; must be {plan.Undoes.Values.Count(u => u.Values.Count > 0)}.");
            return;
        }
        tally.Undone(false);
        if (refused is null && !act.IsTroubled) throw new DivergenceException($"Run {last.Run.Id} was not undone, and nothing is said.");
        if (act.IsTroubled || refused is "UndoNotPossible" or "QuotaExceeded") return;
        throw new DivergenceException($"Run {last.Run.Id} cannot be undone: {refused}.");
    }

    private void JudgeUndo(Run run, Plan plan, int list, string what)
    {
        bool over = run.Status is RunStatus.Completed or RunStatus.CompletedWithErrors;
        foreach ((string email, Undoing undoing) in plan.Undoes!)
        {
            if (!_account.People.TryGetValue(email, out Person? before)) continue;
            Person now = Truth(email) ?? throw new DivergenceException($"{email} is gone after {what}.");
            Person valued = Put(before, undoing.Values, null), off = Put(before, undoing.Values, undoing.Leaves ? list : null);
            bool not = before.Is(now), must = over && undoing.Certain && !plan.Touched.Contains(email) && !plan.SaidNotRemoved && (!plan.IsTroubled || run.Status == RunStatus.Completed);
            if (!not && !run.Sealed) throw new DivergenceException($"{email} was changed, and {what} has done nothing.");
            bool fits = undoing.Certain && !plan.Touched.Contains(email)
                ? off.Is(now) || (!must && (not || valued.Is(now) || (undoing.Leaves && Put(before, new Dictionary<string, string>(), list).Is(now))))
                : now.Unsubscribed == before.Unsubscribed && now.Lists.IsSubsetOf(before.Lists) && before.Lists.Except(now.Lists).All(l => l == list);
            if (!fits) throw new DivergenceException($"{email} after {what} is {now}, must be {off}{(must ? "" : $" or {before}")}.");
            if (not) continue;
            foreach (Plan other in AllBut(plan)) other.Touched.Add(email);
            _account.People[email] = now;
            if (over || !undoing.Leaves || now.Lists.Contains(list)) continue;
            // Whom an undo took off has not left; whether it came to writing that down before it died, only its end tells.
            _account.Doubt(plan.Export, email);
        }
        bool whole = RemovalIsWhole(run, plan, over, plan.SaidNotRemoved, what);
        if (!Over(run, plan, what)) return;
        if (run.Read != run.Suppressed + run.Unchanged + run.Sent) throw new DivergenceException($"The balance of {what} does not close.");
        if (over) _undone[plan.Export] = _last.TryGetValue(plan.Export, out var last) ? last.Run.Id : _undone.GetValueOrDefault(plan.Export);
        _last.Remove(plan.Export);
        RememberUndo(plan, over && run is { Unaccounted: 0, Refused: 0 } && !plan.IsTroubled);
        RememberRemoval(plan, whole);
    }

    private static Person Put(Person before, IReadOnlyDictionary<string, string> values, int? list)
    {
        Person after = before.Copy();
        foreach ((string field, string value) in values) after.Values[field] = value;
        if (list is { } left) after.Lists.Remove(left);
        return after;
    }

    /// <summary>What people have now is nothing that the export sent: in the modes that send what has changed they are sent again.</summary>
    private void RememberUndo(Plan plan, bool clean)
    {
        foreach ((string email, Undoing undoing) in plan.Undoes!)
        {
            if (undoing.Certain && undoing.IsNothing && !plan.Touched.Contains(email)) continue;
            if (clean && undoing.Certain && !plan.Touched.Contains(email))
            {
                if (undoing.Values.Count == 0) continue;
                _account.Ours[plan.Export].Add(email);
                _account.Last[plan.Export][email] = "";
                continue;
            }
            _account.Doubt(plan.Export, email);
            _account.MaybeOurs[plan.Export].Add(email);
            _account.Last[plan.Export][email] = null;
        }
    }

    /// <summary>What a run names is what it counts.</summary>
    private async Task JudgeRejectionsAsync(Run run, Plan plan, string what)
    {
        Dictionary<string, long> kinds = [];
        List<(string Reason, string? Key)> heldOut = [];
        List<string?> refused = [];
        await foreach (Rejection rejection in world.Engine.GetRejectionsAsync(run.Id, default))
        {
            if (rejection.Reason == "NotRemoved")
            {
                plan.SaidNotRemoved = true;
                continue;
            }
            kinds[rejection.Kind] = kinds.GetValueOrDefault(rejection.Kind) + rejection.Count;
            if (rejection.Kind == "Suppressed") heldOut.Add((rejection.Reason, rejection.SourceKey));
            if (rejection.Reason == "RefusedByService" && rejection.Row > 0) refused.Add(rejection.SourceKey);
        }
        Is("Invalid", run.Invalid);
        Is("Duplicate", run.Duplicate);
        Is("Suppressed", run.Suppressed);
        Is("Refused", run.Refused);
        Is("Unaccounted", run.Unaccounted);
        Is("Noted", run.Noted);
        if (plan.Undoes is not null) return;
        if (refused.FirstOrDefault(k => !plan.Sent.Concat(plan.Open).Any(s => s.Value.Key == k && Account.IsRefused(s.Key))) is { } wrong) throw new DivergenceException($"{what} says that {wrong} was refused.");
        if (plan.Open.Count > 0 || run.Suppressed != plan.Left.Count + plan.Unsubscribed.Count) return;
        if (plan.Left.Any(e => _account.People.TryGetValue(e, out Person? person) && person.Unsubscribed)) return;
        IEnumerable<(string, string?)> must = plan.Left.Select(e => ("LeftList", (string?)plan.Keys[e])).Concat(plan.Unsubscribed.Select(e => ("Unsubscribed", (string?)plan.Keys[e])));
        if (!heldOut.Order().SequenceEqual(must.Order())) throw new DivergenceException($"{what} holds out {string.Join(", ", heldOut.Order())}; must be {string.Join(", ", must.Order())}.");

        void Is(string kind, long number)
        {
            if (kinds.GetValueOrDefault(kind) != number) throw new DivergenceException($"{what} says {number} {kind}, and names {kinds.GetValueOrDefault(kind)}.");
        }
    }
}
