using CcExport.Engine.Profiles;
using CcExport.Simulator.Insights;

namespace CcExport.Engine.Tests.Profiles.Web;

/// <summary>Segments in Dataverse, over real HTTP: who is a member, what is asked for, and what is said when it does not fit together.</summary>
public sealed class DataverseSourceTests
{
    [Fact]
    public async Task Exactly_the_members_are_read_whatever_else_looks_like_them()
    {
        await using Estate estate = await Estate.StartAsync(3000);
        estate.State.Set(s => s.PageCap = 100);
        List<string?[]> rows = await estate.ReadAsync("VIP");
        // The next segment is VIP_2, and each fiftieth row is that of a contact.
        Assert.Equal(300, rows.Count);
        Estate.Same(estate.Expected(i => i % 10 == 3), rows);
        Assert.Empty(estate.Warnings);
    }

    [Fact]
    public async Task A_row_is_believed_by_its_list_and_not_by_the_filter()
    {
        await using Estate estate = await Estate.StartAsync(0);
        estate.State.Segments = [new SimulatedSegment { Name = "A", ToldSize = 4 }];
        estate.State.Written = [.. Enumerable.Range(1, 9).Select(i => Estate.Person(i))];
        string Id(int i) => Estate.Person(i).CustomerId;
        estate.State.WrittenMemberships =
        [
            new(Id(1), """{"Segments":["A"]}"""),
            new(Id(2), """["B","A"]"""),
            new(Id(3), """{"Segments":["a"]}"""),
            new(Id(4), """{"Segments":["B"],"Note":["A"]}"""),
            new(Id(5), """{"Segments":["A"]}""", Type: "Contact", Provider: "Journeys"),
            new(Id(6).ToUpperInvariant(), """{"Other":{"Segments":1},"Segments":["\u0041"," A","A"]}"""),
            new(Id(7), """{"Segments":["A"]}""", Type: null),
            new(Id(7), """{"Segments":["A"]}"""),
        ];
        List<string?[]> rows = await estate.ReadAsync("A", "msdynci_customerid");
        Estate.Same([[Id(1)], [Id(2)], [Id(6)], [Id(7)]], rows);
        Assert.Empty(estate.Warnings);
    }

    [Theory]
    [InlineData("{\"Segments\":[\"A\"")]
    [InlineData("{\"Segments\":[\"A\",1]}")]
    [InlineData("\"A\" is no list")]
    public async Task A_list_that_cannot_be_read_ends_the_reading(string text)
    {
        await using Estate estate = await Estate.StartAsync(0);
        estate.State.Segments = [new SimulatedSegment { Name = "A" }];
        estate.State.WrittenMemberships = [new(Estate.Person(1).CustomerId, text)];
        CcException e = await Readers.FailsAsync("MembershipUnreadable", () => estate.ReadAsync("A"));
        Assert.Equal(CcErrorKind.InvalidData, e.Kind);
    }

    [Fact]
    public async Task Rows_without_an_id_end_the_reading()
    {
        await using Estate estate = await Estate.StartAsync(0);
        estate.State.Segments = [new SimulatedSegment { Name = "A" }];
        estate.State.WrittenMemberships = [new(null, """{"Segments":["A"]}""")];
        await Readers.FailsAsync("MembershipUnreadable", () => estate.ReadAsync("A"));
    }

    [Fact]
    public async Task Two_providers_with_one_name_are_not_mixed()
    {
        await using Estate estate = await Estate.StartAsync(0);
        estate.State.Segments = [new SimulatedSegment { Name = "A" }];
        estate.State.WrittenMemberships = [new("x", """{"Segments":["A"]}"""), new("y", """{"Segments":["A"]}""", Provider: "Journeys")];
        await Readers.FailsAsync("SegmentAmbiguous", () => estate.ReadAsync("A"));
    }

    [Theory]
    [InlineData("O'Neil \"&\" Söhne+50%")]
    [InlineData("back\\slash")]
    public async Task Names_of_any_letters_are_found(string name)
    {
        await using Estate estate = await Estate.StartAsync(100);
        estate.State.Segments = [new SimulatedSegment { Name = name, Has = i => i % 2 == 0 }, new SimulatedSegment { Name = name + "_2", Has = i => i % 2 == 1 }];
        Estate.Same(estate.Expected(i => i % 2 == 0), await estate.ReadAsync(name));
    }

    [Fact]
    public async Task Names_and_ids_that_are_escaped_in_their_rows_are_found()
    {
        const string Name = "\"Käufer\" \\ <b>", Id = "C\"17\\😀";
        await using Estate estate = await Estate.StartAsync(0);
        estate.State.Segments = [new SimulatedSegment { Name = Name, ToldSize = 3 }];
        estate.State.Written = [Estate.Person(1, "other", Name) with { CustomerId = Id }, Estate.Person(2, Name), Estate.Person(3), Estate.Person(4, Name + "_2")];
        estate.State.WrittenMemberships = [new(Estate.Person(3).CustomerId, "{\"Segments\":[\"\\\"Käufer\\\" \\\\ <b>\"]}")];
        List<string?[]> rows = await estate.ReadAsync(Name, "msdynci_customerid");
        Estate.Same([[Id], [Estate.Person(2).CustomerId], [Estate.Person(3).CustomerId]], rows);
        Assert.Empty(estate.Warnings);
    }

    [Theory]
    [InlineData(60, 1)]
    [InlineData(700, 10)]
    public async Task Few_members_are_looked_up_by_their_ids(int members, int requests)
    {
        await using Estate estate = await Estate.StartAsync(100_000);
        estate.State.Segments = [new SimulatedSegment { Name = "Few", Has = i => i % 100 == 7 && i / 100 < members }];
        List<string?[]> rows = await estate.ReadAsync("Few");
        Estate.Same(estate.Expected(i => i % 100 == 7 && i / 100 < members), rows);
        Assert.Equal(requests, estate.State.Calls(InsightsCall.Profiles));
        Assert.All(estate.State.Targets, t => Assert.True(t.Length < 8000, "an address is longer than gateways take"));
    }

    [Fact]
    public async Task Many_members_are_found_by_a_scan_with_the_fewest_requests()
    {
        await using Estate estate = await Estate.StartAsync(20_000);
        List<string?[]> rows = await estate.ReadAsync("Newsletter");
        Estate.Same(estate.Expected(i => i % 3 == 0), rows);
        Assert.Equal((2, 4), (estate.State.Calls(InsightsCall.Memberships), estate.State.Calls(InsightsCall.Profiles)));
    }

    [Theory]
    [InlineData(0L, true)]
    [InlineData(null, false)]
    public async Task A_count_that_is_old_or_missing_changes_the_way_and_not_the_outcome(long? told, bool knows)
    {
        await using Estate estate = await Estate.StartAsync(20_000);
        estate.State.Set(s => (s.ToldProfiles, s.KnowsRowCount) = (told, knows));
        Estate.Same(estate.Expected(i => i % 10 == 3), await estate.ReadAsync("VIP"));
        // 2,000 members are 27 look-ups: less than is ever guessed to be a scan.
        Assert.Equal(27, estate.State.Calls(InsightsCall.Profiles));
        estate.State.Set(s => (s.ToldProfiles, s.KnowsRowCount) = (2_000_000_000, true));
        Estate.Same(estate.Expected(i => i % 10 == 3), await estate.ReadAsync("VIP"));
    }

    [Fact]
    public async Task Links_are_followed_as_they_came_and_only_mapped_columns_are_asked_for()
    {
        await using Estate estate = await Estate.StartAsync(2000);
        estate.State.Set(s => s.PageCap = 70);
        // The simulator takes a link only byte for byte and with the same Prefer.
        Estate.Same(estate.Expected(i => i % 3 == 0).Select(r => new[] { r[0] }), await estate.ReadAsync("Newsletter", "MSDYNCI_EMailAddress1"));
        Assert.Contains(estate.State.Targets, t => t.Contains("%7e%2d%253c", StringComparison.Ordinal));
        Assert.All(estate.State.Targets.Where(t => t.Contains("/msdynci_customerprofiles?", StringComparison.Ordinal)), t => Assert.Contains("?$select=msdynci_customerid,msdynci_emailaddress1", t, StringComparison.Ordinal));
        Assert.DoesNotContain(estate.State.Targets, t => t.Contains("$skip=", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Several_segments_are_read_in_one_pass_the_first_one_first()
    {
        await using Estate estate = await Estate.StartAsync(3000);
        estate.State.Set(s => s.PageCap = 250);
        string[] segments = ["Newsletter", "VIP", "VIP_2"];
        List<(int Segment, string?[] Row)> rows = await Estate.TogetherAsync(estate.Dataverse(), segments, "msdynci_customerid");
        Func<long, bool>[] has = [i => i % 3 == 0, i => i % 10 == 3, i => i % 20 is 3 or 7];
        for (int s = 0; s < 3; s++)
        {
            IEnumerable<string?[]> expected = Estate.Range(3000).Where(has[s]).Select(i => new[] { estate.State.Profile(i).CustomerId });
            Estate.Same(expected, rows.Where(r => r.Segment == s).Select(r => r.Row));
        }
        foreach (IGrouping<string, int> one in rows.GroupBy(r => r.Row[0]!, r => r.Segment)) Assert.Equal(one.Order(), one);
        Assert.Equal(12, estate.State.Calls(InsightsCall.Profiles));
        long rowsOfTable = Estate.Range(3000).Count(i => has.Any(h => h(i)));
        Assert.InRange(estate.State.Calls(InsightsCall.Memberships), (int)(rowsOfTable / 250), (int)(rowsOfTable / 250) + 2);
    }

    [Fact]
    public async Task More_segments_than_one_filter_takes_are_read_in_one_pass_as_well()
    {
        await using Estate estate = await Estate.StartAsync(2000);
        estate.State.Segments = [.. Enumerable.Range(0, 60).Select(s => new SimulatedSegment { Name = $"A_segment_with_a_long_name_{s:00}_of_{new string('x', 40)}", Has = i => i % 60 == s || i % 7 == 0 })];
        string[] names = [.. estate.State.Segments.Select(s => s.Name)];
        List<(int Segment, string?[] Row)> rows = await Estate.TogetherAsync(estate.Dataverse(), names, "msdynci_emailaddress1");
        Assert.Equal(estate.State.Segments.Sum(estate.State.SizeOf), rows.Count);
        Assert.Equal(1, estate.State.Calls(InsightsCall.Profiles));
        Assert.InRange(estate.State.Calls(InsightsCall.Memberships), 2, 4);
    }

    [Fact]
    public async Task Members_without_a_profile_are_told_with_their_number()
    {
        await using Estate estate = await Estate.StartAsync(10_000);
        estate.State.Gone = i => i % 100 == 3;
        List<string?[]> rows = await estate.ReadAsync("VIP");
        Assert.Equal(900, rows.Count);
        Assert.Contains("100 of the 1,000 members of 'VIP' have no profile", Assert.Single(estate.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_profile_that_comes_twice_is_taken_once_and_told()
    {
        await using Estate estate = await Estate.StartAsync(3000);
        estate.State.Set(s => (s.PageCap, s.ShiftBetweenPages) = (1000, -30));
        List<string?[]> rows = await estate.ReadAsync("Newsletter");
        Estate.Same(estate.Expected(i => i % 3 == 0), rows);
        Assert.Contains(estate.Warnings, w => w.StartsWith("20 profiles came twice", StringComparison.Ordinal) || w.StartsWith("30 profiles came twice", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Rows_that_are_passed_over_contradict_the_size_and_are_told()
    {
        await using Estate estate = await Estate.StartAsync(3000);
        estate.State.Set(s => (s.PageCap, s.ShiftBetweenPages) = (400, 8));
        await estate.ReadAsync("Newsletter");
        Assert.Contains(estate.Warnings, w => w.Contains("'Newsletter' is said to have 1,000 members", StringComparison.Ordinal));
        Assert.Contains(estate.Warnings, w => w.Contains("have no profile", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_refresh_before_or_meanwhile_is_told()
    {
        await using Estate estate = await Estate.StartAsync(1000);
        estate.State.Segments = [.. estate.State.Segments.Select(s => s with { EvaluationStatus = "Running" })];
        await estate.ReadAsync("VIP");
        Assert.Contains("'VIP' is being refreshed", Assert.Single(estate.Warnings), StringComparison.Ordinal);
        estate.Warnings.Clear();
        IReadOnlyList<SimulatedSegment> calm = estate.State.Segments = [.. estate.State.Segments.Select(s => s with { EvaluationStatus = "CompletedSuccess" })];
        estate.State.OnCall = call =>
        {
            if (call == InsightsCall.Profiles) estate.State.Segments = [.. calm.Select(s => s with { EvaluatedAt = s.EvaluatedAt.AddDays(1) })];
        };
        await estate.ReadAsync("VIP");
        Assert.Contains("'VIP' was renewed while it was read", Assert.Single(estate.Warnings), StringComparison.Ordinal);
        estate.Warnings.Clear();
        estate.State.OnCall = call =>
        {
            if (call == InsightsCall.Profiles) estate.State.Segments = [.. calm.Where(s => s.Name != "VIP")];
        };
        estate.State.Segments = calm;
        await estate.ReadAsync("VIP");
        Assert.Contains("'VIP' was removed while it was read", Assert.Single(estate.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Segments_are_told_with_what_is_known_of_them()
    {
        await using Estate estate = await Estate.StartAsync(1000);
        estate.State.Segments = [.. estate.State.Segments, new SimulatedSegment { Name = "Old", State = "inactive" }];
        IReadOnlyList<Segment> all = await estate.Dataverse().GetSegmentsAsync(default);
        Assert.Equal(["Newsletter", "Old", "VIP", "VIP_2"], all.Select(s => s.Name));
        Assert.Equal(("Very important customers", 100L, "Active", new DateTimeOffset(2026, 11, 20, 5, 0, 0, TimeSpan.Zero)), (all[2].DisplayName, all[2].Size, all[2].State, all[2].LastEvaluated));
        Assert.Equal(("Old", "Inactive", 0L), (all[1].DisplayName, all[1].State, all[1].Size));
        estate.State.Set(s => s.TellsSegmentState = false);
        all = await estate.Dataverse().GetSegmentsAsync(default);
        Assert.Equal(("Very important customers", null, null), (all[2].DisplayName, all[2].Size, all[2].State));
        Assert.Equal(100, (await estate.ReadAsync("VIP")).Count);
    }

    [Fact]
    public async Task Without_a_table_of_segments_the_memberships_tell_them()
    {
        await using Estate estate = await Estate.StartAsync(1000);
        estate.State.Set(s => (s.HasSegmentTable, s.PageCap) = (false, 300));
        IReadOnlyList<Segment> all = await estate.Dataverse().GetSegmentsAsync(default);
        Assert.Equal([("Newsletter", 334L), ("VIP", 100L), ("VIP_2", 100L)], all.Select(s => (s.Name, s.Size!.Value)));
        Estate.Same(estate.Expected(i => i % 10 == 3), await estate.ReadAsync("VIP"));
        Assert.Empty(estate.Warnings);
    }

    [Fact]
    public async Task Columns_come_from_the_metadata_and_the_nearest_is_named()
    {
        await using Estate estate = await Estate.StartAsync(10);
        Assert.Equal(["msdynci_customerid", "msdynci_birthdate", "msdynci_city", "msdynci_country", "msdynci_customerprofileid", "msdynci_emailaddress1", "msdynci_firstname", "msdynci_lastname", "msdynci_points"],
            await estate.Dataverse().GetColumnsAsync("VIP", default));
        CcException e = await Readers.FailsAsync("ColumnNotFound", () => estate.ReadAsync("VIP", "msdynci_emailadress1"));
        Assert.Contains("msdynci_emailaddress1", e.Remedy, StringComparison.Ordinal);
        e = await Readers.FailsAsync("SegmentNotFound", () => estate.ReadAsync("VIP2"));
        Assert.Contains("Did you mean 'VIP", e.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_belongs_to_another_column_cannot_be_asked_for()
    {
        await using Estate estate = await Estate.StartAsync(10);
        IReadOnlyList<string> columns = await estate.Dataverse().GetColumnsAsync("VIP", default);
        foreach (string name in new[] { "createdbyname", "owneridname" })
        {
            Assert.DoesNotContain(name, columns);
            await Readers.FailsAsync("ColumnNotFound", () => estate.ReadAsync("VIP", name));
        }
    }

    [Fact]
    public async Task Ids_of_any_form_are_joined()
    {
        await using Estate estate = await Estate.StartAsync(0);
        estate.State.Segments = [new SimulatedSegment { Name = "A" }];
        string[] ids = ["0", "00000000000000000000000000000000", "C-17", "O'Neil", "ffffffffffffffffffffffffffffffff", "ffffffffffffffffffffffffffffffzz", "Ключ", new string('9', 300)];
        estate.State.Written = [.. ids.Select((id, i) => Estate.Person(i, "A") with { CustomerId = id })];
        Estate.Same(ids.Select(id => new[] { id }), await estate.ReadAsync("A", "msdynci_customerid"));
        estate.State.Written = [.. estate.State.Written, .. Enumerable.Range(100, 400).Select(i => Estate.Person(i, "A") with { CustomerId = $"K{i}" })];
        Assert.Equal(408, (await estate.ReadAsync("A", "msdynci_customerid")).Count);
    }

    [Fact]
    public async Task One_column_can_be_asked_for_twice_and_values_need_not_be_text()
    {
        await using Estate estate = await Estate.StartAsync(200);
        List<string?[]> rows = await estate.ReadAsync("VIP", "msdynci_points", "msdynci_lastname", "msdynci_customerid", "msdynci_lastname");
        Estate.Same(Estate.Range(200).Where(i => i % 10 == 3).Select(i => estate.State.Profile(i)).Select(p => new[] { p.Points!.Value.ToString(System.Globalization.CultureInfo.InvariantCulture), p.LastName, p.CustomerId, p.LastName }), rows);
    }

    [Fact]
    public async Task Whoever_stops_early_leaves_nothing_behind()
    {
        await using Estate estate = await Estate.StartAsync(5000);
        estate.State.Set(s => s.PageCap = 100);
        await foreach (ProfileBatch batch in estate.Dataverse().ReadAsync("Newsletter", Estate.Columns, default))
        {
            Assert.True(batch.Rows > 0);
            break;
        }
        Assert.InRange(estate.State.Calls(InsightsCall.Profiles), 1, 2);
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (ProfileBatch _ in estate.Dataverse().ReadAsync("Newsletter", Estate.Columns, stop.Token)) await stop.CancelAsync();
        });
    }

    [Theory]
    [InlineData("https://contoso.crm4.dynamics.com", "https://contoso.crm4.dynamics.com")]
    [InlineData("https://contoso.crm4.dynamics.com/", "https://contoso.crm4.dynamics.com")]
    [InlineData("https://contoso.crm4.dynamics.com/api/data/v9.2/?x=y", "https://contoso.crm4.dynamics.com")]
    [InlineData("http://127.0.0.1:5000/dataverse", "http://127.0.0.1:5000/dataverse")]
    public void Whatever_part_of_the_address_was_pasted_the_environment_is_known(string given, string location)
        => Assert.Equal(location, SourceKinds.Find(new SourceReference { Dataverse = new Uri(given) }).LocationOf(new SourceReference { Dataverse = new Uri(given) }));

    [Theory]
    [InlineData("http://contoso.crm4.dynamics.com")]
    [InlineData("https://me:pw@contoso.crm4.dynamics.com")]
    [InlineData("ftp://contoso.crm4.dynamics.com")]
    public void An_address_over_which_a_token_could_be_read_is_refused(string address)
    {
        var reference = new SourceReference { Dataverse = new Uri(address) };
        CcException e = Readers.Is("SourceAddressNotSafe", Assert.Throws<CcException>(() => SourceKinds.Find(reference).Check(reference)));
        Assert.DoesNotContain("pw", e.Message, StringComparison.Ordinal);
    }
}
