using System.Diagnostics;
using CcExport.Engine;
using CcExport.Simulator;

namespace CcExport.Chaos;

/// <summary>
/// A host is frozen in the middle of its run, as a machine that sleeps is, until its lease has lapsed; another takes the run over and
/// finishes it. Then the first wakes, in the belief that it holds the run: it must send nothing, write nothing, and say that it lost it.
/// </summary>
internal static class WakeCommand
{
    private const string Export = "Customers", Import = "POST /v3/activities/contacts_json_import";
    // Long enough that a machine under load does not let the second host lose its own.
    private const int LeaseLife = 5000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60), Nap = TimeSpan.FromMilliseconds(10);

    /// <summary>Runs it and gives what was wrong: nothing.</summary>
    public static async Task<IReadOnlyList<string>> RunAsync(TextWriter log)
    {
        List<string> findings = [];
        foreach (bool sending in new[] { true, false }) findings.AddRange(await RunAsync(sending, log));
        return findings;
    }

    /// <param name="sending">Frozen with imports on their way; else while it follows its jobs.</param>
    private static async Task<List<string>> RunAsync(bool sending, TextWriter log)
    {
        List<string> findings = [];
        // Answers take a while, so that the host is frozen while it waits for some and holds no lock of the store.
        await using Workshop workshop = await Workshop.OpenAsync(2, new SimulatorSwitches { ReplyDelayMs = sending ? 500 : 0, JobDurationMs = sending ? 200 : 4000 });
        await workshop.SignInAsync("account");
        Population people = workshop.Populate(Export, "w", 700, new Random(2));
        await workshop.SetExportAsync(Export, people, 100);
        var options = new HostOptions(workshop.Home, Export) { LeaseLife = LeaseLife };

        using HostProcess first = HostProcess.Start(options);
        bool there = await UntilAsync(() => sending
            ? workshop.Service.Statistics().ByRoute.GetValueOrDefault(Import) >= 2
            : workshop.Service.Activities().Count(a => a.State == "completed") >= 1);
        if (!there) findings.Add("The host did not come to the place where it is frozen.");
        await FreezeAsync(first, workshop);
        await Task.Delay(LeaseLife + 500);
        workshop.Service.Set(s => s.ReplyDelayMs = 0);

        HostEnd second = await HostProcess.RunAsync(options);
        if (second.Result is not { IsCompleted: true }) findings.Add($"The second host ended with {second.Result?.ToJson()} {second.Noise}");
        long imports = workshop.Service.Statistics().ByRoute.GetValueOrDefault(Import);

        Signals.Continue(first.Id);
        HostEnd woken = await first.EndAsync();
        long importsAfter = workshop.Service.Statistics().ByRoute.GetValueOrDefault(Import);
        if (importsAfter != imports) findings.Add($"The woken host sent {importsAfter - imports} imports.");
        if (woken.Result?.Error != "LeaseLost") findings.Add($"The woken host ended with {woken.Result?.ToJson()} {woken.Noise}");

        var report = new RunReport(RunPlan.Make(0, 2));
        Fates fates = Judge.Contacts(report, workshop, people, 0, []);
        if ((await workshop.LookAsync(Export)).Run is { } run) await Judge.NumbersAsync(report, workshop, people, fates, run);
        Judge.Calls(report, workshop, 0);
        if (!workshop.SpoolIsEmpty()) findings.Add("Something is left in the spool.");
        findings.AddRange(report.Findings);
        await log.WriteLineAsync($"wake, frozen while {(sending ? "sending" : "following")}: the second host {second.Result?.Status}, the woken one {woken.Result?.Error ?? woken.Result?.Status.ToString()}, "
            + $"imports after waking {importsAfter - imports}; lost {report.Lost}, twice {report.Twice}");
        foreach (string finding in findings) await log.WriteLineAsync("  " + finding);
        return findings;
    }

    /// <summary>Not inside a transaction: there it would hold the store's lock for as long as it sleeps, and nobody could take over.</summary>
    private static async Task FreezeAsync(HostProcess host, Workshop workshop)
    {
        for (int tries = 0; tries < 5; tries++)
        {
            Signals.Stop(host.Id);
            try
            {
                await workshop.SetExportAsync(Export);
                return;
            }
            catch (CcException e) when (e.ErrorId == "StoreLocked")
            {
                Signals.Continue(host.Id);
                await Task.Delay(Nap);
            }
        }
        throw new InvalidOperationException("The host was inside a transaction each time it was frozen.");
    }

    private static async Task<bool> UntilAsync(Func<bool> seen)
    {
        long began = Stopwatch.GetTimestamp();
        while (!seen())
        {
            if (Stopwatch.GetElapsedTime(began) > Patience) return false;
            await Task.Delay(Nap);
        }
        return true;
    }
}
