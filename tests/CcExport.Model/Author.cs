using CcExport.Engine.Exports;
using CcExport.Simulator;

namespace CcExport.Model;

/// <summary>Writes histories. All chance is in here.</summary>
internal sealed class Author
{
    private static readonly string[] Firsts = ["", "Ann", "Bob", "Eve", "Ünal", new string('x', 60)];
    private static readonly string[] Lasts = ["", "Lee", "Olsen", "Wu"];
    private static readonly string[] Tiers = ["", "gold", "silver"];
    private static readonly string[][] Maps = [[], ["first_name"], ["first_name", "last_name"], ["first_name", World.TierField]];
    private static readonly string[] Bad = ["", "nobody", "two@at@example.com", "in side@example.com", "name@nodomain", "ü@example.com"];

    private readonly Random _chance;
    private readonly List<string> _people = [];
    private readonly List<List<Row>> _segments = [];
    private int _renamed;

    private Author(int seed, int index) => _chance = new Random(unchecked((seed * 7_919) + (index * 104_729)));

    public static History Write(int seed, int index) => new Author(seed, index).Compose(seed, index);

    private History Compose(int seed, int index)
    {
        int people = _chance.Next(5, 41);
        double refused = Pick(0, 0, 0.08);
        for (int i = 0; i < people; i++) _people.Add(Chance(refused) ? $"person{i}.with.an.address.that.is.too.long@example.com" : $"person{i}@example.com");
        int lists = _chance.Next(1, 3), exports = _chance.Next(1, 4);
        var setup = new Setup(lists, Chance(0.5), Pick(3, 8, 1000), Pick(50, 50, 1), Chance(0.25), Chance(0.02) ? 1_600 : 0,
            [.. Enumerable.Range(0, exports).Select(i => new ExportSetup($"E{i}", Chance(0.7) ? 0 : _chance.Next(lists), Pick(ExportMode.Changed, ExportMode.Upsert, ExportMode.Mirror, ExportMode.Mirror), Pick(Maps), _chance.Next(2, 12)))]);
        List<Step> steps = [];
        // Members and contacts from before our time.
        for (int i = _chance.Next(0, 5); i > 0; i--) steps.Add(new Product(Deed.Foreign, Somebody(), Chance(0.7) ? _chance.Next(lists) : -1, Pick(Firsts)));
        for (int i = 0; i < exports; i++) steps.Add(First(i));
        for (int i = _chance.Next(4, 16); i > 0; i--) steps.AddRange(Next(setup));
        return new History(seed, index, setup, steps);
    }

    private IEnumerable<Step> Next(Setup setup) => _chance.Next(100) switch
    {
        < 5 => PlanAndRun(setup, _chance.Next(setup.Exports.Count)),
        < 9 => RunAndUndo(setup, _chance.Next(setup.Exports.Count)),
        < 12 => ShrinkAndRun(setup, _chance.Next(setup.Exports.Count)),
        _ => [One(setup)],
    };

    /// <summary>A plan, and then it is run: right away, or after something that may be in its way.</summary>
    private List<Step> PlanAndRun(Setup setup, int export)
    {
        List<Step> steps = [new Act(export, Call.Plan, Full: Chance(0.1), IncludeLeavers: Chance(0.1), TakeOwnership: Chance(0.1))];
        for (int i = _chance.Next(3); i > 0; i--)
        {
            steps.AddRange(_chance.Next(10) switch
            {
                < 5 => [Deeds(setup)],
                < 6 => [Deeds(setup), Deeds(setup), Deeds(setup)],
                < 7 => [Change(export)],
                < 8 => [new Redefine(export, _chance.Next(2, 12))],
                < 9 => [new Pass(Pick(TimeSpan.FromHours(20), TimeSpan.FromHours(25)))],
                _ => (IEnumerable<Step>)[Run(setup, _chance.Next(setup.Exports.Count))],
            });
        }
        Act run = Run(setup, export);
        steps.Add(new Act(export, Call.RunPlan, Verify: run.Verify, DieAt: run.DieAt, CancelAt: run.CancelAt) { Troubles = run.Troubles, Jobs = run.Jobs, FirstJobs = run.FirstJobs });
        return steps;
    }

    /// <summary>A run that is undone, mostly after people have done something.</summary>
    private List<Step> RunAndUndo(Setup setup, int export)
    {
        List<Step> steps = [];
        if (Chance(0.7)) steps.Add(Change(export));
        if (Chance(0.8)) steps.Add(Run(setup, export));
        for (int i = _chance.Next(4); i > 0; i--) steps.Add(Deeds(setup));
        if (setup.Exports.Count > 1 && Chance(0.2)) steps.Add(Run(setup, _chance.Next(setup.Exports.Count)));
        Act run = Chance(0.6) ? new Act(export, Call.Undo) : Run(setup, export);
        steps.Add(new Act(export, Call.Undo, DieAt: run.DieAt, CancelAt: run.CancelAt) { Troubles = run.Troubles, Jobs = run.Jobs, FirstJobs = run.FirstJobs });
        return steps;
    }

    /// <summary>Many leave a segment at once.</summary>
    private List<Step> ShrinkAndRun(Setup setup, int export)
    {
        List<Row> rows = _segments[export];
        for (int i = rows.Count / 2; i > 0; i--) rows.RemoveAt(_chance.Next(rows.Count));
        Act run = Run(setup, export);
        return [new WriteSegment(export, [.. rows]), Chance(0.4) ? run with { Troubles = [Of(World.Removals)] } : run];
    }

    private Product Deeds(Setup setup) => new(
        Pick(Deed.Leave, Deed.Leave, Deed.Leave, Deed.Join, Deed.Join, Deed.Unsubscribe, Deed.Unsubscribe, Deed.Resubscribe, Deed.Edit, Deed.Edit, Deed.Delete, Deed.Foreign, Deed.Foreign, Deed.Rename),
        Somebody(), _chance.Next(setup.Lists), Chance(0.5) ? Pick(Firsts[1..4]) : $"renamed{_renamed++}@example.com");

    private Step One(Setup setup) => _chance.Next(100) switch
    {
        < 18 => Change(_chance.Next(setup.Exports.Count)),
        < 53 => Deeds(setup),
        < 60 => new Pass(Pick(TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5), TimeSpan.FromHours(3), TimeSpan.FromHours(25))),
        < 66 => new Act(_chance.Next(setup.Exports.Count), Call.Resume, Verify: Chance(0.4), SendInDoubt: Chance(0.5)),
        < 69 => new Act(_chance.Next(setup.Exports.Count), Call.Stop),
        _ => Run(setup, _chance.Next(setup.Exports.Count)),
    };

    private Act Run(Setup setup, int export)
    {
        var run = new Act(export, Call.Invoke, Full: Chance(0.08), IncludeLeavers: Chance(0.06), TakeOwnership: Chance(setup.Exports[export].Mode == ExportMode.Mirror ? 0.15 : 0.05), Verify: Chance(0.12), Fresh: Chance(0.05));
        return _chance.Next(100) switch
        {
            < 50 => run,
            < 58 => run with { DieAt = _chance.Next(1, 25) },
            < 63 => run with { CancelAt = _chance.Next(1, 25) },
            < 66 => run with { FirstJobs = [.. Enumerable.Range(0, _chance.Next(1, 3)).Select(_ => Pick(JobOutcome.Failed, JobOutcome.TimedOut, JobOutcome.Cancelled, JobOutcome.Completed))] },
            < 73 => run with { Jobs = [.. Enumerable.Range(0, _chance.Next(1, 5)).Select(_ => Pick(JobOutcome.Completed, JobOutcome.Failed, JobOutcome.TimedOut, JobOutcome.Cancelled, JobOutcome.PartialFailure, JobOutcome.PartialFailure))] },
            _ => run with { Troubles = [.. Enumerable.Range(0, _chance.Next(1, 3)).Select(_ => Any())] },
        };
    }

    private Trouble Any() => _chance.Next(11) switch
    {
        < 4 => new Trouble(Pick(TroubleKind.LostAnswer, TroubleKind.LostAnswer, TroubleKind.Lost, TroubleKind.FailsAfterWork, TroubleKind.Fails), World.Imports, _chance.Next(1, 4), _chance.Next(1, 3)),
        < 6 => new Trouble(TroubleKind.DayEnded, Chance(0.7) ? World.Imports : null, _chance.Next(1, 5), 1000),
        < 7 => new Trouble(TroubleKind.Throttled, null, _chance.Next(1, 10), _chance.Next(1, 4)),
        < 8 => Of(World.Removals),
        _ => new Trouble(Pick(TroubleKind.Fails, TroubleKind.Lost), Pick("/contacts", "/activities", "contact_exports", "contact_lists"), _chance.Next(1, 3), _chance.Next(1, 8)),
    };

    private Trouble Of(string path) => new(Pick(TroubleKind.LostAnswer, TroubleKind.Lost, TroubleKind.FailsAfterWork, TroubleKind.Fails), path, 1, _chance.Next(1, 4));

    private WriteSegment First(int export)
    {
        List<Row> rows = [];
        foreach (string person in _people)
        {
            if (Chance(0.65)) rows.Add(RowOf(person));
        }
        _segments.Add(rows);
        Soil(rows);
        return new WriteSegment(export, [.. rows]);
    }

    private WriteSegment Change(int export)
    {
        List<Row> rows = _segments[export];
        for (int i = _chance.Next(1, 6); i > 0; i--)
        {
            int at = rows.Count == 0 ? -1 : _chance.Next(rows.Count);
            switch (_chance.Next(4))
            {
                case 0 when at >= 0:
                    rows.RemoveAt(at);
                    break;
                case 1 when at >= 0 && !rows[at].Broken:
                    rows[at] = rows[at] with { First = Pick(Firsts), Tier = Pick(Tiers) };
                    break;
                case 2:
                    Soil(rows);
                    break;
                default:
                    rows.Insert(_chance.Next(rows.Count + 1), RowOf(Somebody()));
                    break;
            }
        }
        return new WriteSegment(export, [.. rows]);
    }

    private void Soil(List<Row> rows)
    {
        for (int i = _chance.Next(0, 3); i > 0; i--)
        {
            Row row = RowOf(Somebody());
            if (Chance(0.5)) row = row with { Email = Pick(Bad) };
            else if (Chance(0.3)) row = row with { Broken = true };
            rows.Insert(_chance.Next(rows.Count + 1), row);
        }
    }

    private Row RowOf(string person)
    {
        string email = Chance(0.1) ? person.ToUpperInvariant() : Chance(0.05) ? $" {person} " : person;
        return new Row($"K{_people.IndexOf(person)}", email, Pick(Firsts), Pick(Lasts), Pick(Tiers));
    }

    private string Somebody() => _people[_chance.Next(_people.Count)];

    private bool Chance(double share) => _chance.NextDouble() < share;

    private T Pick<T>(params T[] of) => of[_chance.Next(of.Length)];
}
