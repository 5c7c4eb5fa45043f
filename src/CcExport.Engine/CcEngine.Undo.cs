using CcExport.Engine.Exports;

namespace CcExport.Engine;

/// <content>Undoing a run.</content>
public sealed partial class CcEngine
{
    /// <summary>
    /// Puts membership and changed values back as they were before a run (network), except of people who have unsubscribed, left or changed since. It is a run of its own, to be
    /// resumed and stopped like any other. <c>RunNotFound</c>, <c>RunNotEnded</c>, <c>UndoNotPossible</c>, <c>UndoTooOld</c> (30 days), <c>UndoneAlready</c>, <c>RunInProgress</c>.
    /// </summary>
    public async Task<Run> UndoAsync(long runId, RunWaits waits, IRunObserver observer, CancellationToken ct)
    {
        return await WatchAsync(observer, null, null, announces: false, async t =>
        {
            await ReadyAsync(t).ConfigureAwait(false);
            await SpoolLeftovers.RemoveAsync(_parts, t).ConfigureAwait(false);
            return await new UndoConductor(_parts, observer).UndoAsync(runId, waits, t).ConfigureAwait(false);
        }, ct).ConfigureAwait(false);
    }

    /// <summary>What that would do: reads the list as it is now (network), and changes nothing.</summary>
    public async Task<UndoPreview> PreviewUndoAsync(long runId, IRunObserver observer, CancellationToken ct)
    {
        await ReadyAsync(ct).ConfigureAwait(false);
        return await new UndoConductor(_parts, observer).PreviewAsync(runId, ct).ConfigureAwait(false);
    }
}
