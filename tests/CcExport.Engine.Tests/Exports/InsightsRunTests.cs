using CcExport.Engine.Exports;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;
using CcExport.Engine.Tests.Profiles.Web;
using CcExport.Simulator.Insights;

namespace CcExport.Engine.Tests.Exports;

/// <summary>Whole exports from Dataverse and the Customer Insights API, over real HTTP.</summary>
public sealed class InsightsRunTests
{
    private static readonly Dictionary<string, string> DataverseMap = new() { ["email"] = "msdynci_emailaddress1", ["first_name"] = "msdynci_firstname", ["last_name"] = "msdynci_lastname" };
    private static readonly Dictionary<string, string> InsightsMap = new() { ["email"] = "EMail", ["first_name"] = "FirstName", ["last_name"] = "LastName" };

    private static async Task<TestEngine> StartAsync(Func<EngineParts, EngineParts>? change = null)
    {
        TestEngine test = await TestEngine.StartAsync(change: parts =>
        {
            parts = parts with { OpenExportUser = static (_, _) => new Reader() };
            return change?.Invoke(parts) ?? parts;
        });
        ConnectionRecord connection = (await test.Store.Connections.FindAsync("acme", default))!;
        await test.Store.ExportUsers.SaveAsync(new ExportUserRecord { ConnectionId = connection.Id, Json = "{}", CreatedAt = DateTimeOffset.UnixEpoch, Secrets = [] }, default);
        test.Simulator.State.Insights.RegisterToken(Estate.Token, test.Simulator.DataverseUrl);
        test.Simulator.State.Insights.RegisterToken(Estate.Token + "-ci", InsightsEstate.InsightsAudience);
        return test;
    }

    /// <summary>Tokens by their scope, as one identity has them.</summary>
    private sealed class Reader : IAccessTokens
    {
        public string Identity => "reader@contoso.example";

        public ValueTask<BearerToken> GetAsync(string scope, bool renew, CancellationToken ct)
            => new(new BearerToken(scope.StartsWith(InsightsEstate.InsightsAudience, StringComparison.Ordinal) ? Estate.Token + "-ci" : Estate.Token, DateTimeOffset.MaxValue));
    }

    private static SourceReference Source(TestEngine test, bool dataverse) => dataverse
        ? new SourceReference { Dataverse = new Uri(test.Simulator.DataverseUrl) }
        : new SourceReference { CustomerInsights = test.Simulator.InstanceId, ApiEndpoint = new Uri(test.Simulator.InsightsUrl), SubscriptionKey = test.Simulator.SubscriptionKey };

    private static async Task DefineAsync(TestEngine test, bool dataverse, params string[] segments)
    {
        await test.Engine.AddSourceAsync("S", Source(test, dataverse), "acme", default);
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", Connection = "acme", ListId = test.ListId, Map = dataverse ? DataverseMap : InsightsMap, Source = "S", Segment = segments, BatchSize = 50 }, default);
    }

    private static Task<Run> InvokeAsync(TestEngine test) => test.Engine.InvokeAsync(new RunRequest { ExportName = "E" }, test.Watcher, default);

    /// <summary>In mode Mirror not to be read is to be taken off: not on the word of a reading that knows better.</summary>
    [Fact]
    public async Task Nobody_leaves_the_list_for_not_having_been_read()
    {
        await using TestEngine test = await StartAsync();
        InsightsEstate estate = test.Simulator.State.Insights;
        estate.Profiles = 1000;
        await DefineAsync(test, dataverse: true, "VIP");
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", Mode = ExportMode.Mirror }, default);
        long all = (await InvokeAsync(test)).Accepted;
        // Somebody who has a good address.
        long gone = Estate.Range(1000).First(i => i % 10 == 3 && estate.Profile(i).Email is { } email && !email.Contains(' ', StringComparison.Ordinal));
        estate.Gone = i => i == gone;
        Run doubted = await InvokeAsync(test);
        Assert.Equal((RunStatus.Completed, 0L), (doubted.Status, doubted.Removed));
        Assert.Equal(all, test.Simulator.State.Contacts(test.ListId).Count);
        Assert.Contains(test.Watcher.Warnings, w => w.Contains("nobody is taken off the list by this run", StringComparison.Ordinal));
        Run forced = await test.Engine.InvokeAsync(new RunRequest { ExportName = "E", Force = true }, test.Watcher, default);
        Assert.Equal((1L, all - 1L), (forced.Removed, (long)test.Simulator.State.Contacts(test.ListId).Count));
    }

    /// <summary>Whoever pipes what he has read into an export has to know it, too.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Who_reads_profiles_is_warned_of_a_refresh_and_told_that_people_may_be_missing(bool dataverse)
    {
        await using TestEngine test = await StartAsync();
        InsightsEstate estate = test.Simulator.State.Insights;
        estate.Profiles = 100;
        await test.Engine.AddSourceAsync("S", Source(test, dataverse), "acme", default);
        int doubts = 0;
        async Task<int> ReadAsync()
        {
            int rows = 0;
            await foreach (ProfilePage page in test.Engine.GetProfilesAsync(new SourceReference { Name = "S" }, "VIP", null, null, "acme", test.Watcher, () => doubts++, default)) rows += page.Rows.Count;
            return rows;
        }
        Assert.Equal(10, await ReadAsync());
        Assert.Equal(0, doubts);
        Assert.Empty(test.Watcher.Warnings);
        if (dataverse) estate.Segments = [.. estate.Segments.Select(s => s with { EvaluationStatus = "Running" })];
        else estate.Set(s => s.Refreshing = true);
        Assert.Equal(10, await ReadAsync());
        Assert.True(doubts > 0);
        Assert.Contains(test.Watcher.Warnings, w => w.Contains(dataverse ? "'VIP' is being refreshed" : "A refresh job was running", StringComparison.Ordinal));
    }

    /// <summary>Who presses Tab waits for no service: what was seen last is offered.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Completion_offers_what_was_seen_last_and_asks_nobody(bool dataverse)
    {
        await using TestEngine test = await StartAsync();
        InsightsEstate estate = test.Simulator.State.Insights;
        estate.Profiles = 100;
        var named = new SourceReference { Name = "s" };
        Assert.Empty(await test.Engine.GetKnownSegmentsAsync(named, default));
        await test.Engine.AddSourceAsync("S", Source(test, dataverse), "acme", default);
        string[] Seen() => [.. test.Engine.GetKnownSegmentsAsync(named, default).Result.Select(s => s.Name)];
        int asked = estate.Targets.Count();
        Assert.Equal(["Newsletter", "VIP", "VIP_2"], Seen());
        Assert.Equal(asked, estate.Targets.Count());

        IReadOnlyList<string> columns = await test.Engine.GetColumnsAsync(named, "VIP", "acme", default);
        estate.Segments = [.. estate.Segments.Where(s => s.Name != "Newsletter")];
        Assert.Contains("Newsletter", Seen());
        await test.Engine.GetSegmentsAsync(named, "acme", test.Watcher, default);
        asked = estate.Targets.Count();
        Assert.Equal(["VIP", "VIP_2"], Seen());
        Assert.Equal(columns, await test.Engine.GetKnownColumnsAsync(named, "vip", default));
        Assert.Equal(columns, await test.Engine.GetKnownColumnsAsync(named, null, default));
        Assert.Equal(asked, estate.Targets.Count());

        await test.Engine.RemoveSourceAsync("S", default);
        Assert.Empty(Seen());
    }

    [Fact]
    public async Task Without_a_connection_an_export_is_read_as_nobody()
    {
        await using TestEngine test = await StartAsync();
        test.Simulator.State.Insights.Profiles = 100;
        await DefineAsync(test, dataverse: true, "VIP");
        await test.ConnectAgainAsync("other");
        ConnectionRecord other = (await test.Store.Connections.FindAsync("other", default))!;
        await test.Store.ExportUsers.SaveAsync(new ExportUserRecord { ConnectionId = other.Id, Json = "{}", CreatedAt = DateTimeOffset.UnixEpoch, Secrets = [] }, default);
        await test.Engine.RemoveConnectionAsync("acme", ExportFate.Detach, test.Watcher, default);
        CcException e = await Assert.ThrowsAsync<CcException>(() => test.Engine.PreviewAsync(new RunRequest { ExportName = "E" }, null, 10, test.Watcher, default));
        Assert.Equal("ConnectionMissing", e.ErrorId);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Segments_are_exported_and_who_is_in_two_goes_once(bool dataverse)
    {
        await using TestEngine test = await StartAsync();
        InsightsEstate estate = test.Simulator.State.Insights;
        estate.Profiles = 1000;
        estate.Set(s => s.PageCap = 250);
        await DefineAsync(test, dataverse, "VIP", "Newsletter");
        Run run = await InvokeAsync(test);
        Assert.Equal((RunStatus.Completed, "reader@contoso.example"), (run.Status, run.ReadAs));
        List<SimulatedProfile> vip = [.. Estate.Range(1000).Where(i => i % 10 == 3).Select(estate.Profile)], news = [.. Estate.Range(1000).Where(i => i % 3 == 0).Select(estate.Profile)];
        static bool IsGood(SimulatedProfile p) => p.Email is not null && !p.Email.Contains(' ', StringComparison.Ordinal);
        SimulatedProfile[] good = [.. vip.Concat(news).Where(IsGood)];
        string[] addresses = [.. good.Select(p => p.Email!).Distinct()];
        Assert.Equal((vip.Count + news.Count, vip.Count + news.Count - good.Length, good.Length - addresses.Length, addresses.Length), (run.Read, run.Invalid, run.Duplicate, run.Accepted));
        Assert.Equal(addresses.Order(StringComparer.Ordinal), test.Simulator.State.Contacts(test.ListId).Select(c => c.Email).Order(StringComparer.Ordinal));
        List<Rejection> duplicates = [.. (await test.RejectionsAsync(run.Id)).Where(r => r.Reason == "Duplicate")];
        Assert.Equal(run.Duplicate, duplicates.Count);
        foreach (Rejection r in duplicates)
        {
            // The first segment's row stands; both rows are those of one customer.
            Assert.Equal(("Newsletter", "VIP", r.SourceKey), (r.Segment, r.WinnerSegment, r.WinnerKey));
            Assert.Equal(vip.FindIndex(p => p.CustomerId == r.SourceKey) + 1, r.WinnerRow);
            Assert.Equal(news.FindIndex(p => p.CustomerId == r.SourceKey) + 1, r.Row);
        }
        Assert.Empty(test.Watcher.Warnings);
        if (dataverse) Assert.Equal(4, estate.Calls(InsightsCall.Profiles));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_run_that_was_killed_while_reading_sent_nothing_and_starts_clean(bool dataverse)
    {
        JournalTap? tap = null;
        await using TestEngine test = await StartAsync(parts => parts with { Store = tap = new JournalTap(parts.Store) });
        InsightsEstate estate = test.Simulator.State.Insights;
        estate.Profiles = 1000;
        estate.Set(s => s.PageCap = 130);
        await DefineAsync(test, dataverse, "Newsletter");
        int pages = 0;
        estate.OnCall = call =>
        {
            // In the middle of its pages, and nothing of it is written down any more.
            if (call != InsightsCall.Profiles || ++pages < 3) return;
            tap!.Before = (_, _) => throw new CcException("Killed", CcErrorKind.Storage, "killed");
        };
        await Assert.ThrowsAsync<CcException>(() => InvokeAsync(test));
        Assert.Empty(test.Simulator.State.Activities());
        (tap!.Before, estate.OnCall) = (null, null);
        Run run = await InvokeAsync(test);
        Assert.Equal((RunStatus.Completed, 334L), (run.Status, run.Read));
        Assert.Equal(run.Accepted, test.Simulator.State.Contacts(test.ListId).Count);
        IReadOnlyList<Run> runs = await test.Engine.GetRunsAsync("E", null, default);
        Assert.Equal([RunStatus.Completed, RunStatus.Canceled], runs.OrderByDescending(r => r.Id).Select(r => r.Status));
        Assert.Empty(Directory.GetFileSystemEntries(test.Home.SpoolFolder));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_run_that_is_sealed_never_reads_its_source_again(bool dataverse)
    {
        await using TestEngine test = await StartAsync();
        InsightsEstate estate = test.Simulator.State.Insights;
        estate.Profiles = 1000;
        await DefineAsync(test, dataverse, "Newsletter");
        test.Simulator.State.AddFault(Trouble.DayEnded);
        Run parked = await InvokeAsync(test);
        Assert.Equal(RunStatus.WaitingForQuota, parked.Status);
        test.Simulator.State.ClearFaults();
        await Trouble.NextDayAsync(test);
        int calls = estate.Targets.Count;
        estate.Segments = [];
        estate.RevokeToken(Estate.Token);
        Run run = await InvokeAsync(test);
        Assert.Equal((parked.Id, RunStatus.Completed, parked.Sent), (run.Id, run.Status, run.Accepted));
        Assert.Equal(calls, estate.Targets.Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_source_that_fails_while_it_is_read_fails_the_run_and_nothing_was_sent(bool dataverse)
    {
        await using TestEngine test = await StartAsync();
        InsightsEstate estate = test.Simulator.State.Insights;
        await DefineAsync(test, dataverse, "Newsletter");
        estate.OnCall = call =>
        {
            if (call is not InsightsCall.Profiles) return;
            estate.Set(s => s.Allowed = false);
        };
        estate.Set(s => s.PageCap = 100);
        Run run = await InvokeAsync(test);
        Assert.Equal((RunStatus.Failed, 0L), (run.Status, run.Sent));
        Assert.Contains("may not read it", run.Message, StringComparison.Ordinal);
        Assert.Empty(test.Simulator.State.Activities());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Inactive_and_empty_segments_are_told_and_those_that_are_gone_or_too_large_refused(bool dataverse)
    {
        await using TestEngine test = await StartAsync();
        InsightsEstate estate = test.Simulator.State.Insights;
        estate.Profiles = 100;
        estate.Segments =
        [
            new SimulatedSegment { Name = "Old", State = "inactive", Has = i => i % 10 == 1 },
            new SimulatedSegment { Name = "Empty" },
            new SimulatedSegment { Name = "Huge", ToldSize = 1_000_001 },
        ];
        await DefineAsync(test, dataverse, "Old", "Empty");
        Run run = await InvokeAsync(test);
        Assert.Equal((RunStatus.Completed, 10L), (run.Status, run.Read));
        Assert.Equal(2, test.Watcher.Warnings.Count);
        Assert.Contains("'Old' is inactive and is not renewed since 2026-11-20", test.Watcher.Warnings[0], StringComparison.Ordinal);
        Assert.Contains("'Empty' has no members", test.Watcher.Warnings[1], StringComparison.Ordinal);
        async Task<string> Fails(string segment)
        {
            await test.Engine.SetExportAsync(new ExportChange { Name = "E", Segment = [segment] }, default);
            return await Trouble.Fails(() => InvokeAsync(test));
        }
        Assert.Equal("TooManyProfiles", await Fails("Huge"));
        estate.Segments = [];
        Assert.Equal("SegmentNotFound", await Fails("Old"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_column_that_is_missing_fails_the_export_and_is_named(bool dataverse)
    {
        await using TestEngine test = await StartAsync();
        await DefineAsync(test, dataverse, "VIP");
        string wrong = dataverse ? "msdynci_firstnam" : "FirstNam";
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", Map = new Dictionary<string, string>(dataverse ? DataverseMap : InsightsMap) { ["first_name"] = wrong } }, default);
        CcException e = await Assert.ThrowsAsync<CcException>(() => InvokeAsync(test));
        Assert.Equal("ColumnNotFound", e.ErrorId);
        Assert.Contains($"'{wrong}'", e.Message, StringComparison.Ordinal);
        Assert.Contains("Did you mean", e.Remedy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Nothing_of_token_key_or_query_is_kept_or_told(bool dataverse)
    {
        await using TestEngine test = await StartAsync();
        InsightsEstate estate = test.Simulator.State.Insights;
        estate.Profiles = 500;
        await DefineAsync(test, dataverse, "Newsletter");
        List<string> told = [];
        foreach (int status in new[] { 0, 400, 401, 403, 404, 500 })
        {
            estate.OnCall = call =>
            {
                if (call == InsightsCall.Profiles && status != 0) estate.FailNext(1, status);
            };
            try
            {
                Run run = await InvokeAsync(test);
                told.Add(run.Message + run.ReadAs);
            }
            catch (CcException e)
            {
                told.Add(e.ToString() + e.Remedy);
            }
        }
        told.AddRange(test.Watcher.Warnings.Concat(test.Watcher.Details).Concat(test.Watcher.Steps.Select(s => s.Text)));
        told.AddRange((await test.Engine.TestSourceAsync("S", null, default)).Findings);
        await test.Engine.DisposeAsync();
        string[] secrets = [Estate.Token, estate.SubscriptionKey, "$select=", "$filter=", "IsMemberOfSegment", "contains("];
        foreach (string text in told) Assert.All(secrets, s => Assert.DoesNotContain(s, text, StringComparison.OrdinalIgnoreCase));
        foreach (string file in Directory.GetFiles(test.Home.Root, "*", SearchOption.AllDirectories))
        {
            string bytes = System.Text.Encoding.Latin1.GetString(await File.ReadAllBytesAsync(file));
            Assert.All(secrets, s => Assert.False(bytes.Contains(s, StringComparison.Ordinal), $"{Path.GetFileName(file)} holds '{s}'"));
        }
    }
}
