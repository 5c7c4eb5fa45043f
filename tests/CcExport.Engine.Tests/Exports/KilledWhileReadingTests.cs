using CcExport.Engine.Exports;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;
using CcExport.Engine.Tests.Profiles;

namespace CcExport.Engine.Tests.Exports;

/// <summary>
/// A process that is killed while it reads has sent nothing, and the next run starts clean; one that is killed after sealing never reads its source again. For files
/// of Parquet and for a container; a kill is played by a journal that fails from some step on, as the store of a dead process does.
/// </summary>
[Collection(AzuriteTests.Name)]
public sealed class KilledWhileReadingTests(Azurite azurite)
{
    private const int People = 400;

    [Fact]
    public async Task A_run_killed_while_it_read_Parquet_sent_nothing_and_starts_clean()
    {
        (TestEngine test, JournalTap tap) = await JournalTap.StartAsync();
        await using (test)
        {
            string path = test.File("VIP.parquet", await ParquetFiles.PeopleAsync(People, group: 60));
            await DefineAsync(test, path: path);
            await KilledWhileReadingAsync(test, tap);
            await CompletesAsync(test, tap);
        }
    }

    [Fact]
    public async Task A_run_killed_after_it_sealed_Parquet_never_reads_it_again()
    {
        (TestEngine test, JournalTap tap) = await JournalTap.StartAsync();
        await using (test)
        {
            string path = test.File("VIP.parquet", await ParquetFiles.PeopleAsync(People, group: 60));
            await DefineAsync(test, path: path);
            await KilledAfterSealingAsync(test, tap);
            File.Delete(path);
            await CompletesAsync(test, tap);
        }
    }

    [AzuriteFact]
    public async Task A_run_killed_while_it_read_a_container_sent_nothing_and_starts_clean()
    {
        Azurite.Container container = await azurite.CreateAsync();
        await container.PutAsync("VIP/p_1.csv", Trouble.People(People));
        (TestEngine test, JournalTap tap) = await JournalTap.StartAsync();
        await using (test)
        {
            await test.Engine.AddSourceAsync("Lake", container.Reference(), null, default);
            await DefineAsync(test, source: "Lake");
            await KilledWhileReadingAsync(test, tap);
            Run run = await CompletesAsync(test, tap);
            Assert.Equal("AccountKey", run.ReadAs);
        }
    }

    [AzuriteFact]
    public async Task A_run_killed_after_it_sealed_a_container_never_asks_it_again()
    {
        Azurite.Container container = await azurite.CreateAsync();
        await container.PutAsync("VIP/p_1.csv", Trouble.People(People));
        (TestEngine test, JournalTap tap) = await JournalTap.StartAsync();
        await using (test)
        {
            await test.Engine.AddSourceAsync("Lake", container.Reference(), null, default);
            await DefineAsync(test, source: "Lake");
            await KilledAfterSealingAsync(test, tap);
            await container.RemoveAsync("VIP/p_1.csv");
            await CompletesAsync(test, tap);
        }
    }

    [AzuriteFact]
    public async Task A_source_with_a_key_is_kept_listed_and_read_by_engines_that_have_nothing_else_to_open()
    {
        Azurite.Container container = await azurite.CreateAsync();
        await container.PutAsync("VIP/p_1.csv", Trouble.People(3));
        await using TestEngine test = await TestEngine.StartAsync();
        await using (CcEngine first = await CcEngine.OpenAsync(test.Home, TimeProvider.System, p => p, default))
            await first.AddSourceAsync("Lake", container.Reference(), null, default);
        await using (CcEngine second = await CcEngine.OpenAsync(test.Home, TimeProvider.System, p => p, default))
            Assert.Equal("AccountKey", Assert.Single(await second.GetSourcesAsync(default)).ReadWith);
        await using CcEngine third = await CcEngine.OpenAsync(test.Home, TimeProvider.System, p => p, default);
        SourceHealth health = await third.TestSourceAsync("lake", null, default);
        Assert.Equal((true, 1), (health.Healthy, health.Segments));
    }

    private static Task DefineAsync(TestEngine test, string? path = null, string? source = null) => test.Engine.SetExportAsync(
        new ExportChange { Name = "E", Connection = "acme", ListId = test.ListId, Map = TestEngine.NameMap, Path = path, Source = source, Segment = ["VIP"], BatchSize = 50 }, default);

    private static async Task KilledWhileReadingAsync(TestEngine test, JournalTap tap)
    {
        await KilledAsync(test, tap, "SealedAsync", 3);
        Assert.Empty(test.Simulator.State.Activities());
    }

    private static async Task KilledAfterSealingAsync(TestEngine test, JournalTap tap)
    {
        await KilledAsync(test, tap, "SendingAsync", 1);
        Assert.Empty(test.Simulator.State.Activities());
    }

    /// <summary>From the n-th time of a step on, nothing is written any more.</summary>
    private static async Task KilledAsync(TestEngine test, JournalTap tap, string step, int nth)
    {
        int seen = 0;
        bool dead = false;
        tap.Before = (name, _) =>
        {
            dead |= name == step && Interlocked.Increment(ref seen) == nth;
            return dead && !name.StartsWith("Get", StringComparison.Ordinal) && !name.StartsWith("Find", StringComparison.Ordinal) ? throw new CcException("Killed", CcErrorKind.Storage, "killed") : Task.CompletedTask;
        };
        try
        {
            await test.Engine.InvokeAsync(new RunRequest { ExportName = "E" }, test.Watcher, default);
        }
        catch (CcException e) when (e.ErrorId == "Killed")
        {
        }
        Assert.True(dead);
        tap.Before = null;
    }

    private static async Task<Run> CompletesAsync(TestEngine test, JournalTap tap)
    {
        Run run = await test.Engine.InvokeAsync(new RunRequest { ExportName = "E" }, test.Watcher, default);
        Assert.Equal((RunStatus.Completed, (long)People, (long)People), (run.Status, run.Read, run.Accepted));
        Assert.Equal(People, test.Simulator.State.Contacts(test.ListId).Count);
        Assert.Equal(run.Batches, test.Simulator.State.Activities().Count);
        Assert.Null(tap.Before);
        return run;
    }
}
