using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using CcExport.Engine.Exports;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;

namespace CcExport.Engine.Tests.Exports;

/// <summary>The main job, end to end over real HTTP: a file on a list, with numbers that add up.</summary>
public sealed class MainJobTests
{
    private const string People = """
        CustomerId,FirstName,LastName,EMail
        1,Ann,Lee,ann@example.com
        2,Bob,"O""Neil, Jr",bob@example.com
        3,Cy,Day,
        4,Di,Fox,not an address
        5,Ed,Gray,ANN@example.com
        6,Flo,Hart,flo@bücher.example

        """;

    [Fact]
    public async Task A_file_lands_on_the_list_and_every_profile_has_one_fate()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        Run run = await test.RunFileAsync(test.File("people.csv", People));

        Assert.Equal(RunStatus.Completed, run.Status);
        Assert.Equal((6, 2, 1, 3, 3, 0, 0, 0), (run.Read, run.Invalid, run.Duplicate, run.Sent, run.Accepted, run.OptedOut, run.Refused, run.Unaccounted));
        Assert.Equal(1, run.Batches);
        Assert.Equal(
            [(3L, "3", "EmailMissing"), (4L, "4", "EmailMalformed"), (5L, "5", "Duplicate")],
            (await test.RejectionsAsync(run.Id)).Select(r => (r.Row, r.SourceKey!, r.Reason)));
    }

    [Fact]
    public async Task The_list_holds_what_the_file_says_names_intact()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await test.RunFileAsync(test.File("people.csv", People));
        Assert.Equal(
            [("ann@example.com", "Ann", "Lee"), ("bob@example.com", "Bob", "O\"Neil, Jr"), ("flo@xn--bcher-kva.example", "Flo", "Hart")],
            test.Simulator.State.Contacts(test.ListId).Select(c => (c.Email, c.Fields["first_name"], c.Fields["last_name"])).Order());
    }

    [Fact]
    public async Task Many_batches_of_few_rows_and_bytes_lose_and_repeat_nothing()
    {
        await using TestEngine test = await TestEngine.StartAsync(batchBytes: 6000, realLimit: true);
        test.Simulator.State.Set(s => s.RateLimit = CcExport.Simulator.RateLimitMode.Rolling);
        var text = new StringBuilder("CustomerId,FirstName,LastName,EMail\n");
        for (int i = 0; i < 900; i++) text.Append(CultureInfo.InvariantCulture, $"{i},{new string('n', i % 50)},Lee,person{i}@example.com\n");
        Run run = await test.RunFileAsync(test.File("people.csv", text.ToString()), change: r => r with { BatchSize = 60 });
        Assert.Equal((RunStatus.Completed, 900L, 900L), (run.Status, run.Sent, run.Accepted));
        Assert.Equal(900, test.Simulator.State.Contacts(test.ListId).Count);
        Assert.InRange(run.Requests, run.Batches, run.Batches + Limits.CallsBesideBatches);
        CcExport.Simulator.CallStatistics calls = test.Simulator.State.Statistics();
        Assert.Equal((true, 0), (calls.MaxInAnySecond <= 4, calls.Refused));
        Assert.Equal(run.Batches, calls.ByRoute["POST /v3/activities/contacts_json_import"]);
    }

    [Fact]
    public async Task Several_segments_of_a_folder_share_one_duplicate_index_and_rejections_name_theirs()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        string folder = Path.GetDirectoryName(test.File("seg/North.csv", "CustomerId,FirstName,LastName,EMail\n1,A,A,a@example.com\n2,B,B,\n"))!;
        test.File("seg/South.csv", "CustomerId,FirstName,LastName,EMail\n3,C,C,A@example.com\n4,D,D,d@example.com\n");
        await test.Engine.AddSourceAsync("folder", new SourceReference { Path = folder }, null, default);
        await test.Engine.SetExportAsync(new ExportChange { Name = "Both", Connection = "acme", ListId = test.ListId, Map = TestEngine.NameMap, Source = "folder" }, default);
        Run run = await test.Engine.InvokeAsync(new RunRequest { ExportName = "both" }, test.Watcher, default);
        Assert.Equal(("Both", 4L, 1L, 1L, 2L), (run.Export, run.Read, run.Invalid, run.Duplicate, run.Accepted));
        Assert.Equal([("North", 2L, "2"), ("South", 1L, "3")], (await test.RejectionsAsync(run.Id)).Select(r => (r.Segment!, r.Row, r.SourceKey!)));

        await test.Engine.SetExportAsync(new ExportChange { Name = "Both", Segment = ["south"] }, default);
        run = await test.Engine.InvokeAsync(new RunRequest { ExportName = "Both" }, test.Watcher, default);
        Assert.Equal((2L, 2L), (run.Read, run.Accepted));
        Assert.Empty(test.Watcher.Warnings);
    }

    [Fact]
    public async Task Custom_fields_are_checked_against_the_account_before_anything_is_read()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        string path = test.File("p.csv", "EMail,Tier\na@example.com,Gold\n");
        Run run = await test.RunFileAsync(path, new Dictionary<string, string> { ["email"] = "email", ["cf:Loyalty_tier"] = "TIER" });
        Assert.Equal("Gold", test.Simulator.State.Contact("a@example.com")!.Fields["cf:Loyalty_tier"]);
        Assert.Equal(1, run.Accepted);
        CcException e = await Assert.ThrowsAsync<CcException>(() => test.RunFileAsync(path, new Dictionary<string, string> { ["email"] = "EMail", ["cf:loyalty tier"] = "Tier" }));
        Assert.Equal("CustomFieldNotFound", e.ErrorId);
        e = await Assert.ThrowsAsync<CcException>(() => test.RunFileAsync(path, new Dictionary<string, string> { ["email"] = "EMail", ["cf:loyalty_tier"] = "Tier" }));
        Assert.Contains("cf:Loyalty_tier", e.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Values_over_their_limit_are_cut_and_noted_and_unusable_ones_left_out()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        string path = test.File("p.csv", $"Id,EMail,Name,M,D\n1,a@example.com,{new string('é', 60)},2,30\n2,b@example.com,Bo,2,3\n");
        Run run = await test.RunFileAsync(path, new Dictionary<string, string> { ["email"] = "EMail", ["first_name"] = "Name", ["birthday_month"] = "M", ["birthday_day"] = "D" });
        Assert.Equal((2L, 3L), (run.Accepted, run.Noted));
        Assert.Equal(new string('é', 50), test.Simulator.State.Contact("a@example.com")!.Fields["first_name"]);
        Assert.False(test.Simulator.State.Contact("a@example.com")!.Fields.ContainsKey("birthday_day"));
        Assert.Equal("3", test.Simulator.State.Contact("b@example.com")!.Fields["birthday_day"]);
        Assert.Equal(
            [("Noted", "first_name", "ValueCut"), ("Noted", "birthday_month", "ValueLeftOut"), ("Noted", "birthday_day", "ValueLeftOut")],
            (await test.RejectionsAsync(run.Id)).Select(r => (r.Kind, r.Field!, r.Reason)));
    }

    [Fact]
    public async Task One_column_may_feed_several_fields_in_any_spelling_and_be_the_key_too()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        string path = test.File("p.csv", "CustomerId,EMail,Name\nK1,a@example.com,Ann\n,bad,X\n");
        Run run = await test.RunFileAsync(path, new Dictionary<string, string> { ["email"] = "email", ["first_name"] = "Name", ["last_name"] = "name", ["cf:Customer_ID"] = "customerid" });
        IReadOnlyDictionary<string, string> fields = test.Simulator.State.Contact("a@example.com")!.Fields;
        Assert.Equal(("Ann", "Ann", "K1", 1L), (fields["first_name"], fields["last_name"], fields["cf:Customer_ID"], run.Accepted));
    }

    [Fact]
    public async Task A_row_that_does_not_fit_leaves_no_key_since_an_address_may_stand_there()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        Run run = await test.RunFileAsync(test.File("p.csv", "Name,EMail,CustomerId\nSmith, John,john@example.com,K1\nAnn,ann@example.com,K2\n"), new Dictionary<string, string> { ["email"] = "EMail" });
        Rejection r = Assert.Single(await test.RejectionsAsync(run.Id));
        Assert.Equal(("RowFieldCount", null), (r.Reason, r.SourceKey));
    }

    [Fact]
    public async Task Real_customers_in_their_own_encoding()
    {
        string? file = AdventureWorks();
        if (file is null) return;
        await using TestEngine test = await TestEngine.StartAsync();
        var map = new Dictionary<string, string> { ["email"] = "emailaddress", ["first_name"] = "FirstName", ["last_name"] = "LastName" };
        Run failed = await test.RunFileAsync(file, map);
        Assert.Equal((RunStatus.Failed, 0L, 0), (failed.Status, failed.Sent, test.Simulator.State.Contacts(test.ListId).Count));
        Assert.Contains("line 96, byte offset 10363", failed.Message, StringComparison.Ordinal);
        Assert.Contains("windows-1252", failed.Message, StringComparison.Ordinal);

        Run run = await test.RunFileAsync(file, map, r => r with { Source = r.Source! with { Encoding = "windows-1252" } });
        List<Rejection> rejections = await test.RejectionsAsync(run.Id);
        // Counted independently: addresses of the file with a byte over 127, in Windows-1252.
        int notAscii = Encoding.Latin1.GetString(File.ReadAllBytes(file)).Split("\r\n").Skip(1).Count(l => l.Contains('@', StringComparison.Ordinal) && l.Split(',').First(f => f.Contains('@', StringComparison.Ordinal)).Any(c => c > 127));
        Assert.Equal((RunStatus.Completed, 18148L), (run.Status, run.Read));
        Assert.All(rejections, r => Assert.Equal("EmailNotAscii", r.Reason));
        Assert.Equal((notAscii, 18148L - notAscii), (rejections.Count, run.Accepted));
        Assert.Contains(test.Simulator.State.Contacts(test.ListId), c => c.Fields.GetValueOrDefault("last_name") == "MUÑOZ");
    }

    /// <summary>The sample lies beside a checkout for whoever has it; it is not ours to ship.</summary>
    private static string? AdventureWorks([CallerFilePath] string here = "")
    {
        string path = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../../../shared/data/adventureworks-customers.csv"));
        return File.Exists(path) ? path : null;
    }
}
