using Dapper;
using Npgsql;

namespace CcExport.Engine.Store.PostgreSql;

/// <summary>The steps of a batch.</summary>
internal sealed partial class PostgresRuns
{
    // Nothing is sealed after the mark AllSealed, and nothing is sent before it.
    private const string Sealing = "EXISTS (SELECT 1 FROM Runs WHERE Id = @runId AND AllSealedAt IS NULL AND CompletedAt IS NULL)";
    private const string Uploading = "EXISTS (SELECT 1 FROM Runs WHERE Id = @runId AND AllSealedAt IS NOT NULL AND CompletedAt IS NULL)";

    private const string OutcomeSets = """
        , Verdict = @Verdict, Accepted = @Accepted, OptedOut = @OptedOut, Refused = @Refused, Unaccounted = @Unaccounted, Moved = @Moved, HeldOut = @HeldOut,
        Message = @Message, FinishedAt = @at
        """;

    public Task SealedAsync(long runId, BatchRecord batch, CancellationToken ct) =>
        database.WriteAsync(
            async s =>
            {
                await LockAsync(s, runId).ConfigureAwait(false);
                try
                {
                    int added = await s.ExecuteAsync($"""
                        INSERT INTO Batches (RunId, Number, Rows, Bytes, State, Attempts)
                        SELECT @runId, @Number, @Rows, @Bytes, 'Sealed', 0 WHERE {Sealing}
                        """, new { runId, batch.Number, batch.Rows, batch.Bytes }).ConfigureAwait(false);
                    return added == 1 ? true : throw await RefusedAsync(s, runId, $"batch {batch.Number} is sealed").ConfigureAwait(false);
                }
                catch (PostgresException e) when (PostgresErrors.IsDuplicate(e))
                {
                    throw BatchSteps.Conflict(runId, $"batch {batch.Number} is sealed already");
                }
            }, ct);

    public Task SendingAsync(long runId, int batch, DateTimeOffset at, CancellationToken ct) =>
        StepAsync(runId, batch, BatchSteps.Sending, ", SendingAt = @at, SentAt = NULL, Attempts = Attempts + 1", new { at = at.UtcDateTime }, ct);

    public Task SentAsync(long runId, int batch, string activityId, DateTimeOffset at, CancellationToken ct) =>
        StepAsync(runId, batch, BatchSteps.Sent, ", SentAt = @at, ActivityId = @activityId", new { at = at.UtcDateTime, activityId }, ct);

    public Task InDoubtAsync(long runId, int batch, DateTimeOffset at, CancellationToken ct) =>
        StepAsync(runId, batch, BatchSteps.InDoubt, ", SentAt = @at", new { at = at.UtcDateTime }, ct);

    public Task NotSentAsync(long runId, int batch, CancellationToken ct) => StepAsync(runId, batch, BatchSteps.NotSent, "", new { }, ct);

    public Task FinishedAsync(long runId, int batch, BatchOutcome outcome, CancellationToken ct) => TakeAllAsync(runId, [(batch, outcome)], BatchSteps.Finished, null, ct);

    public Task SettledAsync(long runId, IReadOnlyList<(int Batch, BatchOutcome Outcome)> settled, IReadOnlyList<BatchRecord> fresh, CancellationToken ct) =>
        TakeAllAsync(runId, settled, BatchSteps.Finished, fresh, ct);

    public Task RevisedAsync(long runId, IReadOnlyList<(int Batch, BatchOutcome Outcome)> revised, CancellationToken ct) => TakeAllAsync(runId, revised, BatchSteps.Revised, null, ct);

    /// <param name="fresh">The batches that what was moved goes in; null: nothing is settled, outcomes are only better known.</param>
    private Task TakeAllAsync(long runId, IReadOnlyList<(int Batch, BatchOutcome Outcome)> outcomes, BatchStep step, IReadOnlyList<BatchRecord>? fresh, CancellationToken ct) =>
        database.WriteAsync(
            async s =>
            {
                await LockAsync(s, runId).ConfigureAwait(false);
                foreach ((int batch, BatchOutcome outcome) in outcomes) await TakeAsync(s, runId, batch, step, OutcomeSets, Values(outcome), outcome).ConfigureAwait(false);
                foreach (BatchRecord batch in fresh ?? [])
                {
                    int added = await s.ExecuteAsync($"""
                        INSERT INTO Batches (RunId, Number, Rows, Bytes, State, Attempts, Again)
                        SELECT @runId, @Number, @Rows, @Bytes, 'Sealed', 0, @Again WHERE {Uploading}
                        """, new { runId, batch.Number, batch.Rows, batch.Bytes, batch.Again }).ConfigureAwait(false);
                    if (added != 1) throw await RefusedAsync(s, runId, $"batch {batch.Number} is sealed").ConfigureAwait(false);
                }
                // What moved from one batch is in another: no contact gets lost between them, or counted twice.
                return fresh is null || outcomes.Sum(o => (long)o.Outcome.Moved) == fresh.Sum(b => (long)b.Rows) ? true
                    : throw BatchSteps.Conflict(runId, "the batches that go once more do not hold what was moved");
            }, ct);

    public async Task<IReadOnlyList<BatchRecord>> GetOthersOnTheirWayAsync(long runId, CancellationToken ct) =>
        [.. (await database.ReadAsync(
            s => s.QueryAsync<PostgresBatchRow>("""
                SELECT b.* FROM Batches b JOIN Runs r ON r.Id = b.RunId JOIN Runs own ON own.Id = @runId
                WHERE b.State IN ('Sending', 'InDoubt') AND b.RunId <> @runId AND r.CompletedAt IS NULL
                    -- Of another account for certain: then no job can be theirs.
                    AND NOT (r.ConnectionId <> own.ConnectionId AND r.AccountId IS NOT NULL AND own.AccountId IS NOT NULL AND r.AccountId <> own.AccountId)
                """, new { runId }), ct).ConfigureAwait(false)).Select(row => row.ToRecord())];

    public async Task<IReadOnlyList<BatchRecord>> GetBatchesAsync(long runId, CancellationToken ct) =>
        [.. (await database.ReadAsync(s => s.QueryAsync<PostgresBatchRow>("SELECT * FROM Batches WHERE RunId = @runId ORDER BY Number", new { runId }), ct).ConfigureAwait(false)).Select(row => row.ToRecord())];

    public Task ClaimAsync(long runId, string activityId, CancellationToken ct) =>
        database.WriteAsync(s => s.ExecuteAsync("INSERT INTO OtherJobs (ActivityId, RunId) VALUES (@activityId, @runId) ON CONFLICT DO NOTHING", new { activityId, runId }), ct);

    public async Task<IReadOnlySet<string>> GetClaimedAsync(IReadOnlyCollection<string> activityIds, CancellationToken ct) =>
        (await database.ReadAsync(
            s => s.QueryAsync<string>("SELECT ActivityId FROM Batches WHERE ActivityId = ANY(@ids) UNION SELECT ActivityId FROM OtherJobs WHERE ActivityId = ANY(@ids)",
                new { ids = activityIds.ToArray() }), ct).ConfigureAwait(false)).ToHashSet(StringComparer.Ordinal);

    private static object Values(BatchOutcome outcome) => new
    {
        outcome.Verdict,
        outcome.Accepted,
        outcome.OptedOut,
        outcome.Refused,
        outcome.Unaccounted,
        outcome.Moved,
        outcome.HeldOut,
        outcome.Message,
        at = outcome.At.UtcDateTime,
    };

    private Task StepAsync(long runId, int batch, BatchStep step, string sets, object values, CancellationToken ct) =>
        database.WriteAsync(
            async s =>
            {
                await LockAsync(s, runId).ConfigureAwait(false);
                return await TakeAsync(s, runId, batch, step, sets, values, null).ConfigureAwait(false);
            }, ct);

    private async Task<bool> TakeAsync(PostgresSession s, long runId, int batch, BatchStep step, string sets, object values, BatchOutcome? outcome)
    {
        var all = new DynamicParameters(values);
        all.AddDynamicParams(new { runId, batch, to = step.To.ToString(), from = step.From.Select(state => state.ToString()).ToArray() });
        if (outcome is not null
            && await s.FirstAsync<long?>("SELECT Rows FROM Batches WHERE RunId = @runId AND Number = @batch", new { runId, batch }).ConfigureAwait(false) is { } rows
            && !BatchSteps.Covers(outcome, rows))
        {
            throw BatchSteps.Conflict(runId, $"the outcome of batch {batch} does not cover its {rows} rows");
        }
        try
        {
            int changed = await s.ExecuteAsync(
                $"UPDATE Batches SET State = @to{sets} WHERE RunId = @runId AND Number = @batch AND State = ANY(@from) AND {Uploading}", all).ConfigureAwait(false);
            return changed == 1 ? true : throw await ImpossibleAsync(s, runId, batch, step).ConfigureAwait(false);
        }
        catch (PostgresException e) when (PostgresErrors.IsDuplicate(e))
        {
            throw new CcException("ActivityClaimed", CcErrorKind.Conflict, $"Run {runId}, batch {batch}: another batch holds this activity already.", "Get-CcRun shows both runs; Resume-CcRun of the one that waits looks for its job again.", e);
        }
    }

    private async Task<CcException> ImpossibleAsync(PostgresSession s, long runId, int batch, BatchStep step)
    {
        string? state = await s.FirstAsync<string>("SELECT State FROM Batches WHERE RunId = @runId AND Number = @batch", new { runId, batch }).ConfigureAwait(false);
        return state is null ? BatchSteps.Conflict(runId, $"batch {batch} does not exist")
            : step.From.Any(from => from.ToString() == state) ? await RefusedAsync(s, runId, $"batch {batch}: {step.Name}").ConfigureAwait(false)
            : BatchSteps.Conflict(runId, $"batch {batch} cannot take the step {step.Name}: it is {state}");
    }
}
