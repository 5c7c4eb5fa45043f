using CcExport.Engine.Exports;
using CcExport.Engine.Store;

namespace CcExport.Engine;

/// <content>Plans.</content>
public sealed partial class CcEngine
{
    /// <summary>
    /// Reads, maps, seals and compares with the list (network), and sends nothing. The plan lies here for a day; <see cref="InvokeAsync"/> with
    /// <see cref="RunRequest.PlanId"/> runs it. It takes the place of an older plan of the same export. What the guard finds is among its warnings. <c>RunNotEnded</c>
    /// while an earlier run of the export is not at its end; else as preflight and reading say.
    /// </summary>
    public async Task<Plan> PlanAsync(RunRequest request, IRunObserver observer, CancellationToken ct)
    {
        Run run = await WatchAsync(observer, request.ExportName, request.Connection, announces: false, async t =>
        {
            await ReadyAsync(t).ConfigureAwait(false);
            await SpoolLeftovers.RemoveAsync(_parts, t).ConfigureAwait(false);
            return await new RunConductor(_parts, observer).PlanAsync(request, t).ConfigureAwait(false);
        }, ct).ConfigureAwait(false);
        RunRecord? plan = await _parts.Store.Runs.FindAsync(run.Id, ct).ConfigureAwait(false);
        return plan is not null && PlanBook.Waits(plan) ? await new PlanViews(_parts).OfAsync(plan, ct).ConfigureAwait(false)
            : throw new CcException("PlanDiscarded", CcErrorKind.Conflict, FormattableString.Invariant($"Plan {run.Id} was discarded while it was made. {run.Message}").TrimEnd(), "Make it again.");
    }

    /// <summary>Plans that wait, newest first; asks no network.</summary>
    public Task<IReadOnlyList<Plan>> GetPlansAsync(CancellationToken ct) => new PlanViews(_parts).ListAsync(ct);
}
