using System.Globalization;
using System.Text;
using CcExport.Engine.ConstantContact;
using CcExport.Engine.Exports;
using CcExport.Engine.Store;

namespace CcExport.Engine.Tests.Exports;

/// <summary>Runs that stopped at the worst moments, over real HTTP: they go on whole, or end with every contact's fate told.</summary>
public sealed class GoOnTests
{
    private static string People(int count, string who = "person")
    {
        var text = new StringBuilder("CustomerId,FirstName,LastName,EMail\n");
        for (int i = 1; i <= count; i++) text.Append(CultureInfo.InvariantCulture, $"K{i},First{i},Last{i},{who}{i}@example.com\n");
        return text.ToString();
    }

    private static Task DefineAsync(TestEngine test) => test.Engine.SetExportAsync(new ExportChange
    {
        Name = "E",
        Connection = "acme",
        ListId = test.ListId,
        Map = TestEngine.NameMap,
        Path = test.File("p.csv", People(140)),
        BatchSize = 50,
    }, default);

    private static Task<Run> InvokeAsync(TestEngine test) => test.Engine.InvokeAsync(new RunRequest { ExportName = "E" }, test.Watcher, default);

    private static CcException Fault(string id, CcErrorKind kind = CcErrorKind.Storage) => new(id, kind, "No.");

    private sealed class MovedClock : TimeProvider
    {
        public TimeSpan Ahead { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Ahead;
    }

    [Fact]
    public async Task A_journal_that_fails_after_answers_sends_nothing_twice()
    {
        (TestEngine test, JournalTap tap) = await JournalTap.StartAsync();
        await using (test)
        {
            await DefineAsync(test);
            bool full = false;
            tap.Before = (step, _) => (full |= step == "SentAsync") && step is not "FindAsync" ? throw Fault("DiskFull") : Task.CompletedTask;
            Assert.Equal("DiskFull", (await Assert.ThrowsAsync<CcException>(() => InvokeAsync(test))).ErrorId);
            tap.Before = null;
            Run stopped = Assert.Single(await test.Engine.GetRunsAsync("E", null, default));
            Assert.Contains(await tap.Runs.GetBatchesAsync(stopped.Id, default), b => b.State == BatchState.Sending);
            Run run = await InvokeAsync(test);
            Assert.Equal((stopped.Id, RunStatus.Completed, 140L), (run.Id, run.Status, run.Accepted));
            Assert.Equal(run.Batches, test.Simulator.State.Activities().Count);
        }
    }

    [Fact]
    public async Task A_holder_that_slept_over_its_lease_does_not_send_what_another_has_taken()
    {
        var clock = new MovedClock();
        JournalTap? tap = null;
        await using TestEngine test = await TestEngine.StartAsync(time: clock, change: parts => parts with { Store = tap = new JournalTap(parts.Store) });
        await DefineAsync(test);
        var other = new LeaseOwner(Guid.NewGuid(), "elsewhere", 1, 1, "run");
        bool slept = false;
        tap!.After = async (step, _) =>
        {
            if (step != "SendingAsync" || slept) return;
            slept = true;
            // The process is stopped here for two minutes, and another takes the run meanwhile.
            clock.Ahead = TimeSpan.FromMinutes(2);
            DateTimeOffset now = clock.GetUtcNow();
            Assert.True((await tap.Leases.TryTakeAsync("export/E", other, now, now.AddMinutes(1), default)).Taken);
        };
        Assert.Equal("LeaseLost", (await Assert.ThrowsAsync<CcException>(() => InvokeAsync(test))).ErrorId);
        Assert.Empty(test.Simulator.State.Activities());
        Run left = Assert.Single(await test.Engine.GetRunsAsync("E", null, default));
        Assert.Equal(RunStatus.Running, left.Status);
        await tap.Leases.ReleaseAsync("export/E", other, default);
        Run run = await InvokeAsync(test);
        Assert.Equal((left.Id, RunStatus.Completed, 140L), (run.Id, run.Status, run.Accepted));
        Assert.Equal(run.Batches, test.Simulator.State.Activities().Count);
    }

    [Fact]
    public async Task A_run_without_a_name_goes_on_first_when_something_is_next_exported_to_its_list()
    {
        (TestEngine test, JournalTap tap) = await JournalTap.StartAsync();
        await using (test)
        {
            string elsewhere = test.Simulator.State.AddList("Elsewhere").Id;
            tap.Before = (step, _) => step == "SendingAsync" ? throw Fault("StoreLocked") : Task.CompletedTask;
            Run stopped = await test.RunFileAsync(test.File("p.csv", People(20)));
            Assert.Equal(RunStatus.Interrupted, stopped.Status);
            tap.Before = null;

            await test.RunFileAsync(test.File("q.csv", People(5, "other")), change: r => r with { ListId = elsewhere });
            Assert.Null((await test.Engine.GetRunAsync(stopped.Id, default))!.CompletedAt);

            Run next = await test.RunFileAsync(test.File("r.csv", People(7, "third")));
            Assert.NotEqual(stopped.Id, next.Id);
            Assert.Equal((RunStatus.Completed, 7L), (next.Status, next.Accepted));
            Run first = (await test.Engine.GetRunAsync(stopped.Id, default))!;
            Assert.Equal((RunStatus.Completed, 20L), (first.Status, first.Accepted));
            Assert.Equal(27, test.Simulator.State.Contacts(test.ListId).Count);
            Assert.Contains(test.Watcher.Warnings, w => w.Contains("goes on now first", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task A_batch_left_in_sending_when_the_run_must_end_is_unaccounted_for()
    {
        (TestEngine test, JournalTap tap) = await JournalTap.StartAsync();
        await using (test)
        {
            await DefineAsync(test);
            // Its answer came and could not be claimed, and nothing more can be written of it but its end.
            tap.Before = (step, args) => step is "SentAsync" or "InDoubtAsync" && (int)args[1]! == 1 ? throw Fault("ActivityClaimed", CcErrorKind.Conflict) : Task.CompletedTask;
            Run run = await InvokeAsync(test);
            Assert.Equal(RunStatus.Failed, run.Status);
            Assert.Equal(140, run.Accepted + run.Refused + run.Unaccounted);
            BatchRecord left = (await tap.Runs.GetBatchesAsync(run.Id, default))[0];
            Assert.Equal((run.Unaccounted, 0), (left.Outcome!.Unaccounted, left.Outcome.Refused));
            Assert.Equal(left.Rows, run.Unaccounted);
            Assert.Contains(await test.RejectionsAsync(run.Id), r => r is { Kind: "Unaccounted", Reason: "InDoubt", Batch: 1 } && r.Count == left.Rows);
        }
    }

    [Fact]
    public async Task A_run_that_the_days_calls_cannot_hold_says_so_before_it_sends_and_sends_what_fits()
    {
        await using TestEngine test = await TestEngine.StartAsync(change: parts => parts with
        {
            Wire = TestEngine.Wire(parts, new WireOptions { CallsPerDay = 10 }),
        });
        await DefineAsync(test);
        Run run = await InvokeAsync(test);
        string warning = Assert.Single(test.Watcher.Warnings, w => w.Contains("00:00 UTC", StringComparison.Ordinal));
        Assert.Contains("needs about 15 calls", warning, StringComparison.Ordinal);
        Assert.True(run.Status is RunStatus.Completed or RunStatus.WaitingForQuota);
        Assert.NotEmpty(test.Simulator.State.Activities());

        await using TestEngine roomy = await TestEngine.StartAsync();
        await DefineAsync(roomy);
        await InvokeAsync(roomy);
        Assert.DoesNotContain(roomy.Watcher.Warnings, w => w.Contains("00:00 UTC", StringComparison.Ordinal));
    }
}
