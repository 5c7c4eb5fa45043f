using System.Globalization;
using CcExport.Simulator;

namespace CcExport.Chaos;

/// <summary>What processes work on a run, and on whom.</summary>
internal interface IHosts
{
    SimulatorSwitches Switches { get; }
    /// <summary>As the export has it; null: as the module has it.</summary>
    int? Batch { get; }
    int RowsOfBatch { get; }
    Population Populate(Workshop workshop, string export, RunPlan plan, Random chance);
    Task<HostEnd> RunAsync(Workshop workshop, string export, RunPlan plan, PlannedKill? kill, Random chance);
}

/// <summary>The engine alone, that ends itself at a step of the journal or is killed by the clock.</summary>
internal sealed class EngineHosts(int profiles, int batch) : IHosts
{
    public SimulatorSwitches Switches { get; } = new();
    public int? Batch => batch;
    public int RowsOfBatch => batch;

    public Population Populate(Workshop workshop, string export, RunPlan plan, Random chance)
        => workshop.Populate(export, plan.Index.ToString(CultureInfo.InvariantCulture), profiles, chance);

    public Task<HostEnd> RunAsync(Workshop workshop, string export, RunPlan plan, PlannedKill? kill, Random chance)
        => HostProcess.RunAsync(new HostOptions(workshop.Home, export) { Kill = kill?.Step, Verify = plan.Verify }, kill?.After);
}
