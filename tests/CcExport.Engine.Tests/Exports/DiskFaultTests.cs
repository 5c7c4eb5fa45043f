using System.Diagnostics;
using System.Globalization;
using System.Text;
using CcExport.Engine.Exports;
using CcExport.Engine.Store;
using CcExport.Engine.Store.Sqlite;
using CcExport.Engine.Upload;
using Microsoft.Data.Sqlite;

namespace CcExport.Engine.Tests.Exports;

/// <summary>A disk in trouble in the middle of whole runs: full, read-only, damaged, locked. What was sent stays recorded, and nothing goes twice.</summary>
public sealed class DiskFaultTests
{
    private static string People(int count, int wide = 0)
    {
        var text = new StringBuilder("CustomerId,FirstName,LastName,EMail\n");
        for (int i = 1; i <= count; i++) text.Append(CultureInfo.InvariantCulture, $"K{i},First{i}{new string('n', wide)},Last{i},person{i}@example.com\n");
        return text.ToString();
    }

    private static Task DefineAsync(TestEngine test, int people = 140) => test.Engine.SetExportAsync(new ExportChange
    {
        Name = "E",
        Connection = "acme",
        ListId = test.ListId,
        Map = TestEngine.NameMap,
        Path = test.File("p.csv", People(people)),
        BatchSize = 50,
    }, default);

    private static Task<Run> InvokeAsync(TestEngine test, CancellationToken ct = default) => test.Engine.InvokeAsync(new RunRequest { ExportName = "E" }, test.Watcher, ct);

    /// <summary>The run ended whole, on the service and in its numbers, with one job a batch.</summary>
    private static void AssertWhole(TestEngine test, Run run, int people = 140)
    {
        Assert.Equal((RunStatus.Completed, (long)people, (long)people), (run.Status, run.Sent, run.Accepted));
        Assert.Equal(people, test.Simulator.State.Contacts(test.ListId).Count);
        Assert.Equal(run.Batches, test.Simulator.State.Activities().Count);
    }

    [SmallDiskFact]
    public async Task A_disk_that_is_full_while_sealing_fails_the_run_before_anything_is_sent()
    {
        using var disk = new SmallDisk(6);
        await using TestEngine test = await TestEngine.StartAsync(root: Path.Combine(disk.Root, "home"));
        string path = test.File("p.csv", People(60_000, wide: 40));
        Run run = await test.RunFileAsync(path);
        Assert.Equal((RunStatus.Failed, 0L), (run.Status, run.Sent));
        Assert.Contains("Make room", run.Message, StringComparison.Ordinal);
        Assert.Empty(test.Simulator.State.Activities());
        Assert.Empty(Directory.GetFileSystemEntries(test.Home.SpoolFolder));
        disk.Enlarge(60);
        Assert.Equal((RunStatus.Completed, 60_000L), Outcome(await test.RunFileAsync(path)));
    }

    private static (RunStatus, long) Outcome(Run run) => (run.Status, run.Accepted);

    [SmallDiskFact]
    public async Task A_disk_that_is_full_of_rejections_fails_the_run_before_anything_is_sent()
    {
        using var disk = new SmallDisk(3);
        await using TestEngine test = await TestEngine.StartAsync(root: Path.Combine(disk.Root, "home"));
        var text = new StringBuilder("CustomerId,FirstName,LastName,EMail\n1,Ann,Lee,ann@example.com\n");
        for (int i = 0; i < 60_000; i++) text.Append(CultureInfo.InvariantCulture, $"K{i},A,B,\n");
        Run run = await test.RunFileAsync(test.File("p.csv", text.ToString()));
        Assert.Equal((RunStatus.Failed, 0L), (run.Status, run.Sent));
        Assert.Contains("is full", run.Message, StringComparison.Ordinal);
        Assert.Empty(test.Simulator.State.Activities());
    }

    [SmallDiskFact]
    public async Task Rejections_that_went_to_a_full_disk_in_part_are_whole_when_there_is_room_again()
    {
        using var disk = new SmallDisk(2);
        var home = new CcHome(Path.Combine(disk.Root, "home"));
        home.EnsureCreated();
        using (RejectionWriter writer = RejectionFile.OpenWriter(home, 1))
        {
            for (int i = 1; i <= 400; i++) writer.Write(new RejectionEntry { Kind = RejectionKind.Invalid, Row = i, Segment = "people", ReasonId = "EmailMissing" });
            disk.Fill();
            disk.Spare(8192);
            Assert.Equal("DiskFull", (await Assert.ThrowsAsync<CcException>(() => writer.FlushAsync(default))).ErrorId);
            disk.Empty();
            await writer.FlushAsync(default);
        }
        List<long> rows = [];
        await foreach (RejectionRecord r in RejectionFile.ReadAsync(home, 1, default)) rows.Add(r.Row);
        Assert.Equal(Enumerable.Range(1, 400).Select(i => (long)i), rows);
    }

    [SmallDiskFact]
    public async Task A_disk_that_gets_full_while_sending_stops_the_run_and_it_goes_on_when_there_is_room()
    {
        using var disk = new SmallDisk(8);
        (TestEngine test, JournalTap tap) = await JournalTap.StartAsync(Path.Combine(disk.Root, "home"));
        await using (test)
        {
            await DefineAsync(test);
            int sent = 0;
            tap.After = (step, _) =>
            {
                if (step == "SentAsync" && ++sent == 1) disk.Fill();
                return Task.CompletedTask;
            };
            (string? error, Run? parked) = (null, null);
            try
            {
                parked = await InvokeAsync(test);
            }
            catch (CcException e)
            {
                error = e.ErrorId;
            }
            // With a log that has room for one more page the run may even say how it stands; else the command fails, and the journal has the rest.
            Assert.True(error == "DiskFull" || parked?.Status == RunStatus.Interrupted, $"{error} {parked?.Status}");
            Run stopped = Assert.Single(await test.Engine.GetRunsAsync("E", null, default));
            Assert.Null(stopped.CompletedAt);
            tap.After = null;
            disk.Empty();
            Run run = await InvokeAsync(test);
            Assert.Equal(stopped.Id, run.Id);
            AssertWhole(test, run);
        }
    }

    [SmallDiskFact]
    public async Task A_home_that_is_read_only_is_told_and_works_again_when_it_is_not()
    {
        using var disk = new SmallDisk(8);
        string root = Path.Combine(disk.Root, "home");
        await using (TestEngine test = await TestEngine.StartAsync(root: Path.Combine(disk.Root, "other")))
        {
            await using (await CcEngine.OpenAsync(new CcHome(root), TimeProvider.System, p => p, default))
            {
            }
        }
        disk.Protect(readOnly: true);
        CcException e = await Assert.ThrowsAsync<CcException>(() => CcEngine.OpenAsync(new CcHome(root), TimeProvider.System, p => p, default));
        Assert.Equal(("HomeNotWritable", CcErrorKind.Storage), (e.ErrorId, e.Kind));
        Assert.Contains(CcHome.Variable, e.Remedy, StringComparison.Ordinal);
        disk.Protect(readOnly: false);
        await using (await CcEngine.OpenAsync(new CcHome(root), TimeProvider.System, p => p, default))
        {
        }
    }

    [SmallDiskFact]
    public async Task A_spool_that_is_read_only_fails_the_run_before_anything_is_sent()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        SmallDisk.Run("mount", "--bind", test.Home.SpoolFolder, test.Home.SpoolFolder);
        try
        {
            SmallDisk.Run("mount", "-o", "remount,bind,ro", test.Home.SpoolFolder);
            Run run = await test.RunFileAsync(test.File("p.csv", People(20)));
            Assert.Equal((RunStatus.Failed, 0L), (run.Status, run.Sent));
            Assert.Contains("spool", run.Message, StringComparison.Ordinal);
            Assert.Empty(test.Simulator.State.Activities());
        }
        finally
        {
            SmallDisk.Run("umount", test.Home.SpoolFolder);
        }
        Assert.Equal((RunStatus.Completed, 20L), Outcome(await test.RunFileAsync(test.File("p.csv", People(20)))));
    }

    [Theory]
    [InlineData("body")]
    [InlineData("truncated")]
    [InlineData("swapped")]
    [InlineData("missing")]
    public async Task A_damaged_batch_is_never_sent_and_each_contact_still_has_one_fate(string damage)
    {
        (TestEngine test, JournalTap tap) = await JournalTap.StartAsync();
        await using (test)
        {
            await DefineAsync(test);
            tap.After = (step, args) =>
            {
                if (step == "AllSealedAsync") Damage(test.Home, (long)args[0]!, damage);
                return Task.CompletedTask;
            };
            Run run = await InvokeAsync(test);
            Assert.Equal((RunStatus.Failed, 140L), (run.Status, run.Sent));
            Assert.Equal((140L, 0L), (run.Accepted + run.Refused, run.Unaccounted));
            Assert.Contains("in the spool", run.Message, StringComparison.Ordinal);
            // What was sent stays recorded; of the damaged batch, whose people are those from number 51 on, nobody was sent.
            Assert.Equal(run.Accepted, test.Simulator.State.Contacts(test.ListId).Count);
            Assert.Null(test.Simulator.State.Contact("person51@example.com"));
            Assert.Contains(await test.RejectionsAsync(run.Id), r => r is { Reason: "NotSent", Batch: 2 });
            tap.After = null;
            Assert.Equal((RunStatus.Completed, 140L), Outcome(await InvokeAsync(test)));
        }
    }

    [Fact]
    public async Task Damaged_origins_cost_the_names_of_the_refused_and_nothing_else()
    {
        (TestEngine test, JournalTap tap) = await JournalTap.StartAsync();
        await using (test)
        {
            test.Simulator.State.Set(s => s.EmailMaxLength = 19);
            await DefineAsync(test, people: 12);
            tap.After = (step, args) =>
            {
                if (step == "AllSealedAsync") Damage(test.Home, (long)args[0]!, "origins", batch: 1);
                return Task.CompletedTask;
            };
            Run run = await InvokeAsync(test);
            Assert.Equal((RunStatus.CompletedWithErrors, 9L, 3L), (run.Status, run.Accepted, run.Refused));
            Assert.Equal([("RefusedUnnamed", 3)], (await test.RejectionsAsync(run.Id)).Select(r => (r.Reason, r.Count)));
        }
    }

    private static void Damage(CcHome home, long run, string how, int batch = 2)
    {
        string Of(int number) => Path.Combine(Spool.FolderOf(home.SpoolFolder, run), number.ToString("D5", CultureInfo.InvariantCulture) + ".batch");
        byte[] whole = File.ReadAllBytes(Of(batch));
        switch (how)
        {
            case "body":
                whole[200] ^= 1;
                break;
            case "origins":
                whole[^1] ^= 1;
                break;
            case "truncated":
                whole = whole[..(whole.Length / 2)];
                break;
            case "swapped":
                File.Copy(Of(1), Of(batch), overwrite: true);
                File.WriteAllBytes(Of(1), whole);
                return;
            default:
                File.Delete(Of(batch));
                return;
        }
        File.WriteAllBytes(Of(batch), whole);
    }

    [Fact]
    public async Task A_spool_that_cannot_be_read_just_now_parks_the_run_and_it_goes_on()
    {
        (TestEngine test, JournalTap tap) = await JournalTap.StartAsync();
        await using (test)
        {
            await DefineAsync(test);
            string file = "";
            tap.After = (step, args) =>
            {
                if (step != "AllSealedAsync") return Task.CompletedTask;
                // In the way of reading, but not gone: as a file is that another program holds.
                file = Path.Combine(Spool.FolderOf(test.Home.SpoolFolder, (long)args[0]!), "00002.batch");
                File.Move(file, file + ".aside");
                Directory.CreateDirectory(file);
                return Task.CompletedTask;
            };
            Run parked = await InvokeAsync(test);
            Assert.Equal(RunStatus.Interrupted, parked.Status);
            Assert.Contains("cannot be read just now", parked.Message, StringComparison.Ordinal);
            tap.After = null;
            Directory.Delete(file);
            File.Move(file + ".aside", file);
            Run run = await InvokeAsync(test);
            Assert.Equal(parked.Id, run.Id);
            AssertWhole(test, run);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_damaged_store_stops_everything_and_a_backup_in_its_place_lets_the_run_go_on(int page)
    {
        string root = Directory.CreateTempSubdirectory("ccexport-").FullName, store = new CcHome(root).StoreFile;
        (TestEngine test, JournalTap tap) = await JournalTap.StartAsync(root);
        await using (test)
        {
            await DefineAsync(test);
            tap.Before = (step, _) => step == "SendingAsync" ? throw new CcException("StoreLocked", CcErrorKind.Storage, "Locked.") : Task.CompletedTask;
            Run parked = await InvokeAsync(test);
            Assert.Equal(RunStatus.Interrupted, parked.Status);
            await test.Engine.DisposeAsync();
            byte[] whole = await File.ReadAllBytesAsync(store);
            byte[] damaged = [.. whole];
            damaged.AsSpan(page * 4096, page == 0 ? 100 : whole.Length - 4096).Fill(0xEE);
            await File.WriteAllBytesAsync(store, damaged);

            CcException e = await Assert.ThrowsAsync<CcException>(async () =>
            {
                await using CcEngine broken = await CcEngine.OpenAsync(test.Home, TimeProvider.System, p => p, default);
                await broken.InvokeAsync(new RunRequest { ExportName = "E" }, test.Watcher, default);
            });
            Assert.Equal(("StoreCorrupt", CcErrorKind.Storage), (e.ErrorId, e.Kind));
            Assert.Contains("backup", e.Remedy, StringComparison.Ordinal);
            Assert.Empty(test.Simulator.State.Activities());

            foreach (string log in Directory.GetFiles(root, "store.db-*")) File.Delete(log);
            await File.WriteAllBytesAsync(store, whole);
            await using CcEngine again = await CcEngine.OpenAsync(test.Home, TimeProvider.System, p => p with { Upload = Short }, default);
            Run run = await again.InvokeAsync(new RunRequest { ExportName = "E" }, test.Watcher, default);
            Assert.Equal(parked.Id, run.Id);
            AssertWhole(test, run);
        }
    }

    private static UploadOptions Short => new() { FirstPoll = TimeSpan.FromMilliseconds(50), LookInterval = TimeSpan.FromMilliseconds(300) };

    [Fact]
    public async Task A_store_that_another_program_locks_while_sending_stops_the_run_in_bounded_time_and_it_goes_on()
    {
        string root = Directory.CreateTempSubdirectory("ccexport-").FullName;
        var home = new CcHome(root);
        await using SqliteStore impatient = await SqliteStore.OpenAsync(home, TimeProvider.System, new SqliteStoreOptions { LockPatience = TimeSpan.FromSeconds(1) }, default);
        (TestEngine test, JournalTap tap) = await JournalTap.StartAsync(root, below: _ => impatient);
        await using (test)
        {
            await DefineAsync(test);
            using var holder = Holder(home);
            tap.Before = (step, _) =>
            {
                if (step == "SendingAsync") TryLock(holder);
                return Task.CompletedTask;
            };
            long began = Stopwatch.GetTimestamp();
            CcException e = await Assert.ThrowsAsync<CcException>(() => InvokeAsync(test));
            Assert.Equal("StoreLocked", e.ErrorId);
            Assert.InRange(Stopwatch.GetElapsedTime(began).TotalSeconds, 0, 10);
            Assert.Empty(test.Simulator.State.Activities());
            tap.Before = null;
            Execute(holder, "ROLLBACK");
            AssertWhole(test, await InvokeAsync(test));
        }
    }

    [Fact]
    public async Task Stopping_does_not_wait_for_a_locked_store()
    {
        string root = Directory.CreateTempSubdirectory("ccexport-").FullName;
        (TestEngine test, JournalTap tap) = await JournalTap.StartAsync(root);
        await using (test)
        {
            await DefineAsync(test);
            using var holder = Holder(test.Home);
            var locked = new TaskCompletionSource();
            tap.Before = (step, _) =>
            {
                if (step != "SendingAsync") return Task.CompletedTask;
                TryLock(holder);
                locked.TrySetResult();
                return Task.CompletedTask;
            };
            using var stop = new CancellationTokenSource();
            Task<Run> begun = InvokeAsync(test, stop.Token);
            await locked.Task;
            await Task.Delay(100);
            long stopped = Stopwatch.GetTimestamp();
            await stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => begun);
            Assert.InRange(Stopwatch.GetElapsedTime(stopped).TotalSeconds, 0, 2);
            tap.Before = null;
            Execute(holder, "ROLLBACK");
            AssertWhole(test, await InvokeAsync(test));
        }
    }

    private static SqliteConnection Holder(CcHome home)
    {
        var connection = new SqliteConnection($"Data Source={home.StoreFile};Pooling=False");
        connection.Open();
        return connection;
    }

    /// <summary>Begins to write and never ends, once.</summary>
    private static void TryLock(SqliteConnection connection)
    {
        lock (connection)
        {
            if (SQLitePCL.raw.sqlite3_get_autocommit(connection.Handle) != 0) Execute(connection, "BEGIN IMMEDIATE");
        }
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
