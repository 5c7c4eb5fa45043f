using CcExport.Engine.Profiles;
using CcExport.Engine.Telemetry;

namespace CcExport.Engine.Exports;

/// <summary>What <c>Invoke-CcExport</c> was told: a stored export by its name, or all that one consists of and piped objects or a path.</summary>
public sealed record RunRequest
{
    /// <summary>The stored export; null: the rest says it.</summary>
    public string? ExportName { get; init; }
    /// <summary>The connection's name.</summary>
    public string? Connection { get; init; }
    /// <summary>The list's id or its pasted address.</summary>
    public string? ListId { get; init; }
    /// <summary>Contact field to profile column.</summary>
    public IReadOnlyDictionary<string, string>? Map { get; init; }
    /// <summary>Piped objects.</summary>
    public PipedProfiles? Piped { get; init; }
    /// <summary>A path, when nothing is piped.</summary>
    public SourceReference? Source { get; init; }
    /// <summary>Segments of the path; empty: all.</summary>
    public IReadOnlyList<string> Segment { get; init; } = [];
    /// <summary>The key column.</summary>
    public string? KeyProperty { get; init; }
    /// <summary>The column whose newest value wins among profiles of one address; null: the first profile does.</summary>
    public string? PreferNewest { get; init; }
    /// <summary>1 to 39,999.</summary>
    public int? BatchSize { get; init; }
    /// <summary>At least 1; null: 1,000,000.</summary>
    public long? MaxProfiles { get; init; }
    /// <summary>Days for which the run and its rejections are kept, 1 to 3,650; null: 90.</summary>
    public int? KeepDays { get; init; }
    /// <summary>OnDemand, Pipeline, Schedule.</summary>
    public string Trigger { get; init; } = "OnDemand";
    /// <summary>An earlier run that is not at its end is given up, with its numbers, instead of finished.</summary>
    public bool Fresh { get; init; }
    /// <summary>The list is read back after the run, and whoever is not on it is named.</summary>
    public bool Verify { get; init; }
    /// <summary>The mode, where no stored export says it; else null.</summary>
    public ExportMode? Mode { get; init; }
    /// <summary>People who left the list are sent all the same.</summary>
    public bool IncludeLeavers { get; init; }
    /// <summary>Forgets what was sent before: all is sent. Who left the list is not forgotten.</summary>
    public bool Full { get; init; }
    /// <summary>Mirror also takes off the list whom somebody else put there.</summary>
    public bool TakeOwnership { get; init; }
    /// <summary>The guard does not stop the run.</summary>
    public bool Force { get; init; }
    /// <summary>More files of addresses that are never sent; absolute paths.</summary>
    public IReadOnlyList<string> SuppressionPath { get; init; } = [];
    /// <summary>Most of the list that the run may take off; null: as the export has it.</summary>
    public double? MaxShrink { get; init; }
    /// <summary>Most that it may add; null: as the export has it.</summary>
    public double? MaxGrowth { get; init; }
    /// <summary>No former values are kept, so the run cannot be undone.</summary>
    public bool NoUndo { get; init; }
    /// <summary>A plan that is to go, by its number; only <see cref="Force"/>, <see cref="Verify"/>, <see cref="Waits"/> and <see cref="Trigger"/> count then.</summary>
    public long? PlanId { get; init; }
    /// <summary>How to wait.</summary>
    public RunWaits Waits { get; init; } = new();
}

/// <summary>What a run waits for instead of returning at once.</summary>
public sealed record RunWaits
{
    /// <summary>For the next day's calls when this day's are used up.</summary>
    public bool ForQuota { get; init; }
    /// <summary>For another process that runs the same export.</summary>
    public bool ForRunner { get; init; }
}

/// <summary>How a run is to go on.</summary>
public sealed record ResumeRequest
{
    /// <summary>The run's number.</summary>
    public required long RunId { get; init; }
    /// <summary>Batches that stayed in doubt are sent, though the service may have them.</summary>
    public bool SendInDoubt { get; init; }
    /// <summary>The list is read back, and whoever is not on it is named.</summary>
    public bool Verify { get; init; }
    /// <summary>How to wait.</summary>
    public RunWaits Waits { get; init; } = new();
}

/// <summary>Where a run is, for a progress bar.</summary>
/// <param name="Stage">Preflight, Reading, Sending, Following, Closing.</param>
/// <param name="Done">Profiles read, batches sent, or jobs ended.</param>
/// <param name="Total">How many there are, where that is known; else null.</param>
/// <param name="Fraction">0 to 1, where it can be told; else null.</param>
/// <param name="Rate">Of what <paramref name="Done"/> counts, a second; else null.</param>
/// <param name="TimeLeft">An estimate, where one can be made.</param>
/// <param name="Text">One line for a person.</param>
public readonly record struct RunProgress(
    string Stage, long Done, long? Total, double? Fraction, double? Rate, TimeSpan? TimeLeft, string Text);

/// <summary>
/// Who watches a run. Called from the engine's threads, in order, never two at once; must not block for long.
/// </summary>
public interface IRunObserver
{
    /// <summary>At most once a second.</summary>
    void Progress(RunProgress progress);
    /// <summary>Something to act on.</summary>
    void Warning(string message);
    /// <summary>What is being done.</summary>
    void Verbose(string message);
    /// <summary>Something that happened, for a log. Unlike the others it may come while another call is under way.</summary>
    void Event(RunEvent what) { }
}

/// <summary>What a run would do: read and mapped, nothing sent.</summary>
public sealed class Preview
{
    /// <summary>The export's name; null for piped objects without a name.</summary>
    public string? Export { get; init; }
    /// <summary>The list.</summary>
    public required string ListId { get; init; }
    /// <summary>Profiles read.</summary>
    public required long Read { get; init; }
    /// <summary>Profiles that would be rejected as invalid.</summary>
    public required long Invalid { get; init; }
    /// <summary>Profiles that lost to another with the same address.</summary>
    public required long Duplicate { get; init; }
    /// <summary>Profiles held out by a rule.</summary>
    public required long Suppressed { get; init; }
    /// <summary>Profiles that the list already has as they are.</summary>
    public required long Unchanged { get; init; }
    /// <summary>Contacts that would be sent.</summary>
    public required long WouldSend { get; init; }
    /// <summary>Optional values that would be cut or left out, and contacts with the address of a role.</summary>
    public required long Noted { get; init; }
    /// <summary>Import requests it would take; where the newest profile wins, at most.</summary>
    public required int Batches { get; init; }
    /// <summary>Bytes of those; where the newest profile wins, at most.</summary>
    public required long Bytes { get; init; }
    /// <summary>Least time the call limit allows for sending them.</summary>
    public required TimeSpan LeastSendTime { get; init; }
    /// <summary>False when only the first profiles were read.</summary>
    public required bool Complete { get; init; }
    /// <summary>How many profiles each reason stops.</summary>
    public required IReadOnlyDictionary<string, long> Reasons { get; init; }
    /// <summary>One for each profile that would not go (and each value that would be cut), up to the asked number.</summary>
    public required IReadOnlyList<Rejection> Rejections { get; init; }
    /// <summary>The first contacts as they would be sent (JSON).</summary>
    public required IReadOnlyList<string> Sample { get; init; }
    /// <summary>What a person should know before running it.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }
}
