namespace CcExport.Engine.Store.PostgreSql;

/// <summary>Runs whose time is over.</summary>
internal sealed partial class PostgresRuns
{
    // The newest that had contacts accepted stays: that there was one is asked for before each later run.
    private const string Dispensable = """
        r.CompletedAt IS NOT NULL AND (r.Accepted = 0 OR EXISTS (SELECT 1 FROM Runs n WHERE n.ExportKey IS NOT DISTINCT FROM r.ExportKey AND n.Accepted > 0
            AND n.Id > r.Id AND n.ListId = r.ListId AND n.ConnectionId = r.ConnectionId))
        """;

    // By the time in the query, not by the order of ids as on one machine: of several, a later id may have begun earlier.
    public Task<IReadOnlyList<RunRecord>> ListDispensableAsync(DateTimeOffset startedBefore, long after, int limit, CancellationToken ct) =>
        database.ReadAsync(s => SelectAsync(s, $"r WHERE Id > @after AND StartedAt < @before AND {Dispensable} ORDER BY Id LIMIT @limit",
            new { after, before = startedBefore.UtcDateTime, limit }), ct);

    // A mark that lies ahead was made by a clock that was wrong: it holds nothing up.
    public Task<bool> TryBeginTidyingAsync(DateTimeOffset now, TimeSpan every, CancellationToken ct) =>
        database.WriteAsync(
            async s => await s.ExecuteAsync("""
                INSERT INTO Marks (Name, At) VALUES ('Tidied', @now)
                ON CONFLICT (Name) DO UPDATE SET At = excluded.At WHERE Marks.At <= @before OR Marks.At > @now
                """, new { now = now.UtcDateTime, before = (now - every).UtcDateTime }).ConfigureAwait(false) == 1, ct);

    public Task<IReadOnlyList<long>> RemoveRunsAsync(IReadOnlyCollection<long> runIds, CancellationToken ct) =>
        database.WriteAsync(
            async s =>
            {
                IReadOnlyList<long> over = await s.QueryAsync<long>($"SELECT Id FROM Runs r WHERE Id = ANY(@ids) AND {Dispensable} FOR UPDATE OF r", new { ids = runIds.ToArray() }).ConfigureAwait(false);
                var these = new { ids = over.ToArray() };
                await s.ExecuteAsync("DELETE FROM Batches WHERE RunId = ANY(@ids)", these).ConfigureAwait(false);
                await s.ExecuteAsync("DELETE FROM OtherJobs WHERE RunId = ANY(@ids)", these).ConfigureAwait(false);
                await s.ExecuteAsync("DELETE FROM Runs WHERE Id = ANY(@ids)", these).ConfigureAwait(false);
                return over;
            }, ct);
}
