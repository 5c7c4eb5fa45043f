using CcExport.Engine.Exports;
using CcExport.Simulator;

namespace CcExport.Chaos;

/// <summary>Judges a run by what the service holds and by what the people were made to be; of the engine it takes the numbers it claims.</summary>
internal static class Judge
{
    public static void Contacts(RunReport report, Workshop workshop, Population people, long unaccounted)
    {
        var times = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (ActivityView job in workshop.Service.Activities().Where(j => j.Kind == "contacts_json_import"))
        {
            foreach (string address in workshop.Service.ImportedAddresses(job.Id))
            {
                string known = address.ToLowerInvariant();
                times[known] = times.GetValueOrDefault(known) + 1;
            }
        }
        report.Twice += people.Sent.Sum(a => Math.Max(0, times.GetValueOrDefault(a) - 1));
        long missing = people.Sent.Count(a => !times.ContainsKey(a));
        HashSet<string> onList = [.. workshop.Service.Contacts(workshop.Simulator.ListId).Select(c => c.Email.ToLowerInvariant())];
        long notOnList = people.Sent.Count(a => !people.OptedOut.Contains(a) && !people.Refused.Contains(a) && !onList.Contains(a));
        // What the run itself calls unaccounted for is not lost without a word.
        report.Lost += Math.Max(0, Math.Max(missing, notOnList) - unaccounted);
        if (report.Lost > 0 || report.Twice > 0) report.Findings.Add($"{missing} not sent, {notOnList} not on the list, {report.Twice} sent twice.");
    }

    public static async Task NumbersAsync(RunReport report, Workshop workshop, Population people, Run run)
    {
        bool closes = run.Read == run.Invalid + run.Duplicate + run.Suppressed + run.Unchanged + run.Sent
            && run.Sent == run.Accepted + run.OptedOut + run.Refused + run.Unaccounted;
        bool asMade = (run.Read, run.Invalid, run.Duplicate, run.Sent) == (people.Read, people.Invalid, people.Duplicate, people.Sent.Count)
            && (run.Unaccounted > 0 || (run.Accepted, run.OptedOut, run.Refused) == (people.Accepted, people.OptedOut.Count, people.Refused.Count));
        if (!closes || !asMade)
        {
            report.BalanceOff = true;
            report.Findings.Add($"The balance is {HostResult.Of(run).ToJson()}; made were {people.Read} read, {people.Invalid} invalid, {people.Duplicate} duplicate, "
                + $"{people.Sent.Count} sent, {people.Accepted} accepted, {people.OptedOut.Count} opted out, {people.Refused.Count} refused.");
        }
        if (run.Unaccounted > 0)
        {
            report.InDoubt += run.Unaccounted;
            report.Findings.Add($"{run.Unaccounted} in doubt: {run.Message}");
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
