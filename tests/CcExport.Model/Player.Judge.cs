using CcExport.Engine.Exports;
using CcExport.Engine.Store;
using CcExport.Simulator;

namespace CcExport.Model;

/// <content>What a run did and says, held against the model; and the whole account after each step.</content>
internal sealed partial class Player
{
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
