using System.Data;
using Dapper;
using Microsoft.Data.Sqlite;

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
                        Message, Definition, SpoolKey, {SqliteRunRow.NumberNames})
                    VALUES (@Export, @ExportKey, @ConnectionId, @Connection, @ListId, @Status, @Trigger, @StartedAt,
                        @Message, @Definition, @SpoolKey, {SqliteRunRow.NumberValues})
                    RETURNING Id
                    """, SqliteRunRow.Values(run)), ct);

    // Sealed whole or not at all: from this mark on a resume trusts the spool and never opens the source again.
    public Task AllSealedAsync(long runId, RunNumbers numbers, DateTimeOffset at, CancellationToken ct) =>
        RunStepAsync(runId, "all is sealed", $"""
            UPDATE Runs SET AllSealedAt = @at, Read = @Read, Invalid = @Invalid, Duplicate = @Duplicate, Suppressed = @Suppressed,
                Unchanged = @Unchanged, Sent = @Sent, Noted = @Noted, Batches = @Batches
            WHERE Id = @runId AND AllSealedAt IS NULL AND {Open}
            """, With(numbers, runId, at), ct);

    public Task SetStatusAsync(long runId, RunStatus status, string? message, CancellationToken ct, int? requests = null) =>
        BatchSteps.IsFinal(status)
            ? throw BatchSteps.Conflict(runId, $"{status} is reached by closing it")
            : RunStepAsync(runId, $"it becomes {status}", $"UPDATE Runs SET Status = @status, Message = @message, Requests = coalesce(@requests, Requests) WHERE Id = @runId AND {Open}",
                new DynamicParameters(new { runId, status = status.ToString(), message, requests }), ct);

    public async Task CloseAsync(long runId, RunStatus status, RunNumbers numbers, string? message, DateTimeOffset at, CancellationToken ct)
    {
        if (!BatchSteps.IsFinal(status))
        {
            throw BatchSteps.Conflict(runId, $"{status} does not end it");
        }
        DynamicParameters values = With(numbers, runId, at);
        values.AddDynamicParams(new { status = status.ToString(), message, whole = status is RunStatus.Completed or RunStatus.CompletedWithErrors });
        // A run "to its end" has no batch whose fate is open.
        await RunStepAsync(runId, $"it closes as {status}", $"""
            UPDATE Runs SET Status = @status, Message = @message, CompletedAt = @at, SpoolKey = NULL, {SqliteRunRow.NumberSets}
            WHERE Id = @runId AND {Open} AND (NOT @whole OR NOT EXISTS (SELECT 1 FROM Batches WHERE RunId = @runId AND State <> 'Finished'))
            """, values, ct).ConfigureAwait(false);
        await ForgetOldPagesAsync(ct).ConfigureAwait(false);
    }

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
        string filter = where.Count > 0 ? "WHERE " + string.Join(" AND ", where) : "";
        var values = new { key = query.Export is null ? null : NameKey.Of(query.Export), status = query.Status?.ToString(), limit = query.Limit };
        return file.ReadAsync<IReadOnlyList<RunRecord>>(c => Select(c, $"{filter} ORDER BY Id DESC LIMIT @limit", values, ct), ct);
    }

    // A run that was interrupted has numbers in its batches only.
    public Task<bool> HasAcceptedBeforeAsync(string export, CancellationToken ct) =>
        file.ReadAsync(
            c => c.ExecuteScalar<bool>("""
                SELECT EXISTS (SELECT 1 FROM Runs WHERE ExportKey = @key AND Accepted > 0)
                    OR EXISTS (SELECT 1 FROM Runs r JOIN Batches b ON b.RunId = r.Id
                               WHERE r.ExportKey = @key AND r.CompletedAt IS NULL AND b.Accepted > 0)
                """, new { key = NameKey.Of(export) }), ct);

    private Task RunStepAsync(long runId, string step, string sql, DynamicParameters values, CancellationToken ct) =>
        file.WriteAsync(c => c.Execute(sql, values) == 1 ? true : throw Refused(c, runId, step), ct);

    private static CcException Refused(SqliteConnection c, long runId, string step)
    {
        RunRecord? run = Find(c, runId);
        string state = run is null ? "it does not exist" : $"it is {run.Status}, {(run.AllSealedAt is null ? "not all sealed" : "all sealed")}";
        return BatchSteps.Conflict(runId, $"a step ({step}) is not possible, {state}");
    }

    private static RunRecord? Find(SqliteConnection c, long runId) =>
        Select(c, "WHERE Id = @runId", new { runId }, CancellationToken.None).FirstOrDefault();

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

    private static DynamicParameters With(RunNumbers numbers, long runId, DateTimeOffset at)
    {
        var values = new DynamicParameters(numbers);
        values.AddDynamicParams(new { runId, at = at.UtcTicks });
        return values;
    }
}
