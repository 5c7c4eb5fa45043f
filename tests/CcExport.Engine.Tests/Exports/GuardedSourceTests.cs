using System.Text.Json;
using CcExport.Engine.Exports;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;
using CcExport.Engine.Tests.Profiles;
using CcExport.Engine.Tests.Store;
using static CcExport.Engine.Tests.Exports.Trouble;

namespace CcExport.Engine.Tests.Exports;

/// <summary>What is known of a source without its secret, and what of it is written down for completion.</summary>
[Collection(AzuriteTests.Name)]
public sealed class GuardedSourceTests(Azurite azurite)
{
    private static readonly SourceReference Signed = new() { BlobContainer = new Uri("https://contoso.blob.core.windows.net/lake"), SasToken = "sv=2026-06-06&sig=0123456789" };

    private static readonly SourceReference Keyed = Signed with { SasToken = null, AccountKey = Azurite.Key };

    /// <summary>As a source is stored whose place cannot be looked at here.</summary>
    private static Task KeepAsync(TestEngine test, string name, SourceReference reference, bool ofEarlierVersion = false)
    {
        string json = JsonSerializer.Serialize(reference with { Keeps = ofEarlierVersion ? null : reference.Has }, DefinitionJson.Default.SourceReference);
        return test.Store.Sources.SaveAsync(Records.Definition(name, json: json) with { Secrets = SourceSecrets.Protect(test.Parts.Secrets, name, reference) }, replace: false, default);
    }

    private static void LoseRing(TestEngine test, bool damaged = false)
    {
        foreach (string key in Directory.GetFiles(test.Home.KeyRingFolder))
        {
            if (damaged) File.WriteAllText(key, "<key");
            else File.Delete(key);
        }
    }

    private static Task<CcEngine> ReopenAsync(TestEngine test) => CcEngine.OpenAsync(test.Home, TimeProvider.System, parts => parts, default);

    private static async Task<IEnumerable<(string Name, string ReadWith)>> ReadWithAsync(CcEngine engine) => (await engine.GetSourcesAsync(default)).Select(s => (s.Name, s.ReadWith));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_a_source_is_read_with_is_told_without_the_key_ring(bool damaged)
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await test.Engine.AddSourceAsync("File", new SourceReference { Path = test.File("p.csv", People(1)), SasToken = Signed.SasToken }, null, default);
        await KeepAsync(test, "Keyed", Keyed);
        await KeepAsync(test, "Signed", Signed);
        LoseRing(test, damaged);
        await using CcEngine again = await ReopenAsync(test);
        Assert.Equal([("File", "Process"), ("Keyed", "AccountKey"), ("Signed", "SharedAccessSignature")], await ReadWithAsync(again));
        string text = await again.WriteConfigurationAsync(default);
        Assert.Contains("\"secret\": \"AccountKey\"", text, StringComparison.Ordinal);
        Assert.Contains("\"secret\": \"SasToken\"", text, StringComparison.Ordinal);
        // To read it is another matter.
        string refused = await Fails(() => again.GetSegmentsAsync(new SourceReference { Name = "Signed" }, null, test.Watcher, default));
        Assert.StartsWith("KeyRing", refused, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_source_of_an_earlier_version_tells_it_with_the_ring()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await KeepAsync(test, "Keyed", Keyed, ofEarlierVersion: true);
        await KeepAsync(test, "Signed", Signed, ofEarlierVersion: true);
        Assert.All(await test.Store.Sources.ListAsync(default), record => Assert.DoesNotContain("Keeps", record.Json, StringComparison.Ordinal));
        await using (CcEngine again = await ReopenAsync(test))
            Assert.Equal([("Keyed", "AccountKey"), ("Signed", "SharedAccessSignature")], await ReadWithAsync(again));
        LoseRing(test);
        await using CcEngine without = await ReopenAsync(test);
        Assert.Equal("KeyRingMissing", await Fails(() => without.GetSourcesAsync(default)));
    }

    /// <summary>The first line of a text may be a person: it is shown to who asks, and not kept.</summary>
    [AzuriteFact]
    public async Task A_container_that_was_looked_at_tells_it_and_leaves_no_first_line_behind()
    {
        Azurite.Container container = await azurite.CreateAsync();
        await container.PutAsync("VIP.csv", "Ann Miller,Rome\nBo Diddley,Oslo\n");
        await using TestEngine test = await TestEngine.StartAsync(connect: false);
        await test.Engine.AddSourceAsync("Keyed", container.Reference(), null, default);
        await test.Engine.AddSourceAsync("Signed", container.Reference() with { AccountKey = null, SasToken = container.Sas() }, null, default);
        var keyed = new SourceReference { Name = "Keyed" };
        Assert.Equal(["Ann Miller", "Rome"], await test.Engine.GetColumnsAsync(keyed, "VIP", null, default));
        Assert.Equal("Healthy", (await test.Engine.TestSourceAsync("Keyed", null, default)).Status);
        Assert.Equal("VIP", Assert.Single(await test.Engine.GetKnownSegmentsAsync(keyed, default)).Name);
        Assert.Empty(await test.Engine.GetKnownColumnsAsync(keyed, null, default));
        string[] known = Directory.GetFiles(test.Home.Root, "known-source-*");
        Assert.Equal(2, known.Length);
        Assert.All(known, file => Assert.DoesNotContain("Ann", File.ReadAllText(file), StringComparison.Ordinal));

        LoseRing(test);
        await using CcEngine again = await ReopenAsync(test);
        Assert.Equal([("Keyed", "AccountKey"), ("Signed", "SharedAccessSignature")], await ReadWithAsync(again));
    }

    [Theory]
    [InlineData(true, "EMail,Name", true)]
    [InlineData(true, "EMail,", true)]
    [InlineData(false, "EMail,Name", false)]
    [InlineData(true, "EMail,a@example.com", false)]
    [InlineData(true, "4711,Name", false)]
    [InlineData(true, ",Name", true)]
    public async Task Columns_are_kept_for_completion_where_they_are_names_for_certain(bool named, string columns, bool kept)
    {
        await using TestEngine test = await TestEngine.StartAsync(connect: false);
        string[] names = columns.Split(',');
        new SourceBook(test.Parts).Saw(Signed with { Name = "Lake" }, new NamedOrNot(named), "VIP", names);
        Assert.Equal(kept ? names : [], await test.Engine.GetKnownColumnsAsync(new SourceReference { Name = "lake" }, null, default));
        Assert.Equal(kept, Directory.EnumerateFiles(test.Home.Root, "known-source-*").Any());
    }

    private sealed class NamedOrNot(bool named) : IProfileSource
    {
        public bool HasNamedColumns(string segment) => named;

        public Task<IReadOnlyList<Segment>> GetSegmentsAsync(CancellationToken ct) => throw new NotSupportedException();

        public Task<IReadOnlyList<string>> GetColumnsAsync(string segment, CancellationToken ct) => throw new NotSupportedException();

        public IAsyncEnumerable<ProfileBatch> ReadAsync(string segment, IReadOnlyList<string> columns, CancellationToken ct) => throw new NotSupportedException();
    }

    /// <summary>How the column is spelled that no record has had yet, nobody knows; the key is no address all the same.</summary>
    [Fact]
    public async Task An_address_that_comes_late_is_no_key_either()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        string path = test.File("late.jsonl", string.Concat(Enumerable.Repeat("{\"Name\":\"A\"}\n", 120)) + "{\"Name\":\"B\",\"Email\":\"b@example.com\"}\n");
        Run run = await test.Engine.InvokeAsync(new RunRequest
        {
            Connection = "acme",
            ListId = test.ListId,
            Map = new Dictionary<string, string> { ["email"] = "email" },
            KeyProperty = "EMAIL",
            Source = new SourceReference { Path = path },
        }, test.Watcher, default);
        Assert.Equal(RunStatus.Failed, run.Status);
        Assert.Contains("is the column with the address", run.Message, StringComparison.Ordinal);
    }
}
