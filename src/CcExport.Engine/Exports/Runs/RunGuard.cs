using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>Asks the guard about a run that is sealed, with the history of its export, and stops it before anything is sent.</summary>
internal sealed class RunGuard(EngineParts parts, RunReporter reporter)
{
    /// <summary>What the run sees, with the guard's findings. Their first stops the run (Limit), unless it is forced or only a plan.</summary>
    public async Task<Sight> AskAsync(RunRecord run, ExportDefinition definition, Sight sight, RunNumbers numbers, bool plan, CancellationToken ct)
    {
        var history = new List<GuardPast>();
        foreach (RunRecord past in await parts.Store.Runs.ListAsync(
            new RunQuery(run.Export, Limit: Guard.Learnt, WholeOnly: true, Unnamed: run.Export is null ? (run.ConnectionId, run.ListId) : null), ct).ConfigureAwait(false))
        {
            Sight? seen = Sight.Of(past);
            // Of another list nothing can be learnt about this one; of the segments it can.
            bool same = past.ListId == run.ListId && past.ConnectionId == run.ConnectionId;
            history.Add(new GuardPast(past.Numbers.Read, same ? seen?.Members : null, seen?.New ?? 0, past.Numbers.Removed, seen?.Segments ?? []));
        }
        IReadOnlyList<GuardFinding> findings = Guard.Look(new GuardNumbers
        {
            Read = numbers.Read,
            Invalid = numbers.Invalid,
            Segments = sight.Segments,
            New = sight.New,
            Removals = sight.Removals,
            Members = sight.Members,
            Mode = definition.Mode,
            MaxShrink = definition.MaxShrink,
            MaxGrowth = definition.MaxGrowth,
            History = history,
        });
        sight = sight with { Findings = findings.Count == 0 ? null : findings };
        return plan ? sight : Settle(sight, definition.Force);
    }

    /// <summary>Stops what the guard found, or lets it go and puts that on record.</summary>
    public Sight Settle(Sight sight, bool force)
    {
        if (sight.Findings is not { Count: > 0 } findings) return sight;
        if (!force)
        {
            throw new CcException(findings[0].Id, CcErrorKind.Limit,
                $"{string.Join(' ', findings.Select(f => f.Message))} Nothing was sent.", string.Join(' ', findings.Select(f => f.Remedy).Distinct()));
        }
        reporter.Warning($"The guard is overridden with -Force. {string.Join(' ', findings.Select(f => f.Message))}");
        return sight with { Forced = true };
    }
}
