using System.Data;
using Dapper;
using Microsoft.Data.Sqlite;
using static CcExport.Engine.Store.Sqlite.SqliteValues;

namespace CcExport.Engine.Store.Sqlite;

/// <summary>The journal: the steps of a run. Those of a batch are in the other part.</summary>
internal sealed partial class SqliteRuns(SqliteFile file) : IRunJournal
{
    private const string Open = "CompletedAt IS NULL";

    public Task<long> OpenAsync(RunRecord run, CancellationToken ct) =>
        BatchSteps.IsFinal(run.Status) || run.AllSealedAt is not null || run.CompletedAt is not null
            ? throw new ArgumentException("A run is opened at its beginning.", nameof(run))
            : file.WriteAsync(
                c => c.ExecuteScalar<long>($"""
                    INSERT INTO Runs (Export, ExportKey, ConnectionId, Connection, ListId, Status, "Trigger", StartedAt,
                        Message, Definition, SpoolKey, AccountId, PlannedAt, {SqliteRunRow.NumberNames})
                    VALUES (@Export, @ExportKey, @ConnectionId, @Connection, @ListId, @Status, @Trigger, @StartedAt,
                        @Message, @Definition, @SpoolKey, @AccountId, @PlannedAt, {SqliteRunRow.NumberValues})
                    RETURNING Id
                    """, SqliteRunRow.Values(run)), ct);

    // Sealed whole or not at all: from this mark on a resume trusts the spool and never opens the source again.
    public Task AllSealedAsync(long runId, RunNumbers numbers, DateTimeOffset at, CancellationToken ct, string? sight = null)
    {
        Parameters values = With(numbers, runId, at);
        values["sight"] = sight;
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
            """, new Parameters { ["runId"] = runId, ["definition"] = definition, ["sight"] = sight, ["at"] = at.UtcTicks }, ct);

    public Task SetStatusAsync(long runId, RunStatus status, string? message, CancellationToken ct, int? requests = null) =>
        BatchSteps.IsFinal(status)
            ? throw BatchSteps.Conflict(runId, $"{status} is reached by closing it")
            : RunStepAsync(runId, $"it becomes {status}", $"UPDATE Runs SET Status = @status, Message = @message, Requests = coalesce(@requests, Requests) WHERE Id = @runId AND {Open}",
                new Parameters { ["runId"] = runId, ["status"] = status.ToString(), ["message"] = message, ["requests"] = requests }, ct);

    public async Task CloseAsync(long runId, RunStatus status, RunNumbers numbers, string? message, DateTimeOffset at, CancellationToken ct, bool keepSpool = false)
    {
        if (!BatchSteps.IsFinal(status))
        {
            throw BatchSteps.Conflict(runId, $"{status} does not end it");
        }
        Parameters values = With(numbers, runId, at);
        values.And(new Parameters { ["status"] = status.ToString(), ["message"] = message, ["keepSpool"] = keepSpool, ["whole"] = status is RunStatus.Completed or RunStatus.CompletedWithErrors });
        // A run "to its end" has no batch whose fate is open.
        await RunStepAsync(runId, $"it closes as {status}", $"""
            UPDATE Runs SET Status = @status, Message = @message, CompletedAt = @at, SpoolKey = CASE WHEN @keepSpool THEN SpoolKey END, {SqliteRunRow.NumberSets}
            WHERE Id = @runId AND {Open} AND (NOT @whole OR NOT EXISTS (SELECT 1 FROM Batches WHERE RunId = @runId AND State <> 'Finished'))
            """, values, ct).ConfigureAwait(false);
        if (!keepSpool) await ForgetOldPagesAsync(ct).ConfigureAwait(false);
    }

    public Task ReopenAsync(long runId, IReadOnlyCollection<int> sealedAgain, string definition, CancellationToken ct) =>
        file.WriteAsync(
            c =>
            {
                int opened = c.Execute("""
                    UPDATE Runs SET Status = 'Interrupted', CompletedAt = NULL, StopRequestedAt = NULL, Definition = @definition
                    WHERE Id = @runId AND Status = 'CompletedWithErrors' AND SpoolKey IS NOT NULL
                    """, new Parameters { ["runId"] = runId, ["definition"] = definition });
                if (opened != 1) throw Refused(c, runId, "it is opened again");
                int batches = sealedAgain.Count == 0 ? 0 : c.Execute("""
                    UPDATE Batches SET State = 'Sealed', Verdict = NULL, Accepted = NULL, OptedOut = NULL, Refused = NULL, Unaccounted = NULL,
                        Moved = NULL, HeldOut = NULL, Message = NULL, FinishedAt = NULL, SendingAt = NULL, SentAt = NULL
                    WHERE RunId = @runId AND Number IN (SELECT value FROM json_each(@sealedAgain)) AND State = 'Finished' AND ActivityId IS NULL
                    """, new Parameters { ["runId"] = runId, ["sealedAgain"] = Array(sealedAgain.Select(n => (long)n)) });
                return batches == sealedAgain.Count ? true : throw BatchSteps.Conflict(runId, "a batch that would be sealed again was sent, or is not finished");
            }, ct);

    public Task DefineAsync(long runId, string definition, CancellationToken ct) =>
        RunStepAsync(runId, "its definition changes", $"UPDATE Runs SET Definition = @definition WHERE Id = @runId AND {Open}", new Parameters { ["runId"] = runId, ["definition"] = definition }, ct);

    public async Task<IReadOnlyList<long>> ForgetSpoolsAsync(IReadOnlyCollection<long> runIds, CancellationToken ct)
    {
        List<long> forgotten = await file.WriteAsync(
            c => c.Query<long>("UPDATE Runs SET SpoolKey = NULL WHERE Id IN (SELECT value FROM json_each(@ids)) AND SpoolKey IS NOT NULL AND CompletedAt IS NOT NULL RETURNING Id",
                new Parameters { ["ids"] = Array(runIds) }).AsList(), ct).ConfigureAwait(false);
        if (forgotten.Count > 0) await ForgetOldPagesAsync(ct).ConfigureAwait(false);
        return forgotten;
    }

    public Task<bool> RequestStopAsync(long runId, DateTimeOffset at, CancellationToken ct) =>
        file.WriteAsync(c => c.Execute($"UPDATE Runs SET StopRequestedAt = coalesce(StopRequestedAt, @at) WHERE Id = @runId AND {Open}",
            new Parameters { ["runId"] = runId, ["at"] = at.UtcTicks }) == 1, ct);

    public Task<bool> IsStopRequestedAsync(long runId, CancellationToken ct) =>
        file.ReadAsync(c => c.ExecuteScalar<bool>("SELECT EXISTS (SELECT 1 FROM Runs WHERE Id = @runId AND StopRequestedAt IS NOT NULL)", new Parameters { ["runId"] = runId }), ct);

    // The erased spool key still lies in the write-ahead log. A busy log is left alone: it is written over later anyway.
    private async Task ForgetOldPagesAsync(CancellationToken ct)
    {
        try
        {
            await file.OutsideTransactionAsync(c => c.ExecuteScalar<long>("PRAGMA wal_checkpoint(TRUNCATE)"), ct).ConfigureAwait(false);
        }
        catch (Exception e) when (e is CcException or OperationCanceledException)
        {
            // The run is closed and its key gone from the table: that much is durable already.
        }
    }

    public Task<RunRecord?> FindAsync(long runId, CancellationToken ct) =>
        file.ReadAsync(c => Find(c, runId), ct);

    public Task<IReadOnlyList<RunRecord>> ListAsync(RunQuery query, CancellationToken ct)
    {
        var where = new List<string>(2);
        if (query.Export is not null)
        {
            where.Add("ExportKey = @key");
        }
        if (query.Status is not null)
        {
            where.Add("Status = @status");
        }
        if (query.OpenOnly)
        {
            where.Add($"{Open} AND PlannedAt IS NULL");
        }
        if (query.WholeOnly)
        {
            where.Add("Status IN ('Completed', 'CompletedWithErrors')");
        }
        if (query.Unnamed is not null)
        {
            where.Add("ExportKey IS NULL AND ConnectionId = @connection AND ListId = @list");
        }
        if (query.Plans is { } plans)
        {
            where.Add(plans ? $"PlannedAt IS NOT NULL AND {Open}" : "PlannedAt IS NULL");
        }
        if (query.KeptSpoolOnly)
        {
            where.Add("SpoolKey IS NOT NULL AND CompletedAt IS NOT NULL");
        }
        string filter = where.Count > 0 ? "WHERE " + string.Join(" AND ", where) : "";
        var values = new Parameters
        {
            ["key"] = query.Export is null ? null : NameKey.Of(query.Export),
            ["status"] = query.Status?.ToString(),
            ["limit"] = query.Limit,
            ["connection"] = query.Unnamed is { } unnamed ? Text(unnamed.Connection) : null,
            ["list"] = query.Unnamed?.ListId,
        };
        return file.ReadAsync<IReadOnlyList<RunRecord>>(c => Select(c, $"{filter} ORDER BY Id DESC LIMIT @limit", values, ct), ct);
    }

    /// <summary>One seek in the index for each export, from its end: the other runs are not looked at.</summary>
    private const string Newest = """
        WHERE Id IN (
            SELECT (SELECT r.Id FROM Runs r WHERE r.ExportKey = e.NameKey AND r.PlannedAt IS NULL ORDER BY r.Id DESC LIMIT 1)
            FROM Exports e)
        """;

    public Task<IReadOnlyList<RunRecord>> ListNewestAsync(CancellationToken ct) =>
        file.ReadAsync<IReadOnlyList<RunRecord>>(c => Select(c, Newest, new Parameters(), ct), ct);

    // A run that was interrupted has numbers in its batches only.
    public Task<bool> HasAcceptedBeforeAsync(string export, CancellationToken ct) =>
        file.ReadAsync(
            c => c.ExecuteScalar<bool>("""
                SELECT EXISTS (SELECT 1 FROM Runs WHERE ExportKey = @key AND Accepted > 0)
                    OR EXISTS (SELECT 1 FROM Runs r JOIN Batches b ON b.RunId = r.Id
                               WHERE r.ExportKey = @key AND r.CompletedAt IS NULL AND b.Accepted > 0)
                """, new Parameters { ["key"] = NameKey.Of(export) }), ct);

    private Task RunStepAsync(long runId, string step, string sql, Parameters values, CancellationToken ct) =>
        file.WriteAsync(c => c.Execute(sql, values) == 1 ? true : throw Refused(c, runId, step), ct);

    private static CcException Refused(SqliteConnection c, long runId, string step)
    {
        RunRecord? run = Find(c, runId);
        string state = run is null ? "it does not exist" : $"it is {run.Status}, {(run.AllSealedAt is null ? "not all sealed" : "all sealed")}";
        return BatchSteps.Conflict(runId, $"a step ({step}) is not possible, {state}");
    }

    private static RunRecord? Find(SqliteConnection c, long runId) =>
        Select(c, "WHERE Id = @runId", new Parameters { ["runId"] = runId }, CancellationToken.None).FirstOrDefault();

    private static List<RunRecord> Select(SqliteConnection c, string clauses, object values, CancellationToken ct)
    {
        var runs = new List<RunRecord>();
        using IDataReader reader = c.ExecuteReader($"SELECT {SqliteRunRow.Columns} FROM Runs {clauses}", values);
        while (reader.Read())
        {
            ct.ThrowIfCancellationRequested();
            runs.Add(SqliteRunRow.Read(reader));
        }
        return runs;
    }

    private static Parameters With(RunNumbers numbers, long runId, DateTimeOffset at)
    {
        Parameters values = SqliteRunRow.Of(numbers);
        values["runId"] = runId;
        values["at"] = at.UtcTicks;
        return values;
    }
}
