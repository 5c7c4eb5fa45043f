using System.Globalization;
using System.Text;
using CcExport.Engine.Exports;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;

namespace CcExport.Engine.Tests.Exports;

/// <summary>Duplicates in whole runs: who goes, who is named, and what a run leaves that dies while it sorts them out.</summary>
public sealed class DuplicateRunTests
{
    private const string People = """
        CustomerId,FirstName,LastName,EMail,Modified
        1,Ann,Old,ann@example.com,2024-05-01
        2,Bob,Lee,bob@example.com,2024-05-02
        3,Ann,Newest,ANN@example.com,2024-07-01T10:00:00+02:00
        4,Ann,Between,ann@example.com,2024-06-01
        5,Bob,Blank,bob@example.com,
        6,Cy,Odd,cy@example.com,soon

        """;

    private static RunRequest Newest(RunRequest request) => request with { PreferNewest = "modified" };

    [Fact]
    public async Task The_first_wins_and_the_losers_name_it()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        Run run = await test.RunFileAsync(test.File("people.csv", People));
        Assert.Equal((RunStatus.Completed, 6L, 3L, 3L), (run.Status, run.Read, run.Duplicate, run.Accepted));
        Assert.Equal("Old", test.Simulator.State.Contact("ann@example.com")!.Fields["last_name"]);
        Assert.Equal(
            [("3", 1L, "people", "1"), ("4", 1L, "people", "1"), ("5", 2L, "people", "2")],
            (await test.RejectionsAsync(run.Id)).Select(r => (r.SourceKey!, r.WinnerRow!.Value, r.WinnerSegment!, r.WinnerKey!)));
    }

    [Fact]
    public async Task The_newest_wins_and_the_losers_name_it()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        Run run = await test.RunFileAsync(test.File("people.csv", People), change: Newest);
        Assert.Equal((RunStatus.Completed, 6L, 3L, 3L, 1), (run.Status, run.Read, run.Duplicate, run.Accepted, run.Batches));
        Assert.Equal("Newest", test.Simulator.State.Contact("ann@example.com")!.Fields["last_name"]);
        Assert.Equal("Lee", test.Simulator.State.Contact("bob@example.com")!.Fields["last_name"]);
        Assert.Equal(
            [("1", 3L, "3"), ("4", 3L, "3"), ("5", 2L, "2")],
            (await test.RejectionsAsync(run.Id)).Select(r => (r.SourceKey!, r.WinnerRow!.Value, r.WinnerKey!)).OrderBy(r => r.Item1));
        Assert.Contains(test.Watcher.Warnings, w => w.Contains("1 values of the column 'modified'", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_winner_in_another_segment_is_named_with_it()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        string folder = Path.GetDirectoryName(test.File("seg/North.csv", "CustomerId,EMail,At\n1,x@example.com,5\n2,a@example.com,5\n"))!;
        test.File("seg/South.csv", "Id,At,EMail\n3,7,A@example.com\n");
        var map = new Dictionary<string, string> { ["email"] = "EMail" };
        Run run = await test.RunFileAsync(folder, map);
        Rejection first = Assert.Single(await test.RejectionsAsync(run.Id));
        Assert.Equal(("South", 1L, "3", "North", 2L, "2"), (first.Segment, first.Row, first.SourceKey, first.WinnerSegment, first.WinnerRow, first.WinnerKey));
        run = await test.RunFileAsync(folder, map, r => r with { PreferNewest = "at" });
        Rejection newest = Assert.Single(await test.RejectionsAsync(run.Id));
        Assert.Equal(("North", 2L, "2", "South", 1L, "3"), (newest.Segment, newest.Row, newest.SourceKey, newest.WinnerSegment, newest.WinnerRow, newest.WinnerKey));
    }

    [Fact]
    public async Task A_stored_export_keeps_the_column_until_an_empty_one_is_set()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        var change = new ExportChange { Name = "E", Connection = "acme", ListId = test.ListId, Map = TestEngine.NameMap, Path = test.File("people.csv", People), PreferNewest = "Modified" };
        Assert.Equal("Modified", (await test.Engine.SetExportAsync(change, default)).PreferNewest);
        Assert.Equal("Modified", (await test.Engine.SetExportAsync(new ExportChange { Name = "E", BatchSize = 10 }, default)).PreferNewest);
        await test.Engine.InvokeAsync(new RunRequest { ExportName = "E" }, test.Watcher, default);
        Assert.Equal("Newest", test.Simulator.State.Contact("ann@example.com")!.Fields["last_name"]);
        Assert.Null((await test.Engine.SetExportAsync(new ExportChange { Name = "E", PreferNewest = "" }, default)).PreferNewest);
        await test.Engine.InvokeAsync(new RunRequest { ExportName = "E" }, test.Watcher, default);
        Assert.Equal("Old", test.Simulator.State.Contact("ann@example.com")!.Fields["last_name"]);
    }

    [Fact]
    public async Task A_column_that_is_not_there_is_said_before_anything_is_read()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        string path = test.File("people.csv", People);
        CcException e = await Assert.ThrowsAsync<CcException>(() => test.RunFileAsync(path, change: r => r with { PreferNewest = "ModifiedOn" }));
        Assert.Equal(("ColumnNotFound", "Did you mean 'Modified'?"), (e.ErrorId, e.Remedy![..24]));
        Assert.Empty(await test.Engine.GetRunsAsync(null, null, default));
    }

    [Fact]
    public async Task A_preview_counts_and_names_as_the_run_does()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        var request = new RunRequest { Connection = "acme", ListId = test.ListId, Map = TestEngine.NameMap, Source = new SourceReference { Path = test.File("people.csv", Many(3000)) }, PreferNewest = "Modified", BatchSize = 500 };
        Preview preview = await test.Engine.PreviewAsync(request, null, 10_000, test.Watcher, default);
        Run run = await test.Engine.InvokeAsync(request, test.Watcher, default);
        Assert.Equal((run.Read, run.Invalid, run.Duplicate, run.Sent, run.Noted), (preview.Read, preview.Invalid, preview.Duplicate, preview.WouldSend, preview.Noted));
        Assert.InRange(run.Batches, 1, preview.Batches);
        List<Rejection> rejections = await test.RejectionsAsync(run.Id);
        Assert.Equal(rejections.Select(Face).Order(), preview.Rejections.Select(Face).Order());
        Assert.Equal(rejections.GroupBy(r => r.Reason).ToDictionary(g => g.Key, g => g.LongCount()), preview.Reasons);
        Assert.Equal(5, preview.Sample.Count);
        Assert.All(preview.Sample, s => Assert.Contains("\"last_name\":\"v4\"", s, StringComparison.Ordinal));
    }

    private static string Face(Rejection r) => $"{r.Kind} {r.Row} {r.SourceKey} {r.Field} {r.Reason} {r.WinnerSegment} {r.WinnerRow} {r.WinnerKey}";

    /// <summary>Every person five times, newer each time; some with the address of a role or a name to be cut.</summary>
    private static string Many(int rows)
    {
        var text = new StringBuilder("CustomerId,FirstName,LastName,EMail,Modified\n");
        for (int i = 0; i < rows; i++)
        {
            int person = i % (rows / 5), version = i / (rows / 5);
            string mail = person == 7 ? "" : person % 50 == 3 ? $"info@c{person}.example" : $"p{person}@example.com";
            text.Append(CultureInfo.InvariantCulture, $"K{i},{new string('n', 40 + (person % 13))},v{version},{mail},{version}\n");
        }
        return text.ToString();
    }

    [Fact]
    public async Task Batches_sealed_anew_keep_their_counts_apart_and_hold_what_the_others_do_not()
    {
        await using TestEngine test = await TestEngine.StartAsync(batchRows: 300);
        // The third batch holds nobody who is beaten.
        var text = new StringBuilder("CustomerId,FirstName,LastName,EMail,Modified\n");
        for (int i = 0; i < 2000; i++)
            text.Append(CultureInfo.InvariantCulture, $"K{i},A,B,p{(i >= 1900 ? (i - 1900) * 5 : i)}@example.com,{i}\n");
        Run run = await test.RunFileAsync(test.File("people.csv", text.ToString()), change: Newest);
        Assert.Equal((RunStatus.Completed, 2000L, 100L, 1900L, 1900L), (run.Status, run.Read, run.Duplicate, run.Sent, run.Accepted));
        int[] counts = [.. (await test.Store.Runs.GetBatchesAsync(run.Id, default)).Select(b => b.Rows).Order()];
        Assert.Equal(run.Batches, counts.Length);
        Assert.Equal(1900, counts.Sum());
        Assert.All(counts.Zip(counts.Skip(1)), c => Assert.True(c.Second - c.First >= 2, string.Join(' ', counts)));
        Assert.Equal(1900, test.Simulator.State.Contacts(test.ListId).Count);
        Assert.Equal(run.Batches, test.Simulator.State.Activities().Count);
    }

    [Theory]
    [InlineData("SealedAsync")]
    [InlineData("AllSealedAsync")]
    public async Task A_run_that_fails_while_it_sorts_them_out_has_sent_nothing_and_leaves_nothing(string step)
    {
        (TestEngine test, JournalTap tap) = await JournalTap.StartAsync();
        await using (test)
        {
            string path = test.File("people.csv", Many(1000));
            int times = 0;
            tap.Before = (name, _) => name == step && ++times == (step == "SealedAsync" ? 2 : 1) ? throw new CcException("DiskFull", CcErrorKind.Storage, "full") : Task.CompletedTask;
            Run run = await test.RunFileAsync(path, change: r => Newest(r) with { BatchSize = 60 });
            Assert.Equal((RunStatus.Failed, 0L, 0), (run.Status, run.Sent, test.Simulator.State.Activities().Count));
            Assert.Empty(await test.RejectionsAsync(run.Id));
            Assert.Empty(Directory.GetFileSystemEntries(test.Home.SpoolFolder));
            tap.Before = null;
            run = await test.RunFileAsync(path, change: r => Newest(r) with { BatchSize = 60 });
            Assert.Equal((RunStatus.Completed, 199L), (run.Status, run.Accepted));
        }
    }

    /// <summary>What a killed process leaves: batches in the spool, provisional rejections, no mark.</summary>
    [Fact]
    public async Task A_run_that_was_killed_while_it_sorted_them_out_begins_anew()
    {
        (TestEngine test, JournalTap tap) = await JournalTap.StartAsync();
        await using (test)
        {
            string path = test.File("people.csv", Many(1000));
            await test.Engine.SetExportAsync(new ExportChange { Name = "E", Connection = "acme", ListId = test.ListId, Map = TestEngine.NameMap, Path = path, PreferNewest = "Modified", BatchSize = 60 }, default);
            string copy = Path.Combine(test.Home.Root, "copy");
            tap.Before = (name, _) =>
            {
                if (name == "AllSealedAsync") CopyFolder(test.Home.SpoolFolder, copy);
                return name is "AllSealedAsync" or "CloseAsync" ? throw new CcException("Killed", CcErrorKind.Storage, "killed") : Task.CompletedTask;
            };
            await Assert.ThrowsAsync<CcException>(() => test.Engine.InvokeAsync(new RunRequest { ExportName = "E" }, test.Watcher, default));
            CopyFolder(copy, test.Home.SpoolFolder);
            Assert.NotEmpty(Directory.GetFileSystemEntries(test.Home.SpoolFolder));
            tap.Before = null;
            Run run = await test.Engine.InvokeAsync(new RunRequest { ExportName = "E" }, test.Watcher, default);
            Assert.Equal((RunStatus.Completed, 199L, 796L), (run.Status, run.Accepted, run.Duplicate));
            Assert.Equal(199, test.Simulator.State.Contacts(test.ListId).Count);
            Assert.Empty(Directory.GetFileSystemEntries(test.Home.SpoolFolder));
        }
    }

    private static void CopyFolder(string from, string to)
    {
        foreach (string file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target, overwrite: true);
        }
    }

    [Fact]
    public async Task Addresses_of_roles_are_sent_noted_and_warned_of()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        string path = test.File("p.csv", "Id,EMail\n1,info@example.com\n2,INFO+shop@example.com\n3,ann@example.com\n4,No-Reply@bücher.example\n5,info@example.com\n6,information.desk@example.com\n");
        Run run = await test.RunFileAsync(path, new Dictionary<string, string> { ["email"] = "EMail" });
        Assert.Equal((RunStatus.Completed, 5L, 3L), (run.Status, run.Accepted, run.Noted));
        List<Rejection> noted = [.. (await test.RejectionsAsync(run.Id)).Where(r => r.Kind == "Noted")];
        Assert.Equal(["1", "2", "4"], noted.Select(r => r.SourceKey));
        Assert.All(noted, r => Assert.Equal(("RoleAddress", "email"), (r.Reason, r.Field)));
        Assert.Contains("policy", noted[0].Remedy, StringComparison.Ordinal);
        string warning = Assert.Single(test.Watcher.Warnings, w => w.Contains("role", StringComparison.Ordinal));
        Assert.StartsWith("3 of the contacts", warning, StringComparison.Ordinal);
        Assert.Contains($"Get-CcRejection {run.Id} -Reason RoleAddress", warning, StringComparison.Ordinal);
    }
}
