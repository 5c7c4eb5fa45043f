using CcExport.Engine.ConstantContact;
using CcExport.Engine.Store;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>
/// A run that goes on after a while has sealed people who may have left the list since: before the rest is sent, the list is looked at again. A batch that holds
/// such people is sealed anew without them. In mode Mirror so is one with people whom others have put on the list meanwhile: they are not there because of the run.
/// </summary>
internal sealed class LateLeavers(EngineParts parts, ConstantContactClient client, RunReporter reporter)
{
    /// <summary>A look is good for so long.</summary>
    public static readonly TimeSpan Fresh = TimeSpan.FromMinutes(15);

    /// <param name="mayWrite">Throws when the run is no longer ours to write.</param>
    public async Task HoldOutAsync(
        RunRecord run, ExportDefinition definition, ConnectionRecord connection, RunBatches batches, ISpool spool, RunRejections rejections, Func<CancellationToken, Task> mayWrite, CancellationToken ct)
    {
        IReadOnlyList<BatchRecord> waiting = batches.In(BatchState.Sealed);
        if (waiting.Count == 0 || run.AllSealedAt is not { } at) return;
        using Suppressed suppressed = await new SuppressionBook(parts).OpenAgainAsync(run.Id, definition.SuppressionPath, reporter.Warning, ct).ConfigureAwait(false);
        if (!suppressed.IsEmpty)
        {
            // Somebody may have asked for it since the run was sealed.
            await mayWrite(ct).ConfigureAwait(false);
            long held = await Resealing.HoldOutAsync(parts, run, definition, batches, spool, rejections, suppressed.ReasonOf, ct).ConfigureAwait(false);
            if (held > 0) reporter.Warning(FormattableString.Invariant($"{held:N0} contacts were suppressed while the run stood still, and are held out."));
        }
        if (parts.Time.GetUtcNow() - at < Fresh) return;
        using ListMemory memory = await ListMemory.OpenAsync(parts, run.Export, connection, run.ListId, definition.Full, ct).ConfigureAwait(false);
        // Without a list, sending says so itself.
        bool mirror = definition.Mode == ExportMode.Mirror;
        if ((memory.IsEmpty && !mirror) || await client.GetListAsync(run.ListId, ct).ConfigureAwait(false) is not { } list) return;
        using ListState state = await new ListLook(client, new ListReader(client, parts.Time, parts.Upload), reporter, parts.LookContacts)
            .LookAsync(list, memory, whole: mirror, members: null, ct).ConfigureAwait(false);
        await mayWrite(ct).ConfigureAwait(false);
        using var holdOuts = new HoldOuts(definition, memory, state);
        long left = await Resealing.HoldOutAsync(parts, run, definition, batches, spool, rejections, holdOuts.HoldOut, ct,
            mirror ? address => state.Others?.Contains(address) == true || memory.IsOn(address) == true : null).ConfigureAwait(false);
        if (left > 0) reporter.Warning(FormattableString.Invariant($"{left:N0} contacts left the list or the account while the run stood still, and are held out."));
    }
}
