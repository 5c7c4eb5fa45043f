using System.Runtime.InteropServices;
using CcExport.Engine.Exports;
using CcExport.Simulator;

namespace CcExport.Chaos;

/// <summary>How many contacts must have which fate, by what their jobs did.</summary>
internal sealed class Fates
{
    public int Accepted { get; set; }
    public int OptedOut { get; set; }
    /// <summary>By the service, or since both of their jobs ended without doing them.</summary>
    public int Refused { get; set; }
    /// <summary>Both of their jobs ended without doing them, and the list has them under other names, as it had before: nothing is claimed of these.</summary>
    public int Open { get; set; }
}

/// <summary>Judges a run by what the service holds and by what the people were made to be; of the engine it takes the numbers it claims.</summary>
internal static class Judge
{
    private const string Import = "contacts_json_import";

    /// <summary>One contact in the imports that the service took, in their order.</summary>
    private struct Carriage
    {
        public int Times;
        /// <summary>One of them did all for it that an import can do.</summary>
        public bool Done;
        /// <summary>How many came after that one.</summary>
        public int After;
    }

    /// <summary>
    /// A contact may be carried by a further import only as long as none before has done it: a job that completes has done all of its
    /// contacts, one that ends otherwise those that it put on the list by then. More than two is too many whatever they did.
    /// </summary>
    /// <param name="failed">Rows that the run names as refused since their jobs failed.</param>
    public static Fates Contacts(RunReport report, Workshop workshop, Population people, long unaccounted, HashSet<long> failed)
    {
        var carried = new Dictionary<string, Carriage>(people.Sent.Count, StringComparer.Ordinal);
        foreach (ActivityView job in workshop.Service.Activities().Where(j => j.Kind == Import))
        {
            bool completed = job.State == "completed";
            if (!completed) report.Jobs[Ending(job)] = report.Jobs.GetValueOrDefault(Ending(job)) + 1;
            int row = 0;
            foreach (string address in workshop.Service.ImportedAddresses(job.Id))
            {
                string known = address.ToLowerInvariant();
                bool done = completed || (row < job.Worked && !people.OptedOut.Contains(known) && !people.Refused.Contains(known));
                row++;
                ref Carriage all = ref CollectionsMarshal.GetValueRefOrAddDefault(carried, known, out _);
                all.Times++;
                if (all.Done || all.Times > 2) all.After++;
                all.Done |= done;
            }
        }
        Fates fates = new();
        long notSent = 0, twice = 0, undone = 0, notOnList = 0;
        foreach ((string address, int row) in people.Sent)
        {
            Carriage all = carried.GetValueOrDefault(address);
            bool there = people.AsTheyAre.Contains(address);
            // Who was on the list just as sent needed no second import, whatever the first one did.
            twice += there ? Math.Max(0, all.Times - 1) : all.After;
            if (all.Times > 1) report.OnceMore++;
            // Its first batch may have been lost on the way to the service, and its rest have gone in one that failed.
            bool gaveUp = all.Times > 1 || failed.Contains(row);
            if (all.Times == 0 && !there) notSent++;
            else if (!all.Done && !there && !gaveUp && !people.Renamed.Contains(address)) undone++;
            else if (!all.Done && !there && all.Times > 0) report.FailedTwice++;
            if (all.Times > 0 && !all.Done && people.Renamed.Contains(address)) fates.Open++;
            else if (!all.Done && !there && gaveUp) fates.Refused++;
            else if (people.Refused.Contains(address)) fates.Refused++;
            else if (people.OptedOut.Contains(address)) fates.OptedOut++;
            else
            {
                fates.Accepted++;
                if ((all.Done || there) && !IsOnList(workshop, address, row)) notOnList++;
            }
        }
        report.Twice += twice;
        // What the run itself calls unaccounted for is not lost without a word.
        long lost = Math.Max(0, notSent + undone + notOnList - unaccounted);
        report.Lost += lost;
        if (lost > 0 || twice > 0)
            report.Findings.Add($"{notSent} not sent, {undone} not done by their only job, {notOnList} not on the list under their names, {twice} sent twice.");
        return fates;
    }

    private static string Ending(ActivityView job) => job is { State: "failed", Worked: > 0 } ? "failed half-way" : job.State;

    private static bool IsOnList(Workshop workshop, string address, int row) => workshop.Service.Contact(address) is { Deleted: false } contact
        && contact.ListIds.Contains(workshop.Simulator.ListId)
        && contact.Fields.GetValueOrDefault("first_name") == Population.FirstName(row) && contact.Fields.GetValueOrDefault("last_name") == Population.LastName(row);

    public static async Task NumbersAsync(RunReport report, Workshop workshop, Population people, Fates fates, Run run)
    {
        bool closes = run.Read == run.Invalid + run.Duplicate + run.Suppressed + run.Unchanged + run.Sent
            && run.Sent == run.Accepted + run.OptedOut + run.Refused + run.Unaccounted;
        bool asMade = (run.Read, run.Invalid, run.Duplicate, run.Sent) == (people.Read, people.Invalid, people.Duplicate, people.Sent.Count)
            && (run.Unaccounted > fates.Open || (run.Accepted, run.OptedOut, run.Refused, run.Unaccounted) == (fates.Accepted, fates.OptedOut, fates.Refused, fates.Open));
        if (!closes || !asMade)
        {
            report.BalanceOff = true;
            report.Findings.Add($"The balance is {HostResult.Of(run).ToJson()}; made were {people.Read} read, {people.Invalid} invalid, {people.Duplicate} duplicate, "
                + $"{people.Sent.Count} sent, {fates.Accepted} accepted, {fates.OptedOut} opted out, {fates.Refused} refused, {fates.Open} open.");
        }
        report.OldValues += fates.Open;
        if (run.Unaccounted > fates.Open)
        {
            report.InDoubt += run.Unaccounted - fates.Open;
            report.Findings.Add($"{run.Unaccounted - fates.Open} in doubt: {run.Message}");
        }
        Dictionary<string, long> named = await workshop.CountRejectionsAsync(run.Id);
        (string Kind, long Count)[] expected = [("Invalid", run.Invalid), ("Duplicate", run.Duplicate), ("Refused", run.Refused), ("Unaccounted", run.Unaccounted)];
        foreach ((string kind, long count) in expected)
        {
            if (named.GetValueOrDefault(kind) == count) continue;
            report.RejectionsOff = true;
            report.Findings.Add($"{named.GetValueOrDefault(kind)} rejections of kind {kind} for {count}.");
        }
    }

    /// <param name="deadTokensAllowed">How often a dead refresh token had to be presented, since a kill had hit the moment of its rotation.</param>
    public static void Calls(RunReport report, Workshop workshop, int deadTokensAllowed)
    {
        CallStatistics calls = workshop.Service.Statistics();
        int refused = workshop.Service.Calls().Count(c => c is { Status: 429, Fault: null } && c.Path.StartsWith("/v3", StringComparison.Ordinal));
        report.OverLimit += refused + Math.Max(0, calls.MaxInAnySecond - workshop.Service.Switches.CallsPerSecond);
        if (report.OverLimit > 0) report.Findings.Add($"{calls.MaxInAnySecond} calls in a second, {refused} refused.");
        report.DeadTokens += Math.Max(0, workshop.Service.TokenLog.DeadRefreshTokens - deadTokensAllowed);
        if (report.DeadTokens > 0) report.Findings.Add($"{workshop.Service.TokenLog.DeadRefreshTokens} dead refresh tokens presented, {deadTokensAllowed} explained.");
        foreach (IGrouping<string?, CallRecord> kind in workshop.Service.Calls().Where(c => c.Fault is not null).GroupBy(c => c.Fault))
            report.Faults[kind.Key!] = report.Faults.GetValueOrDefault(kind.Key!) + kind.Count();
    }
}
