using CcExport.Engine.Mapping;
using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>Stored records as the objects people see.</summary>
internal static class RunViews
{
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
            Message = run.Message,
        };
    }

    public static Rejection Of(
        long runId, string? export, RejectionKind kind, long row, string? segment, string? key, string? field, string reason, int count, int? batch, string? text)
    {
        (string sentence, string? remedy) = Reasons.Explain(reason);
        return new Rejection
        {
            RunId = runId,
            Export = export,
            Row = row,
            SourceKey = key,
            Segment = segment,
            Field = field,
            Reason = reason,
            Message = text is null ? sentence : $"{sentence} It says: {text}",
            Remedy = remedy,
            Kind = kind.ToString(),
            Count = count,
            Batch = batch,
        };
    }
}
