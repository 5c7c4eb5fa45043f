using CcExport.Engine.Announcements;
using CcExport.Engine.Store;
using CcExport.Engine.Telemetry;

namespace CcExport.Engine.Exports;

/// <summary>
/// Sends a failure of an export to its webhook, once until the export has gone well again. What is tried again by itself is not announced: it is the rule by which the
/// schedule leaves a due time open. Whatever becomes of it, the run is what it was.
/// </summary>
internal sealed class FailureAnnouncer(EngineParts parts, IRunObserver observer)
{
    private const string Seen = "CcExport.Announced";

    /// <summary>What ends a command and is tried again by the next look at the schedule.</summary>
    public static bool PassesByItself(CcException e)
        => e.Kind is CcErrorKind.Connection or CcErrorKind.Storage or CcErrorKind.Conflict || e.ErrorId is "QuotaExceeded" or "Throttled" or "ServiceUnavailable";

    /// <summary>A run that has ended, or stands still.</summary>
    /// <param name="why">What it failed of, where that is known.</param>
    public async Task AfterAsync(Run run, CcException? why, CancellationToken ct)
    {
        if (run.Export is not { } export) return;
        if (run.Status is RunStatus.Completed or RunStatus.CompletedWithErrors)
        {
            await QuietlyAsync(() => parts.Store.Announcements.ForgetAsync(export, null, ct)).ConfigureAwait(false);
            return;
        }
        // Of those that stand still only one that waits for a person: to sign in, to give a right, to put a file back.
        bool waits = run.Status == RunStatus.Interrupted && why?.Kind is (CcErrorKind.Authentication or CcErrorKind.Permission or CcErrorKind.InvalidData);
        if (run.Status != RunStatus.Failed && !waits) return;
        await AnnounceAsync(new FailureNotice
        {
            Export = export,
            Connection = run.Connection,
            Run = run.Id,
            Status = run.Status.ToString(),
            ErrorId = why?.ErrorId ?? "RunFailed",
            Message = why?.Message ?? run.Message ?? "No reason was given.",
            Remedy = why?.Remedy,
            At = parts.Time.GetUtcNow(),
            Machine = ProcessTable.Machine,
            Numbers = RunSignals.Numbers(run),
        }, ct).ConfigureAwait(false);
    }

    /// <summary>The export could not be run at all. Each exception counts once, however many it passes.</summary>
    public async Task AfterAsync(string? export, string? connection, Exception failure, CancellationToken ct)
    {
        if (export is null || failure is OperationCanceledException || failure is CcException passing && PassesByItself(passing) || failure.Data.Contains(Seen)) return;
        failure.Data[Seen] = true;
        var known = failure as CcException;
        await AnnounceAsync(new FailureNotice
        {
            Export = export,
            Connection = connection,
            Status = "NotRun",
            ErrorId = known?.ErrorId ?? "Unexpected",
            Message = known?.Message ?? $"Something unexpected happened ({failure.GetType().Name}).",
            Remedy = known?.Remedy,
            At = parts.Time.GetUtcNow(),
            Machine = ProcessTable.Machine,
        }, ct).ConfigureAwait(false);
    }

    private Task AnnounceAsync(FailureNotice notice, CancellationToken ct) => QuietlyAsync(async () =>
    {
        if (await parts.Store.Exports.FindAsync(notice.Export, ct).ConfigureAwait(false) is not { Secrets: { } secrets } record) return;
        ExportDefinition definition = ExportDefinition.FromJson(record.Json);
        // Noted before it is sent: of two processes one says it. What was not taken is forgotten again, and said the next time.
        if (!await parts.Store.Announcements.TryNoteAsync(record.Name, notice.ErrorId, notice.At, ct).ConfigureAwait(false)) return;
        string? why = "it was not sent";
        try
        {
            await parts.Secrets.UnlockAsync(ct).ConfigureAwait(false);
            Uri address = Webhook.Parse(ExportSecrets.Unprotect(parts.Secrets, record.Name, secrets).AbsoluteUri);
            NoticeShape shape = definition.OnFailureShape is { } chosen and not NoticeShape.Auto ? chosen : NoticeBody.ShapeOf(address);
            why = await new Webhook(parts.Time) { Pause = parts.WebhookPause }.SendAsync(address, NoticeBody.Write(notice with { Export = record.Name }, shape), ct).ConfigureAwait(false);
        }
        finally
        {
            if (why is not null) await parts.Store.Announcements.ForgetAsync(record.Name, notice.ErrorId, CancellationToken.None).ConfigureAwait(false);
        }
        if (why is not null) observer.Warning($"The failure of '{record.Name}' could not be announced to {definition.OnFailure}: {why}.");
        else observer.Event(new RunEvent(RunEvents.FailureAnnounced) { Run = notice.Run, Export = record.Name, Connection = notice.Connection, ErrorId = notice.ErrorId });
    });

    private async Task QuietlyAsync(Func<Task> act)
    {
        try
        {
            await act().ConfigureAwait(false);
        }
        catch (CcException e)
        {
            observer.Warning($"A failure could not be announced. {RunCloser.Explain(e)}");
        }
        catch (OperationCanceledException)
        {
            // Whoever stops does not wait for it; the next failure of the kind is announced.
        }
    }
}
