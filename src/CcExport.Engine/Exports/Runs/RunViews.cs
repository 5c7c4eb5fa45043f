using CcExport.Engine.Mapping;
using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>Stored records as the objects people see.</summary>
internal static class RunViews
{
    /// <summary>Views of runs, those that lost their process shown as what they are: interrupted, and what goes on with them.</summary>
    public static async Task<IReadOnlyList<Run>> OfAsync(IReadOnlyList<RunRecord> runs, EngineParts parts, CancellationToken ct)
    {
        string[] open = [.. runs.Where(MayHaveDied).Select(RunLease.NameOf).Distinct()];
        IReadOnlyDictionary<string, LeaseOwner> held = open.Length == 0 ? new Dictionary<string, LeaseOwner>()
            : await parts.Store.Leases.GetHeldAsync(open, parts.Time.GetUtcNow(), ct).ConfigureAwait(false);
        return [.. runs.Select(run => Of(MayHaveDied(run) && !held.ContainsKey(RunLease.NameOf(run)) ? Orphaned(run) : run))];
    }

    // A sealed plan has no runner, and needs none.
    private static bool MayHaveDied(RunRecord run) => run.CompletedAt is null && !PlanBook.Waits(run) && run.Status is RunStatus.Running or RunStatus.Verifying or RunStatus.Queued;

    private static RunRecord Orphaned(RunRecord run) => run with
    {
        Status = RunStatus.Interrupted,
        Message = run.AllSealedAt is null
            ? "Its process ended before all was read, so nothing was sent. Invoke the export again."
            : FormattableString.Invariant($"Its process ended. Resume-CcRun -Id {run.Id}{(run.Export is null ? "" : ", or invoking the export again,")} goes on where it stopped."),
    };

    public static Run Of(RunRecord run)
    {
        RunNumbers n = run.Numbers;
        return new Run
        {
            Id = run.Id,
            Export = run.Export,
            Connection = run.Connection,
            ListId = run.ListId,
            Status = run.Status,
            Trigger = run.Trigger,
            ReadAs = ExportDefinition.ReadAsOf(run.Definition),
            StartedAt = run.StartedAt,
            CompletedAt = run.CompletedAt,
            Read = n.Read,
            Invalid = n.Invalid,
            Duplicate = n.Duplicate,
            Suppressed = n.Suppressed,
            Unchanged = n.Unchanged,
            Sent = n.Sent,
            Accepted = n.Accepted,
            OptedOut = n.OptedOut,
            Refused = n.Refused,
            Unaccounted = n.Unaccounted,
            Removed = n.Removed,
            Noted = n.Noted,
            Batches = n.Batches,
            Requests = n.Requests,
            BytesSent = n.BytesSent,
            Message = Sight.Message(run),
            Sealed = run.AllSealedAt is not null,
        };
    }

    public static Rejection Of(long runId, string? export, RejectionRecord r)
    {
        (string sentence, string? remedy) = Reasons.Explain(r.ReasonId);
        return new Rejection
        {
            RunId = runId,
            Export = export,
            Row = r.Row,
            SourceKey = r.Key,
            Segment = r.Segment,
            Field = r.Field,
            Reason = r.ReasonId,
            Message = r.Text is null ? sentence : $"{sentence} It says: {r.Text}",
            Remedy = remedy,
            Kind = r.Kind.ToString(),
            Count = r.Count,
            Batch = r.Batch,
            WinnerRow = r.WinnerRow == 0 ? null : r.WinnerRow,
            WinnerSegment = r.WinnerSegment,
            WinnerKey = r.WinnerKey,
        };
    }
}
