using CcExport.Engine.Exports;
using CcExport.Engine.Store;

namespace CcExport.Engine.Tests.Exports;

/// <summary>How long runs and their rejections are kept.</summary>
public sealed class KeepTests
{
    private const string People = "CustomerId,FirstName,LastName,EMail\nK1,A,B,a@example.com\nK2,A,B,bad\n";

    /// <summary>The real clock, some days later: waits take as long as they do.</summary>
    private sealed class LaterClock : TimeProvider
    {
        public int Days { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddDays(Days);
    }

    private static async Task<Run> RunAsync(TestEngine test, string export) => await test.Engine.InvokeAsync(new RunRequest { ExportName = export }, test.Watcher, default);

    private static Task DefineAsync(TestEngine test, string name, int? keepDays = null, string? text = null) => test.Engine.SetExportAsync(new ExportChange
    {
        Name = name,
        Connection = "acme",
        ListId = test.ListId,
        Map = TestEngine.NameMap,
        Path = test.File($"{name}.csv", text ?? People),
        KeepDays = keepDays,
    }, default);

    private static async Task<long[]> KeptAsync(TestEngine test) => [.. (await test.Engine.GetRunsAsync(null, null, default)).Select(r => r.Id).Order()];

    private static long[] Files(TestEngine test) => [.. Directory.GetFiles(test.Home.RejectionsFolder).Select(f => long.Parse(Path.GetFileNameWithoutExtension(f), null)).Order()];

    [Fact]
    public async Task Runs_over_their_days_go_with_their_rejections_when_a_later_one_closes()
    {
        var clock = new LaterClock();
        await using TestEngine test = await TestEngine.StartAsync(time: clock);
        await DefineAsync(test, "Short", keepDays: 20);
        await DefineAsync(test, "Usual");
        Run shortOld = await RunAsync(test, "Short"), shortLast = await RunAsync(test, "Short");
        Run usual1 = await RunAsync(test, "Usual"), usual2 = await RunAsync(test, "Usual");
        Run piped = await test.RunFileAsync(test.File("p.csv", People), change: r => r with { KeepDays = 30 });
        Run piped2 = await test.RunFileAsync(test.File("p.csv", People), change: r => r with { KeepDays = 300 });

        clock.Days = 25;
        await test.Engine.SetExportAsync(new ExportChange { Name = "Third", Connection = "acme", ListId = test.ListId, Map = TestEngine.NameMap, Path = test.File("t.csv", People) }, default);
        Run third = await RunAsync(test, "Third");
        // Of Short the older is gone; the last that had contacts accepted stays.
        Assert.Equal([shortLast.Id, usual1.Id, usual2.Id, piped.Id, piped2.Id, third.Id], await KeptAsync(test));
        Assert.Equal(await KeptAsync(test), Files(test));

        clock.Days = 100;
        Run again = await RunAsync(test, "Short");
        Assert.Equal([usual2.Id, piped2.Id, third.Id, again.Id], await KeptAsync(test));
        Assert.Equal(await KeptAsync(test), Files(test));
        Assert.Equal(shortOld.Id + 1, shortLast.Id);
    }

    [Fact]
    public async Task What_is_over_is_removed_once_an_hour_in_a_store()
    {
        var clock = new LaterClock();
        await using TestEngine test = await TestEngine.StartAsync(time: clock, change: parts => parts with { TidyEvery = TimeSpan.FromHours(1) });
        await DefineAsync(test, "Short", keepDays: 20);
        Run old = await RunAsync(test, "Short"), last = await RunAsync(test, "Short");
        clock.Days = 25;
        // Somebody has just done it, or begun to.
        Assert.True(await test.Store.Runs.TryBeginTidyingAsync(clock.GetUtcNow(), TimeSpan.FromHours(1), default));
        Run third = await RunAsync(test, "Short");
        Assert.Equal([old.Id, last.Id, third.Id], await KeptAsync(test));
        clock.Days = 26;
        Run fourth = await RunAsync(test, "Short");
        Assert.Equal([third.Id, fourth.Id], await KeptAsync(test));
    }

    [Fact]
    public async Task An_open_run_is_kept_however_old_and_goes_on()
    {
        var clock = new LaterClock();
        JournalTap? tap = null;
        await using TestEngine test = await TestEngine.StartAsync(time: clock, change: parts => parts with { Store = tap = new JournalTap(parts.Store) });
        await DefineAsync(test, "Open", keepDays: 1);
        await DefineAsync(test, "Other");
        tap!.Before = (step, _) => step == "SendingAsync" ? throw new CcException("StoreLocked", CcErrorKind.Storage, "Locked.") : Task.CompletedTask;
        Run open = await RunAsync(test, "Open");
        Assert.Equal(RunStatus.Interrupted, open.Status);
        tap.Before = null;
        clock.Days = 1000;
        await RunAsync(test, "Other");
        Assert.Contains(open.Id, await KeptAsync(test));
        Run run = await RunAsync(test, "Open");
        Assert.Equal((open.Id, RunStatus.Completed), (run.Id, run.Status));
    }

    [Fact]
    public async Task What_is_known_of_jobs_stays_for_as_long_as_the_service_knows_them()
    {
        var clock = new LaterClock();
        await using TestEngine test = await TestEngine.StartAsync(time: clock);
        await DefineAsync(test, "Day", keepDays: 1);
        Run first = await RunAsync(test, "Day");
        clock.Days = 5;
        Run second = await RunAsync(test, "Day");
        Assert.Equal([first.Id, second.Id], await KeptAsync(test));
        Assert.Equal([second.Id], Files(test));
        clock.Days = 12;
        Run third = await RunAsync(test, "Day");
        Assert.Equal([second.Id, third.Id], await KeptAsync(test));
    }

    [Fact]
    public async Task Many_go_in_small_steps_and_a_failing_store_costs_the_run_nothing()
    {
        var clock = new LaterClock();
        JournalTap? tap = null;
        await using TestEngine test = await TestEngine.StartAsync(time: clock, change: parts => parts with { Store = tap = new JournalTap(parts.Store) });
        await DefineAsync(test, "Many", keepDays: 11, text: "CustomerId,FirstName,LastName,EMail\n");
        for (int i = 0; i < 130; i++)
        {
            long id = await tap!.Runs.OpenAsync(Store.Records.Run("Many") with { StartedAt = clock.GetUtcNow(), Definition = """{"ListId":"l","Map":{}}""" }, default);
            await tap.Runs.CloseAsync(id, RunStatus.Failed, new RunNumbers(), null, clock.GetUtcNow(), default);
        }
        clock.Days = 12;
        tap!.Before = (step, _) => step == "RemoveRunsAsync" ? throw new CcException("DiskFull", CcErrorKind.Storage, "Full.") : Task.CompletedTask;
        Assert.Equal(RunStatus.Completed, (await RunAsync(test, "Many")).Status);
        Assert.Equal(131, (await KeptAsync(test)).Length);

        List<int> steps = [];
        tap.Before = (step, args) =>
        {
            if (step == "RemoveRunsAsync") steps.Add(((IReadOnlyCollection<long>)args[0]!).Count);
            return Task.CompletedTask;
        };
        await RunAsync(test, "Many");
        Assert.Equal(2, (await KeptAsync(test)).Length);
        Assert.Equal([50, 50, 30], steps);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3651)]
    public async Task Days_are_kept_in_the_definition_and_checked(int wrong)
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test, "E", keepDays: 7);
        Export changed = await test.Engine.SetExportAsync(new ExportChange { Name = "E", BatchSize = 5 }, default);
        Assert.Equal(7, changed.KeepDays);
        CcException e = await Assert.ThrowsAsync<CcException>(() => test.Engine.SetExportAsync(new ExportChange { Name = "E", KeepDays = wrong }, default));
        Assert.Equal("KeepDaysOutOfRange", e.ErrorId);
    }
}
