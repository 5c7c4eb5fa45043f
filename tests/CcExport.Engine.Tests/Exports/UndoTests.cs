using CcExport.Engine.Exports;
using CcExport.Engine.Mapping;
using CcExport.Engine.Store;
using CcExport.Simulator;
using static CcExport.Engine.Tests.Exports.Trouble;

namespace CcExport.Engine.Tests.Exports;

/// <summary>A run can be undone: who was put on the list is taken off, changed values are put back, and whoever did something since is left alone.</summary>
public sealed class UndoTests
{
    private const string Head = "CustomerId,FirstName,LastName,EMail\n";

    private static string Other(int from, int to) => Head + string.Concat(Enumerable.Range(from, to - from + 1).Select(i => $"K{i},New{i},Last{i},person{i}@example.com\n"));

    /// <summary>People 1 to 20 are on the list, 21 to 30 in the account only; then a run sends 11 to 40 with other first names.</summary>
    private static async Task<(TestEngine Test, Run Run)> WithRunAsync(TestEngine test, Func<RunRequest, RunRequest>? change = null)
    {
        await SeedAsync(test);
        Run run = await test.RunFileAsync(test.File("second.csv", Other(11, 40)), change: change);
        Assert.Equal((RunStatus.Completed, 30L), (run.Status, run.Accepted));
        return (test, run);
    }

    private static async Task SeedAsync(TestEngine test)
    {
        await test.RunFileAsync(test.File("first.csv", People(30)));
        for (int i = 21; i <= 30; i++) test.Simulator.State.LeaveList($"person{i}@example.com", test.ListId);
        test.Simulator.State.EditContact("person12@example.com", new Dictionary<string, string> { ["last_name"] = "" });
        // What came before is another matter: the run begins with a memory of nobody.
        foreach (FingerprintRecord one in await test.Store.Fingerprints.ListAllAsync(default)) File.Delete(Path.Combine(test.Home.FingerprintFolder, one.File + ".bin"));
        await using var store = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={test.Home.StoreFile};Pooling=False");
        await store.OpenAsync();
        await using var command = store.CreateCommand();
        command.CommandText = "DELETE FROM Fingerprints";
        await command.ExecuteNonQueryAsync();
    }

    private static Task<Run> UndoAsync(TestEngine test, Run run, CancellationToken ct = default) => test.Engine.UndoAsync(run.Id, new RunWaits(), test.Watcher, ct);

    private static ContactView Contact(TestEngine test, int i) => test.Simulator.State.Contact($"person{i}@example.com")!;

    private static int Members(TestEngine test) => test.Simulator.State.Lists().Single(l => l.Id == test.ListId).Members;

    private static bool IsOn(TestEngine test, int i) => Contact(test, i).ListIds.Contains(test.ListId);

    [Fact]
    public async Task A_later_run_that_died_before_it_sent_anything_is_no_hindrance()
    {
        (TestEngine test, JournalTap tap) = await JournalTap.StartAsync();
        await using TestEngine _ = test;
        await DefineAsync(test, 20);
        Run run = await InvokeAsync(test);
        bool dead = false;
        tap.Before = (step, _) => (dead |= step == "AllSealedAsync") ? throw new InvalidTimeZoneException("dead") : Task.CompletedTask;
        await Assert.ThrowsAsync<InvalidTimeZoneException>(() => InvokeAsync(test));
        tap.Before = null;
        Run undo = await UndoAsync(test, run);
        Assert.Equal((RunStatus.Completed, 20L), (undo.Status, undo.Removed));
    }

    [Fact]
    public async Task Who_is_another_exports_as_well_stays_on_the_list()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test, 20);
        await test.Engine.SetExportAsync(new ExportChange { Name = "Other", Connection = "acme", ListId = test.ListId, Map = TestEngine.NameMap, Path = test.File("o.csv", People(8)) }, default);
        Run run = await InvokeAsync(test);
        Assert.Equal(8, (await InvokeAsync(test, r => r with { ExportName = "Other" })).Accepted);
        Run undo = await UndoAsync(test, run);
        Assert.Equal((RunStatus.Completed, 12L, 20L), (undo.Status, undo.Removed, undo.Unchanged));
        Assert.Equal([true, true, false, false], new[] { 1, 8, 9, 20 }.Select(i => IsOn(test, i)));
        // The other export does not take them for people who left.
        Run other = await InvokeAsync(test, r => r with { ExportName = "Other" });
        Assert.Equal((0L, 8L), (other.Suppressed, other.Accepted));
    }

    [Fact]
    public async Task Values_are_put_back_new_people_taken_off_and_members_stay()
    {
        (TestEngine test, Run run) = await WithRunAsync(await TestEngine.StartAsync());
        await using TestEngine _ = test;
        Assert.Equal("New15", Contact(test, 15).Fields["first_name"]);
        Assert.True(IsOn(test, 25));

        UndoPreview preview = await test.Engine.PreviewUndoAsync(run.Id, test.Watcher, default);
        Assert.Equal((30L, 20L, 20L, 10L, 0L, 1L), (preview.Read, preview.WouldSend, preview.WouldRemove, preview.Unchanged, preview.Suppressed, preview.Noted));
        Assert.True(IsOn(test, 35));

        Run undo = await UndoAsync(test, run);
        Assert.Equal((RunStatus.Completed, "Undo", $"Undoes run {run.Id}."), (undo.Status, undo.Trigger, undo.Message));
        Assert.Equal((30L, 20L, 20L, 10L, 0L, 20L, 1L), (undo.Read, undo.Sent, undo.Accepted, undo.Unchanged, undo.Suppressed, undo.Removed, undo.Noted));
        Assert.Equal(20, Members(test));
        for (int i = 1; i <= 40; i++)
        {
            Assert.Equal(i <= 20, IsOn(test, i));
            Assert.Equal(i > 30 ? $"New{i}" : $"First{i}", Contact(test, i).Fields["first_name"]);
            Assert.False(Contact(test, i).Deleted);
        }
        Rejection note = Assert.Single(await test.RejectionsAsync(undo.Id));
        Assert.Equal(("Noted", Reasons.NotEmptied, "K12", "last_name"), (note.Kind, note.Reason, note.SourceKey, note.Field));

        Assert.Equal("UndoneAlready", await Fails(() => UndoAsync(test, run)));
        Assert.Equal("UndoNotPossible", await Fails(() => UndoAsync(test, undo)));
        Assert.Empty(Directory.GetFiles(test.Home.PreImageFolder, $"{run.Id}-*"));
    }

    [Fact]
    public async Task Whoever_did_something_since_is_left_as_he_is()
    {
        (TestEngine test, Run run) = await WithRunAsync(await TestEngine.StartAsync());
        await using TestEngine _ = test;
        Simulation state = test.Simulator.State;
        state.Unsubscribe("person13@example.com");
        state.LeaveList("person14@example.com", test.ListId);
        state.EditContact("person15@example.com", new Dictionary<string, string> { ["first_name"] = "Herself" });
        state.EditContact("person35@example.com", new Dictionary<string, string> { ["last_name"] = "Married" });
        state.LeaveList("person36@example.com", test.ListId);
        state.DeleteContact("person37@example.com");

        Run undo = await UndoAsync(test, run);
        Assert.Equal((RunStatus.Completed, 6L, 17L, 17L), (undo.Status, undo.Suppressed, undo.Sent, undo.Removed));
        Assert.Equal(undo.Read, undo.Suppressed + undo.Unchanged + undo.Sent);
        Assert.Equal(
            [("K13", Reasons.Unsubscribed), ("K14", Reasons.LeftList), ("K15", Reasons.ChangedSince), ("K35", Reasons.ChangedSince), ("K36", Reasons.LeftList), ("K37", Reasons.LeftList)],
            (await test.RejectionsAsync(undo.Id)).Where(r => r.Kind == "Suppressed").Select(r => (r.SourceKey!, r.Reason)));
        Assert.Equal(("unsubscribed", "New13"), (Contact(test, 13).Permission, Contact(test, 13).Fields["first_name"]));
        Assert.False(IsOn(test, 14));
        Assert.Equal((true, "Herself"), (IsOn(test, 15), Contact(test, 15).Fields["first_name"]));
        Assert.Equal((true, "Married"), (IsOn(test, 35), Contact(test, 35).Fields["last_name"]));
        Assert.True(Contact(test, 37).Deleted);
    }

    [Fact]
    public async Task A_run_into_an_empty_account_keeps_no_values_and_is_undone_as_well()
    {
        await using TestEngine test = await TestEngine.StartAsync(batchRows: 200);
        Run run = await test.RunFileAsync(test.File("p.csv", People(1200)));
        Assert.InRange(run.Requests, 1, run.Batches + Limits.CallsBesideBatches);
        Run undo = await UndoAsync(test, run);
        Assert.Equal((RunStatus.Completed, 1200L, 0L, 1200L, 1200L), (undo.Status, undo.Read, undo.Sent, undo.Unchanged, undo.Removed));
        Assert.Equal(0, Members(test));
        // Who was taken off is nobody who left: the next run puts them on again.
        Run again = await test.RunFileAsync(test.File("p.csv", People(1200)));
        Assert.Equal((1200L, 0L), (again.Accepted, again.Suppressed));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(100)]
    public async Task Other_fields_are_put_back_however_they_were_read(int people)
    {
        await using TestEngine test = await TestEngine.StartAsync();
        test.Simulator.State.AddCustomField("Loyalty tier");
        var map = new Dictionary<string, string>(TestEngine.NameMap) { ["cf:Loyalty_tier"] = "Tier", ["birthday_month"] = "Month", ["birthday_day"] = "Day", ["anniversary"] = "Since" };
        string Rows(string tier, int month, string since) => "CustomerId,FirstName,LastName,EMail,Tier,Month,Day,Since\n"
            + string.Concat(Enumerable.Range(1, people).Select(i => $"K{i},First{i},Last{i},person{i}@example.com,{tier},{month},7,{since}\n"));
        await test.RunFileAsync(test.File("a.csv", Rows("\"Gold, old\"", 3, "2001-02-03")), map);
        Run run = await test.RunFileAsync(test.File("b.csv", Rows("Silver", 4, "2/3/2001")), map);
        Assert.InRange(run.Requests, 1, run.Batches + Limits.CallsBesideBatches);
        Assert.Equal("Silver", Contact(test, 2).Fields["cf:Loyalty_tier"]);
        Run undo = await UndoAsync(test, run);
        Assert.Equal((RunStatus.Completed, (long)people, 0L, 0L), (undo.Status, undo.Accepted, undo.Removed, undo.Suppressed));
        Assert.Equal(("Gold, old", "3", "7", "First2"),
            (Contact(test, 2).Fields["cf:Loyalty_tier"], Contact(test, 2).Fields["birthday_month"], Contact(test, 2).Fields["birthday_day"], Contact(test, 2).Fields["first_name"]));
        Assert.True(IsOn(test, 2));
    }

    [Fact]
    public async Task Its_file_holds_no_address_and_no_value_in_clear()
    {
        (TestEngine test, Run run) = await WithRunAsync(await TestEngine.StartAsync());
        await using TestEngine _ = test;
        string file = Assert.Single(Directory.GetFiles(test.Home.PreImageFolder), f => Path.GetFileName(f).StartsWith($"{run.Id}-", StringComparison.Ordinal));
        byte[] bytes = File.ReadAllBytes(file);
        Assert.True(bytes.AsSpan().IndexOf("person"u8) < 0 && bytes.AsSpan().IndexOf("First"u8) < 0);
        bytes[^40] ^= 1;
        File.WriteAllBytes(file, bytes);
        Assert.Equal("PreImageDamaged", await Fails(() => UndoAsync(test, run)));
    }

    [Fact]
    public async Task A_person_whose_data_is_removed_is_in_it_no_more()
    {
        (TestEngine test, Run run) = await WithRunAsync(await TestEngine.StartAsync());
        await using TestEngine _ = test;
        ContactErasure erasure = await test.Engine.RemoveContactDataAsync("person15@example.com", "tester", test.Watcher, default);
        Assert.Equal(2, erasure.Removed["FormerValues"]);
        Run undo = await UndoAsync(test, run);
        Assert.Equal((RunStatus.Completed, 30L, 19L, 20L), (undo.Status, undo.Read, undo.Sent, undo.Removed));
        Assert.Equal("New15", Contact(test, 15).Fields["first_name"]);
        Assert.Equal("First16", Contact(test, 16).Fields["first_name"]);
    }

    [Fact]
    public async Task Who_came_into_a_suppression_file_of_the_run_since_is_not_sent()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        string never = test.File("never.txt", "never@example.com\n");
        (_, Run run) = await WithRunAsync(test, r => r with { SuppressionPath = [never] });
        File.AppendAllText(never, "person15@example.com\n");
        UndoPreview preview = await test.Engine.PreviewUndoAsync(run.Id, test.Watcher, default);
        Assert.Equal((19L, 1L), (preview.WouldSend, preview.Suppressed));
        Run undo = await UndoAsync(test, run);
        Assert.Equal((RunStatus.Completed, 1L, 19L, 19L, 20L), (undo.Status, undo.Suppressed, undo.Sent, undo.Accepted, undo.Removed));
        Rejection held = Assert.Single(await test.RejectionsAsync(undo.Id), r => r.Kind == "Suppressed");
        Assert.Equal(("K15", Reasons.SuppressionFile), (held.SourceKey, held.Reason));
        Assert.Equal(("New15", "First16"), (Contact(test, 15).Fields["first_name"], Contact(test, 16).Fields["first_name"]));
    }

    [Fact]
    public async Task It_is_kept_for_thirty_days()
    {
        var time = new MovedTime();
        await using TestEngine test = await TestEngine.StartAsync(time: time);
        await SeedAsync(test);
        Run run = await test.RunFileAsync(test.File("second.csv", Other(11, 40)));
        time.Ahead = TimeSpan.FromDays(30) - TimeSpan.FromMinutes(5);
        await test.RunFileAsync(test.File("other.csv", Other(50, 51)));
        Assert.Single(Directory.GetFiles(test.Home.PreImageFolder, $"{run.Id}-*"));
        time.Ahead = TimeSpan.FromDays(30);
        Assert.Equal("UndoTooOld", await Fails(() => UndoAsync(test, run)));
        await test.RunFileAsync(test.File("other.csv", Other(52, 53)));
        Assert.Empty(Directory.GetFiles(test.Home.PreImageFolder, $"{run.Id}-*"));
        Assert.Null(await test.Store.PreImages.FindAsync(run.Id, default));
        Assert.Equal("UndoTooOld", await Fails(() => UndoAsync(test, run)));
    }

    /// <summary>The real clock, some days ahead.</summary>
    private sealed class MovedTime : TimeProvider
    {
        public TimeSpan Ahead { get; set; }
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Ahead;
    }

    [Fact]
    public async Task Nothing_is_kept_with_NoUndo_and_where_it_cannot_be_read_the_run_goes_on()
    {
        (TestEngine test, Run run) = await WithRunAsync(await TestEngine.StartAsync(), r => r with { NoUndo = true });
        await using TestEngine _ = test;
        Assert.Equal("UndoNotPossible", await Fails(() => UndoAsync(test, run)));
        test.Simulator.State.AddFault(Fault(FaultKind.Status, count: 100, path: "activities/contact_exports", status: 400, body: """[{"error_key":"contacts.api.validation.error","error_message":"no exports today"}]"""));
        Run second = await test.RunFileAsync(test.File("third.csv", People(40)), change: r => r with { IncludeLeavers = true });
        Assert.Equal((RunStatus.Completed, 40L), (second.Status, second.Accepted));
        Assert.Contains(test.Watcher.Warnings, w => w.Contains("cannot be undone", StringComparison.Ordinal));
        Assert.Equal("UndoNotPossible", await Fails(() => UndoAsync(test, second)));
        Assert.Equal("RunNotFound", await Fails(() => test.Engine.UndoAsync(99, new RunWaits(), test.Watcher, default)));
    }

    [Fact]
    public async Task A_run_that_died_before_it_sent_keeps_them_when_it_goes_on()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await SeedAsync(test);
        test.Simulator.State.AddFault(Fault(FaultKind.Status, count: 1000, path: "contacts/counts", status: 429, body: """{"error_key":"quota_exceeded","error_message":"Limit Exceeded"}"""));
        Run parked = await test.RunFileAsync(test.File("second.csv", Other(11, 40)));
        Assert.Equal(RunStatus.WaitingForQuota, parked.Status);
        test.Simulator.State.ClearFaults();
        await NextDayAsync(test);
        Run run = await ResumeAsync(test, parked.Id);
        Assert.Equal((RunStatus.Completed, 30L), (run.Status, run.Accepted));
        Assert.Equal(20, (await UndoAsync(test, run)).Removed);
    }

    [Fact]
    public async Task An_undo_that_dies_half_way_goes_on()
    {
        (TestEngine test, Run run) = await WithRunAsync(await TestEngine.StartAsync());
        await using TestEngine _ = test;
        test.Simulator.State.AddFault(Fault(FaultKind.Status, count: 1000, path: "remove_list_memberships", status: 429, body: """{"error_key":"quota_exceeded","error_message":"Limit Exceeded"}"""));
        Run parked = await UndoAsync(test, run);
        Assert.Equal(RunStatus.WaitingForQuota, parked.Status);
        Assert.Equal(("First15", true), (Contact(test, 15).Fields["first_name"], IsOn(test, 35)));
        test.Simulator.State.ClearFaults();
        await NextDayAsync(test);
        Run undo = await UndoAsync(test, run);
        Assert.Equal((parked.Id, RunStatus.Completed, 20L, 20L), (undo.Id, undo.Status, undo.Removed, undo.Accepted));
        Assert.Equal(20, Members(test));
        Assert.Equal("UndoneAlready", await Fails(() => UndoAsync(test, run)));
    }
}
