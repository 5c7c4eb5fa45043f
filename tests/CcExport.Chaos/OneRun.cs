using System.Globalization;
using CcExport.Engine.Exports;
using CcExport.Engine.Store;

namespace CcExport.Chaos;

/// <summary>One run from its first host to its end: hosts are started and killed as planned, then one is left alone.</summary>
internal sealed class OneRun(RunPlan plan, IHosts hosts)
{
    private const string Export = "Customers", Sweep = "Sweep";
    private const int MostHosts = 16;

    private readonly RunReport _report = new(plan);
    private readonly Random _chance = new(plan.Seed);
    private int _signIns;
    private long _refreshesBefore, _versionBefore;
    private bool _rotationLost;
    private int _deadTokensAllowed;

    public async Task<RunReport> RunAsync()
    {
        await using Workshop workshop = await Workshop.OpenAsync(plan.Seed, hosts.Switches);
        Population people = hosts.Populate(workshop, Export, plan, _chance);
        await SignInAsync(workshop);
        await workshop.SetExportAsync(Export, people, hosts.Batch);
        foreach (var fault in plan.Faults) workshop.Service.AddFault(fault);
        workshop.Service.PlanImports(plan.EndsOfImports((people.Sent.Count + hosts.RowsOfBatch - 1) / hosts.RowsOfBatch));

        Run? run = await ToItsEndAsync(workshop);
        if (run is null)
        {
            _report.NotAtItsEnd = true;
        }
        else
        {
            // A run with contacts whose fate is open keeps them, for a second try.
            if (run.Unaccounted == 0 && !workshop.SpoolIsEmpty()) await SweepAsync(workshop);
            _report.SpoolLeft = run.Unaccounted == 0 && !workshop.SpoolIsEmpty();
            if (_report.SpoolLeft) _report.Findings.Add("Something is left in the spool.");
        }
        Fates fates = Judge.Contacts(_report, workshop, people, run?.Unaccounted ?? 0, run is null ? [] : await workshop.FailedTwiceAsync(run.Id));
        if (run is not null) await Judge.NumbersAsync(_report, workshop, people, fates, run);
        Judge.Calls(_report, workshop, _deadTokensAllowed);
        LookForAddresses(workshop);
        return _report;
    }

    private async Task<Run?> ToItsEndAsync(Workshop workshop)
    {
        var kills = new Queue<PlannedKill>(plan.Kills);
        while (_report.Hosts < MostHosts)
        {
            kills.TryDequeue(out PlannedKill? kill);
            HostEnd end = await HostAsync(workshop, kill);
            if (end.Died) _report.Kills.Add(kill!.Step!.Label);
            else if (end.Killed) _report.Kills.Add("any moment");
            else if (end.Result is null)
            {
                _report.Findings.Add("A host ended without a word: " + end.Noise);
                return null;
            }
            LookForAddresses(workshop);

            Snapshot seen = await workshop.LookAsync(Export);
            LookAtTokens(workshop, seen);
            // A host that died right after it had closed the run had nothing left to do.
            if (seen.Run is { CompletedAt: not null, Status: RunStatus.Completed or RunStatus.CompletedWithErrors } run) return run;
            if (end.Result is { } result && !MayGoOn(result))
            {
                _report.Findings.Add("A host ended with " + result.ToJson());
                return null;
            }
            if (seen.SignedOut)
            {
                await SignInAsync(workshop);
                await workshop.SetExportAsync(Export);
            }
        }
        _report.Findings.Add($"No end after {MostHosts} hosts.");
        return null;
    }

    /// <summary>What is waited out or mended by signing in again; anything else is a finding.</summary>
    private static bool MayGoOn(HostResult result) => result.Error is "SignInAgain" or "ServiceUnavailable" or "Throttled"
        || (result.Error is null && result.Status == RunStatus.Interrupted);

    private async Task<HostEnd> HostAsync(Workshop workshop, PlannedKill? kill)
    {
        int number = _report.Hosts++;
        // The refresh token in the store is dead: this host has to find out.
        if (_rotationLost) _deadTokensAllowed++;
        if (kill?.Step is { } step)
        {
            RunPlan.Provoke(step, workshop.Service);
            if (step.Step == "SaveSecrets") _report.Expiries++;
        }
        using var over = new CancellationTokenSource();
        Task expiry = ExpireAsync(workshop, number < plan.Expiries.Count ? plan.Expiries[number] : null, over.Token);
        HostEnd end = await hosts.RunAsync(workshop, Export, plan, kill, _chance);
        await over.CancelAsync();
        await expiry;
        return end;
    }

    private async Task ExpireAsync(Workshop workshop, TimeSpan? after, CancellationToken over)
    {
        if (after is not { } time) return;
        try
        {
            await Task.Delay(time, over);
            workshop.Service.ExpireAccessTokens();
            _report.Expiries++;
        }
        catch (OperationCanceledException)
        {
        }
    }

    /// <summary>A token that the service has given and the store does not have was lost with its host.</summary>
    private void LookAtTokens(Workshop workshop, Snapshot seen)
    {
        bool lost = workshop.Service.TokenLog.Refreshes - _refreshesBefore > seen.SecretsVersion - _versionBefore;
        if (lost && !_rotationLost) _report.RotationDeaths++;
        _rotationLost = lost;
    }

    private async Task SignInAsync(Workshop workshop)
    {
        await workshop.SignInAsync(string.Create(CultureInfo.InvariantCulture, $"account{++_signIns}"));
        _refreshesBefore = workshop.Service.TokenLog.Refreshes;
        _versionBefore = (await workshop.LookAsync(Export)).SecretsVersion;
        _rotationLost = false;
    }

    /// <summary>Any later command that exports has to clean up what a host left that died after its run was closed.</summary>
    private async Task SweepAsync(Workshop workshop)
    {
        if (_rotationLost) await SignInAsync(workshop);
        Population nobody = Population.Make(workshop.PathOf("sweep.csv"), "sweep", 1, new Random(7));
        await workshop.SetExportAsync(Sweep, nobody, 1);
        workshop.Service.ClearFaults();
        HostEnd end = await HostProcess.RunAsync(new HostOptions(workshop.Home, Sweep));
        if (end.Result is not { IsCompleted: true }) _report.Findings.Add($"The sweep ended with {end.Result?.ToJson()} {end.Noise}");
    }

    private void LookForAddresses(Workshop workshop)
    {
        if (_report.AddressInClear || !workshop.HoldsAddress()) return;
        _report.AddressInClear = true;
        _report.Findings.Add("The home holds an address in clear text.");
    }
}
