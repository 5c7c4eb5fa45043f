using System.Text.Json;
using CcExport.Engine.Exports;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;
using CcExport.Engine.Store.PostgreSql;
using CcExport.Engine.Tests.Exports;
using Npgsql;

namespace CcExport.Engine.Tests.Store;

/// <summary>Who may what, tried with a plain client: the database refuses, whatever program asks.</summary>
public sealed class PostgresRoleTests : IAsyncLifetime
{
    private const string Contributor = "ccexport_contributor", Runner = "ccexport_runner", Administrator = "ccexport_administrator";

    private string _database = "";
    private ConnectionRecord _shared = null!, _private = null!;
    private long _sharedRun, _privateRun;

    private static CancellationToken None => CancellationToken.None;

    public async Task InitializeAsync()
    {
        if (PostgresDatabases.Server is null) return;
        _database = await PostgresDatabases.CreateAsync();
        await using PostgresStore store = await PostgresStore.OpenAsync(_database, None);
        _shared = Records.Connection("Shared");
        _private = Records.Connection("Private") with { AllowContributor = false };
        foreach (ConnectionRecord connection in new[] { _shared, _private }) await store.Connections.AddAsync(connection, None);
        await store.Exports.SaveAsync(Records.Definition("Open", _shared.Id), replace: false, None);
        await store.Exports.SaveAsync(Records.Definition("Closed", _private.Id), replace: false, None);
        await store.Sources.SaveAsync(Records.Definition("Lake") with { Secrets = [4, 2] }, replace: false, None);
        await store.ExportUsers.SaveAsync(new ExportUserRecord { ConnectionId = _shared.Id, Json = "{}", CreatedAt = Records.Noon, Secrets = [7] }, None);
        _sharedRun = await store.Runs.OpenAsync(Records.Run("Open") with { ConnectionId = _shared.Id }, None);
        _privateRun = await store.Runs.OpenAsync(Records.Run("Closed") with { ConnectionId = _private.Id }, None);
        await store.Runs.SealedAsync(_sharedRun, Records.Batch(1), None);
        await store.Runs.SealedAsync(_privateRun, Records.Batch(1), None);
        await store.PreImages.PutAsync(new PreImageRecord { RunId = _sharedRun, CreatedAt = Records.Noon, File = "f", Key = [9] }, None);
        await store.Suppressions.AddAsync([new SuppressionRecord([1], "SuppressionList", Records.Noon, "ann", null)], None);
    }

    public async Task DisposeAsync()
    {
        if (_database.Length > 0) await PostgresDatabases.DropAsync(_database);
    }

    /// <summary>The rows as text, or the state that refused.</summary>
    private static async Task<string> AskAsync(string login, string sql)
    {
        await using var client = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(login) { Pooling = false, SearchPath = "ccexport" }.ToString());
        await client.OpenAsync();
        try
        {
            await using var command = new NpgsqlCommand(sql, client);
            await using NpgsqlDataReader reader = await command.ExecuteReaderAsync();
            List<string> rows = [];
            while (await reader.ReadAsync()) rows.Add(string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(i => reader.IsDBNull(i) ? "" : $"{reader.GetValue(i)}")));
            return rows.Count == 0 && reader.RecordsAffected >= 0 ? $"{reader.RecordsAffected} changed" : string.Join(' ', rows.Order());
        }
        catch (PostgresException e)
        {
            return e.SqlState;
        }
    }

    [PostgresFact]
    public async Task A_contributor_with_a_plain_client_sees_and_changes_no_more_than_is_his()
    {
        string login = await PostgresDatabases.LoginAsync(_database, Contributor);
        (string Sql, string Answer)[] tries =
        [
            ("SELECT Name FROM Connections", "Shared"),
            ("SELECT * FROM Connections", "42501"),
            ("SELECT Secrets FROM Connections", "42501"),
            ("SELECT Name FROM Connections WHERE Secrets IS NOT NULL", "42501"),
            ("SELECT ClientId FROM Connections", "42501"),
            ("UPDATE Connections SET AllowContributor = true", "42501"),
            ("INSERT INTO Connections (Id, Name, NameKey) VALUES (gen_random_uuid(), 'x', 'X')", "42501"),
            ("DELETE FROM Connections", "42501"),
            ("SELECT * FROM ExportUsers", "42501"),
            ("SELECT Name FROM Sources", "Lake"),
            ("SELECT Secrets FROM Sources", "42501"),
            ("UPDATE Sources SET Json = '{}'", "42501"),
            ("SELECT Xml FROM Keys", "42501"),
            ("SELECT * FROM Suppressions", "42501"),
            ("SELECT * FROM Secrets", "42501"),
            ("SELECT * FROM Fingerprints", "42501"),
            ("SELECT Name FROM Exports", "Open"),
            ("UPDATE Exports SET Json = '{ }' WHERE NameKey = 'CLOSED'", "0 changed"),
            ("DELETE FROM Exports WHERE NameKey = 'CLOSED'", "0 changed"),
            ("UPDATE Exports SET Json = '{ }' WHERE NameKey = 'OPEN'", "1 changed"),
            ($"INSERT INTO Exports VALUES ('MINE', 'Mine', '{_shared.Id}', '[]', now(), now())", "1 changed"),
            ($"INSERT INTO Exports VALUES ('THEIRS', 'Theirs', '{_private.Id}', '[]', now(), now())", "42501"),
            ($"UPDATE Exports SET ConnectionId = '{_private.Id}' WHERE NameKey = 'OPEN'", "42501"),
            ("UPDATE Exports SET ConnectionId = NULL WHERE NameKey = 'OPEN'", "42501"),
            ("SELECT Export FROM Runs", "Open"),
            ("SELECT SpoolKey FROM Runs", "42501"),
            ("SELECT RunId FROM Batches", $"{_sharedRun}"),
            ("SELECT Key FROM PreImages", "42501"),
            ("UPDATE Runs SET Accepted = 1", "42501"),
            ("UPDATE Runs SET StopRequestedAt = now()", "1 changed"),
            ("UPDATE Batches SET State = 'Finished'", "42501"),
            ("INSERT INTO Schedules (ExportKey, RequestedAt, RequestedBy) VALUES ('OPEN', now(), 'c')", "1 changed"),
            ("INSERT INTO Schedules (ExportKey, RequestedAt, RequestedBy) VALUES ('CLOSED', now(), 'c')", "42501"),
            ("UPDATE Schedules SET HandledAt = now()", "42501"),
            ("SELECT * FROM CallDays", "42501"),
            ("DELETE FROM Leases", "42501"),
            ("UPDATE Facts SET Value = 'x'", "42501"),
            ("CREATE TABLE ccexport.mine (a int)", "42501"),
            ("SET ROLE ccexport_runner", "42501"),
        ];
        string[] answers = new string[tries.Length];
        for (int i = 0; i < tries.Length; i++) answers[i] = await AskAsync(login, tries[i].Sql);
        Assert.Equal(tries.Select(t => $"{t.Sql} -> {t.Answer}"), tries.Select((t, i) => $"{t.Sql} -> {answers[i]}"));
    }

    [PostgresFact]
    public async Task What_is_no_longer_shared_is_out_of_his_sight_and_stays()
    {
        string login = await PostgresDatabases.LoginAsync(_database, Contributor);
        await using PostgresStore owner = await PostgresStore.OpenAsync(_database, None);
        await owner.Connections.UpdateAsync(_shared with { AllowContributor = false }, None);
        Assert.Equal("", (await AskAsync(login, "SELECT Name FROM Exports")).Replace("-1 changed", "", StringComparison.Ordinal));
        Assert.Equal("", (await AskAsync(login, "SELECT Export FROM Runs")).Replace("-1 changed", "", StringComparison.Ordinal));
        Assert.Equal(2, (await owner.Exports.ListAsync(None)).Count);
    }

    [PostgresFact]
    public async Task The_store_of_a_contributor_shows_what_he_may_see_and_says_who_may_the_rest()
    {
        await using PostgresStore store = await PostgresStore.OpenAsync(await PostgresDatabases.LoginAsync(_database, Contributor), None);
        Assert.Equal(new StoreAccess(ReadsSecrets: false, Administers: false), store.Access);
        ConnectionRecord seen = Assert.Single(await store.Connections.ListAsync(None));
        Assert.Equal(("Shared", true, ""), (seen.Name, seen.AllowContributor, seen.ClientId));
        Assert.Empty(seen.Secrets);
        Assert.Null(await store.Connections.FindAsync("Private", None));
        Assert.Null(Assert.Single(await store.Sources.ListAsync(None)).Secrets);
        Assert.Equal("Open", Assert.Single(await store.Exports.ListAsync(None)).Name);
        Assert.Null((await store.Runs.FindAsync(_sharedRun, None))!.SpoolKey);
        Assert.Null(await store.Runs.FindAsync(_privateRun, None));
        Assert.Single(await store.Runs.GetBatchesAsync(_sharedRun, None));
        Assert.True(await store.Schedules.RequestAsync("Open", "carol", Records.Noon, None));
        Assert.False(await store.Schedules.RequestAsync("Closed", "carol", Records.Noon, None));
        Assert.True(await store.Runs.RequestStopAsync(_sharedRun, Records.Noon, None));
        Assert.False(await store.Runs.RequestStopAsync(_privateRun, Records.Noon, None));
        CcException refused = await Assert.ThrowsAsync<CcException>(() => store.Connections.AddAsync(Records.Connection("New"), None));
        Assert.Equal(("RoleForbids", CcErrorKind.Permission), (refused.ErrorId, refused.Kind));
        Assert.Contains("ccexport_administrator", refused.Remedy, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task An_administrator_writes_secrets_and_does_not_read_them()
    {
        string login = await PostgresDatabases.LoginAsync(_database, Administrator);
        await using PostgresStore store = await PostgresStore.OpenAsync(login, None);
        Assert.Equal(new StoreAccess(ReadsSecrets: false, Administers: true), store.Access);
        ConnectionRecord made = Records.Connection("Made");
        await store.Connections.AddAsync(made, None);
        Assert.True(await store.Connections.SaveSecretsAsync(made.Id, 0, [5], Records.Noon, None));
        await store.ExportUsers.SaveAsync(new ExportUserRecord { ConnectionId = made.Id, Json = "{}", CreatedAt = Records.Noon, Secrets = [7] }, None);
        await store.ExportUsers.SaveAsync(new ExportUserRecord { ConnectionId = made.Id, Json = "[]", CreatedAt = Records.Noon, Secrets = [8] }, None);
        await store.Sources.SaveAsync(Records.Definition("Lake") with { Secrets = [6] }, replace: true, None);
        Assert.Empty((await store.Connections.FindAsync(made.Id, None))!.Secrets);
        Assert.Equal(2, (await store.ExportUsers.FindAsync(made.Id, None))!.SecretsVersion);
        await store.Connections.RemoveAsync(made.Id, None);
        foreach (string sql in new[] { "SELECT Secrets FROM Connections", "SELECT Secrets FROM ExportUsers", "SELECT * FROM Sources", "SET ROLE ccexport_runner" })
            Assert.Equal("42501", await AskAsync(login, sql));
    }

    /// <summary>Who may not see the secret of a source is not taken for one who reads it without.</summary>
    [PostgresFact]
    public async Task What_a_source_is_read_with_is_told_to_each_and_only_a_runner_reads_it()
    {
        var lake = new SourceReference { BlobContainer = new Uri("https://contoso.blob.core.windows.net/lake"), Keeps = nameof(SourceReference.SasToken) };
        await using (PostgresStore owner = await PostgresStore.OpenAsync(_database, None))
            await owner.Sources.SaveAsync(Records.Definition("Lake", json: JsonSerializer.Serialize(lake, DefinitionJson.Default.SourceReference)) with { Secrets = [4, 2] }, replace: true, None);
        using var temp = new TempHome();
        foreach (string role in new[] { Contributor, Administrator })
        {
            await using CcEngine engine = await CcEngine.OpenSharedAsync(temp.Home, await PostgresDatabases.LoginAsync(_database, role), parts => parts, None);
            Assert.Equal("SharedAccessSignature", Assert.Single(await engine.GetSourcesAsync(None)).ReadWith);
            CcException refused = await Assert.ThrowsAsync<CcException>(() => engine.GetSegmentsAsync(new SourceReference { Name = "lake" }, null, new Watcher(), None));
            Assert.Equal(("RunnerOnly", CcErrorKind.Permission), (refused.ErrorId, refused.Kind));
            // It is used by its name all the same, and asked about.
            Assert.Equal("RunnerOnly", (await engine.TestSourceAsync("lake", null, None)).Status);
            CcException incomplete = await Assert.ThrowsAsync<CcException>(() => engine.SetExportAsync(new ExportChange { Name = "New", Source = "lake" }, None));
            Assert.Equal("ExportIncomplete", incomplete.ErrorId);
        }
    }

    [PostgresFact]
    public async Task A_runner_reads_secrets_and_makes_or_removes_no_connection()
    {
        string login = await PostgresDatabases.LoginAsync(_database, Runner);
        await using PostgresStore store = await PostgresStore.OpenAsync(login, None);
        Assert.Equal(new StoreAccess(ReadsSecrets: true, Administers: false), store.Access);
        Assert.Equal(_private.Secrets, (await store.Connections.FindAsync("Private", None))!.Secrets);
        Assert.True(await store.Connections.SaveSecretsAsync(_private.Id, 0, [5], Records.Noon, None));
        Assert.NotEmpty((await store.ExportUsers.FindAsync(_shared.Id, None))!.Secrets);
        Assert.NotNull(await store.Schedules.ClaimAsync([new DueExport("Open", Records.Noon)], LeaseOwner.ForThisProcess("schedule", Guid.NewGuid), Records.Noon, Records.Noon.AddMinutes(1), None));
        Assert.True((await store.Calls.TryTakeAsync("key", Records.Noon, Records.Noon.AddSeconds(9), 10, None)).Slot >= 0);
        Assert.Equal("RoleForbids", (await Assert.ThrowsAsync<CcException>(() => store.Connections.RemoveAsync(_private.Id, None))).ErrorId);
        Assert.Equal("RoleForbids", (await Assert.ThrowsAsync<CcException>(() => store.Connections.AddAsync(Records.Connection("New"), None))).ErrorId);
    }

    [PostgresFact]
    public async Task A_login_without_a_role_gets_nothing()
    {
        string login = await PostgresDatabases.LoginAsync(_database);
        Assert.Equal("RoleForbids", (await Assert.ThrowsAsync<CcException>(() => PostgresStore.OpenAsync(login, None))).ErrorId);
    }
}
