using System.Text.Json;
using System.Text.Json.Serialization;
using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>
/// What a run saw before it sent anything, kept with its row: the guard of later runs learns from it, and for a plan it says what must still be so when it goes.
/// </summary>
internal sealed record Sight
{
    /// <summary>Members of the list; null where the service did not say.</summary>
    public long? Members { get; init; }
    /// <summary>Contacts that the list did not have; where that was not known one by one, at most so many.</summary>
    public long New { get; init; }
    /// <summary>Contacts to be taken off the list.</summary>
    public long Removals { get; init; }
    /// <summary>Profiles read of each segment.</summary>
    public Dictionary<string, long> Segments { get; init; } = [];
    /// <summary>What the guard found.</summary>
    public IReadOnlyList<GuardFinding>? Findings { get; init; }
    /// <summary>It went in spite of that.</summary>
    public bool Forced { get; init; }

    /// <summary>What a plan has to know besides; null for a run that was none.</summary>
    public PlanSight? Plan { get; init; }

    public string ToJson() => JsonSerializer.Serialize(this, SightJson.Default.Sight);

    /// <summary>Null for a run that saw nothing: it ended before, or is older than this.</summary>
    public static Sight? Of(RunRecord run) => run.Plan is null ? null : JsonSerializer.Deserialize(run.Plan, SightJson.Default.Sight);

    /// <summary>A run's message, with what was overridden in it: that stays on record however the run ends.</summary>
    public static string? Message(RunRecord run)
    {
        // Few are, in a long history: the text says so before it is taken apart.
        if (run.Plan?.Contains("\"Forced\":true", StringComparison.Ordinal) is not true || Of(run) is not { Forced: true, Findings: { Count: > 0 } findings }) return run.Message;
        string forced = $"The guard was overridden with -Force. {string.Join(' ', findings.Select(f => f.Message))}";
        return run.Message is null ? forced : $"{run.Message} {forced}";
    }
}

/// <summary>How the list and the definition were when a plan was made.</summary>
internal sealed record PlanSight
{
    public required DateTimeOffset At { get; init; }
    public required string ListName { get; init; }
    /// <summary>The sum of the hashes of all members: of other members it is another.</summary>
    public string? Mark { get; init; }
    /// <summary>The last run to the list, of any export, that anything is remembered of; 0: none.</summary>
    public required long MemoryRun { get; init; }
    /// <summary>Hash of the stored export; null when there is none.</summary>
    public string? Definition { get; init; }
    /// <summary>Hash of who is never sent.</summary>
    public required string Suppressed { get; init; }
    /// <summary>What a person should know besides the guard's findings.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Sight))]
internal sealed partial class SightJson : JsonSerializerContext;
