using Dapper;
using Microsoft.Data.Sqlite;

namespace CcExport.Engine.Store.Sqlite;

/// <summary>The steps of a batch.</summary>
internal sealed partial class SqliteRuns
{
    // Nothing is sealed after the mark AllSealed, and nothing is sent before it.
    private const string Sealing = "EXISTS (SELECT 1 FROM Runs WHERE Id = @runId AND AllSealedAt IS NULL AND CompletedAt IS NULL)";
    private const string Uploading = "EXISTS (SELECT 1 FROM Runs WHERE Id = @runId AND AllSealedAt IS NOT NULL AND CompletedAt IS NULL)";

    public Task SealedAsync(long runId, BatchRecord batch, CancellationToken ct) =>
        file.WriteAsync(
            c =>
            {
                try
                {
                    int added = c.Execute($"""
                        INSERT INTO Batches (RunId, Number, Rows, Bytes, State, Attempts)
                        SELECT @runId, @Number, @Rows, @Bytes, 'Sealed', 0 WHERE {Sealing}
                        """, new Parameters { ["runId"] = runId, ["Number"] = batch.Number, ["Rows"] = batch.Rows, ["Bytes"] = batch.Bytes });
                    return added == 1 ? true : throw Refused(c, runId, $"batch {batch.Number} is sealed");
                }
                catch (SqliteException e) when (SqliteErrors.IsDuplicate(e))
                {
                    throw BatchSteps.Conflict(runId, $"batch {batch.Number} is sealed already");
                }
            }, ct);

    public Task SendingAsync(long runId, int batch, DateTimeOffset at, CancellationToken ct) =>
        StepAsync(runId, batch, BatchSteps.Sending, ", SendingAt = @at, SentAt = NULL, Attempts = Attempts + 1", new Parameters { ["at"] = at.UtcTicks }, ct);

    public Task SentAsync(long runId, int batch, string activityId, DateTimeOffset at, CancellationToken ct) =>
        StepAsync(runId, batch, BatchSteps.Sent, ", SentAt = @at, ActivityId = @activityId", new Parameters { ["at"] = at.UtcTicks, ["activityId"] = activityId }, ct);

    public Task InDoubtAsync(long runId, int batch, DateTimeOffset at, CancellationToken ct) =>
        StepAsync(runId, batch, BatchSteps.InDoubt, ", SentAt = @at", new Parameters { ["at"] = at.UtcTicks }, ct);

    public Task NotSentAsync(long runId, int batch, CancellationToken ct) => StepAsync(runId, batch, BatchSteps.NotSent, "", new Parameters(), ct);

    public Task FinishedAsync(long runId, int batch, BatchOutcome outcome, CancellationToken ct) =>
        file.WriteAsync(c => Take(c, runId, batch, BatchSteps.Finished, OutcomeSets, Values(outcome), outcome), ct);

    public Task SettledAsync(long runId, IReadOnlyList<(int Batch, BatchOutcome Outcome)> settled, IReadOnlyList<BatchRecord> fresh, CancellationToken ct) =>
        file.WriteAsync(
            c =>
            {
                foreach ((int batch, BatchOutcome outcome) in settled) Take(c, runId, batch, BatchSteps.Finished, OutcomeSets, Values(outcome), outcome);
                foreach (BatchRecord batch in fresh)
                {
                    int added = c.Execute($"""
                        INSERT INTO Batches (RunId, Number, Rows, Bytes, State, Attempts, Again)
                        SELECT @runId, @Number, @Rows, @Bytes, 'Sealed', 0, @Again WHERE {Uploading}
                        """, new Parameters { ["runId"] = runId, ["Number"] = batch.Number, ["Rows"] = batch.Rows, ["Bytes"] = batch.Bytes, ["Again"] = batch.Again });
                    if (added != 1) throw Refused(c, runId, $"batch {batch.Number} is sealed");
                }
                // What moved from one batch is in another: no contact gets lost between them, or counted twice.
                return settled.Sum(s => (long)s.Outcome.Moved) == fresh.Sum(b => (long)b.Rows) ? true
                    : throw BatchSteps.Conflict(runId, "the batches that go once more do not hold what was moved");
            }, ct);

    public Task RevisedAsync(long runId, IReadOnlyList<(int Batch, BatchOutcome Outcome)> revised, CancellationToken ct) =>
        file.WriteAsync(
            c =>
            {
                foreach ((int batch, BatchOutcome outcome) in revised) Take(c, runId, batch, BatchSteps.Revised, OutcomeSets, Values(outcome), outcome);
                return true;
            }, ct);

    public Task<IReadOnlyList<BatchRecord>> GetOthersOnTheirWayAsync(long runId, CancellationToken ct) =>
        file.ReadAsync<IReadOnlyList<BatchRecord>>(
            c => [.. c.Query<SqliteBatchRow>("""
                SELECT b.* FROM Batches b JOIN Runs r ON r.Id = b.RunId JOIN Runs own ON own.Id = @runId
                WHERE b.State IN ('Sending', 'InDoubt') AND b.RunId <> @runId AND r.CompletedAt IS NULL
                    -- Of another account for certain: then no job can be theirs.
                    AND NOT (r.ConnectionId <> own.ConnectionId AND r.AccountId IS NOT NULL AND own.AccountId IS NOT NULL AND r.AccountId <> own.AccountId)
                """, new Parameters { ["runId"] = runId }).Select(row => row.ToRecord())], ct);

    private const string OutcomeSets = """
        , Verdict = @Verdict, Accepted = @Accepted, OptedOut = @OptedOut, Refused = @Refused, Unaccounted = @Unaccounted, Moved = @Moved, HeldOut = @HeldOut,
        Message = @Message, FinishedAt = @at
        """;

    private static Parameters Values(BatchOutcome outcome) => new Parameters
    {
        ["Verdict"] = outcome.Verdict,
        ["Accepted"] = outcome.Accepted,
        ["OptedOut"] = outcome.OptedOut,
        ["Refused"] = outcome.Refused,
        ["Unaccounted"] = outcome.Unaccounted,
        ["Moved"] = outcome.Moved,
        ["HeldOut"] = outcome.HeldOut,
        ["Message"] = outcome.Message,
        ["at"] = outcome.At.UtcTicks,
    };

    public Task<IReadOnlyList<BatchRecord>> GetBatchesAsync(long runId, CancellationToken ct) =>
        file.ReadAsync<IReadOnlyList<BatchRecord>>(
            c => [.. c.Query<SqliteBatchRow>("SELECT * FROM Batches WHERE RunId = @runId ORDER BY Number", new Parameters { ["runId"] = runId }).Select(row => row.ToRecord())], ct);

    // As one JSON value: a listing has more ids than a statement may have parameters.
    public Task ClaimAsync(long runId, string activityId, CancellationToken ct) =>
        file.WriteAsync(c => c.Execute("INSERT OR IGNORE INTO OtherJobs (ActivityId, RunId) VALUES (@activityId, @runId)", new Parameters { ["activityId"] = activityId, ["runId"] = runId }), ct);

    public Task<IReadOnlySet<string>> GetClaimedAsync(IReadOnlyCollection<string> activityIds, CancellationToken ct) =>
        file.ReadAsync<IReadOnlySet<string>>(
            c => c.Query<string>("""
                SELECT ActivityId FROM Batches WHERE ActivityId IN (SELECT value FROM json_each(@ids))
                UNION SELECT ActivityId FROM OtherJobs WHERE ActivityId IN (SELECT value FROM json_each(@ids))
                """,
                new Parameters { ["ids"] = SqliteValues.Array(activityIds) }).ToHashSet(StringComparer.Ordinal), ct);

    private Task StepAsync(long runId, int batch, BatchStep step, string sets, Parameters values, CancellationToken ct) =>
        file.WriteAsync(c => Take(c, runId, batch, step, sets, values, null), ct);

    private static bool Take(SqliteConnection c, long runId, int batch, BatchStep step, string sets, Parameters values, BatchOutcome? outcome)
    {
        Parameters all = new Parameters { ["runId"] = runId, ["batch"] = batch, ["to"] = step.To.ToString() }.And(values);
        string from = string.Join(", ", step.From.Select(state => $"'{state}'"));
        if (outcome is not null
            && c.QueryFirstOrDefault<long?>("SELECT Rows FROM Batches WHERE RunId = @runId AND Number = @batch", new Parameters { ["runId"] = runId, ["batch"] = batch }) is { } rows
            && !BatchSteps.Covers(outcome, rows))
        {
            throw BatchSteps.Conflict(runId, $"the outcome of batch {batch} does not cover its {rows} rows");
        }
        try
        {
            int changed = c.Execute(
                $"UPDATE Batches SET State = @to{sets} WHERE RunId = @runId AND Number = @batch AND State IN ({from}) AND {Uploading}", all);
            return changed == 1 ? true : throw Impossible(c, runId, batch, step);
        }
        catch (SqliteException e) when (SqliteErrors.IsDuplicate(e))
        {
            throw new CcException(
                "ActivityClaimed", CcErrorKind.Conflict, $"Run {runId}, batch {batch}: another batch holds this activity already.", "Get-CcRun shows both runs; Resume-CcRun of the one that waits looks for its job again.", e);
        }
    }

    private static CcException Impossible(SqliteConnection c, long runId, int batch, BatchStep step)
    {
        string? state = c.QueryFirstOrDefault<string>("SELECT State FROM Batches WHERE RunId = @runId AND Number = @batch", new Parameters { ["runId"] = runId, ["batch"] = batch });
        return state is null ? BatchSteps.Conflict(runId, $"batch {batch} does not exist")
            : step.From.Any(from => from.ToString() == state) ? Refused(c, runId, $"batch {batch}: {step.Name}")
            : BatchSteps.Conflict(runId, $"batch {batch} cannot take the step {step.Name}: it is {state}");
    }
}
