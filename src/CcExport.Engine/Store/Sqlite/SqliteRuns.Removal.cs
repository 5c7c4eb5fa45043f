using System.Data;
using Dapper;

namespace CcExport.Engine.Store.Sqlite;

/// <summary>Runs whose time is over.</summary>
internal sealed partial class SqliteRuns
{
    // The newest that had contacts accepted stays: that there was one is asked for before each later run.
    private const string Dispensable = """
        CompletedAt IS NOT NULL AND (Accepted = 0 OR EXISTS (SELECT 1 FROM Runs n WHERE n.ExportKey IS r.ExportKey AND n.Accepted > 0
            AND n.Id > r.Id AND n.ListId = r.ListId AND n.ConnectionId = r.ConnectionId))
        """;

    public Task<IReadOnlyList<RunRecord>> ListDispensableAsync(DateTimeOffset startedBefore, long after, int limit, CancellationToken ct) =>
        file.ReadAsync<IReadOnlyList<RunRecord>>(
            c =>
            {
                var runs = new List<RunRecord>();
                using IDataReader reader = c.ExecuteReader($"SELECT {SqliteRunRow.Columns} FROM Runs r WHERE Id > @after AND {Dispensable} ORDER BY Id", new Parameters { ["after"] = after });
                while (runs.Count < limit && reader.Read())
                {
                    ct.ThrowIfCancellationRequested();
                    RunRecord run = SqliteRunRow.Read(reader);
                    // Ids are given in the order of beginning: whatever follows began later. So a long history is not read for nothing.
                    if (run.StartedAt >= startedBefore)
                    {
                        break;
                    }
                    runs.Add(run);
                }
                return runs;
            }, ct);

    // A mark that lies ahead was made by a clock that was wrong: it holds nothing up.
    public Task<bool> TryBeginTidyingAsync(DateTimeOffset now, TimeSpan every, CancellationToken ct) =>
        file.WriteAsync(
            c => c.Execute("""
                INSERT INTO Marks (Name, At) VALUES ('Tidied', @now)
                ON CONFLICT (Name) DO UPDATE SET At = excluded.At WHERE At <= @before OR At > @now
                """, new Parameters { ["now"] = now.UtcTicks, ["before"] = (now - every).UtcTicks }) == 1, ct);

    public Task<IReadOnlyList<long>> RemoveRunsAsync(IReadOnlyCollection<long> runIds, CancellationToken ct) =>
        file.WriteAsync<IReadOnlyList<long>>(
            c =>
            {
                long[] over = [.. c.Query<long>($"SELECT Id FROM Runs r WHERE Id IN (SELECT value FROM json_each(@ids)) AND {Dispensable}",
                    new Parameters { ["ids"] = SqliteValues.Array(runIds) })];
                var these = new Parameters { ["ids"] = SqliteValues.Array(over) };
                c.Execute("DELETE FROM Batches WHERE RunId IN (SELECT value FROM json_each(@ids))", these);
                c.Execute("DELETE FROM OtherJobs WHERE RunId IN (SELECT value FROM json_each(@ids))", these);
                c.Execute("DELETE FROM Runs WHERE Id IN (SELECT value FROM json_each(@ids))", these);
                return over;
            }, ct);
}
