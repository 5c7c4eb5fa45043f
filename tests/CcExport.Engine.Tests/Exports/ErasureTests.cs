using CcExport.Engine.Exports;
using CcExport.Engine.Fingerprints;
using CcExport.Engine.Mapping;
using CcExport.Engine.Store;
using CcExport.Engine.Upload;
using CcExport.Simulator;
using static CcExport.Engine.Tests.Exports.Trouble;

namespace CcExport.Engine.Tests.Exports;

/// <summary>A person's data goes from every place, and she is never sent again; whatever is in the way, nothing is half done without being said.</summary>
public sealed class ErasureTests
{
    private static Task<ContactErasure> EraseAsync(TestEngine test, string email) => test.Engine.RemoveContactDataAsync(email, "me", test.Watcher, default);

    /// <summary>In no table, trace, rejection or spool.</summary>
    private static async Task AssertGoneAsync(TestEngine test, string email, string key)
    {
        ContactTrace trace = await test.Engine.TraceContactAsync(email, null, null, default);
        Assert.Empty(trace.Runs);
        Assert.All(trace.Accounts, a => Assert.Empty(a.Memory));
        Assert.All(trace.Accounts, a => Assert.Equal(Reasons.Erased, a.Suppression?.Reason));
        AddressHash.Of(email, out UInt128 hash);
        foreach (RunRecord run in await test.Store.Runs.ListAsync(new RunQuery(), default))
        {
            Assert.DoesNotContain(await test.RejectionsAsync(run.Id), r => r.SourceKey == key);
            if (run.SpoolKey is null) continue;
            if (ExportDefinition.FromJson(run.Definition).Removal is { } removal)
            {
                using var pieces = new Spool(Spool.FolderOf(test.Home.SpoolFolder, run.Id), run.Id, test.Parts.Secrets.Unprotect(RunCloser.SpoolPurpose, run.SpoolKey));
                using DuplicateIndex leaving = await ListRemover.HashesAsync(pieces, removal, default);
                Assert.False(leaving.Contains(hash));
            }
            using var spool = new Spool(Spool.FolderOf(test.Home.SpoolFolder, run.Id), run.Id, test.Parts.Secrets.Unprotect(RunCloser.SpoolPurpose, run.SpoolKey));
            foreach (BatchRecord batch in await test.Store.Runs.GetBatchesAsync(run.Id, default))
            {
                using SentBatch sent = await SentBatch.ReadAsync(spool, batch, default);
                Assert.DoesNotContain(sent.Contacts, c => c.Email == hash);
                Assert.DoesNotContain(sent.Origins, o => o.Address == hash || o.Key == key);
            }
        }
    }

    [Fact]
    public async Task All_of_her_goes_and_the_others_stay()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test, 0);
        string path = (await test.Engine.GetExportsAsync(default))[0].Path!;
        await File.WriteAllTextAsync(path, People(80) + "K9,A,B,PERSON9@example.com\nK10,A,B,person10@example.com\n");
        Run run = await InvokeAsync(test);
        Assert.Equal(2, (await test.RejectionsAsync(run.Id)).Count);

        ContactErasure proof = await EraseAsync(test, " Person9@EXAMPLE.com");
        Assert.Equal((1L, 2L, 1L, 0L), (proof.Removed["Fingerprints"], proof.Removed["TraceRecords"], proof.Removed["Rejections"], proof.Removed["SpooledContacts"]));
        Assert.Equal("K10", Assert.Single(await test.RejectionsAsync(run.Id)).SourceKey);
        Assert.Equal(2, (await test.Engine.TraceContactAsync("person10@example.com", null, null, default)).Runs.Count);
        Assert.Single((await test.Engine.TraceContactAsync("person10@example.com", null, null, default)).Accounts[0].Memory);
        Assert.Empty((await test.Engine.TraceContactAsync("person9@example.com", null, null, default)).Runs);
        Assert.NotNull(test.Simulator.State.Contact("person9@example.com"));

        Run next = await InvokeAsync(test);
        Assert.Equal((RunStatus.Completed, 1L, 79L), (next.Status, next.Suppressed, next.Accepted));
        Assert.Contains(await test.RejectionsAsync(next.Id), r => r is { SourceKey: "K9", Reason: Reasons.Erased });
        // The source still has her: what the run has noted of that goes, too.
        await EraseAsync(test, "person9@example.com");
        await AssertGoneAsync(test, "person9@example.com", "K9");
        Assert.All((await EraseAsync(test, "person9@example.com")).Removed, r => Assert.Equal(0, r.Value));
        Assert.Equal(3, (await test.Engine.GetErasuresAsync("person9@example.com", test.Watcher, default)).Count);
        Assert.Empty(await test.Engine.GetErasuresAsync("person10@example.com", test.Watcher, default));
    }

    [Fact]
    public async Task A_run_that_waits_goes_on_without_her()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await ParkedAsync(test);
        ContactErasure proof = await EraseAsync(test, "person60@example.com");
        Assert.Equal(1, proof.Removed["SpooledContacts"]);
        await AssertGoneAsync(test, "person60@example.com", "K60");
        Run run = await InvokeAsync(test);
        Assert.Equal((RunStatus.Completed, 90L, 89L, 89L, 1L), (run.Status, run.Read, run.Sent, run.Accepted, run.Suppressed));
        Assert.Null(test.Simulator.State.Contact("person60@example.com"));
        await AssertGoneAsync(test, "person60@example.com", "K60");
    }

    [Fact]
    public async Task Who_is_suppressed_while_a_run_waits_is_not_sent_by_it()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await ParkedAsync(test);
        await test.Engine.AddSuppressionAsync(["person60@example.com"], "me", null, default);
        Run run = await InvokeAsync(test);
        Assert.Equal((RunStatus.Completed, 89L, 1L), (run.Status, run.Accepted, run.Suppressed));
        Assert.Null(test.Simulator.State.Contact("person60@example.com"));
        TracedRun held = Assert.Single((await test.Engine.TraceContactAsync("person60@example.com", null, null, default)).Runs);
        Assert.Equal((TraceFate.Suppressed, Reasons.SuppressionList), (held.Fate, held.Reason));
    }

    /// <summary>A batch that may have arrived keeps its rows, for the service's answers are compared with them; she is in it no more when it is sent again.</summary>
    [Fact]
    public async Task A_batch_in_doubt_keeps_its_rows_and_not_her()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test, 40);
        test.Simulator.State.AddFault(Fault(FaultKind.Status, count: 1000, status: 429, body: """{"error_key":"quota_exceeded","error_message":"Limit Exceeded"}"""));
        Run parked = await InvokeAsync(test);
        test.Simulator.State.ClearFaults();
        await NextDayAsync(test);
        await test.Store.Runs.SendingAsync(parked.Id, 1, DateTimeOffset.UtcNow, default);
        Assert.Equal(1, (await EraseAsync(test, "person7@example.com")).Removed["SpooledContacts"]);
        await AssertGoneAsync(test, "person7@example.com", "K7");
        Run run = await InvokeAsync(test);
        Assert.Equal((RunStatus.Completed, 40L), (run.Status, run.Sent));
        Assert.Null(test.Simulator.State.Contact("person7@example.com"));
        Assert.NotNull(test.Simulator.State.Contact("person8@example.com"));
        Assert.Empty((await test.Engine.TraceContactAsync("person7@example.com", null, null, default)).Runs);
        FingerprintRecord record = Assert.Single(await test.Store.Fingerprints.ListAllAsync(default));
        Assert.Equal(39, record.Records);
    }

    [Fact]
    public async Task While_an_export_runs_nothing_is_done()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test, 10);
        await InvokeAsync(test);
        RunLease lease = await RunLease.TakeAsync(test.Store.Leases, TimeProvider.System, test.Parts.RunLease, RunLease.NameOf("E", default, ""), "'E'", null, default);
        await using (lease)
        {
            Assert.Equal("RunInProgress", await Fails(() => EraseAsync(test, "person1@example.com")));
            Assert.False((await test.Engine.GetSuppressionAsync("person1@example.com", default)).IsSuppressed);
            Assert.Single((await test.Engine.TraceContactAsync("person1@example.com", null, null, default)).Runs);
        }
        Assert.Equal(1, (await EraseAsync(test, "person1@example.com")).Removed["Fingerprints"]);
    }

    /// <summary>One place that cannot be cleared is said, leaves no proof, and keeps no other from being cleared.</summary>
    [Fact]
    public async Task What_cannot_be_removed_is_said_and_can_be_repeated()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test, 10);
        await InvokeAsync(test);
        FingerprintRecord record = Assert.Single(await test.Store.Fingerprints.ListAllAsync(default));
        string file = FingerprintFile.PathOf(test.Home, record.File);
        byte[] whole = await File.ReadAllBytesAsync(file);
        await File.WriteAllBytesAsync(file, whole[..^5]);
        CcException failed = await Assert.ThrowsAsync<CcException>(() => EraseAsync(test, "person1@example.com"));
        Assert.Equal("ErasureIncomplete", failed.ErrorId);
        Assert.Empty(await test.Engine.GetErasuresAsync(null, test.Watcher, default));
        Assert.True((await test.Engine.GetSuppressionAsync("person1@example.com", default)).IsSuppressed);
        Assert.Empty((await test.Engine.TraceContactAsync("person1@example.com", null, null, default)).Runs);
        await File.WriteAllBytesAsync(file, whole);
        Assert.Equal(1, (await EraseAsync(test, "person1@example.com")).Removed["Fingerprints"]);
    }

    [Theory]
    [InlineData("E")]
    [InlineData("Other")]
    public async Task What_one_export_remembers_of_her_goes_although_the_memory_of_another_is_damaged(string damaged)
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test, 10);
        await test.Engine.SetExportAsync(new ExportChange { Name = "Other", Connection = "acme", ListId = test.ListId, Map = TestEngine.NameMap, Path = test.File("o.csv", People(10)) }, default);
        await InvokeAsync(test);
        await InvokeAsync(test, r => r with { ExportName = "Other" });
        async Task<FingerprintRecord> MemoryAsync(bool whole)
            => Assert.Single(await test.Store.Fingerprints.ListAllAsync(default), r => r.Export.Equals(damaged, StringComparison.OrdinalIgnoreCase) != whole);
        string file = FingerprintFile.PathOf(test.Home, (await MemoryAsync(whole: false)).File);
        byte[] bytes = await File.ReadAllBytesAsync(file);
        await File.WriteAllBytesAsync(file, bytes[..^5]);
        Assert.Equal("ErasureIncomplete", await Fails(() => EraseAsync(test, "person1@example.com")));
        Assert.Equal(9, (await MemoryAsync(whole: true)).Records);
        await File.WriteAllBytesAsync(file, bytes);
        Assert.Equal(1, (await EraseAsync(test, "person1@example.com")).Removed["Fingerprints"]);
        Assert.Equal(9, (await MemoryAsync(whole: false)).Records);
    }

    /// <summary>A run that changed her is undone for the others, each of whom keeps her own old values.</summary>
    [Fact]
    public async Task The_former_values_are_hers_no_more()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test, 20);
        await InvokeAsync(test);
        string path = (await test.Engine.GetExportsAsync(default))[0].Path!;
        await File.WriteAllTextAsync(path, (await File.ReadAllTextAsync(path)).Replace("First", "New", StringComparison.Ordinal).Replace("CustomerId,NewName", "CustomerId,FirstName", StringComparison.Ordinal));
        Run run = await InvokeAsync(test);
        Assert.Equal("New7", test.Simulator.State.Contact("person7@example.com")!.Fields["first_name"]);

        ContactErasure proof = await EraseAsync(test, "person7@example.com");
        Assert.Equal((2L, 2L), (proof.Removed["FormerValues"], proof.Removed["TraceRecords"]));
        Run undo = await test.Engine.UndoAsync(run.Id, new RunWaits(), test.Watcher, default);
        Assert.Equal((RunStatus.Completed, 19L), (undo.Status, undo.Accepted));
        Assert.Equal("New7", test.Simulator.State.Contact("person7@example.com")!.Fields["first_name"]);
        for (int i = 1; i <= 20; i++)
            if (i != 7) Assert.Equal($"First{i}", test.Simulator.State.Contact($"person{i}@example.com")!.Fields["first_name"]);
        await AssertGoneAsync(test, "person7@example.com", "K7");
    }

    [Fact]
    public async Task A_plan_that_holds_her_is_given_up_and_another_is_not()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await DefineAsync(test, 20);
        Plan plan = await test.Engine.PlanAsync(new RunRequest { ExportName = "E" }, test.Watcher, default);
        Assert.Equal(0, (await EraseAsync(test, "stranger@example.com")).Removed["SpooledContacts"]);
        RunRecord record = (await test.Store.Runs.ListAsync(new RunQuery(Plans: true), default))[0];
        Assert.Equal(1, (await EraseAsync(test, "person7@example.com")).Removed["SpooledContacts"]);
        Assert.Empty(await test.Store.Runs.ListAsync(new RunQuery(Plans: true), default));
        Assert.False(Directory.Exists(Spool.FolderOf(test.Home.SpoolFolder, record.Id)));
        Assert.Equal(20, plan.Adds);
        await AssertGoneAsync(test, "person7@example.com", "K7");
    }

    /// <summary>A run that stands still and is to take four people off the list: 37 to 40.</summary>
    private static async Task<long> WithRemovalAsync(TestEngine test)
    {
        await DefineAsync(test, 40);
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", Mode = ExportMode.Mirror }, default);
        await InvokeAsync(test);
        string path = (await test.Engine.GetExportsAsync(default))[0].Path!;
        await File.WriteAllTextAsync(path, People(36) + "K50,A,B,person50@example.com\n");
        test.Simulator.State.AddFault(DayEnded);
        Run parked = await InvokeAsync(test);
        Assert.Equal(RunStatus.WaitingForQuota, parked.Status);
        test.Simulator.State.ClearFaults();
        await NextDayAsync(test);
        return parked.Id;
    }

    /// <summary>A process may die between the two places that tell of a removal: done once more, both say the same.</summary>
    [Fact]
    public async Task An_erasure_that_was_broken_off_within_a_removal_counts_right_the_second_time()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        long parked = await WithRemovalAsync(test);
        async Task<string> DefinitionAsync() => (await test.Store.Runs.FindAsync(parked, default))!.Definition;
        static long Planned(string definition) => ExportDefinition.FromJson(definition).Removal!.Planned;
        string before = await DefinitionAsync();
        Assert.Equal(1, (await EraseAsync(test, "person38@example.com")).Removed["SpooledContacts"]);
        string after = await DefinitionAsync();
        Assert.Equal((4L, 3L), (Planned(before), Planned(after)));
        await test.Store.Runs.DefineAsync(parked, before, default);
        Assert.Equal(0, (await EraseAsync(test, "person38@example.com")).Removed["SpooledContacts"]);
        Assert.Equal(after, await DefinitionAsync());
        Run run = await InvokeAsync(test);
        Assert.Equal((RunStatus.Completed, 3L), (run.Status, run.Removed));
    }

    /// <summary>She stays on the list, as the contact in the account stays; the others are taken off.</summary>
    [Fact]
    public async Task A_removal_that_waits_does_not_know_her_any_more()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await WithRemovalAsync(test);
        Assert.Equal(1, (await EraseAsync(test, "person38@example.com")).Removed["SpooledContacts"]);
        await AssertGoneAsync(test, "person38@example.com", "K38");
        Run run = await InvokeAsync(test);
        Assert.Equal((RunStatus.Completed, 3L), (run.Status, run.Removed));
        bool IsOn(int i) => test.Simulator.State.Contact($"person{i}@example.com")!.ListIds.Contains(test.ListId);
        Assert.Equal((true, false, true, false, false), (IsOn(36), IsOn(37), IsOn(38), IsOn(39), IsOn(40)));
    }
}
