using CcExport.Simulator.State;

namespace CcExport.Simulator.Jobs;

/// <summary>Whom a job is about; worked out when the job runs, as the service does.</summary>
internal sealed record ContactChoice(
    IReadOnlyList<int> Contacts, IReadOnlyList<ContactList> Lists, bool AllActive, IReadOnlySet<int> Except)
{
    /// <summary>The whole account, deleted people included: what is exported of it, the status says.</summary>
    public bool Everybody { get; init; }

    public IEnumerable<int> Of(Account account)
    {
        if (Contacts.Count > 0)
        {
            foreach (int index in Contacts)
            {
                if (!Except.Contains(index)) yield return index;
            }

            yield break;
        }

        var filter = new SetFilter(account.Sets, [.. Lists.Select(l => l.Number)]);
        for (int index = 0; index < account.Contacts.Count; index++)
        {
            if (Except.Contains(index) || (account.Contacts[index].Deleted && !Everybody)) continue;
            bool chosen = Everybody
                || (AllActive ? account.Contacts[index].Permission != Permission.Unsubscribed : filter.Has(account.Contacts[index].Lists));
            if (chosen) yield return index;
        }
    }

    public int Estimate => Contacts.Count > 0 ? Contacts.Count : Lists.Sum(l => l.Members);
}

internal sealed class MembershipJob(
    string id, long sequence, DateTimeOffset now, ContactChoice choice, IReadOnlyList<ContactList> targets, bool add)
    : Job(id, sequence, now)
{
    public override string Kind => add ? "add_list_memberships" : "remove_list_memberships";

    public override int Rows => choice.Estimate;

    public override void Work(Account account, SimulatorSwitches switches, DateTimeOffset now, double part)
    {
        var act = new MembershipAct(now, MembershipCause.Job, Id, switches);
        int[] chosen = [.. choice.Of(account)];
        int done = (int)Math.Ceiling(chosen.Length * part);
        foreach (int index in chosen.AsSpan(0, done))
        {
            foreach (ContactList list in targets)
            {
                if (!add) account.Leave(index, list, act);
                else if (account.Contacts[index].Permission != Permission.Unsubscribed && list.DeletedAt is null)
                {
                    account.Revive(index, now);
                    account.Join(index, list, act);
                }
            }
        }

        ItemsTotal = chosen.Length;
        ItemsCompleted = done;
        ListCount = targets.Count;
    }
}

/// <summary>Deletes lists: the people stay, their memberships go.</summary>
internal sealed class ListDeleteJob(string id, long sequence, DateTimeOffset now, IReadOnlyList<ContactList> targets)
    : Job(id, sequence, now)
{
    public override string Kind => "list_delete";

    public override int Rows => targets.Sum(l => l.Members);

    public override void Work(Account account, SimulatorSwitches switches, DateTimeOffset now, double part)
    {
        var act = new MembershipAct(now, MembershipCause.Job, Id, switches);
        for (int index = 0; index < account.Contacts.Count; index++)
        {
            foreach (ContactList list in targets) account.Leave(index, list, act);
        }

        foreach (ContactList list in targets) list.DeletedAt ??= now;
        ItemsTotal = targets.Count;
        ItemsCompleted = targets.Count;
        ListCount = targets.Count;
    }
}

/// <summary>Deletes people from the account.</summary>
internal sealed class ContactDeleteJob(string id, long sequence, DateTimeOffset now, ContactChoice choice) : Job(id, sequence, now)
{
    public override string Kind => "contact_delete";

    public override int Rows => choice.Estimate;

    public override void Work(Account account, SimulatorSwitches switches, DateTimeOffset now, double part)
    {
        var act = new MembershipAct(now, MembershipCause.Delete, Id, switches);
        int[] chosen = [.. choice.Of(account)];
        foreach (int index in chosen) account.Delete(index, act);
        ItemsTotal = chosen.Length;
        ItemsCompleted = chosen.Length;
    }
}

/// <summary>Makes a CSV of contacts. The file is written when it is fetched, from what the account holds then.</summary>
internal sealed class ExportJob(
    string id, long sequence, DateTimeOffset now, string fileId, ContactChoice choice, IReadOnlyList<string> fields,
    IReadOnlyList<string> statuses)
    : Job(id, sequence, now)
{
    public override string Kind => "contact_exports";

    public string FileId { get; } = fileId;

    public ContactChoice Choice { get; } = choice;

    public IReadOnlyList<string> Fields { get; } = fields;

    public IReadOnlyList<string> Statuses { get; } = statuses;

    public override int Rows => Choice.Estimate;

    public override string? ResultsHref => $"/v3/contact_exports/{FileId}";

    public override void Work(Account account, SimulatorSwitches switches, DateTimeOffset now, double part)
    {
        ItemsTotal = Choice.Of(account).Count();
        ItemsCompleted = ItemsTotal;
    }
}
