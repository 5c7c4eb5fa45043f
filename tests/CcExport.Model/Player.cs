using CcExport.Engine;
using CcExport.Engine.Exports;
using CcExport.Engine.Store;
using CcExport.Simulator;

namespace CcExport.Model;

/// <summary>What the service holds, or the run says, is not what the model says.</summary>
internal sealed class DivergenceException(string what) : Exception(what);

/// <summary>Plays a history on a real engine and the simulated service, and holds each of its steps against the model.</summary>
internal sealed partial class Player(World world, Setup setup, Tally tally)
{
    private const string EndOfDay = """{"error_key":"quota_exceeded","error_message":"Limit Exceeded"}""";

    private readonly Account _account = Begin(setup);
    private readonly Dictionary<int, (long Run, Plan Plan)> _open = [];
    private readonly Dictionary<int, (long Run, Plan Plan)> _ended = [];
    // By export: whom its imports put on its list, and who of them has left since without a look of its own.
    private readonly List<HashSet<string>> _put = [.. setup.Exports.Select(_ => new HashSet<string>())];
    private readonly List<HashSet<string>> _away = [.. setup.Exports.Select(_ => new HashSet<string>())];
    private int _logged;

    private static Account Begin(Setup setup)
    {
        var account = new Account(setup);
        foreach (string one in World.Crowd(setup)) account.People.Add(one, new Person { Lists = { 0 } });
        return account;
    }

    /// <returns>What diverged, after how many steps; null: nothing did.</returns>
    public static async Task<(string What, int Steps)?> PlayAsync(History history, Tally tally)
    {
        World world = await World.StartAsync(history.Setup);
        await using (world)
        {
            int played = 0;
            try
            {
                var player = new Player(world, history.Setup, tally);
                for (; played < history.Steps.Count; played++) await player.TakeAsync(history.Steps[played]);
                await player.EndAsync();
                return null;
            }
            catch (DivergenceException e)
            {
                return (e.Message, Math.Min(played + 1, history.Steps.Count));
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                return ($"It broke: {e}", Math.Min(played + 1, history.Steps.Count));
            }
            finally
            {
                tally.Add(world.Listener.Ways);
            }
        }
    }

    private async Task TakeAsync(Step step)
    {
        if (!setup.Hurried) world.Clock.Add(TimeSpan.FromMinutes(3));
        switch (step)
        {
            case WriteSegment segment:
                world.WriteSegment(segment.Export, segment.Rows);
                _account.Write(segment.Export, segment.Rows);
                break;
            case Product product:
                if (!_account.Do(product)) break;
                foreach (Plan plan in AllBut(null)) plan.Touched.UnionWith([product.Email, product.Text]);
                Do(product);
                ReadLog(null, null, []);
                break;
            case Redefine change:
                await world.Engine.SetExportAsync(new ExportChange { Name = setup.Exports[change.Export].Name, BatchSize = change.BatchSize }, default);
                _sizes[change.Export] = change.BatchSize;
                break;
            case Pass pass:
                world.Clock.Add(pass.Time);
                break;
            case Act act:
                await ActAsync(act);
                break;
        }
        Compare(null);
    }

    private void Do(Product p)
    {
        switch (p.Deed)
        {
            case Deed.Leave: world.Service.LeaveList(p.Email, world.ListIds[p.List]); break;
            case Deed.Join: world.Service.JoinList(p.Email, world.ListIds[p.List]); break;
            case Deed.Unsubscribe: world.Service.Unsubscribe(p.Email); break;
            case Deed.Resubscribe: world.Service.Resubscribe(p.Email); break;
            case Deed.Delete: world.Service.DeleteContact(p.Email); break;
            case Deed.Rename: world.Service.EditContact(p.Email, new Dictionary<string, string> { ["email"] = p.Text }); break;
            case Deed.Edit: world.Service.EditContact(p.Email, new Dictionary<string, string> { ["first_name"] = p.Text }); break;
            default:
                world.Service.AddContact(p.Email, "implicit", p.List < 0 ? [] : [world.ListIds[p.List]],
                    p.Text.Length is > 0 and < 50 ? new Dictionary<string, string> { ["first_name"] = p.Text } : null);
                break;
        }
    }

    /// <summary>At the end all that is open is brought to its end, and each export runs once more, without any trouble.</summary>
    private async Task EndAsync()
    {
        for (int export = 0; export < setup.Exports.Count; export++)
        {
            for (int i = 0; i < 3 && _open.ContainsKey(export); i++)
            {
                world.Clock.Add(TimeSpan.FromHours(25));
                await ActAsync(new Act(export, Call.Invoke));
            }
            if (_open.ContainsKey(export)) throw new DivergenceException($"A run of export {export} does not come to its end.");
            world.Clock.Add(TimeSpan.FromHours(25));
            await ActAsync(new Act(export, Call.Invoke));
            Run? last = (await world.Engine.GetRunsAsync(setup.Exports[export].Name, 1, default)).FirstOrDefault();
            if (last?.Status is not (RunStatus.Completed or RunStatus.CompletedWithErrors)) throw new DivergenceException($"The last run of export {export} is {last?.Status}: {last?.Message}");
        }
    }

    private async Task ActAsync(Act act)
    {
        string name = setup.Exports[act.Export].Name;
        if (act.Call is Call.Plan)
        {
            await PlanAsync(act);
            return;
        }
        if (act.Call is Call.RunPlan)
        {
            await RunPlanAsync(act);
            return;
        }
        if (act.Call is Call.Undo && !_open.ContainsKey(act.Export))
        {
            await UndoAsync(act);
            return;
        }
        bool goesOn = _open.TryGetValue(act.Export, out (long Run, Plan Plan) open);
        // A run that has ended with something open may be opened again.
        if (!goesOn && act.Call == Call.Resume) goesOn = _ended.TryGetValue(act.Export, out open);
        if (!goesOn && act.Call != Call.Invoke) return;
        // The engine takes a look at the list for good that is less than a quarter of an hour old.
        if (goesOn) world.Clock.Add(TimeSpan.FromMinutes(16));
        // A run that is given up for a new one sends nothing more: what is open of it is so before the new one begins.
        if (goesOn && act.Fresh)
        {
            if (open.Plan.Undoes is not null) RememberUndo(open.Plan, false);
            else Remember(open.Plan, setup.Exports[act.Export].List, false, false);
            RememberRemoval(open.Plan, false);
        }
        Plan fresh = _account.PlanOf(act);
        if (goesOn)
        {
            open.Plan.IsTroubled |= act.IsTroubled;
            open.Plan.WentOn = true;
        }
        fresh.IsTroubled = act.IsTroubled;
        long before = (await world.Engine.GetRunsAsync(name, 1, default)) is [{ } newest, ..] ? newest.Id : 0;
        List<HashSet<string>> leavers = Leavers();
        await GoAsync(act, name, goesOn ? open.Run : 0);

        IReadOnlyList<Run> runs = await world.Engine.GetRunsAsync(name, null, default);
        ReadLog(leavers, act.Export, goesOn ? [open.Plan, fresh] : [fresh]);
        List<Run> begun = [.. runs.Where(r => r.Id > before).Reverse()];
        if (goesOn && runs.FirstOrDefault(r => r.Id == open.Run) is { } first)
        {
            if (begun.Count == 0) await JudgeAsync(first, open.Plan);
            else if (open.Plan.Undoes is null) Numbers(first, open.Plan, $"run {first.Id} of {name}, given up");
        }
        foreach (Run run in begun) await JudgeAsync(run, fresh);
    }

    /// <param name="run">What it is about: the run, or the plan; 0: a new run.</param>
    /// <returns>The id of what it was refused with; null: it was not.</returns>
    private async Task<string?> GoAsync(Act act, string name, long run)
    {
        string? refused = null;
        using var stop = new CancellationTokenSource();
        world.Store.Arm(act.DieAt, act.CancelAt, stop.Cancel);
        foreach (Trouble trouble in act.Troubles) world.Service.AddFault(RuleOf(trouble));
        world.Service.PlanImports([.. act.Jobs]);
        world.Service.PlanJobs([.. act.FirstJobs]);
        try
        {
            _ = act.Call switch
            {
                Call.Resume => await world.Engine.ResumeAsync(new ResumeRequest { RunId = run, Verify = act.Verify, SendInDoubt = act.SendInDoubt }, world.Listener, stop.Token),
                Call.Stop => await world.Engine.StopAsync(run, world.Listener, stop.Token),
                Call.Undo => await world.Engine.UndoAsync(run, new RunWaits(), world.Listener, stop.Token),
                Call.RunPlan => await world.Engine.InvokeAsync(new RunRequest { PlanId = run, Verify = act.Verify, Force = true }, world.Listener, stop.Token),
                _ => await world.Engine.InvokeAsync(new RunRequest
                {
                    ExportName = name,
                    Full = act.Full,
                    IncludeLeavers = act.IncludeLeavers,
                    TakeOwnership = act.TakeOwnership,
                    Verify = act.Verify,
                    Fresh = act.Fresh,
                    // Lists this small change by halves; the guard has tests of its own.
                    Force = true,
                }, world.Listener, stop.Token),
            };
        }
        catch (CcException e)
        {
            refused = e.ErrorId;
            tally.Refused(refused == "UndoNotPossible" ? $"{refused} ({e.Message[(e.Message.IndexOf(':', StringComparison.Ordinal) + 2)..].TrimEnd('.')})" : refused);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            tally.Canceled();
        }
        catch (Exception) when (world.Store.Dead)
        {
            tally.Died();
        }
        world.Service.ClearFaults();
        // What was not needed is done by nobody.
        world.Service.DropPlannedJobs();
        if (world.Store.Dead) await world.DieAsync();
        else world.Store.Arm(0, 0, () => { });
        return refused;
    }

    /// <summary>By list, who has left it; whom a run that is not at its end has taken off has not.</summary>
    private List<HashSet<string>> Leavers()
        => [.. Enumerable.Range(0, setup.Lists).Select(list => _account.Leavers(list).Except(_open.Values.Where(o => setup.Exports[o.Plan.Export].List == list).SelectMany(o => o.Plan.Gone)).ToHashSet())];

    /// <summary>What other commands are at, or may yet be.</summary>
    private IEnumerable<Plan> AllBut(Plan? one) => _open.Values.Concat(_ended.Values).Select(o => o.Plan).Concat(_plans.Values.Select(p => p.Plan)).Where(p => p != one);

    private static FaultRule RuleOf(Trouble t) => new()
    {
        Match = new FaultMatch { Path = t.Path, Nth = t.Nth, Count = t.Count },
        Effect = t.Kind switch
        {
            TroubleKind.LostAnswer => new FaultEffect { Kind = FaultKind.ProcessThenDrop },
            TroubleKind.Lost => new FaultEffect { Kind = FaultKind.Drop },
            TroubleKind.FailsAfterWork => new FaultEffect { Kind = FaultKind.ProcessThenStatus },
            TroubleKind.Throttled => new FaultEffect { Kind = FaultKind.Throttle },
            TroubleKind.DayEnded => new FaultEffect { Kind = FaultKind.Status, Status = 429, Body = EndOfDay },
            _ => new FaultEffect { Kind = FaultKind.Status, Status = 503 },
        },
    };
}
