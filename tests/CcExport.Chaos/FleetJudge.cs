using CcExport.Engine;
using CcExport.Engine.Exports;
using CcExport.Engine.Store;
using CcExport.Simulator;

namespace CcExport.Chaos;

/// <summary>What was found after a fleet has worked. All but the first are to be 0.</summary>
internal sealed class FleetVerdict
{
    public int Completed { get; set; }
    /// <summary>Exports without a run that came to its end.</summary>
    public int Missing { get; set; }
    /// <summary>Further ends than one for each export's due time.</summary>
    public int Twice { get; set; }
    /// <summary>Runs that are not at their end.</summary>
    public int Open { get; set; }
    /// <summary>Exports that are due still.</summary>
    public int StillDue { get; set; }
    public int BalancesOff { get; set; }
    public long InDoubt { get; set; }
    /// <summary>Exports whose contacts came by another number of imports than one.</summary>
    public int OtherImports { get; set; }
    /// <summary>Contacts that an import carried for a second time, or that nobody made.</summary>
    public int CarriedTwice { get; set; }
    public int NotOnList { get; set; }
    /// <summary>Members of a list that none of its exports sent.</summary>
    public int Strangers { get; set; }
    /// <summary>Keys with more calls in some second, or in the day, than they have.</summary>
    public int KeysOverLimit { get; set; }
    public int RefusedCalls { get; set; }
    /// <summary>Runs that a kill ended before they had sent anything; another took their place.</summary>
    public int GivenUp { get; set; }
    public List<string> Findings { get; } = [];

    public bool IsExact => Completed > 0 && Findings.Count == 0
        && (Missing, Twice, Open, StillDue, BalancesOff, OtherImports, CarriedTwice) == (0, 0, 0, 0, 0, 0, 0) && (NotOnList, Strangers, KeysOverLimit, RefusedCalls, InDoubt) == (0, 0, 0, 0, 0L);
}

/// <summary>Judges a fleet by what the services hold and what the people were made to be; of the store it takes the runs.</summary>
internal static class FleetJudge
{
    private const string Import = "contacts_json_import";

    public static async Task<FleetVerdict> JudgeAsync(FleetYard yard, IReadOnlyList<FleetExport> exports, IReadOnlyList<Run> runs)
    {
        var verdict = new FleetVerdict();
        for (int key = 0; key < yard.Services.Count; key++)
        {
            List<FleetExport> ours = [.. exports.Where(e => e.Key == key)];
            Imports(verdict, yard.Services[key].State, ours);
            Lists(verdict, yard.Services[key].State, ours);
            Calls(verdict, key, yard.Services[key].State);
        }
        Runs(verdict, exports, runs);
        await DueAsync(verdict, yard);
        return verdict;
    }

    /// <summary>Each contact in one import that the service took, and in no second.</summary>
    private static void Imports(FleetVerdict verdict, Simulation service, List<FleetExport> exports)
    {
        Dictionary<int, FleetExport> made = exports.ToDictionary(e => e.Number);
        var carried = new HashSet<string>(StringComparer.Ordinal);
        var imports = new Dictionary<int, int>();
        foreach (ActivityView job in service.Activities().Where(j => j.Kind == Import))
        {
            if (job.State != "completed") verdict.Findings.Add($"An import ended as {job.State}.");
            var of = new HashSet<int>();
            foreach (string address in service.ImportedAddresses(job.Id))
            {
                int number = FleetExport.NumberOf(address);
                of.Add(number);
                if (!made.TryGetValue(number, out FleetExport? export) || !export.Sent.ContainsKey(address) || !carried.Add(address)) verdict.CarriedTwice++;
            }
            foreach (int number in of) imports[number] = imports.GetValueOrDefault(number) + 1;
        }
        foreach (FleetExport export in exports)
        {
            if (imports.GetValueOrDefault(export.Number) == 1) continue;
            verdict.OtherImports++;
            verdict.Findings.Add($"{export.Name} came by {imports.GetValueOrDefault(export.Number)} imports.");
        }
    }

    private static void Lists(FleetVerdict verdict, Simulation service, List<FleetExport> exports)
    {
        foreach (IGrouping<string, FleetExport> list in exports.GroupBy(e => e.ListId))
        {
            Dictionary<string, int> expected = list.SelectMany(e => e.Sent).ToDictionary();
            foreach (ContactView contact in service.Contacts(list.Key))
            {
                if (!expected.Remove(contact.Email, out int row)) verdict.Strangers++;
                else if (contact.Fields.GetValueOrDefault("first_name") != Population.FirstName(row) || contact.Fields.GetValueOrDefault("last_name") != Population.LastName(row)) verdict.NotOnList++;
            }
            verdict.NotOnList += expected.Count;
        }
    }

    private static void Calls(FleetVerdict verdict, int key, Simulation service)
    {
        CallStatistics calls = service.Statistics();
        verdict.RefusedCalls += calls.Refused;
        if (calls.MaxInAnySecond <= service.Switches.CallsPerSecond && calls.Total <= calls.PerDay) return;
        verdict.KeysOverLimit++;
        verdict.Findings.Add($"Key {key}: at most {calls.MaxInAnySecond} calls in a second, {calls.Total} in all.");
    }

    private static void Runs(FleetVerdict verdict, IReadOnlyList<FleetExport> exports, IReadOnlyList<Run> runs)
    {
        ILookup<string?, Run> byExport = runs.ToLookup(r => r.Export);
        foreach (FleetExport export in exports)
        {
            Run[] ended = [.. byExport[export.Name].Where(r => r.Status is RunStatus.Completed or RunStatus.CompletedWithErrors)];
            Run[] others = [.. byExport[export.Name].Except(ended)];
            verdict.Completed += ended.Length;
            if (ended.Length == 0) verdict.Missing++;
            verdict.Twice += Math.Max(0, ended.Length - 1);
            verdict.Open += others.Count(r => r.CompletedAt is null);
            verdict.GivenUp += others.Count(r => r is { CompletedAt: not null, Sent: 0 });
            foreach (Run run in others.Where(r => r is { CompletedAt: null } or { Sent: > 0 } or { Status: not (RunStatus.Canceled or RunStatus.Failed) }))
                verdict.Findings.Add($"{export.Name}: run {run.Id} is {run.Status}: {run.Message}");
            foreach (Run run in ended)
            {
                verdict.InDoubt += run.Unaccounted;
                bool asMade = (run.Read, run.Invalid, run.Duplicate, run.Sent, run.Accepted, run.Trigger) == (export.Read, export.Invalid, export.Duplicate, export.Sent.Count, export.Sent.Count, "Schedule");
                if (asMade && run is { Suppressed: 0, Unchanged: 0, OptedOut: 0, Refused: 0, Unaccounted: 0 }) continue;
                verdict.BalancesOff++;
                verdict.Findings.Add($"{export.Name}: made were {export.Read} read, {export.Invalid} invalid, {export.Duplicate} duplicate, {export.Sent.Count} sent; its run says {HostResult.Of(run).ToJson()}");
            }
        }
    }

    private static async Task DueAsync(FleetVerdict verdict, FleetYard yard)
    {
        await using CcEngine engine = await yard.OpenEngineAsync(parts => parts);
        verdict.StillDue = (await engine.GetScheduledAsync(default)).Count(e => !e.IsKnown || e.DueAt is not null);
    }
}
