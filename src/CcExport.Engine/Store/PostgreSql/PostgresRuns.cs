using System.Data;
using Dapper;

namespace CcExport.Engine.Store.PostgreSql;

/// <summary>The journal: the steps of a run. Those of a batch are in the other part.</summary>
/// <remarks>
/// Each step locks the run's row first, so that steps of one run follow one another as they do in a store that has one writer: what a step checks about the batches
/// is still so when it is taken.
/// </remarks>
internal sealed partial class PostgresRuns(PostgresDatabase database, StoreAccess access) : IRunJournal
{
    private const string Open = "CompletedAt IS NULL";

    private readonly string _columns = PostgresRunRow.Columns + (access.ReadsSecrets || access.Administers ? ", SpoolKey" : "");

    public Task<long> OpenAsync(RunRecord run, CancellationToken ct) =>
        BatchSteps.IsFinal(run.Status) || run.AllSealedAt is not null || run.CompletedAt is not null
            ? throw new ArgumentException("A run is opened at its beginning.", nameof(run))
            : database.WriteAsync(
                s => s.FirstAsync<long>($"""
                    INSERT INTO Runs (Export, ExportKey, ConnectionId, Connection, ListId, Status, Trigger, StartedAt,
                        Message, Definition, SpoolKey, AccountId, PlannedAt, {PostgresRunRow.NumberNames})
                    VALUES (@Export, @ExportKey, @ConnectionId, @Connection, @ListId, @Status, @Trigger, @StartedAt,
                        @Message, @Definition, @SpoolKey, @AccountId, @PlannedAt, {PostgresRunRow.NumberValues})
                    RETURNING Id
                    """, PostgresRunRow.Values(run)), ct);

    // Sealed whole or not at all: from this mark on a resume trusts the spool and never opens the source again.
    public Task AllSealedAsync(long runId, RunNumbers numbers, DateTimeOffset at, CancellationToken ct, string? sight = null)
    {
        DynamicParameters values = With(numbers, runId, at);
        values.AddDynamicParams(new { sight });
        return RunStepAsync(runId, "all is sealed", $"""
            UPDATE Runs SET AllSealedAt = @at, Read = @Read, Invalid = @Invalid, Duplicate = @Duplicate, Suppressed = @Suppressed,
                Unchanged = @Unchanged, Sent = @Sent, Noted = @Noted, Batches = @Batches, Plan = @sight,
                Status = CASE WHEN PlannedAt IS NULL THEN Status ELSE 'Queued' END
            WHERE Id = @runId AND AllSealedAt IS NULL AND {Open}
            """, values, ct);
    }

    public Task GoAsync(long runId, string definition, string sight, DateTimeOffset at, CancellationToken ct) =>
        RunStepAsync(runId, "the plan goes", $"""
            UPDATE Runs SET Status = 'Running', PlannedAt = NULL, Definition = @definition, Plan = @sight, StartedAt = @at
            WHERE Id = @runId AND PlannedAt IS NOT NULL AND AllSealedAt IS NOT NULL AND StopRequestedAt IS NULL AND {Open}
            """, new DynamicParameters(new { runId, definition, sight, at = at.UtcDateTime }), ct);

    public Task SetStatusAsync(long runId, RunStatus status, string? message, CancellationToken ct, int? requests = null) =>
        BatchSteps.IsFinal(status)
            ? throw BatchSteps.Conflict(runId, $"{status} is reached by closing it")
            : RunStepAsync(runId, $"it becomes {status}", $"UPDATE Runs SET Status = @status, Message = @message, Requests = coalesce(@requests, Requests) WHERE Id = @runId AND {Open}",
                new DynamicParameters(new { runId, status = status.ToString(), message, requests }), ct);

    public Task CloseAsync(long runId, RunStatus status, RunNumbers numbers, string? message, DateTimeOffset at, CancellationToken ct, bool keepSpool = false)
    {
        if (!BatchSteps.IsFinal(status)) throw BatchSteps.Conflict(runId, $"{status} does not end it");
        DynamicParameters values = With(numbers, runId, at);
        values.AddDynamicParams(new { status = status.ToString(), message, keepSpool, whole = status is RunStatus.Completed or RunStatus.CompletedWithErrors });
        // A run "to its end" has no batch whose fate is open.
        return RunStepAsync(runId, $"it closes as {status}", $"""
            UPDATE Runs SET Status = @status, Message = @message, CompletedAt = @at, SpoolKey = CASE WHEN @keepSpool THEN SpoolKey END, {PostgresRunRow.NumberSets}
            WHERE Id = @runId AND {Open} AND (NOT @whole OR NOT EXISTS (SELECT 1 FROM Batches WHERE RunId = @runId AND State <> 'Finished'))
            """, values, ct);
    }

    public Task ReopenAsync(long runId, IReadOnlyCollection<int> sealedAgain, string definition, CancellationToken ct) =>
        database.WriteAsync(
            async s =>
            {
                await LockAsync(s, runId).ConfigureAwait(false);
                int opened = await s.ExecuteAsync("""
                    UPDATE Runs SET Status = 'Interrupted', CompletedAt = NULL, StopRequestedAt = NULL, Definition = @definition
                    WHERE Id = @runId AND Status = 'CompletedWithErrors' AND SpoolKey IS NOT NULL
                    """, new { runId, definition }).ConfigureAwait(false);
                if (opened != 1) throw await RefusedAsync(s, runId, "it is opened again").ConfigureAwait(false);
                int batches = sealedAgain.Count == 0 ? 0 : await s.ExecuteAsync("""
                    UPDATE Batches SET State = 'Sealed', Verdict = NULL, Accepted = NULL, OptedOut = NULL, Refused = NULL, Unaccounted = NULL,
                        Moved = NULL, HeldOut = NULL, Message = NULL, FinishedAt = NULL, SendingAt = NULL, SentAt = NULL
                    WHERE RunId = @runId AND Number = ANY(@sealedAgain) AND State = 'Finished' AND ActivityId IS NULL
                    """, new { runId, sealedAgain = sealedAgain.ToArray() }).ConfigureAwait(false);
                return batches == sealedAgain.Count ? true : throw BatchSteps.Conflict(runId, "a batch that would be sealed again was sent, or is not finished");
            }, ct);

    public Task DefineAsync(long runId, string definition, CancellationToken ct) =>
        RunStepAsync(runId, "its definition changes", $"UPDATE Runs SET Definition = @definition WHERE Id = @runId AND {Open}", new DynamicParameters(new { runId, definition }), ct);

    public Task<IReadOnlyList<long>> ForgetSpoolsAsync(IReadOnlyCollection<long> runIds, CancellationToken ct) =>
        database.WriteAsync(s => s.QueryAsync<long>("UPDATE Runs SET SpoolKey = NULL WHERE Id = ANY(@ids) AND SpoolKey IS NOT NULL AND CompletedAt IS NOT NULL RETURNING Id",
            new { ids = runIds.ToArray() }), ct);

    public Task<bool> RequestStopAsync(long runId, DateTimeOffset at, CancellationToken ct) =>
        database.WriteAsync(async s => await s.ExecuteAsync($"UPDATE Runs SET StopRequestedAt = coalesce(StopRequestedAt, @at) WHERE Id = @runId AND {Open}",
            new { runId, at = at.UtcDateTime }).ConfigureAwait(false) == 1, ct);

    public Task<bool> IsStopRequestedAsync(long runId, CancellationToken ct) =>
        database.ReadAsync(s => s.FirstAsync<bool>("SELECT EXISTS (SELECT 1 FROM Runs WHERE Id = @runId AND StopRequestedAt IS NOT NULL)", new { runId }), ct);

    public Task<RunRecord?> FindAsync(long runId, CancellationToken ct) => database.ReadAsync(s => FindAsync(s, runId), ct);

    public Task<IReadOnlyList<RunRecord>> ListAsync(RunQuery query, CancellationToken ct)
    {
        var where = new List<string>(2);
        if (query.Export is not null) where.Add("ExportKey = @key");
        if (query.Status is not null) where.Add("Status = @status");
        if (query.OpenOnly) where.Add($"{Open} AND PlannedAt IS NULL");
        if (query.WholeOnly) where.Add("Status IN ('Completed', 'CompletedWithErrors')");
        if (query.Unnamed is not null) where.Add("ExportKey IS NULL AND ConnectionId = @connection AND ListId = @list");
        if (query.Plans is { } plans) where.Add(plans ? $"PlannedAt IS NOT NULL AND {Open}" : "PlannedAt IS NULL");
        // Who may not see the keys sees none of these runs as such.
        if (query.KeptSpoolOnly) where.Add(access.ReadsSecrets || access.Administers ? "SpoolKey IS NOT NULL AND CompletedAt IS NOT NULL" : "false");
        string filter = where.Count > 0 ? "WHERE " + string.Join(" AND ", where) : "";
        var values = new
        {
            key = query.Export is null ? null : NameKey.Of(query.Export),
            status = query.Status?.ToString(),
            limit = query.Limit,
            connection = query.Unnamed?.Connection,
            list = query.Unnamed?.ListId,
        };
        return database.ReadAsync(s => SelectAsync(s, $"{filter} ORDER BY Id DESC LIMIT @limit", values), ct);
    }

    /// <summary>One seek in the index for each export, from its end. Not by ids: where the server has no statistics yet, it would read all runs to join them.</summary>
    public Task<IReadOnlyList<RunRecord>> ListNewestAsync(CancellationToken ct) =>
        database.ReadAsync(
            s => ReadAsync(s, $"""
                SELECT newest.* FROM Exports e
                CROSS JOIN LATERAL (SELECT {_columns} FROM Runs r WHERE r.ExportKey = e.NameKey AND r.PlannedAt IS NULL ORDER BY r.Id DESC LIMIT 1) newest
                """, new { }), ct);

    // A run that was interrupted has numbers in its batches only.
    public Task<bool> HasAcceptedBeforeAsync(string export, CancellationToken ct) =>
        database.ReadAsync(
            s => s.FirstAsync<bool>("""
                SELECT EXISTS (SELECT 1 FROM Runs WHERE ExportKey = @key AND Accepted > 0)
                    OR EXISTS (SELECT 1 FROM Runs r JOIN Batches b ON b.RunId = r.Id
                               WHERE r.ExportKey = @key AND r.CompletedAt IS NULL AND b.Accepted > 0)
                """, new { key = NameKey.Of(export) }), ct);

    private Task RunStepAsync(long runId, string step, string sql, DynamicParameters values, CancellationToken ct) =>
        database.WriteAsync(
            async s =>
            {
                await LockAsync(s, runId).ConfigureAwait(false);
                return await s.ExecuteAsync(sql, values).ConfigureAwait(false) == 1 ? true : throw await RefusedAsync(s, runId, step).ConfigureAwait(false);
            }, ct);

    private static Task LockAsync(PostgresSession s, long runId) => s.ExecuteAsync("SELECT 1 FROM Runs WHERE Id = @runId FOR NO KEY UPDATE", new { runId });

    private async Task<CcException> RefusedAsync(PostgresSession s, long runId, string step)
    {
        RunRecord? run = await FindAsync(s, runId).ConfigureAwait(false);
        string state = run is null ? "it does not exist" : $"it is {run.Status}, {(run.AllSealedAt is null ? "not all sealed" : "all sealed")}";
        return BatchSteps.Conflict(runId, $"a step ({step}) is not possible, {state}");
    }

    private async Task<RunRecord?> FindAsync(PostgresSession s, long runId) => (await SelectAsync(s, "WHERE Id = @runId", new { runId }).ConfigureAwait(false)).FirstOrDefault();

    private Task<IReadOnlyList<RunRecord>> SelectAsync(PostgresSession s, string clauses, object values) => ReadAsync(s, $"SELECT {_columns} FROM Runs {clauses}", values);

    private static async Task<IReadOnlyList<RunRecord>> ReadAsync(PostgresSession s, string sql, object values)
    {
        var runs = new List<RunRecord>();
        using IDataReader reader = await s.ReaderAsync(sql, values).ConfigureAwait(false);
        while (reader.Read())
        {
            s.Token.ThrowIfCancellationRequested();
            runs.Add(PostgresRunRow.Read(reader));
        }
        return runs;
    }

    private static DynamicParameters With(RunNumbers numbers, long runId, DateTimeOffset at)
    {
        var values = new DynamicParameters(numbers);
        values.AddDynamicParams(new { runId, at = at.UtcDateTime });
        return values;
    }
}
