using CcExport.Engine.Exports;
using CcExport.Simulator;

namespace CcExport.Model;

/// <summary>A whole history, decided before any of it is played: the same seed and index give the same one, and any of its steps can be left out.</summary>
internal sealed record History(int Seed, int Index, Setup Setup, IReadOnlyList<Step> Steps);

/// <summary>What does not change in a history.</summary>
/// <param name="Lists">1 or 2.</param>
/// <param name="Touches">Whether joining or leaving a list changes a contact.</param>
/// <param name="FewContacts">How many contacts the engine reads by pages.</param>
/// <param name="ErrorLines">How many refused rows a job names.</param>
/// <param name="Hurried">No time passes between the steps: all lies within the lag of the service's pages.</param>
/// <param name="Crowd">Members that the first list has from before our time, whom no export and no deed is about: so many that people are taken off through a list made for it.</param>
internal sealed record Setup(int Lists, bool Touches, int FewContacts, int ErrorLines, bool Hurried, int Crowd, IReadOnlyList<ExportSetup> Exports);

/// <param name="Fields">What the map sends besides the address, by the names of the import.</param>
internal sealed record ExportSetup(string Name, int List, ExportMode Mode, IReadOnlyList<string> Fields, int BatchSize);

/// <summary>One row of a segment file; null cells make it a row that does not fit its header.</summary>
internal sealed record Row(string Key, string Email, string First, string Last, string Tier, bool Broken = false);

internal abstract record Step;

internal sealed record WriteSegment(int Export, IReadOnlyList<Row> Rows) : Step
{
    public override string ToString() => $"Segment of {Export}: {string.Join(" | ", Rows.Select(r => r.Broken ? "(broken)" : $"{r.Email},{r.First},{r.Last},{r.Tier}"))}";
}

internal enum Deed
{
    Leave,
    Join,
    Unsubscribe,
    Resubscribe,
    Edit,
    Delete,
    Foreign,
    Rename,
}

/// <summary>What somebody does in the product. Where it is not possible, nothing happens.</summary>
internal sealed record Product(Deed Deed, string Email, int List, string Text) : Step;

internal sealed record Pass(TimeSpan Time) : Step;

/// <summary>The definition of an export is changed.</summary>
internal sealed record Redefine(int Export, int BatchSize) : Step;

internal enum Call
{
    Invoke,
    Resume,
    Stop,
    /// <summary>Get-CcPlan.</summary>
    Plan,
    /// <summary>Invoke-CcExport -Plan, of the export's last plan.</summary>
    RunPlan,
    /// <summary>Undo-CcRun, of the export's last run.</summary>
    Undo,
}

/// <summary>A command, and what goes wrong while it runs.</summary>
/// <param name="DieAt">The journal's step before which the process dies; 0: it lives.</param>
/// <param name="CancelAt">The step before which Ctrl+C is pressed; 0: nobody does.</param>
internal sealed record Act(
    int Export, Call Call, bool Full = false, bool IncludeLeavers = false, bool TakeOwnership = false, bool Verify = false, bool SendInDoubt = false, bool Fresh = false,
    int DieAt = 0, int CancelAt = 0) : Step
{
    public IReadOnlyList<Trouble> Troubles { get; init; } = [];
    /// <summary>How its imports end.</summary>
    public IReadOnlyList<JobOutcome> Jobs { get; init; } = [];
    /// <summary>How the first jobs of any kind end: contact exports above all.</summary>
    public IReadOnlyList<JobOutcome> FirstJobs { get; init; } = [];

    public bool IsTroubled => DieAt > 0 || CancelAt > 0 || Troubles.Count > 0 || Jobs.Count > 0 || FirstJobs.Count > 0;

    public override string ToString()
    {
        List<string> said = [$"{Call} export {Export}"];
        if (Full) said.Add("-Full");
        if (IncludeLeavers) said.Add("-IncludeLeavers");
        if (TakeOwnership) said.Add("-TakeOwnership");
        if (Verify) said.Add("-Verify");
        if (SendInDoubt) said.Add("-SendInDoubt");
        if (Fresh) said.Add("-Fresh");
        if (DieAt > 0) said.Add($"dies at {DieAt}");
        if (CancelAt > 0) said.Add($"Ctrl+C at {CancelAt}");
        said.AddRange(Troubles.Select(t => $"{t.Kind} {t.Path} from {t.Nth}, {t.Count} times"));
        if (Jobs.Count > 0) said.Add($"jobs {string.Join(", ", Jobs)}");
        if (FirstJobs.Count > 0) said.Add($"first jobs {string.Join(", ", FirstJobs)}");
        return string.Join("; ", said);
    }
}

internal enum TroubleKind
{
    LostAnswer,
    Lost,
    Fails,
    FailsAfterWork,
    Throttled,
    DayEnded,
}

internal sealed record Trouble(TroubleKind Kind, string? Path, int Nth, int Count);
