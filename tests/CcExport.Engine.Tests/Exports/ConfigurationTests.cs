using CcExport.Engine.Exports;
using CcExport.Engine.Profiles;
using static CcExport.Engine.Tests.Exports.Trouble;

namespace CcExport.Engine.Tests.Exports;

/// <summary>A home as text: without secrets, in an order that stays, and brought back from it.</summary>
public sealed class ConfigurationTests
{
    private static readonly string Folder = Path.GetTempPath();

    private static async Task<TestEngine> StartAsync()
    {
        TestEngine test = await TestEngine.StartAsync();
        string path = test.File("p.csv", People(3));
        await test.Engine.AddSourceAsync("Files", new SourceReference { Path = path, Encoding = "utf-8" }, null, default);
        await test.Engine.SetExportAsync(new ExportChange
        {
            Name = "Zoë's",
            Connection = "acme",
            ListId = test.ListId,
            Map = TestEngine.NameMap,
            Source = "Files",
            Segment = ["p"],
            Mode = ExportMode.Mirror,
            KeyProperty = "CustomerId",
            PreferNewest = "Changed",
            BatchSize = 50,
            MaxProfiles = 1000,
            KeepDays = 30,
            SuppressionPath = [path],
            MaxShrink = 0.2,
            MaxGrowth = 0.5,
            NoUndo = true,
            Schedule = "Weekly Mon 06:00",
            TimeZone = "Europe/Berlin",
            Enabled = false,
        }, default);
        await test.Engine.SetExportAsync(new ExportChange { Name = "Plain", Connection = "acme", ListId = test.ListId, Map = TestEngine.NameMap, Path = path }, default);
        return test;
    }

    private static Task<IReadOnlyList<ConfigurationChange>> CompareAsync(TestEngine test, string text, bool prune = false) => test.Engine.CompareConfigurationAsync(text, Folder, prune, default);

    private static async Task ApplyAsync(TestEngine test, string text, bool prune = false)
    {
        foreach (ConfigurationChange change in await CompareAsync(test, text, prune)) await test.Engine.ApplyConfigurationAsync(change, default);
    }

    [Fact]
    public async Task What_was_written_differs_in_nothing_and_everything_comes_back_from_it()
    {
        await using TestEngine test = await StartAsync();
        await test.Engine.GetListsAsync("acme", default);
        string text = await test.Engine.WriteConfigurationAsync(default);
        Assert.Equal(text, await test.Engine.WriteConfigurationAsync(default));
        Assert.Contains("Zoë's", text, StringComparison.Ordinal);
        Assert.Contains("// to the list '", text, StringComparison.Ordinal);
        Assert.Empty(await CompareAsync(test, text, prune: true));
        Export before = (await test.Engine.GetExportsAsync(default)).Single(e => e.Name == "Zoë's");

        await test.Engine.RemoveExportAsync("Zoë's", default);
        await test.Engine.RemoveExportAsync("Plain", default);
        await test.Engine.RemoveSourceAsync("Files", default);
        Assert.Equal(["Create Source Files", "Create Export Plain", "Create Export Zoë's"], (await CompareAsync(test, text)).Select(c => $"{c.Action} {c.Kind} {c.Name}"));
        await ApplyAsync(test, text);
        Assert.Empty(await CompareAsync(test, text, prune: true));
        Assert.Equal(text, await test.Engine.WriteConfigurationAsync(default));
        Export after = (await test.Engine.GetExportsAsync(default)).Single(e => e.Name == "Zoë's");
        Assert.Equivalent(new { before.Map, before.Mode, before.Segment, before.Schedule, before.Enabled, before.NoUndo, before.MaxGrowth, before.SuppressionPath, before.KeepDays }, after);
        Assert.Equal(3, (await test.Engine.InvokeAsync(new RunRequest { ExportName = "Plain" }, test.Watcher, default)).Accepted);
    }

    [Fact]
    public async Task Each_difference_is_a_line_and_what_is_left_out_has_its_default_again()
    {
        await using TestEngine test = await StartAsync();
        string text = (await test.Engine.WriteConfigurationAsync(default))
            .Replace("\"schedule\": \"Weekly Mon 06:00\"", "\"schedule\": \"daily 7:00\"", StringComparison.Ordinal)
            .Replace("\"batchSize\": 50,", "", StringComparison.Ordinal)
            .Replace("\"allowContributor\": false", "\"allowContributor\": true", StringComparison.Ordinal);
        IReadOnlyList<ConfigurationChange> changes = await CompareAsync(test, text);
        Assert.Equal(["acme", "Zoë's"], changes.Select(c => c.Name));
        Assert.Equal(["allowContributor: False -> True"], changes[0].Differences);
        Assert.Equal(["batchSize: 50 -> (none)", "schedule: Weekly Mon 06:00 -> Daily 07:00"], changes[1].Differences);
        await ApplyAsync(test, text);
        Export export = (await test.Engine.GetExportsAsync(default)).Single(e => e.Name == "Zoë's");
        Assert.Equal((null, "Daily 07:00", "Europe/Berlin", false), (export.BatchSize, export.Schedule, export.TimeZone, export.Enabled));
        Assert.True(Assert.Single(await test.Engine.GetConnectionsAsync(default)).AllowContributor);
        Assert.Empty(await CompareAsync(test, text));
    }

    [Fact]
    public async Task What_is_not_in_it_goes_only_if_asked()
    {
        await using TestEngine test = await StartAsync();
        string text = await test.Engine.WriteConfigurationAsync(default);
        await test.Engine.CopyExportAsync("Plain", "More", default);
        Assert.Empty(await CompareAsync(test, text));
        ConfigurationChange change = Assert.Single(await CompareAsync(test, text, prune: true));
        Assert.Equal(("Remove", "More"), (change.Action, change.Name));
        await test.Engine.ApplyConfigurationAsync(change, default);
        Assert.DoesNotContain(await test.Engine.GetExportsAsync(default), e => e.Name == "More");
    }

    [Fact]
    public async Task It_makes_no_connection_and_says_so_and_a_detached_export_stays_one()
    {
        await using TestEngine test = await StartAsync();
        string text = await test.Engine.WriteConfigurationAsync(default);
        await test.Engine.RemoveConnectionAsync("acme", ExportFate.Detach, test.Watcher, default);
        string detached = await test.Engine.WriteConfigurationAsync(default);
        Assert.DoesNotContain("acme", detached, StringComparison.Ordinal);
        Assert.Empty(await CompareAsync(test, detached));
        IReadOnlyList<ConfigurationChange> changes = await CompareAsync(test, text);
        Assert.Equal("Missing", changes[0].Action);
        foreach (ConfigurationChange change in changes)
            Assert.Equal("ConnectionNotFound", (await Assert.ThrowsAsync<CcException>(() => test.Engine.ApplyConfigurationAsync(change, default))).ErrorId);
        await test.ConnectAgainAsync("acme");
        await ApplyAsync(test, text);
        Assert.All(await test.Engine.GetExportsAsync(default), e => Assert.Equal("acme", e.Connection));
    }

    [Fact]
    public async Task It_holds_no_secret_and_sends_none_to_another_place()
    {
        await using TestEngine test = await StartAsync();
        const string secret = "sig-0123456789";
        var reference = new SourceReference { Path = test.File("q.csv", People(1)), SasToken = secret };
        await test.Engine.AddSourceAsync("Guarded", reference, null, default);
        string text = await test.Engine.WriteConfigurationAsync(default);
        Assert.DoesNotContain(secret, text, StringComparison.Ordinal);
        Assert.DoesNotContain(test.Simulator.RefreshToken, text, StringComparison.Ordinal);
        Assert.Contains("\"secret\": \"SasToken\"", text, StringComparison.Ordinal);
        Assert.Empty(await CompareAsync(test, text));

        ConfigurationChange moved = Assert.Single(await CompareAsync(test, text.Replace("q.csv", "elsewhere.csv", StringComparison.Ordinal)));
        Assert.Equal("SourceNeedsSecret", (await Assert.ThrowsAsync<CcException>(() => test.Engine.ApplyConfigurationAsync(moved, default))).ErrorId);
        await test.Engine.RemoveSourceAsync("Guarded", default);
        ConfigurationChange gone = Assert.Single(await CompareAsync(test, text));
        Assert.Equal("SourceNeedsSecret", (await Assert.ThrowsAsync<CcException>(() => test.Engine.ApplyConfigurationAsync(gone, default))).ErrorId);
    }

    [Theory]
    [InlineData("{", "line")]
    [InlineData("[]", "line 1")]
    [InlineData("{}", "cannot be read")]
    [InlineData("""{ "version": 2 }""", "version is 2")]
    [InlineData("""{ "version": 1, "exprots": {} }""", "line 1")]
    [InlineData("""{ "version": 1, "exports": { "A": { "listId": "x", "map": {}, "schedul": "" } } }""", "$.exports.A")]
    [InlineData("""{ "version": 1, "exports": { "A": null }, "sources": null }""", "'A' is null")]
    [InlineData("""{ "version": 1, "exports": { "A": { "listId": "x", "map": { "email": null } } } }""", "export 'A'")]
    [InlineData("""{ "version": 1, "sources": { "a": {}, "A": {} } }""", "'a' twice")]
    [InlineData("""{ "version": 1, "version": 1 }""", "'version' twice")]
    [InlineData("""{ "version": 1, "sources": { "\ud800": {} } }""", "cannot be read")]
    [InlineData("""{ "version": 1, "exports": { "A": { "listId": "x", "map": { "email": "E" } }, "A": { "listId": "y", "map": { "email": "E" } } } }""", "'A' twice")]
    [InlineData("""{ "version": 1, "exports": { "A": { "listId": "x", "listId": "y", "map": { "email": "E" } } } }""", "'listId' twice")]
    [InlineData("""{ "version": 1, "exports": { "A": { "listId": "x", "map": { "email": "E", "email": "F" } } } }""", "'email' twice")]
    [InlineData("""{ "version": 1, "connections": { "C": { "contactLimit": 0 } } }""", "connection 'C' has a contactLimit below 1")]
    [InlineData("""{ "version": 1, "connections": { "C": { "reserveForOthers": -1 } } }""", "connection 'C' keeps a number of calls")]
    [InlineData("""{ "version": 1, "connections": { "C": { "reserveForOthers": 10001 } } }""", "not 0 to 10,000")]
    public async Task What_cannot_be_read_is_told_with_its_place(string text, string said)
    {
        await using TestEngine test = await TestEngine.StartAsync(connect: false);
        CcException e = await Assert.ThrowsAsync<CcException>(() => CompareAsync(test, text));
        Assert.Equal("ConfigurationInvalid", e.ErrorId);
        Assert.Contains(said, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_connections_of_one_key_keep_the_same_calls_for_others()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await test.ConnectAgainAsync("other");
        static string Keeps(int calls) => $$"""{ "reserveForOthers": {{calls}} }""";
        static string Text(string acme, string other) => $$"""{ "version": 1, "connections": { "acme": {{acme}}, "other": {{other}} } }""";
        foreach (string unlike in new[] { Text(Keeps(100), Keeps(200)), Text(Keeps(100), "{}"), Text(Keeps(0), Keeps(1)) })
        {
            CcException e = await Assert.ThrowsAsync<CcException>(() => CompareAsync(test, unlike));
            Assert.Equal(("ConfigurationInvalid", "other"), (e.ErrorId, e.Subject));
            Assert.Contains("'acme' and 'other'", e.Message, StringComparison.Ordinal);
        }
        // One that the file does not name keeps nothing else.
        Assert.Single(await CompareAsync(test, $$"""{ "version": 1, "connections": { "acme": {{Keeps(100)}} } }"""));
        string alike = Text(Keeps(100), Keeps(100));
        await ApplyAsync(test, alike);
        Assert.Empty(await CompareAsync(test, alike));
    }

    [Fact]
    public async Task What_is_wrong_with_an_export_names_it()
    {
        await using TestEngine test = await StartAsync();
        string text = (await test.Engine.WriteConfigurationAsync(default)).Replace("Weekly Mon 06:00", "Weekly Moon 06:00", StringComparison.Ordinal);
        CcException e = await Assert.ThrowsAsync<CcException>(() => CompareAsync(test, text));
        Assert.Equal(("ScheduleInvalid", "Zoë's"), (e.ErrorId, e.Subject));
    }

    [Fact]
    public async Task Comments_and_a_comma_too_many_are_read_and_paths_go_from_the_file()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        string path = test.File("p.csv", People(3));
        string text = $$"""
            // ours
            { "version": 1, "exports": { "A": { "connection": "ACME", /* by hand */ "listId": "{{test.ListId}}", "path": "p.csv", "map": { "email": "EMail", }, }, }, }
            """;
        foreach (ConfigurationChange change in await test.Engine.CompareConfigurationAsync(text, Path.GetDirectoryName(path)!, false, default)) await test.Engine.ApplyConfigurationAsync(change, default);
        Assert.Equal(path, Assert.Single(await test.Engine.GetExportsAsync(default)).Path);
        Assert.Empty(await test.Engine.CompareConfigurationAsync(text, Path.GetDirectoryName(path)!, true, default));
    }
}
