using System.Net;
using System.Text;
using System.Text.Json;

namespace CcExport.Simulator.Tests;

public sealed class ImportTests
{
    private const string Import = "/v3/activities/contacts_json_import";

    [Fact]
    public async Task Rows_arrive_when_the_job_has_run_and_not_before()
    {
        await using Service service = await Service.StartAsync();
        Answer created = await service.ImportAsync(new Dictionary<string, object>
        {
            ["email"] = "ada@example.com",
            ["first_name"] = "Adä \"Countess\" 🎩",
            ["birthday_month"] = 12,
            ["birthday_day"] = 10,
            ["cf:Loyalty_tier"] = "Gold",
        });
        Assert.Equal(HttpStatusCode.Created, created.Status);
        Assert.Equal("initialized", created.Json.GetProperty("state").GetString());
        Assert.Equal(JsonValueKind.Null, created.Json.GetProperty("started_at").ValueKind);
        Assert.Empty(service.State.Contacts(service.Simulator.ListId));

        service.Finish();

        ContactView contact = Assert.Single(service.State.Contacts(service.Simulator.ListId));
        Assert.Equal("implicit", contact.Permission);
        Assert.Equal("Adä \"Countess\" 🎩", contact.Fields["first_name"]);
        Assert.Equal("12", contact.Fields["birthday_month"]);
        Assert.Equal("Gold", contact.Fields["cf:Loyalty_tier"]);
        JsonElement done = await service.ActivityAsync(created);
        Assert.Equal("completed", done.GetProperty("state").GetString());
        Assert.Equal(2, Count(done, "items_total_count"));
        Assert.Equal(1, Count(done, "person_count"));
        Assert.Equal(100, done.GetProperty("percent_done").GetInt32());
    }

    [Fact]
    public async Task Faulty_rows_are_counted_and_named_by_their_line()
    {
        await using Service service = await Service.StartAsync();
        JsonElement done = await service.ImportAndFinishAsync(
            new { email = "good@example.com" },
            new { email = "no at sign" },
            new { email = "ok@example.com", birthday_month = 2 },
            new { email = "long@example.com", first_name = new string('x', 51) },
            new { first_name = "Nobody" },
            new Dictionary<string, string> { ["email"] = "cf@example.com", ["cf:Unknown"] = "x" },
            new Dictionary<string, string> { ["email"] = "date@example.com", ["cf:Last_purchase"] = "yesterday" },
            new { email = new string('x', 70) + "@example.com" });

        Assert.Equal(9, Count(done, "items_total_count"));
        Assert.Equal(1, Count(done, "person_count"));
        Assert.Equal(4, Count(done, "correctable_count"));
        Assert.Equal(3, Count(done, "error_count"));
        Assert.Equal(
            ["Line 3: Invalid email", "Line 4: Invalid birthday", "Line 5: first_name is too long", "Line 6: Invalid email",
                "Line 7: Unknown custom field", "Line 8: Invalid date in cf:Last_purchase", "Line 9: Invalid email"],
            done.GetProperty("activity_errors").EnumerateArray().Select(e => e.GetString()));
        Assert.Equal("good@example.com", Assert.Single(service.State.Contacts()).Email);
    }

    [Theory]
    [InlineData("a@example.com", true)]
    [InlineData("a+b.c_d-e'f@sub.example.travel", true)]
    [InlineData("a@xn--bcher-kva.example", true)]
    [InlineData("a@example", false)]
    [InlineData("@example.com", false)]
    [InlineData("a@", false)]
    [InlineData("a@b@example.com", false)]
    [InlineData("a b@example.com", false)]
    [InlineData("a,b@example.com", false)]
    [InlineData("<a@example.com>", false)]
    [InlineData(" a@example.com", false)]
    [InlineData("a..b@example.com", false)]
    [InlineData(".a@example.com", false)]
    [InlineData("a@example.com.", false)]
    [InlineData("a@-example.com", false)]
    [InlineData("ä@example.com", false)]
    public async Task Addresses_are_judged_one_by_one(string email, bool good)
    {
        await using Service service = await Service.StartAsync();
        JsonElement done = await service.ImportAndFinishAsync(new { email });
        Assert.Equal(good ? 0 : 1, Count(done, "correctable_count"));
        Assert.Equal(good ? 1 : 0, service.State.Contacts().Count);
    }

    [Fact]
    public async Task The_length_of_a_text_is_counted_in_characters()
    {
        await using Service service = await Service.StartAsync();
        JsonElement done = await service.ImportAndFinishAsync(
            new { email = "a@example.com", first_name = new string('é', 50) }, new { email = "b@example.com", first_name = new string('é', 51) });
        Assert.Equal(1, Count(done, "error_count"));
        Assert.Equal(new string('é', 50), service.State.Contact("a@example.com")!.Fields["first_name"]);
    }

    [Fact]
    public async Task The_list_of_lines_is_capped()
    {
        await using Service service = await Service.StartAsync();
        JsonElement done = await service.ImportAndFinishAsync([.. Enumerable.Range(0, 60).Select(i => new { email = "bad" + i })]);
        Assert.Equal(60, Count(done, "correctable_count"));
        Assert.Equal(50, done.GetProperty("activity_errors").GetArrayLength());
    }

    [Theory]
    [InlineData(DuplicateMode.LastWins, "Two", "B")]
    [InlineData(DuplicateMode.FirstWins, "One", null)]
    public async Task Duplicates_merge_whatever_their_case(DuplicateMode mode, string firstName, string? lastName)
    {
        await using Service service = await Service.StartAsync(s => s.Duplicates = mode);
        JsonElement done = await service.ImportAndFinishAsync(
            new { email = "same@example.com", first_name = "One" }, new { email = "SAME@Example.com", first_name = "Two", last_name = "B" });
        ContactView contact = Assert.Single(service.State.Contacts());
        Assert.Equal("same@example.com", contact.Email);
        Assert.Equal(firstName, contact.Fields["first_name"]);
        Assert.Equal(lastName, contact.Fields.GetValueOrDefault("last_name"));
        Assert.Equal(1, Count(done, "person_count"));
        Assert.Equal(0, Count(done, "error_count"));
    }

    [Fact]
    public async Task Only_what_is_present_changes_an_existing_contact()
    {
        await using Service service = await Service.StartAsync();
        await service.ImportAndFinishAsync(new { email = "a@example.com", first_name = "Ann", last_name = "Old", city = "Rome" });
        await service.ImportAndFinishAsync(new { email = "A@EXAMPLE.COM", last_name = "A much longer new name", city = "" });
        ContactView contact = Assert.Single(service.State.Contacts());
        Assert.Equal("Ann", contact.Fields["first_name"]);
        Assert.Equal("A much longer new name", contact.Fields["last_name"]);
        Assert.Equal("Rome", contact.Fields["city"]);
        service.State.Set(s => s.Blanks = BlankMode.Clear);
        await service.ImportAndFinishAsync(new { email = "a@example.com", city = "" });
        Assert.False(service.State.Contact("a@example.com")!.Fields.ContainsKey("city"));
    }

    [Fact]
    public async Task People_who_opted_out_are_counted_and_left_alone()
    {
        await using Service service = await Service.StartAsync();
        service.State.AddContact("out@example.com", "unsubscribed");
        JsonElement done = await service.ImportAndFinishAsync(
            new { email = "OUT@example.com", first_name = "New" }, new { email = "in@example.com" });
        Assert.Equal("completed", done.GetProperty("state").GetString());
        Assert.Equal(1, Count(done, "cannot_add_to_list_count"));
        Assert.Equal("in@example.com", Assert.Single(service.State.Contacts(service.Simulator.ListId)).Email);
        Assert.Equal("unsubscribed", service.State.Contact("out@example.com")!.Permission);
    }

    [Fact]
    public async Task A_deleted_contact_is_revived()
    {
        await using Service service = await Service.StartAsync();
        service.State.AddContact("gone@example.com", deleted: true, listIds: [service.Simulator.ListId]);
        Assert.Empty(service.State.Contacts());
        await service.ImportAndFinishAsync(new { email = "gone@example.com" });
        Assert.Single(service.State.Contacts(service.Simulator.ListId));
        Assert.Equal(1, service.State.Lists()[0].Members);
    }

    [Theory]
    [InlineData(UnknownListMode.BadRequest, HttpStatusCode.BadRequest)]
    [InlineData(UnknownListMode.NotFound, HttpStatusCode.NotFound)]
    [InlineData(UnknownListMode.FailedActivity, HttpStatusCode.Created)]
    public async Task An_unknown_list_is_answered_by_the_switch(UnknownListMode mode, HttpStatusCode expected)
    {
        await using Service service = await Service.StartAsync(s => s.UnknownList = mode);
        Answer answer = await service.ImportToAsync(Guid.NewGuid().ToString(), new { email = "a@example.com" });
        Assert.Equal(expected, answer.Status);
        if (expected != HttpStatusCode.Created)
        {
            Assert.Equal(JsonValueKind.Array, answer.Json.ValueKind);
            return;
        }

        service.Finish();
        Assert.Equal("failed", (await service.ActivityAsync(answer)).GetProperty("state").GetString());
        Assert.Empty(service.State.Contacts());
    }

    [Fact]
    public async Task Unknown_custom_fields_can_be_ignored()
    {
        await using Service service = await Service.StartAsync(s => s.UnknownCustomField = UnknownFieldMode.Ignore);
        JsonElement done = await service.ImportAndFinishAsync(new Dictionary<string, string> { ["email"] = "a@example.com", ["cf:Nope"] = "x" });
        Assert.Equal(0, Count(done, "error_count"));
        Assert.Empty(Assert.Single(service.State.Contacts()).Fields);
    }

    [Fact]
    public async Task What_lies_beyond_4_000_000_bytes_is_dropped()
    {
        await using Service service = await Service.StartAsync();
        string filler = new('x', 50);
        var body = new StringBuilder("{\"import_data\":[");
        int inside = 0;
        for (int i = 0; i < 39_999; i++)
        {
            body.Append(i == 0 ? "" : ",").Append($"{{\"email\":\"p{i}@example.com\",\"first_name\":\"{filler}\",\"last_name\":\"{filler}\"}}");
            if (body.Length <= 4_000_000) inside = i + 1;
        }

        body.Append($"],\"list_ids\":[\"{service.Simulator.ListId}\"]}}");
        Assert.True(inside < 39_999);
        Answer answer = await service.SendJsonAsync(HttpMethod.Post, Import, body.ToString());
        Assert.Equal(HttpStatusCode.Created, answer.Status);
        service.Finish();
        Assert.Equal(inside, service.State.Lists()[0].Members);
        Assert.Equal(inside + 1, Count(await service.ActivityAsync(answer), "items_total_count"));

        service.State.Set(s => s.Oversize = OversizeMode.PayloadTooLarge);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await service.SendJsonAsync(HttpMethod.Post, Import, body.ToString())).Status);
        service.State.Set(s => s.Oversize = OversizeMode.BadRequest);
        Assert.Equal(HttpStatusCode.BadRequest, (await service.SendJsonAsync(HttpMethod.Post, Import, body.ToString())).Status);
    }

    [Fact]
    public async Task What_lies_beyond_40_000_rows_is_dropped()
    {
        await using Service service = await Service.StartAsync();
        object[] rows = [.. Enumerable.Range(0, 40_001).Select(i => new { email = $"p{i}@example.com" })];
        JsonElement done = await service.ImportAndFinishAsync(rows);
        Assert.Equal(40_001, Count(done, "items_total_count"));
        Assert.Equal(40_000, service.State.Lists()[0].Members);
        Assert.Null(service.State.Contact("p40000@example.com"));
        service.State.Set(s => s.Oversize = OversizeMode.BadRequest);
        Assert.Equal(HttpStatusCode.BadRequest, (await service.ImportAsync(rows)).Status);
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("[]")]
    [InlineData("{\"import_data\":[{\"email\":\"a@example.com\"}]}")]
    [InlineData("{\"import_data\":[{\"email\":\"a@example.com\"}],\"list_ids\":[]}")]
    [InlineData("{\"import_data\":[{\"email\":\"a@example.com\"}],\"list_ids\":[\"not-a-uuid\"]}")]
    [InlineData("{\"import_data\":[],\"list_ids\":[\"LIST\"]}")]
    [InlineData("{\"list_ids\":[\"LIST\"]}")]
    [InlineData("{\"import_data\":[\"a@example.com\"],\"list_ids\":[\"LIST\"]}")]
    [InlineData("{\"import_data\":[{\"email\":{\"address\":\"a@example.com\"}}],\"list_ids\":[\"LIST\"]}")]
    [InlineData("{\"import_data\":[{\"email\":\"a@example.com\",\"list_memberships\":[\"LIST\"]}],\"list_ids\":[\"LIST\"]}")]
    [InlineData("{\"import_data\":[{\"email\":\"a@example.com\",\"cf:Loyalty_tier\":5}],\"list_ids\":[\"LIST\"]}")]
    [InlineData("{\"import_data\":[{\"email\":\"a@example.com\",\"first_name\":\"\\ud800\"}],\"list_ids\":[\"LIST\"]}")]
    [InlineData("{\"import_data\":[{\"email\":\"a@example.com\"}],\"list_ids\":[\"LIST\"],\"extra\":1}")]
    [InlineData("{\"import_data\":[{\"email\":\"a@example.com\"}],\"list_ids\":[\"LIST\"]")]
    [InlineData("{\"import_data\":[{\"email\":\"a@example.com\"}],\"list_ids\":[\"LIST\"],\"sms_permission_to_send\":\"yes\"}")]
    public async Task A_wrong_shape_is_refused_at_once(string body)
    {
        await using Service service = await Service.StartAsync();
        Answer answer = await service.SendJsonAsync(
            HttpMethod.Post, Import, body.Replace("LIST", service.Simulator.ListId, StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Equal("contacts.api.validation.error", answer.ErrorKey);
        Assert.Empty(service.State.Activities());
    }

    [Fact]
    public async Task The_lists_may_come_before_the_rows()
    {
        await using Service service = await Service.StartAsync();
        await service.SendJsonAsync(HttpMethod.Post, Import,
            $"{{\"list_ids\":[\"{service.Simulator.ListId}\"],\"import_data\":[{{\"last_name\":\"First\",\"email\":\"\\u0061@example.com\"}}]}}");
        service.Finish();
        Assert.Equal("First", service.State.Contact("a@example.com")!.Fields["last_name"]);
    }

    [Theory]
    [InlineData(ContactLimitMode.RefuseCall)]
    [InlineData(ContactLimitMode.RefuseRows)]
    public async Task The_plan_limits_the_number_of_contacts(ContactLimitMode mode)
    {
        await using Service service = await Service.StartAsync(s =>
        {
            s.ContactLimit = 3;
            s.ContactLimitMode = mode;
        });
        await service.ImportAndFinishAsync(new { email = "a@example.com" }, new { email = "b@example.com" });
        Answer over = await service.ImportAsync(
            new { email = "A@example.com" }, new { email = "c@example.com" }, new { email = "d@example.com" });
        if (mode == ContactLimitMode.RefuseCall)
        {
            Assert.Equal(HttpStatusCode.Forbidden, over.Status);
            Assert.Contains("3 contacts", over.Body, StringComparison.Ordinal);
            Assert.Equal(HttpStatusCode.Created, (await service.ImportAsync(new { email = "a@example.com" }, new { email = "c@example.com" })).Status);
            return;
        }

        service.Finish();
        JsonElement done = await service.ActivityAsync(over);
        Assert.Equal(1, Count(done, "error_count"));
        Assert.Equal(3, service.State.Contacts().Count);
    }

    private static int Count(JsonElement activity, string name) => activity.GetProperty("status").GetProperty(name).GetInt32();
}
