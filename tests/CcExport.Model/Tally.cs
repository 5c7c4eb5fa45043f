using System.Globalization;
using CcExport.Engine.Store;

namespace CcExport.Model;

/// <summary>What happened in all histories. Safe to use from any thread.</summary>
internal sealed class Tally
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, int> _ways = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, int> _errors = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, int> _runs = new(StringComparer.Ordinal);

    public int Histories { get; private set; }
    public int Divergences { get; private set; }
    public int LeaversPutBack { get; private set; }
    public int ForeignMembersRemoved { get; private set; }
    /// <summary>Members taken off their list: those that the export had put there, and all others where it was told to take ownership.</summary>
    public int TakenOff { get; private set; }
    public int TakenOver { get; private set; }
    public int Plans { get; private set; }
    public int PlansRun { get; private set; }
    public int PlansRefused { get; private set; }
    public int RunsUndone { get; private set; }
    public int UndosRefused { get; private set; }
    public int Deaths { get; private set; }
    public int Stops { get; private set; }
    public int Runs
    {
        get
        {
            lock (_lock) return _runs.Values.Sum();
        }
    }

    public void History(bool diverged)
    {
        lock (_lock)
        {
            Histories++;
            if (diverged) Divergences++;
        }
    }

    public void PutBack()
    {
        lock (_lock) LeaversPutBack++;
    }

    public void ForeignRemoved()
    {
        lock (_lock) ForeignMembersRemoved++;
    }

    public void Removed(bool ours)
    {
        lock (_lock) _ = ours ? TakenOff++ : TakenOver++;
    }

    public void Planned()
    {
        lock (_lock) Plans++;
    }

    public void RanPlan(bool went)
    {
        lock (_lock) _ = went ? PlansRun++ : PlansRefused++;
    }

    public void Undone(bool was)
    {
        lock (_lock) _ = was ? RunsUndone++ : UndosRefused++;
    }

    public void Died()
    {
        lock (_lock) Deaths++;
    }

    public void Canceled()
    {
        lock (_lock) Stops++;
    }

    public void Refused(string error) => Count(_errors, error, 1);

    public void Run(RunStatus status) => Count(_runs, status.ToString(), 1);

    public void Add(IReadOnlyDictionary<string, int> ways)
    {
        foreach ((string way, int times) in ways) Count(_ways, way.TrimEnd('.'), times);
    }

    /// <summary>How often the engine looked at a list this way.</summary>
    public int Looks(string way) => _ways.GetValueOrDefault(way);

    private void Count(SortedDictionary<string, int> counts, string name, int times)
    {
        lock (_lock) counts[name] = counts.GetValueOrDefault(name) + times;
    }

    public string Line => string.Create(CultureInfo.InvariantCulture,
        $"{Histories} histories, {Runs} runs, {LeaversPutBack} leavers put back, {ForeignMembersRemoved} foreign members removed, {Divergences} divergences");

    public IEnumerable<string> Details =>
    [
        $"runs: {Said(_runs)}",
        $"looks: {Said(_ways)}",
        string.Create(CultureInfo.InvariantCulture, $"{Plans} plans, {PlansRun} of them run, {PlansRefused} not; {RunsUndone} runs undone, {UndosRefused} not; {TakenOff} people taken off, and {TakenOver} by ownership"),
        string.Create(CultureInfo.InvariantCulture, $"{Deaths} processes died, {Stops} stopped by Ctrl+C; refused: {Said(_errors)}"),
    ];

    private static string Said(SortedDictionary<string, int> counts) => string.Join(", ", counts.Select(c => string.Create(CultureInfo.InvariantCulture, $"{c.Key} {c.Value}")));
}
