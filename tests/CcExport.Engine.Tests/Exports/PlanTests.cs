using CcExport.Engine.Exports;
using CcExport.Engine.Mapping;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;
using CcExport.Simulator;
using static CcExport.Engine.Tests.Exports.Trouble;

namespace CcExport.Engine.Tests.Exports;

/// <summary>A plan sends nothing, says what will be, and is then run exactly, or refused when something has moved.</summary>
public sealed class PlanTests
{
    private static Task<Plan> PlanAsync(TestEngine test, Func<RunRequest, RunRequest>? change = null)
    {
        var request = new RunRequest { ExportName = "E" };
        return test.Engine.PlanAsync(change?.Invoke(request) ?? request, test.Watcher, default);
    }

    private static Task<Run> GoAsync(TestEngine test, long id, bool force = false)
        => test.Engine.InvokeAsync(new RunRequest { PlanId = id, Force = force }, test.Watcher, default);

    private static int Imports(TestEngine test) => test.Simulator.State.Statistics().ByRoute.Where(r => r.Key.Contains(Import, StringComparison.Ordinal)).Sum(r => r.Value);

    private static async Task<TestEngine> WithRunAsync(int people, ExportMode mode = ExportMode.Upsert)
    {
        TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test, people);
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", Mode = mode }, default);
        Assert.Equal(RunStatus.Completed, (await InvokeAsync(test)).Status);
        return test;
    }

    private static string Spool(TestEngine test, long run) => CcExport.Engine.Upload.Spool.FolderOf(test.Home.SpoolFolder, run);

    [Theory]
    [InlineData(60)]
    [InlineData(1200)]
    public async Task A_plan_says_what_will_be_and_that_is_then_done(int people)
    {
        await using TestEngine test = await WithRunAsync(people, ExportMode.Changed);
        test.Simulator.State.LeaveList("person3@example.com", test.ListId);
        test.Simulator.State.Unsubscribe("person4@example.com");
        string path = (await test.Engine.GetExportsAsync(default))[0].Path!;
        File.WriteAllText(path, People(people + 2).Replace("First7,", "Other,", StringComparison.Ordinal).Replace("person8@example.com", "none", StringComparison.Ordinal) + "K7,a,b,person9@example.com\n");
        int before = Imports(test);

        Plan plan = await PlanAsync(test);
        Assert.Equal(before, Imports(test));
        Assert.Equal((people + 3L, 1L, 1L, 2L, 2L, 2L, 1L, 0L), (plan.Read, plan.Invalid, plan.Duplicate, plan.Suppressed, plan.Leavers, plan.Adds, plan.Updates, plan.Removals));
        Assert.Equal(plan.Read, plan.Invalid + plan.Duplicate + plan.Suppressed + plan.Unchanged + plan.Adds + plan.Updates);
        Assert.Equal((1, 1L + Limits.CallsBesideBatches, ExportMode.Changed, "E"), (plan.Batches, plan.Calls, plan.Mode, plan.Export));
        Assert.True(plan.Bytes > 100 && plan.CallsLeft > 9000 && plan.Duration > TimeSpan.Zero);
        Assert.InRange((plan.ExpiresAt - plan.PlannedAt).TotalHours, 23.9, 24.1);
        Assert.Equal((1L, 1L), (plan.Reasons[Reasons.LeftList], plan.Reasons[Reasons.Unsubscribed]));
        Assert.Empty(plan.Warnings);
        Run waiting = (await test.Engine.GetRunAsync(plan.Id, default))!;
        Assert.Equal((RunStatus.Queued, $"Invoke-CcExport -Plan {plan.Id}"), (waiting.Status, waiting.Next));
        Assert.Equal(RunStatus.Completed, (await test.Engine.GetExportsAsync(default))[0].LastStatus);
        Assert.Equal(plan.Id, Assert.Single(await test.Engine.GetPlansAsync(default)).Id);

        // The source is not read again.
        File.Delete(path);
        Run run = await GoAsync(test, plan.Id);
        Assert.Equal((plan.Id, RunStatus.Completed, 3L, 3L, plan.Unchanged, 2L), (run.Id, run.Status, run.Sent, run.Accepted, run.Unchanged, run.Suppressed));
        Assert.Equal("Other", test.Simulator.State.Contact("person7@example.com")!.Fields["first_name"]);
        Assert.Equal("PlanUsed", await Fails(() => GoAsync(test, plan.Id)));
        Assert.Empty(await test.Engine.GetPlansAsync(default));
        Assert.Equal("PlanNotFound", await Fails(() => GoAsync(test, 999)));
        Assert.Equal("PlanNotFound", await Fails(() => GoAsync(test, 1)));
    }

    [Fact]
    public async Task A_plan_of_an_export_that_never_ran_adds_all_and_knows_who_is_there()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test, 60);
        Assert.Equal(RunStatus.Completed, (await test.RunFileAsync(test.File("o.csv", People(10)))).Status);
        Plan plan = await PlanAsync(test);
        Assert.Equal((50L, 10L, 10L), (plan.Adds, plan.Updates, plan.Members));
        Assert.Equal((RunStatus.Completed, 60L), await Numbers(GoAsync(test, plan.Id)));
    }

    [Theory]
    [InlineData(60, false)]
    [InlineData(60, true)]
    [InlineData(1200, true)]
    public async Task A_list_that_moved_is_refused(int people, bool swap)
    {
        await using TestEngine test = await WithRunAsync(people);
        Plan plan = await PlanAsync(test);
        test.Simulator.State.LeaveList("person3@example.com", test.ListId);
        if (swap) Assert.Equal(RunStatus.Completed, (await test.RunFileAsync(test.File("o.csv", "EMail,FirstName,LastName\nother@example.com,A,B\n"), change: r => r with { Force = true })).Status);
        int before = Imports(test);
        Assert.Equal("PlanListMoved", await Fails(() => GoAsync(test, plan.Id, force: true)));
        Assert.Equal(before, Imports(test));
        Assert.Equal(RunStatus.Queued, (await test.Engine.GetRunAsync(plan.Id, default))!.Status);
    }

    [Fact]
    public async Task A_plan_of_a_mirror_counts_whom_it_takes_off_and_its_guard_is_heard()
    {
        await using TestEngine test = await WithRunAsync(60, ExportMode.Mirror);
        File.WriteAllText((await test.Engine.GetExportsAsync(default))[0].Path!, People(57));
        Plan plan = await PlanAsync(test);
        Assert.Equal((57L, 0L, 3L), (plan.Unchanged, plan.Adds + plan.Updates, plan.Removals));
        Assert.True(plan.Calls > Limits.CallsBesideBatches);
        Run run = await GoAsync(test, plan.Id);
        Assert.Equal((RunStatus.Completed, 3L), (run.Status, run.Removed));

        File.WriteAllText((await test.Engine.GetExportsAsync(default))[0].Path!, People(40));
        plan = await PlanAsync(test);
        Assert.Contains("take 17 contacts off a list of 57", Assert.Single(plan.Warnings, w => w.Contains("-Force", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Equal("GuardShrink", await Fails(() => GoAsync(test, plan.Id)));
        Assert.Equal(17, (await GoAsync(test, plan.Id, force: true)).Removed);
    }

    [Fact]
    public async Task Who_left_after_another_export_put_her_there_is_not_put_back_by_a_plan()
    {
        await using TestEngine test = await WithRunAsync(60);
        File.WriteAllText((await test.Engine.GetExportsAsync(default))[0].Path!, People(61));
        await test.Engine.SetExportAsync(new ExportChange { Name = "Other", Connection = "acme", ListId = test.ListId, Map = TestEngine.NameMap, Path = test.File("o.csv", "EMail,FirstName,LastName\nperson61@example.com,A,B\n") }, default);
        Plan plan = await PlanAsync(test);
        Assert.Equal(1, plan.Adds);
        Assert.Equal(1, (await InvokeAsync(test, r => r with { ExportName = "Other" })).Accepted);
        test.Simulator.State.LeaveList("person61@example.com", test.ListId);
        Assert.Equal("PlanListMoved", await Fails(() => GoAsync(test, plan.Id)));
        Assert.Empty(test.Simulator.State.Contact("person61@example.com")!.ListIds);
    }

    [Fact]
    public async Task A_run_in_between_makes_a_plan_void()
    {
        await using TestEngine test = await WithRunAsync(60);
        Plan plan = await PlanAsync(test);
        Assert.Equal(RunStatus.Completed, (await InvokeAsync(test)).Status);
        Assert.Equal("PlanListMoved", await Fails(() => GoAsync(test, plan.Id)));
    }

    [Fact]
    public async Task A_definition_that_moved_is_refused_and_so_is_another_suppression()
    {
        await using TestEngine test = await WithRunAsync(60);
        string file = test.File("never.txt", "a@example.com\n");
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", SuppressionPath = [file] }, default);
        Plan plan = await PlanAsync(test);
        File.AppendAllText(file, "person1@example.com\n");
        Assert.Equal("PlanSuppressionMoved", await Fails(() => GoAsync(test, plan.Id)));
        plan = await PlanAsync(test);
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", BatchSize = 40 }, default);
        Assert.Equal("PlanDefinitionMoved", await Fails(() => GoAsync(test, plan.Id)));
        plan = await PlanAsync(test);
        await test.Engine.RemoveExportAsync("E", default);
        Assert.Equal("PlanDefinitionMoved", await Fails(() => GoAsync(test, plan.Id)));
    }

    [Theory]
    [InlineData(true, "never/a.csv", "email\na@example.com\nb@example.com\n", false)]
    [InlineData(true, "never/a.csv", "email\nb@example.com\na@example.com\n", false)]
    [InlineData(true, "never/c.csv", "email\nb@example.com\n", false)]
    [InlineData(false, "never/a.csv", "email\nb@example.com\na@example.com\n", false)]
    [InlineData(true, "never/b.csv", "email\nperson1@example.com\n", true)]
    [InlineData(true, "never/a.csv", "email\na@example.com\nb@example.com\nperson1@example.com\n", true)]
    [InlineData(false, "never/a.csv", "email\na@example.com\n", true)]
    public async Task A_plan_goes_by_who_is_in_its_suppression_files_and_not_by_where(bool folder, string name, string text, bool moved)
    {
        await using TestEngine test = await WithRunAsync(60);
        string file = test.File("never/a.csv", "email\na@example.com\nb@example.com\n");
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", SuppressionPath = [folder ? Path.GetDirectoryName(file)! : file] }, default);
        Plan plan = await PlanAsync(test);
        test.File(name, text);
        if (moved) Assert.Equal("PlanSuppressionMoved", await Fails(() => GoAsync(test, plan.Id)));
        else Assert.Equal((RunStatus.Completed, 60L), await Numbers(GoAsync(test, plan.Id)));
    }

    /// <summary>Acts once, as soon as a stage begins.</summary>
    private sealed class Meanwhile(string stage, Func<Task> act) : IRunObserver
    {
        private int _done;

        public Task? Doing { get; private set; }

        public void Progress(RunProgress progress)
        {
            if (progress.Stage != stage || Interlocked.Exchange(ref _done, 1) != 0) return;
            Doing = Task.Run(act);
            Doing.Wait(TimeSpan.FromSeconds(30));
        }

        public void Warning(string message) { }
        public void Verbose(string message) { }
    }

    [Theory]
    [InlineData(true, "PlanSuppressionMoved")]
    [InlineData(false, "PlanDefinitionMoved")]
    public async Task What_is_changed_while_a_plan_is_made_is_not_in_it(bool suppression, string id)
    {
        await using TestEngine test = await WithRunAsync(60);
        var meanwhile = new Meanwhile("Looking", () => suppression ? test.Engine.AddSuppressionAsync(["person1@example.com"], "me", null, default)
            : test.Engine.SetExportAsync(new ExportChange { Name = "E", BatchSize = 40 }, default));
        test.Watcher.Also = meanwhile;
        Plan plan = await PlanAsync(test);
        await meanwhile.Doing!;
        test.Watcher.Also = null;
        Assert.Equal(id, await Fails(() => GoAsync(test, plan.Id)));
    }

    [Fact]
    public async Task A_plan_to_a_list_that_tells_no_number_of_members_goes_by_who_they_are()
    {
        await using TestEngine test = await WithRunAsync(60);
        test.Simulator.State.AddFault(Fault(FaultKind.Status, count: 1000, path: $"contact_lists/{test.ListId}", status: 200, body: $$"""{ "list_id": "{{test.ListId}}", "name": "People" }"""));
        Plan plan = await PlanAsync(test);
        Assert.Equal(60, plan.Members);
        Assert.Equal(RunStatus.Completed, (await GoAsync(test, plan.Id)).Status);
        plan = await PlanAsync(test);
        test.Simulator.State.LeaveList("person3@example.com", test.ListId);
        Assert.Equal("PlanListMoved", await Fails(() => GoAsync(test, plan.Id)));
    }

    [Fact]
    public async Task A_newer_plan_takes_the_place_and_stopping_discards()
    {
        await using TestEngine test = await WithRunAsync(60);
        Plan first = await PlanAsync(test), second = await PlanAsync(test);
        Assert.False(Directory.Exists(Spool(test, first.Id)));
        Assert.True(Directory.Exists(Spool(test, second.Id)));
        Assert.Equal("PlanDiscarded", await Fails(() => GoAsync(test, first.Id)));
        Assert.Equal("RunIsPlan", await Fails(() => ResumeAsync(test, second.Id)));
        // A run of no export to the same list has its own plans.
        Plan other = await test.Engine.PlanAsync(new RunRequest { Connection = "acme", ListId = test.ListId, Map = TestEngine.NameMap, Source = new SourceReference { Path = test.File("o.csv", People(5)) } }, test.Watcher, default);
        Assert.Equal([other.Id, second.Id], (await test.Engine.GetPlansAsync(default)).Select(p => p.Id));

        Assert.Equal(RunStatus.Canceled, (await test.Engine.StopAsync(second.Id, test.Watcher, default)).Status);
        Assert.False(Directory.Exists(Spool(test, second.Id)));
        Assert.Equal("PlanDiscarded", await Fails(() => GoAsync(test, second.Id)));
        // An export can be invoked beside a plan, which is no run that would have to go on.
        Plan third = await PlanAsync(test);
        Run run = await InvokeAsync(test);
        Assert.True(run.Id > third.Id);
        Assert.Equal(RunStatus.Queued, (await test.Engine.GetRunAsync(third.Id, default))!.Status);
    }

    [Fact]
    public async Task A_plan_waits_for_no_open_run()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        Run parked = await ParkedAsync(test);
        Assert.Equal("RunNotEnded", await Fails(() => PlanAsync(test)));
        await ResumeAsync(test, parked.Id);
        Assert.Equal(90, (await PlanAsync(test)).Updates);
    }

    [Fact]
    public async Task What_the_guard_finds_is_a_warning_and_stops_the_plan_only_when_it_goes()
    {
        await using TestEngine test = await WithRunAsync(200);
        File.WriteAllText((await test.Engine.GetExportsAsync(default))[0].Path!, People(50));
        Plan plan = await PlanAsync(test);
        Assert.Contains("Only 50 profiles", Assert.Single(plan.Warnings), StringComparison.Ordinal);
        Assert.Equal("GuardSmaller", await Fails(() => GoAsync(test, plan.Id)));
        Run run = await GoAsync(test, plan.Id, force: true);
        Assert.Equal((RunStatus.Completed, 50L), (run.Status, run.Accepted));
        Assert.Contains("overridden with -Force", run.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_plan_of_more_than_a_day_is_refused_and_goes_with_the_next_invocation()
    {
        await using TestEngine test = await WithRunAsync(60);
        Plan plan = await PlanAsync(test);
        await AgeAsync(test, plan.Id, TimeSpan.FromHours(23.9));
        await test.Engine.PlanAsync(new RunRequest { Connection = "acme", ListId = test.ListId, Map = TestEngine.NameMap, Source = new SourceReference { Path = test.File("o.csv", People(5)) } }, test.Watcher, default);
        Assert.True(Directory.Exists(Spool(test, plan.Id)));
        await AgeAsync(test, plan.Id, TimeSpan.FromDays(1));
        Assert.Equal("PlanTooOld", await Fails(() => GoAsync(test, plan.Id)));
        Assert.Equal(RunStatus.Completed, (await InvokeAsync(test)).Status);
        Assert.False(Directory.Exists(Spool(test, plan.Id)));
        Run over = (await test.Engine.GetRunAsync(plan.Id, default))!;
        Assert.Equal(RunStatus.Canceled, over.Status);
        Assert.Equal("PlanTooOld", await Fails(() => GoAsync(test, plan.Id)));
    }

    private static async Task AgeAsync(TestEngine test, long plan, TimeSpan age)
    {
        await using var store = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={test.Home.StoreFile};Pooling=False");
        await store.OpenAsync();
        await using var command = store.CreateCommand();
        command.CommandText = "UPDATE Runs SET PlannedAt = $at WHERE Id = $id";
        command.Parameters.AddWithValue("$at", (DateTimeOffset.UtcNow - age).UtcTicks);
        command.Parameters.AddWithValue("$id", plan);
        Assert.Equal(1, await command.ExecuteNonQueryAsync());
    }

    [Fact]
    public async Task What_prevents_a_plan_is_thrown_and_leaves_none()
    {
        await using TestEngine test = await WithRunAsync(60);
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", MaxProfiles = 10 }, default);
        Assert.Equal("TooManyProfiles", await Fails(() => PlanAsync(test)));
        Assert.Empty(await test.Engine.GetPlansAsync(default));
        Assert.Equal(RunStatus.Completed, (await test.Engine.GetExportsAsync(default))[0].LastStatus);
    }

    [Fact]
    public async Task A_plan_that_was_parked_goes_on_as_a_run()
    {
        await using TestEngine test = await WithRunAsync(60);
        Plan plan = await PlanAsync(test);
        test.Simulator.State.AddFault(DayEnded);
        Assert.Equal(RunStatus.WaitingForQuota, (await GoAsync(test, plan.Id)).Status);
        test.Simulator.State.ClearFaults();
        await NextDayAsync(test);
        Assert.Equal("PlanUsed", await Fails(() => GoAsync(test, plan.Id)));
        Run run = await InvokeAsync(test);
        Assert.Equal((plan.Id, RunStatus.Completed, 60L), (run.Id, run.Status, run.Accepted));
    }

    [Theory]
    [InlineData("2026-01-01T10:00Z", 100, 100, 0, "2026-01-01")]
    [InlineData("2026-01-01T10:00Z", 101, 100, 0, "2026-01-02")]
    [InlineData("2026-01-01T10:00Z", 1100, 100, 0, "2026-01-02")]
    [InlineData("2026-01-01T10:00Z", 1101, 100, 0, "2026-01-03")]
    [InlineData("2026-01-01T23:59Z", 10, 100, 120, "2026-01-02")]
    public void The_day_it_is_done_goes_by_the_calls_and_the_clock(string now, long calls, long left, int seconds, string day)
        => Assert.Equal(DateOnly.Parse(day, System.Globalization.CultureInfo.InvariantCulture),
            PlanViews.FinishesOn(DateTimeOffset.Parse(now, System.Globalization.CultureInfo.InvariantCulture), calls, left, 1000, TimeSpan.FromSeconds(seconds)));
}
