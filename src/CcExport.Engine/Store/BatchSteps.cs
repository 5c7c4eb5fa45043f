namespace CcExport.Engine.Store;

/// <summary>One step of a batch: where it leads, and from where it may be taken.</summary>
internal sealed record BatchStep(string Name, BatchState To, params BatchState[] From);

/// <summary>
/// The steps that a batch may take. Every store checks them in the statement that takes the step, so that two processes
/// which both believe they run the batch cannot both take it.
/// </summary>
internal static class BatchSteps
{
    // From Sealed alone: what is in doubt has to be proved NotSent first.
    public static readonly BatchStep Sending = new(nameof(Sending), BatchState.Sending, BatchState.Sealed);
    public static readonly BatchStep Sent = new(nameof(Sent), BatchState.Sent, BatchState.Sending, BatchState.InDoubt);
    public static readonly BatchStep InDoubt = new(nameof(InDoubt), BatchState.InDoubt, BatchState.Sending);
    public static readonly BatchStep NotSent = new(nameof(NotSent), BatchState.Sealed, BatchState.Sending, BatchState.InDoubt);
    // From Sealed too: a run that ends before its end finishes what it never sent, so that every contact has one fate.
    public static readonly BatchStep Finished =
        new(nameof(Finished), BatchState.Finished, BatchState.Sealed, BatchState.Sending, BatchState.InDoubt, BatchState.Sent);
    // The fate of a Finished batch's contacts may become better known as long as the run is open.
    public static readonly BatchStep Revised = new(nameof(Revised), BatchState.Finished, BatchState.Finished);

    /// <summary>True when a run with this status is over and nothing about it changes any more.</summary>
    public static bool IsFinal(RunStatus status) =>
        status is RunStatus.Completed or RunStatus.CompletedWithErrors or RunStatus.Failed or RunStatus.Canceled;

    /// <summary>True when the outcome gives each of the batch's rows exactly one fate.</summary>
    public static bool Covers(BatchOutcome outcome, long rows) =>
        outcome is { Accepted: >= 0, OptedOut: >= 0, Refused: >= 0, Unaccounted: >= 0, Moved: >= 0, HeldOut: >= 0 }
        && (long)outcome.Accepted + outcome.OptedOut + outcome.Refused + outcome.Unaccounted + outcome.Moved + outcome.HeldOut == rows;

    public static CcException Conflict(long runId, string why) =>
        new("JournalConflict", CcErrorKind.Conflict, $"Run {runId}: {why}.",
            "Another process may have worked on this run. Look at it with Get-CcRun before going on.")
        { Subject = runId.ToString(System.Globalization.CultureInfo.InvariantCulture) };
}
