using CcExport.Engine;
using CcExport.Engine.Exports;
using CcExport.Engine.Store;
using CcExport.Simulator;

namespace CcExport.Model;

/// <summary>What the service holds, or the run says, is not what the model says.</summary>
internal sealed class DivergenceException(string what) : Exception(what);

/// <summary>Plays a history on a real engine and the simulated service, and holds each of its steps against the model.</summary>
internal sealed partial class Player(World world, Setup setup, Tally tally)
{
    private const string EndOfDay = """{"error_key":"quota_exceeded","error_message":"Limit Exceeded"}""";

    private readonly Account _account = Begin(setup);
    private readonly Dictionary<int, (long Run, Plan Plan)> _open = [];
    private readonly Dictionary<int, (long Run, Plan Plan)> _ended = [];
    // By export: whom its imports put on its list, and who of them has left since without a look of its own.
    private readonly List<HashSet<string>> _put = [.. setup.Exports.Select(_ => new HashSet<string>())];
    private readonly List<HashSet<string>> _away = [.. setup.Exports.Select(_ => new HashSet<string>())];
    private int _logged;

    private static Account Begin(Setup setup)
    {
        var account = new Account(setup);
        foreach (string one in World.Crowd(setup)) account.People.Add(one, new Person { Lists = { 0 } });
        return account;
    }

    /// <returns>What diverged, after how many steps; null: nothing did.</returns>
    public static async Task<(string What, int Steps)?> PlayAsync(History history, Tally tally)
    {
        World world = await World.StartAsync(history.Setup);
        await using (world)
        {
            int played = 0;
            try
            {
                var player = new Player(world, history.Setup, tally);
                for (; played < history.Steps.Count; played++) await player.TakeAsync(history.Steps[played]);
                await player.EndAsync();
                return null;
            }
            catch (DivergenceException e)
            {
                return (e.Message, Math.Min(played + 1, history.Steps.Count));
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                return ($"It broke: {e}", Math.Min(played + 1, history.Steps.Count));
            }
            finally
            {
                tally.Add(world.Listener.Ways);
            }
        }
    }

    private async Task TakeAsync(Step step)
    {
        if (!setup.Hurried) world.Clock.Add(TimeSpan.FromMinutes(3));
        switch (step)
        {
            case WriteSegment segment:
                world.WriteSegment(segment.Export, segment.Rows);
                _account.Write(segment.Export, segment.Rows);
                break;
            case Product product:
                if (!_account.Do(product)) break;
                foreach (Plan plan in AllBut(null)) plan.Touched.UnionWith([product.Email, product.Text]);
                Do(product);
                ReadLog(null, null, []);
                break;
            case Redefine change:
                await world.Engine.SetExportAsync(new ExportChange { Name = setup.Exports[change.Export].Name, BatchSize = change.BatchSize }, default);
                _sizes[change.Export] = change.BatchSize;
                break;
            case Pass pass:
                world.Clock.Add(pass.Time);
                break;
            case Act act:
                await ActAsync(act);
                break;
        }
        Compare(null);
    }

    private void Do(Product p)
    {
        switch (p.Deed)
        {
            case Deed.Leave: world.Service.LeaveList(p.Email, world.ListIds[p.List]); break;
            case Deed.Join: world.Service.JoinList(p.Email, world.ListIds[p.List]); break;
            case Deed.Unsubscribe: world.Service.Unsubscribe(p.Email); break;
            case Deed.Resubscribe: world.Service.Resubscribe(p.Email); break;
            case Deed.Delete: world.Service.DeleteContact(p.Email); break;
            case Deed.Rename: world.Service.EditContact(p.Email, new Dictionary<string, string> { ["email"] = p.Text }); break;
            case Deed.Edit: world.Service.EditContact(p.Email, new Dictionary<string, string> { ["first_name"] = p.Text }); break;
            default:
                world.Service.AddContact(p.Email, "implicit", p.List < 0 ? [] : [world.ListIds[p.List]],
                    p.Text.Length is > 0 and < 50 ? new Dictionary<string, string> { ["first_name"] = p.Text } : null);
                break;
        }
    }

    /// <summary>At the end all that is open is brought to its end, and each export runs once more, without any trouble.</summary>
    private async Task EndAsync()
    {
        for (int export = 0; export < setup.Exports.Count; export++)
        {
            for (int i = 0; i < 3 && _open.ContainsKey(export); i++)
            {
                world.Clock.Add(TimeSpan.FromHours(25));
                await ActAsync(new Act(export, Call.Invoke));
            }
            if (_open.ContainsKey(export)) throw new DivergenceException($"A run of export {export} does not come to its end.");
            world.Clock.Add(TimeSpan.FromHours(25));
            await ActAsync(new Act(export, Call.Invoke));
            Run? last = (await world.Engine.GetRunsAsync(setup.Exports[export].Name, 1, default)).FirstOrDefault();
            if (last?.Status is not (RunStatus.Completed or RunStatus.CompletedWithErrors)) throw new DivergenceException($"The last run of export {export} is {last?.Status}: {last?.Message}");
        }
    }

    private async Task ActAsync(Act act)
    {
        string name = setup.Exports[act.Export].Name;
        if (act.Call is Call.Plan)
        {
            await PlanAsync(act);
            return;
        }
        if (act.Call is Call.RunPlan)
        {
            await RunPlanAsync(act);
            return;
        }
        if (act.Call is Call.Undo && !_open.ContainsKey(act.Export))
        {
            await UndoAsync(act);
            return;
        }
        bool goesOn = _open.TryGetValue(act.Export, out (long Run, Plan Plan) open);
        // A run that has ended with something open may be opened again.
        if (!goesOn && act.Call == Call.Resume) goesOn = _ended.TryGetValue(act.Export, out open);
        if (!goesOn && act.Call != Call.Invoke) return;
        // The engine takes a look at the list for good that is less than a quarter of an hour old.
        if (goesOn) world.Clock.Add(TimeSpan.FromMinutes(16));
        // A run that is given up for a new one sends nothing more: what is open of it is so before the new one begins.
        if (goesOn && act.Fresh)
        {
            if (open.Plan.Undoes is not null) RememberUndo(open.Plan, false);
            else Remember(open.Plan, setup.Exports[act.Export].List, false, false);
            RememberRemoval(open.Plan, false);
        }
        Plan fresh = _account.PlanOf(act);
        if (goesOn)
        {
            open.Plan.IsTroubled |= act.IsTroubled;
            open.Plan.WentOn = true;
        }
        fresh.IsTroubled = act.IsTroubled;
        long before = (await world.Engine.GetRunsAsync(name, 1, default)) is [{ } newest, ..] ? newest.Id : 0;
        List<HashSet<string>> leavers = Leavers();
        await GoAsync(act, name, goesOn ? open.Run : 0);

        IReadOnlyList<Run> runs = await world.Engine.GetRunsAsync(name, null, default);
        ReadLog(leavers, act.Export, goesOn ? [open.Plan, fresh] : [fresh]);
        List<Run> begun = [.. runs.Where(r => r.Id > before).Reverse()];
        if (goesOn && runs.FirstOrDefault(r => r.Id == open.Run) is { } first)
        {
            if (begun.Count == 0) await JudgeAsync(first, open.Plan);
            else if (open.Plan.Undoes is null) Numbers(first, open.Plan, $"run {first.Id} of {name}, given up");
        }
        foreach (Run run in begun) await JudgeAsync(run, fresh);
    }

    /// <param name="run">What it is about: the run, or the plan; 0: a new run.</param>
    /// <returns>The id of what it was refused with; null: it was not.</returns>
    private async Task<string?> GoAsync(Act act, string name, long run)
    {
        string? refused = null;
        using var stop = new CancellationTokenSource();
        world.Store.Arm(act.DieAt, act.CancelAt, stop.Cancel);
        foreach (Trouble trouble in act.Troubles) world.Service.AddFault(RuleOf(trouble));
        world.Service.PlanImports([.. act.Jobs]);
        world.Service.PlanJobs([.. act.FirstJobs]);
        try
        {
            _ = act.Call switch
            {
                Call.Resume => await world.Engine.ResumeAsync(new ResumeRequest { RunId = run, Verify = act.Verify, SendInDoubt = act.SendInDoubt }, world.Listener, stop.Token),
                Call.Stop => await world.Engine.StopAsync(run, world.Listener, stop.Token),
                Call.Undo => await world.Engine.UndoAsync(run, new RunWaits(), world.Listener, stop.Token),
                Call.RunPlan => await world.Engine.InvokeAsync(new RunRequest { PlanId = run, Verify = act.Verify, Force = true }, world.Listener, stop.Token),
                _ => await world.Engine.InvokeAsync(new RunRequest
                {
                    ExportName = name,
                    Full = act.Full,
                    IncludeLeavers = act.IncludeLeavers,
                    TakeOwnership = act.TakeOwnership,
                    Verify = act.Verify,
                    Fresh = act.Fresh,
                    // Lists this small change by halves; the guard has tests of its own.
                    Force = true,
                }, world.Listener, stop.Token),
            };
        }
        catch (CcException e)
        {
            refused = e.ErrorId;
            tally.Refused(refused == "UndoNotPossible" ? $"{refused} ({e.Message[(e.Message.IndexOf(':', StringComparison.Ordinal) + 2)..].TrimEnd('.')})" : refused);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            tally.Canceled();
        }
        catch (Exception) when (world.Store.Dead)
        {
            tally.Died();
        }
        world.Service.ClearFaults();
        // What was not needed is done by nobody.
        world.Service.DropPlannedJobs();
        if (world.Store.Dead) await world.DieAsync();
        else world.Store.Arm(0, 0, () => { });
        return refused;
    }

    /// <summary>By list, who has left it; whom a run that is not at its end has taken off has not.</summary>
    private List<HashSet<string>> Leavers()
        => [.. Enumerable.Range(0, setup.Lists).Select(list => _account.Leavers(list).Except(_open.Values.Where(o => setup.Exports[o.Plan.Export].List == list).SelectMany(o => o.Plan.Gone)).ToHashSet())];

    /// <summary>What other commands are at, or may yet be.</summary>
    private IEnumerable<Plan> AllBut(Plan? one) => _open.Values.Concat(_ended.Values).Select(o => o.Plan).Concat(_plans.Values.Select(p => p.Plan)).Where(p => p != one);

    private static FaultRule RuleOf(Trouble t) => new()
    {
        Match = new FaultMatch { Path = t.Path, Nth = t.Nth, Count = t.Count },
        Effect = t.Kind switch
        {
            TroubleKind.LostAnswer => new FaultEffect { Kind = FaultKind.ProcessThenDrop },
            TroubleKind.Lost => new FaultEffect { Kind = FaultKind.Drop },
            TroubleKind.FailsAfterWork => new FaultEffect { Kind = FaultKind.ProcessThenStatus },
            TroubleKind.Throttled => new FaultEffect { Kind = FaultKind.Throttle },
            TroubleKind.DayEnded => new FaultEffect { Kind = FaultKind.Status, Status = 429, Body = EndOfDay },
            _ => new FaultEffect { Kind = FaultKind.Status, Status = 503 },
        },
    };

    /// <summary>Holds a run, ended or not, against its plan, and takes what the service did of it into the model.</summary>
    private async Task JudgeAsync(Run run, Plan plan)
    {
        bool ended = run.CompletedAt is not null;
        string what = $"run {run.Id} of {run.Export} ({run.Status})";
        int list = setup.Exports[plan.Export].List;
        bool began = run.Sealed;
        // Undoing looks as well, but keeps nothing of it.
        if (began && plan.Undoes is null) Looked(plan);
        if (ended && began)
        {
            if (plan.Undoes is null) Numbers(run, plan, what);
            await JudgeRejectionsAsync(run, plan, what);
        }
        if (plan.Undoes is not null)
        {
            JudgeUndo(run, plan, list, what);
            return;
        }
        // Of the service's own refusals the model knows as well.
        bool clean = ended && run.Status is RunStatus.Completed or RunStatus.CompletedWithErrors && run.Unaccounted == 0
            && run.Refused == plan.Sent.Keys.Count(Account.IsRefused) && !plan.Open.Keys.Any(Account.IsRefused);
        foreach ((string email, Sending sending) in plan.Sent.Concat(plan.Open))
        {
            Person? now = Truth(email), before = _account.People.GetValueOrDefault(email), after = Account.After(before, sending, list);
            bool did = after.Is(now) && !(Account.IsRefused(email) && !after.Is(before)), not = before is null ? now is null : before.Is(now);
            if (!did && !not) throw new DivergenceException($"{email} in {what}: is {now?.ToString() ?? "unknown"}, must be {after} or, not sent, {before?.ToString() ?? "unknown"}.");
            if (!began && !not) throw new DivergenceException($"{email} was sent, and {what} has sent nothing.");
            bool must = ended && clean && plan.Sent.ContainsKey(email) && !plan.Touched.Contains(email) && !Account.IsRefused(email);
            if (must && !did) throw new DivergenceException($"{email} in {what}: is {now?.ToString() ?? "unknown"}, must be {after}.");
            // Whom another export has had accepted meanwhile is not taken off by one that stood still, be she changed by it or not.
            foreach (Plan other in AllBut(plan).Where(o => did && (!not || o.Removed.Contains(email) || o.MaybeRemoved.Contains(email)))) other.Touched.Add(email);
            if (now is not null) _account.People[email] = now;
        }
        bool removed = JudgeRemoval(run, plan, list, what);
        if (!Over(run, plan, what)) return;
        if (run.Status == RunStatus.CompletedWithErrors) _ended[plan.Export] = (run.Id, plan);
        _last[plan.Export] = (run, plan, [.. plan.Touched]);
        // What the engine reads back to know who it was may have failed.
        bool unnamed = run.Refused > setup.ErrorLines;
        Remember(plan, list, clean && !(plan.IsTroubled && (unnamed || run.OptedOut > 0)), unnamed);
        RememberRemoval(plan, removed);
    }

    /// <summary>Who was not there when the list was looked at is not there because of this export.</summary>
    private void Looked(Plan plan)
    {
        if (plan.Begun) return;
        plan.Begun = true;
        _account.MaybeOwned[plan.Export].IntersectWith(plan.Members);
        _away[plan.Export].IntersectWith(plan.Members);
    }

    /// <summary>What is the same of every run; false when nothing of it is to be remembered yet.</summary>
    private bool Over(Run run, Plan plan, string what)
    {
        Compare(what);
        if (run.Sealed) _runs[setup.Exports[plan.Export].List] = world.Clock.GetUtcNow();
        if (run.CompletedAt is null)
        {
            if (run.Sealed) _open[plan.Export] = (run.Id, plan);
            // It may have died right before its end, when all was remembered already.
            if (run.Sealed) _account.MaybeOurs[plan.Export].UnionWith(plan.Sent.Keys.Concat(plan.Open.Keys).Where(e => !_account.Ours[plan.Export].Contains(e)));
            return false;
        }
        _open.Remove(plan.Export);
        _ended.Remove(plan.Export);
        tally.Run(run.Status);
        return run.Sealed;
    }

    /// <returns>All has gone as planned, and is remembered so.</returns>
    private bool JudgeRemoval(Run run, Plan plan, int list, string what)
    {
        bool over = run.Status is RunStatus.Completed or RunStatus.CompletedWithErrors, said = plan.SaidNotRemoved;
        foreach (string email in plan.Removed.Concat(plan.MaybeRemoved))
        {
            if (!_account.IsOn(email, list)) continue;
            Person before = _account.People[email], after = before.Copy();
            after.Lists.Remove(list);
            Person? now = Truth(email);
            bool did = after.Is(now);
            if (!did && !before.Is(now)) throw new DivergenceException($"{email} in {what}: is {now?.ToString() ?? "unknown"}, must be {after} or {before}.");
            if (did && !run.Sealed) throw new DivergenceException($"{email} was taken off, and {what} has done nothing.");
            if (!did && over && !said && plan.Removed.Contains(email) && !plan.Touched.Contains(email)) throw new DivergenceException($"{email} was to leave list {list} in {what}, and nothing is said of her staying.");
            if (!did) continue;
            foreach (Plan other in AllBut(plan)) other.Touched.Add(email);
            _account.People[email] = now!;
            // Whether it came to writing down that she is no leaver before it died, only its end tells.
            if (!over) _account.Doubt(plan.Export, email);
        }
        return RemovalIsWhole(run, plan, over, said, what);
    }

    private static bool RemovalIsWhole(Run run, Plan plan, bool over, bool said, string what)
    {
        if (!over) return false;
        int may = plan.Removed.Concat(plan.MaybeRemoved).Count(plan.Touched.Contains), open = plan.MaybeRemoved.Count;
        if (run.Removed > plan.Removed.Count + open || run.Removed < plan.Gone.Count - may || (!said && run.Removed > plan.Gone.Count + may))
            throw new DivergenceException($"{what} says {run.Removed} taken off; {plan.Gone.Count} were.");
        return !said && run.Removed == plan.Gone.Count;
    }

    /// <summary>Who was taken off is no leaver: she comes back with the segment.</summary>
    private void RememberRemoval(Plan plan, bool certain)
    {
        foreach (string email in plan.Removed.Concat(plan.MaybeRemoved))
        {
            if (certain && plan.Gone.Contains(email) && !plan.Touched.Contains(email)) _account.Forget(plan.Export, email);
            else if (plan.Gone.Contains(email) || plan.Touched.Contains(email)) _account.Doubt(plan.Export, email);
        }
    }

    /// <summary>What is known from now on of those who were sent.</summary>
    /// <param name="unnamed">The service refused contacts without naming all: what any of its batch now have is open.</param>
    private void Remember(Plan plan, int list, bool clean, bool unnamed)
    {
        foreach ((string email, Sending sending) in plan.Sent.Concat(plan.Open))
        {
            bool certain = clean && plan.Sent.ContainsKey(email) && !plan.Touched.Contains(email);
            // Whom the service refused by name is remembered as before.
            if (certain && Account.IsRefused(email) && !unnamed) continue;
            if (certain && !Account.IsRefused(email))
            {
                if (!_account.IsOn(email, list)) continue;
                _account.Ours[plan.Export].Add(email);
                _account.MaybeOurs[plan.Export].Remove(email);
                // Whom a run that went on finds on the list, others may have put there while it stood still.
                if (!plan.Members.Contains(email)) (plan.WentOn ? _account.MaybeOwned : _account.Owned)[plan.Export].Add(email);
                // Whoever is accepted meanwhile is nobody's to take off any more.
                foreach ((_, Plan other) in _open.Values.Where(o => o.Plan.Export != plan.Export && (o.Plan.Removed.Contains(email) || o.Plan.MaybeRemoved.Contains(email)))) other.Touched.Add(email);
                _account.Last[plan.Export][email] = unnamed ? null : sending.Content;
                continue;
            }
            _account.MaybeOurs[plan.Export].Add(email);
            if (!plan.Members.Contains(email) && !_account.Owned[plan.Export].Contains(email)) _account.MaybeOwned[plan.Export].Add(email);
            _account.Last[plan.Export][email] = null;
        }
    }

    private void Numbers(Run run, Plan plan, string what)
    {
        if (run.Read != run.Invalid + run.Duplicate + run.Suppressed + run.Unchanged + run.Sent || run.Sent != run.Accepted + run.OptedOut + run.Refused + run.Unaccounted)
            throw new DivergenceException($"The balance of {what} does not close.");
        if ((run.Read, run.Invalid, run.Duplicate) != (plan.Read, plan.Invalid, plan.Duplicate))
            throw new DivergenceException($"{what} says read {run.Read}, invalid {run.Invalid}, duplicate {run.Duplicate}; must be {plan.Read}, {plan.Invalid}, {plan.Duplicate}.");
        // Who left while it stood still is held out when it goes on.
        int late = plan.Sent.Keys.Count(e => plan.Touched.Contains(e) || (_account.People.TryGetValue(e, out Person? p) && p.Unsubscribed)), open = plan.Open.Count;
        Within("suppressed", run.Suppressed, plan.Left.Count + plan.Unsubscribed.Count, 0, open + late);
        Within("unchanged", run.Unchanged, plan.Unchanged.Count, 0, open);
        Within("sent", run.Sent, plan.Sent.Count, late, open);

        void Within(string name, long number, int must, int less, int more)
        {
            if (number < must - less || number > must + more) throw new DivergenceException($"{what} says {number} {name}; must be {must} (or {less} less, or {more} more).");
        }
    }

    private Person? Truth(string email)
    {
        if (world.Service.Contact(email) is not { } contact) return null;
        var person = new Person { Deleted = contact.Deleted, Unsubscribed = contact.Permission == "unsubscribed" };
        foreach ((string field, string value) in contact.Fields) person.Values[field] = value;
        foreach (string id in contact.ListIds)
        {
            for (int list = 0; list < world.ListIds.Count; list++)
            {
                if (world.ListIds[list] == id) person.Lists.Add(list);
            }
        }
        return person;
    }

    /// <summary>Everybody is as the model has them, and nobody else is there.</summary>
    private void Compare(string? after)
    {
        foreach ((string email, Person person) in _account.People)
        {
            Person? now = Truth(email);
            if (!person.Is(now)) throw new DivergenceException($"{email}{(after is null ? "" : $" after {after}")} is {now?.ToString() ?? "unknown"}, must be {person}.");
        }
        if (world.Service.Contacts().FirstOrDefault(c => !_account.People.ContainsKey(c.Email.ToLowerInvariant())) is { } other)
            throw new DivergenceException($"{other.Email}{(after is null ? "" : $" after {after}")} is in the account; nobody put her there.");
    }

    /// <summary>The service's own book of who joined and left: the second judge.</summary>
    /// <param name="leavers">By list, who had left before; null: nothing of ours ran.</param>
    /// <param name="export">Which export ran; null: none.</param>
    /// <param name="plans">What it may have been at.</param>
    private void ReadLog(List<HashSet<string>>? leavers, int? export, IReadOnlyList<Plan> plans)
    {
        IReadOnlyList<MembershipChange> log = world.Service.MembershipLog;
        for (; _logged < log.Count; _logged++)
        {
            MembershipChange change = log[_logged];
            int list = world.ListIds.ToList().IndexOf(change.ListId);
            // Lists that are made to remove people by.
            if (list < 0) continue;
            string email = change.Email.ToLowerInvariant();
            if (change is { Cause: MembershipCause.Import, Joined: true } && export is { } by)
            {
                _put[by].Add(email);
                if (leavers?[list].Contains(email) != true || plans.Any(p => p.Act.IncludeLeavers)) continue;
                tally.PutBack();
                throw new DivergenceException($"{email} had left list {list}, and was put back.");
            }
            if (!change.Left) continue;
            if (change.Cause == MembershipCause.Job && export is { } remover) Removes(remover, list, email, plans);
            foreach (int one in _account.ExportsTo(list))
            {
                if (_put[one].Remove(email)) _away[one].Add(email);
            }
        }
    }

    /// <summary>A job took somebody off: only whom this export put there, or everybody where it takes ownership, and never whom another export has had accepted.</summary>
    private void Removes(int export, int list, string email, IReadOnlyList<Plan> plans)
    {
        bool ours = _put[export].Contains(email) || _away[export].Contains(email);
        // Where trouble has left open what a run did, undoing it cannot know who else put somebody on the list.
        bool may = plans.Any(p => p.Undoes is null ? p.Act.TakeOwnership : p.MaybeRemoved.Contains(email));
        if (_account.IsOthers(export, email) || (!ours && !may))
        {
            tally.ForeignRemoved();
            throw new DivergenceException($"{email} was on list {list} without this export, and was removed.");
        }
        tally.Removed(ours);
        foreach (Plan plan in plans.Where(p => p.Removed.Contains(email) || p.MaybeRemoved.Contains(email))) plan.Gone.Add(email);
    }
}
