using CcExport.Engine.Exports;

namespace CcExport.Model;

/// <summary>One person of the account, as she must be.</summary>
internal sealed class Person
{
    public Dictionary<string, string> Values { get; } = new(StringComparer.Ordinal);
    public SortedSet<int> Lists { get; } = [];
    public bool Unsubscribed { get; set; }
    public bool Deleted { get; set; }

    public Person Copy()
    {
        var copy = new Person { Unsubscribed = Unsubscribed, Deleted = Deleted };
        foreach ((string field, string value) in Values) copy.Values[field] = value;
        copy.Lists.UnionWith(Lists);
        return copy;
    }

    public bool Is(Person? other) => other is not null && Unsubscribed == other.Unsubscribed && Deleted == other.Deleted && Lists.SetEquals(other.Lists)
        && Values.Count == other.Values.Count && Values.All(v => other.Values.GetValueOrDefault(v.Key) == v.Value);

    public override string ToString()
        => $"{(Deleted ? "deleted " : "")}{(Unsubscribed ? "unsubscribed " : "")}lists [{string.Join(",", Lists)}] {string.Join(" ", Values.OrderBy(v => v.Key, StringComparer.Ordinal).Select(v => $"{v.Key}={v.Value}"))}";
}

/// <summary>What an export would send for one person.</summary>
/// <param name="Content">Address and values as they stand in the source: what "has changed" is about.</param>
/// <param name="Noted">Values that are cut.</param>
internal sealed record Sending(string Email, IReadOnlyDictionary<string, string> Values, string Content, string Key, int Noted);

/// <summary>What a run must do, told from the source and the account as they are when it begins.</summary>
internal sealed class Plan
{
    public required int Export { get; init; }
    public required Act Act { get; init; }
    public int Read { get; set; }
    public int Invalid { get; set; }
    public int Duplicate { get; set; }
    public Dictionary<string, Sending> Sent { get; } = [];
    public HashSet<string> Left { get; } = [];
    public HashSet<string> Unsubscribed { get; } = [];
    public HashSet<string> Unchanged { get; } = [];
    /// <summary>People of whom earlier trouble left open whether they are remembered: they may be sent, unchanged, or held out.</summary>
    public Dictionary<string, Sending> Open { get; } = [];
    /// <summary>Nothing of ours was on the list when it began: the service itself refuses the unsubscribed.</summary>
    public bool First { get; init; }
    /// <summary>It is not for certain so.</summary>
    public bool MaybeFirst { get; init; }
    /// <summary>People whom somebody did something to since the run began.</summary>
    public HashSet<string> Touched { get; } = [];
    /// <summary>The list as it was looked at.</summary>
    public HashSet<string> Members { get; } = [];
    /// <summary>Members who have left the segments and are to leave the list.</summary>
    public HashSet<string> Removed { get; } = [];
    /// <summary>Members of whom it is open whether they are ours to take off.</summary>
    public HashSet<string> MaybeRemoved { get; } = [];
    /// <summary>Whom the jobs of this run have taken off by now.</summary>
    public HashSet<string> Gone { get; } = [];
    /// <summary>A run has been begun by it.</summary>
    public bool Begun { get; set; }
    /// <summary>It was interrupted, and went on later.</summary>
    public bool WentOn { get; set; }
    /// <summary>The run has said that some could not be taken off.</summary>
    public bool SaidNotRemoved { get; set; }
    /// <summary>Something went wrong while it was at it.</summary>
    public bool IsTroubled { get; set; }
    /// <summary>The key of each profile with a usable address.</summary>
    public Dictionary<string, string> Keys { get; } = [];
    /// <summary>Those who may be sent, as they were before.</summary>
    public Dictionary<string, Person> Before { get; } = [];
    /// <summary>What it puts back; null: it is no undoing.</summary>
    public Dictionary<string, Undoing>? Undoes { get; init; }
}

/// <summary>What undoing a run does to one person.</summary>
/// <param name="Values">Old values that are put back.</param>
/// <param name="Leaves">She is taken off the list.</param>
/// <param name="Certain">So it must be; else it may be left, or be other values.</param>
internal sealed record Undoing(IReadOnlyDictionary<string, string> Values, bool Leaves, bool Certain)
{
    public bool IsNothing => Values.Count == 0 && !Leaves;
}

/// <summary>
/// The model: the account as a dictionary, and what each export had accepted. Written from what the product promises, and from nothing of the engine's code.
/// </summary>
internal sealed class Account(Setup setup)
{
    private readonly Dictionary<int, IReadOnlyList<Row>> _segments = [];

    public Dictionary<string, Person> People { get; } = [];

    /// <summary>Whom an export put on its list, or found there and wrote.</summary>
    public List<HashSet<string>> Ours { get; } = ForEach(setup);

    /// <summary>Of whom trouble left it open.</summary>
    public List<HashSet<string>> MaybeOurs { get; } = ForEach(setup);

    /// <summary>Who is on its list because an export put her there (mode Mirror).</summary>
    public List<HashSet<string>> Owned { get; } = ForEach(setup);

    /// <summary>Who may be so: trouble left it open, or she has left since, and nobody has looked.</summary>
    public List<HashSet<string>> MaybeOwned { get; } = ForEach(setup);

    /// <summary>What an export last had accepted of a person; null: trouble left it open.</summary>
    public List<Dictionary<string, string?>> Last { get; } = [.. setup.Exports.Select(_ => new Dictionary<string, string?>())];

    public void Write(int export, IReadOnlyList<Row> rows) => _segments[export] = rows;

    public bool IsOn(string email, int list) => People.TryGetValue(email, out Person? person) && person.Lists.Contains(list);

    /// <summary>Whoever left a list on which we had put her, and is not back.</summary>
    public HashSet<string> Leavers(int list) => [.. ExportsTo(list).SelectMany(e => Ours[e]).Where(e => !IsOn(e, list))];

    /// <summary>Another export has had her accepted for the list of this one.</summary>
    public bool IsOthers(int export, string email) => ExportsTo(setup.Exports[export].List).Any(e => e != export && Ours[e].Contains(email));

    public IEnumerable<int> ExportsTo(int list) => Enumerable.Range(0, setup.Exports.Count).Where(e => setup.Exports[e].List == list);

    private static List<HashSet<string>> ForEach(Setup setup) => [.. setup.Exports.Select(_ => new HashSet<string>())];

    /// <summary>What is remembered of a person is from now on open.</summary>
    public void Doubt(int export, string email)
    {
        if (Ours[export].Remove(email)) MaybeOurs[export].Add(email);
        if (Last[export].ContainsKey(email)) Last[export][email] = null;
        if (Owned[export].Remove(email)) MaybeOwned[export].Add(email);
    }

    public void Forget(int export, string email)
    {
        Ours[export].Remove(email);
        MaybeOurs[export].Remove(email);
        Owned[export].Remove(email);
        MaybeOwned[export].Remove(email);
        Last[export].Remove(email);
    }

    /// <summary>That she was put there is over when she leaves; an export knows once it looks.</summary>
    private void Leaves(string email, int? list = null)
    {
        for (int export = 0; export < setup.Exports.Count; export++)
        {
            if ((list is null || setup.Exports[export].List == list) && Owned[export].Remove(email)) MaybeOwned[export].Add(email);
        }
    }

    /// <summary>Does what somebody does in the product; false where that is not possible.</summary>
    public bool Do(Product product)
    {
        Person? person = People.GetValueOrDefault(product.Email);
        switch (product.Deed)
        {
            case Deed.Foreign:
                if (person is { Unsubscribed: true }) return false;
                if (person is null) People.Add(product.Email, person = new Person());
                person.Deleted = false;
                if (product.Text.Length is > 0 and < 50) person.Values["first_name"] = product.Text;
                if (product.List >= 0) person.Lists.Add(product.List);
                return true;
            case Deed.Leave when person is not null:
                Leaves(product.Email, product.List);
                return person.Lists.Remove(product.List);
            case Deed.Join when person is { Unsubscribed: false }:
                person.Deleted = false;
                return person.Lists.Add(product.List);
            case Deed.Unsubscribe when person is { Unsubscribed: false }:
                Leaves(product.Email);
                person.Unsubscribed = true;
                person.Lists.Clear();
                return true;
            case Deed.Resubscribe when person is { Unsubscribed: true }:
                person.Unsubscribed = person.Deleted = false;
                return true;
            case Deed.Edit when person is { Deleted: false } && product.Text.Length < 50 && !product.Text.Contains('@', StringComparison.Ordinal):
                person.Values["first_name"] = product.Text;
                return true;
            case Deed.Delete when person is { Deleted: false }:
                Leaves(product.Email);
                person.Lists.Clear();
                person.Deleted = true;
                return true;
            case Deed.Rename when person is { Deleted: false } && product.Text.Contains('@', StringComparison.Ordinal) && !People.ContainsKey(product.Text):
                Leaves(product.Email);
                People.Remove(product.Email);
                People.Add(product.Text, person);
                return true;
            default:
                return false;
        }
    }

    public Plan PlanOf(Act act)
    {
        ExportSetup export = setup.Exports[act.Export];
        int list = export.List;
        bool first = ExportsTo(list).All(e => Ours[e].Count == 0);
        var plan = new Plan { Export = act.Export, Act = act, First = first, MaybeFirst = first && ExportsTo(list).Any(e => MaybeOurs[e].Count > 0) };
        plan.Members.UnionWith(People.Where(p => p.Value.Lists.Contains(list)).Select(p => p.Key));
        HashSet<string> seen = [];
        foreach (Row row in _segments.GetValueOrDefault(act.Export) ?? [])
        {
            plan.Read++;
            string email = row.Email.Trim();
            if (row.Broken || !IsAddress(email)) plan.Invalid++;
            else if (!seen.Add(email.ToLowerInvariant())) plan.Duplicate++;
            else Decide(plan, export, act, list, email, row);
        }
        if (export.Mode == ExportMode.Mirror) Remove(plan, seen);
        return plan;
    }

    /// <summary>Whom no profile has leaves the list, if this export put her there, or takes all; who is another export's stays.</summary>
    private void Remove(Plan plan, HashSet<string> seen)
    {
        int export = plan.Export;
        foreach (string email in plan.Members.Where(e => !seen.Contains(e) && !IsOthers(export, e)))
        {
            bool open = ExportsTo(setup.Exports[export].List).Any(e => e != export && MaybeOurs[e].Contains(email));
            if (plan.Act.TakeOwnership || Owned[export].Contains(email)) (open ? plan.MaybeRemoved : plan.Removed).Add(email);
            else if (MaybeOwned[export].Contains(email)) plan.MaybeRemoved.Add(email);
        }
    }

    private void Decide(Plan plan, ExportSetup export, Act act, int list, string spelled, Row row)
    {
        string email = spelled.ToLowerInvariant();
        plan.Keys[email] = row.Key;
        if (People.TryGetValue(email, out Person? before)) plan.Before[email] = before.Copy();
        Dictionary<string, string> values = new(StringComparer.Ordinal);
        int noted = 0;
        foreach (string field in export.Fields)
        {
            string value = (field switch { "first_name" => row.First, "last_name" => row.Last, _ => row.Tier }).Trim();
            if (value.Length > 50)
            {
                value = value[..50];
                noted++;
            }
            if (value.Length > 0) values[field] = value;
        }
        var sending = new Sending(email, values, $"{spelled};{string.Join(';', values.Select(v => $"{v.Key}={v.Value}"))}", row.Key, noted);
        bool on = IsOn(email, list);
        if (People.TryGetValue(email, out Person? person) && person.Unsubscribed)
        {
            // Of the deleted the service tells no status, unless a contact export does.
            bool ours = ExportsTo(list).Any(e => Ours[e].Contains(email));
            if (person.Deleted && (!ours || act.IncludeLeavers)) plan.Open.Add(email, sending);
            else if (person.Deleted) plan.Left.Add(email);
            else if (plan.MaybeFirst) plan.Open.Add(email, sending);
            else if (plan.First) plan.Sent.Add(email, sending);
            else plan.Unsubscribed.Add(email);
            return;
        }
        if (!on && !act.IncludeLeavers && ExportsTo(list).Any(e => Ours[e].Contains(email)))
        {
            plan.Left.Add(email);
            return;
        }
        bool open = !on && !act.IncludeLeavers && ExportsTo(list).Any(e => MaybeOurs[e].Contains(email));
        if (!open && on && export.Mode != ExportMode.Upsert && !act.Full && Last[act.Export].TryGetValue(email, out string? last))
        {
            if (last == sending.Content)
            {
                plan.Unchanged.Add(email);
                return;
            }
            open = last is null;
        }
        (open ? plan.Open : plan.Sent).Add(email, sending);
    }

    /// <summary>
    /// What undoing a run does: whoever is on the list with the values that it sent gets her old ones back, and leaves the list if she was not on it before and is nobody else's.
    /// </summary>
    /// <param name="touched">Whom somebody did something to while the run was at it.</param>
    public Plan UndoOf(Act act, Plan undone, HashSet<string> touched)
    {
        int list = setup.Exports[act.Export].List;
        var plan = new Plan { Export = act.Export, Act = act, Undoes = [] };
        foreach ((string email, Sending sending) in undone.Sent.Concat(undone.Open))
        {
            if (!People.TryGetValue(email, out Person? now)) continue;
            bool certain = !touched.Contains(email) && undone.Sent.ContainsKey(email) && !IsRefused(email);
            bool asSent = now.Lists.Contains(list) && sending.Values.All(v => now.Values.GetValueOrDefault(v.Key) == v.Value);
            Person? before = undone.Before.GetValueOrDefault(email);
            Dictionary<string, string> values = [];
            if (asSent && before is not null)
            {
                foreach (string field in sending.Values.Keys)
                {
                    if (before.Values.GetValueOrDefault(field) is { } old && old != sending.Values[field]) values[field] = old;
                }
            }
            // What somebody was who had been deleted is not told.
            if (before?.Deleted == true && values.Count > 0) certain = false;
            // Whoever left and came back since cannot be told from who stayed.
            bool leaves = asSent && before?.Lists.Contains(list) != true && !IsOthers(act.Export, email);
            if (leaves && (!Owned[act.Export].Contains(email) || ExportsTo(list).Any(e => e != act.Export && MaybeOurs[e].Contains(email)))) certain = false;
            plan.Undoes[email] = new Undoing(values, leaves, certain);
            if (leaves) (certain ? plan.Removed : plan.MaybeRemoved).Add(email);
        }
        plan.Members.UnionWith(People.Where(p => p.Value.Lists.Contains(list)).Select(p => p.Key));
        return plan;
    }

    /// <summary>The service takes no address of more than 40 characters here.</summary>
    public static bool IsRefused(string email) => email.Length > World.LongestAddress;

    /// <summary>The account after the service has taken one contact for a list.</summary>
    public static Person After(Person? before, Sending sending, int list)
    {
        Person after = before?.Copy() ?? new Person();
        if (after.Unsubscribed) return after;
        after.Deleted = false;
        foreach ((string field, string value) in sending.Values) after.Values[field] = value;
        after.Lists.Add(list);
        return after;
    }

    /// <summary>The addresses of these histories are plain, or plainly wrong.</summary>
    private static bool IsAddress(string text) => text.EndsWith("@example.com", StringComparison.OrdinalIgnoreCase)
        && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '@') && text.Count(c => c == '@') == 1;
}
