using System.Globalization;
using CcExport.Engine.Store;
using CcExport.Simulator;

namespace CcExport.Chaos;

/// <summary>
/// Sixteen processes at once on one home and one API key: eight invoke the same export, eight an export each. One of the eight may run;
/// the others are told who does. And all of them together keep to four calls a second.
/// </summary>
internal static class RaceCommand
{
    private const int Hosts = 8;
    private const string Shared = "Shared";

    /// <summary>Runs it and gives what was wrong: nothing.</summary>
    public static async Task<IReadOnlyList<string>> RunAsync(TextWriter log)
    {
        List<string> findings = [];
        await using Workshop workshop = await Workshop.OpenAsync(seed: 1);
        await workshop.SignInAsync("account");
        var chance = new Random(1);
        // Nobody has unsubscribed: an export that begins when another to the list is over holds such people out, one that begins before sends them. Which it
        // will be is chance here.
        // The shared one takes the longest, so that none of its eight can find it over already, unless the machine stands still.
        List<(string Export, Population People)> all = [(Shared, workshop.Populate(Shared, "s", 600, chance, optedOut: false))];
        for (int i = 1; i <= Hosts; i++)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"Own{i}");
            all.Add((name, workshop.Populate(name, name.ToLowerInvariant(), 50 + (7 * i), chance, optedOut: false)));
        }
        foreach ((string export, Population people) in all) await workshop.SetExportAsync(export, people, 50);

        string[] invoked = [.. Enumerable.Repeat(Shared, Hosts), .. all.Skip(1).Select(e => e.Export)];
        HostEnd[] ends = await Task.WhenAll(invoked.Select(export => HostProcess.RunAsync(new HostOptions(workshop.Home, export) { Patient = true })));

        HostResult[] results = [.. ends.Select(e => e.Result ?? new HostResult { Error = "Silence", Message = e.Noise })];
        findings.AddRange(results.Where(r => !r.IsCompleted && r.Error != "RunInProgress").Select(r => "A host ended with " + r.ToJson()));
        HostResult[] shared = [.. results.Take(Hosts)], done = [.. shared.Where(r => r.IsCompleted).OrderBy(r => r.StartedAt)];
        if (done.Length == 0) findings.Add("Nobody ran the shared export.");
        if (done.Select(r => r.Id).Distinct().Count() != done.Length) findings.Add("Two hosts claim the same run.");
        // Whoever came when the run was over has had one of his own, as he should: then it began after the other's end.
        for (int i = 1; i < done.Length; i++)
        {
            if (done[i].StartedAt < done[i - 1].CompletedAt) findings.Add($"Runs {done[i - 1].Id} and {done[i].Id} of the shared export were at work at the same time.");
        }
        if (results.Skip(Hosts).Any(r => r.Error == "RunInProgress")) findings.Add("An export of its own was held up by another's run.");

        var report = new RunReport(RunPlan.Make(0, 1));
        foreach ((string export, Population people) in all.Skip(done.Length > 1 ? 1 : 0))
        {
            Fates fates = Judge.Contacts(report, workshop, people, 0, []);
            if ((await workshop.LookAsync(export)).Run is { } run) await Judge.NumbersAsync(report, workshop, people, fates, run);
        }
        Judge.Calls(report, workshop, 0);
        findings.AddRange(report.Findings);
        CallStatistics calls = workshop.Service.Statistics();
        await log.WriteLineAsync($"race: {invoked.Length} hosts; shared export: {done.Length} ran, {shared.Count(r => r.Error == "RunInProgress")} told RunInProgress; "
            + $"own exports: {results.Skip(Hosts).Count(r => r.Status is RunStatus.Completed or RunStatus.CompletedWithErrors)} of {Hosts} ran; "
            + $"{calls.Total} calls, at most {calls.MaxInAnySecond} in any second, {calls.Refused} refused; lost {report.Lost}, twice {report.Twice}");
        foreach (string finding in findings) await log.WriteLineAsync("  " + finding);
        return findings;
    }
}
