namespace CcExport.Simulator;

/// <summary>How a simulator is started.</summary>
public sealed record SimulatorOptions
{
    /// <summary>The address to listen on; port 0 takes a free one.</summary>
    public string Urls { get; init; } = "http://127.0.0.1:0";

    /// <summary>Decides every id, token and code: the same seed and the same calls give the same ones.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>The heading of the page at <c>/</c>.</summary>
    public string PageTitle { get; init; } = "Constant Contact simulator";

    /// <summary>Unified profiles in the simulated Customer Insights; they cost no memory.</summary>
    public long Profiles { get; init; } = 10_000;

    /// <summary>The switches in force at the start.</summary>
    public SimulatorSwitches Switches { get; init; } = new();
}
