using System.Net;
using System.Text.Json;

namespace CcExport.Simulator.Tests;

/// <summary><c>PUT /contacts/{id}</c>, the filters of <c>GET /contacts</c>, and whom jobs are about.</summary>
public sealed class ContactChangeTests
{
    [Fact]
    public async Task A_change_of_one_contact_takes_away_what_it_leaves_out()
    {
        await using Service service = await Service.StartAsync(s => s.KeepMemberships = true);
        string one = service.State.Lists()[0].Id;
        string two = service.State.Lists()[1].Id;
        await service.ImportToAsync(one, new Dictionary<string, object>
        {
            ["email"] = "ann@example.com",
            ["first_name"] = "Ann",
            ["last_name"] = "Lee",
            ["birthday_month"] = 2,
            ["birthday_day"] = 3,
            ["work_phone"] = "1",
            ["home_street"] = "S",
            ["cf:Loyalty_tier"] = "Gold",
        });
        service.Finish();
        service.Time.Advance(TimeSpan.FromMinutes(1));
        string path = "/v3/contacts/" + service.State.Contact("ann@example.com")!.Id;
        Answer changed = await service.PutAsync(path, new
        {
            email_address = new { address = "ann@example.com" },
            first_name = "Anna",
            update_source = "Account",
        });
        Assert.Equal(HttpStatusCode.OK, changed.Status);
        Assert.Equal("Anna", changed.Json.GetProperty("first_name").GetString());
        Assert.Equal(JsonValueKind.Null, changed.Json.GetProperty("last_name").ValueKind);
        ContactView ann = service.State.Contact("ann@example.com")!;
        Assert.Equal(["cf:Loyalty_tier", "first_name", "home_street", "work_phone"], ann.Fields.Keys);
        Assert.Equal([one], ann.ListIds);
        Assert.Equal(service.State.Now, ann.UpdatedAt);

        string customId = (await service.GetAsync("/v3/contact_custom_fields")).Json.GetProperty("custom_fields")[1].GetProperty("custom_field_id").GetString()!;
        Answer replaced = await service.PutAsync(path, new
        {
            email_address = new { address = "anna@example.com", permission_to_send = "explicit" },
            update_source = "Contact",
            birthday_month = 5,
            birthday_day = 6,
            list_memberships = new[] { two },
            custom_fields = new[] { new { custom_field_id = customId, value = "77" } },
            phone_numbers = new[] { new { phone_number = "2", kind = "home" } },
            street_addresses = new[] { new { kind = "work", street = "W", postal_code = "9" } },
        });
        Assert.Equal(two, Assert.Single(replaced.Json.GetProperty("list_memberships").EnumerateArray()).GetString());
        ContactView anna = service.State.Contact("anna@example.com")!;
        Assert.Equal((ann.Id, "explicit"), (anna.Id, anna.Permission));
        Assert.Equal(
            ["birthday_day=6", "birthday_month=5", "cf:Customer_ID=77", "home_phone=2", "work_street=W", "work_zip=9"],
            anna.Fields.Select(f => $"{f.Key}={f.Value}"));
        Assert.Equal([two], anna.ListIds);
        Assert.Null(service.State.Contact("ann@example.com"));
        Assert.Equal([(one, false), (two, true)],
            service.State.MembershipLog.Where(c => c.Cause == MembershipCause.Call).Select(c => (c.ListId, c.Joined)));
    }

    [Fact]
    public async Task A_change_of_one_contact_is_judged_before_it_is_made()
    {
        await using Service service = await Service.StartAsync();
        service.State.AddContact("bob@example.com", deleted: true);
        string id = service.State.AddContact("ann@example.com", listIds: [service.Simulator.ListId]).Id;
        object address = new { address = "ann@example.com" };
        async Task Refused(HttpStatusCode status, object body)
        {
            Assert.Equal(status, (await service.PutAsync("/v3/contacts/" + id, body)).Status);
            ContactView ann = service.State.Contact("ann@example.com")!;
            Assert.Empty(ann.Fields);
            Assert.Single(ann.ListIds);
        }

        await Refused(HttpStatusCode.BadRequest, new { email_address = address, first_name = "A" });
        await Refused(HttpStatusCode.BadRequest, new { update_source = "Account", first_name = "A" });
        await Refused(HttpStatusCode.BadRequest, new { email_address = address, update_source = "Nobody" });
        await Refused(HttpStatusCode.BadRequest, new { email_address = address, update_source = "Account", first_name = new string('x', 51) });
        await Refused(HttpStatusCode.BadRequest, new { email_address = address, update_source = "Account", birthday_month = 2 });
        await Refused(HttpStatusCode.BadRequest, new { email_address = address, update_source = "Account", first_name = "A", list_memberships = new[] { Guid.NewGuid() } });
        await Refused(HttpStatusCode.BadRequest, new { email_address = address, update_source = "Account", custom_fields = new[] { new { custom_field_id = "x", value = "1" } } });
        await Refused(HttpStatusCode.BadRequest, new { email_address = address, update_source = "Account", phone_numbers = new[] { new { kind = "first", phone_number = "1" } } });
        await Refused(HttpStatusCode.BadRequest, new { email_address = new { address = "ann@example.com", permission_to_send = "temp_hold" }, update_source = "Account" });
        await Refused(HttpStatusCode.Conflict, new { email_address = new { address = "BOB@example.com" }, update_source = "Account", first_name = "A" });
        Assert.Equal(HttpStatusCode.NotFound, (await service.PutAsync("/v3/contacts/" + Guid.NewGuid(), new { email_address = address, update_source = "Account" })).Status);
    }

    [Fact]
    public async Task A_change_of_one_contact_opts_out_but_not_in_again()
    {
        await using Service service = await Service.StartAsync();
        string list = service.Simulator.ListId;
        string id = service.State.AddContact("ann@example.com", listIds: [list]).Id;
        foreach (string permission in new[] { "unsubscribed", "explicit" })
        {
            Answer changed = await service.PutAsync("/v3/contacts/" + id, new
            {
                email_address = new { address = "ann@example.com", permission_to_send = permission },
                update_source = "Account",
                list_memberships = new[] { list },
            });
            Assert.Equal(HttpStatusCode.OK, changed.Status);
            Assert.Equal("unsubscribed", service.State.Contact("ann@example.com")!.Permission);
            Assert.Empty(service.State.Contact("ann@example.com")!.ListIds);
        }
    }

    [Fact]
    public async Task Contacts_are_chosen_by_when_they_were_made_changed_and_opted_out()
    {
        await using Service service = await Service.StartAsync();
        string list = service.Simulator.ListId;
        for (int i = 0; i < 6; i++)
        {
            service.State.AddContact($"p{i}@example.com", i % 3 == 0 ? "unsubscribed" : "implicit", i % 3 == 0 ? [] : [list]);
            service.Time.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.Equal([3, 4, 5], await Numbers(service, "created_after=2026-11-24T10:02:30Z"));
        Assert.Equal([1, 2], await Numbers(service, "created_after=2026-11-24T10:00:00Z&created_before=2026-11-24T10:03:00Z"));
        Assert.Equal([3], await Numbers(service, "optout_after=2026-11-24T05:00:30-05:00&status=unsubscribed"));
        Assert.Equal([0], await Numbers(service, "optout_before=2026-11-24T10:00:30Z"));
        Assert.Equal([0, 1, 2, 3, 4, 5], await Numbers(service, "status=active,unsubscribed"));
        service.State.LeaveList("p4@example.com", list);
        service.State.EditContact("p0@example.com", new Dictionary<string, string> { ["first_name"] = "Zoe" });
        Assert.Equal([0, 4], await Numbers(service, "updated_after=2026-11-24T10:05:30Z"));
        Assert.Equal([1, 2, 3, 5], await Numbers(service, "updated_before=2026-11-24T10:05:30Z"));
        Assert.Equal([1, 2, 5], await Numbers(service, "lists=" + list));
        Assert.Empty(await Numbers(service, $"lists={list}&email=p4@example.com"));
        foreach (string bad in new[] { "created_after=x", "optout_before=x", "lists=x", "limit=501", "segment_id=1", "tags=" + Guid.NewGuid(), "cursor=bGltaXQ6LTE6bmV4dDotMQ" })
            Assert.Equal(HttpStatusCode.BadRequest, (await service.GetAsync("/v3/contacts?" + bad)).Status);
    }

    [Fact]
    public async Task All_are_counted_for_the_first_page_and_the_number_goes_along()
    {
        await using Service service = await Service.StartAsync();
        for (int i = 0; i < 5; i++) service.State.AddContact($"p{i}@example.com");
        JsonElement first = (await service.GetAsync("/v3/contacts?limit=2&include_count=true&created_after=2026-01-01T00:00:00%2B01:00")).Json;
        service.State.AddContact("late@example.com");
        JsonElement second = (await service.GetAsync(Next(first))).Json;
        Assert.Equal(5, first.GetProperty("contacts_count").GetInt32());
        Assert.Equal(5, second.GetProperty("contacts_count").GetInt32());
        Assert.Equal("p2@example.com", second.GetProperty("contacts")[0].GetProperty("email_address").GetProperty("address").GetString());
        JsonElement last = (await service.GetAsync(Next(second))).Json;
        Assert.Equal(2, last.GetProperty("contacts").GetArrayLength());
        Assert.False((await service.GetAsync("/v3/contacts?limit=2")).Json.TryGetProperty("contacts_count", out _));
    }

    [Fact]
    public async Task Leavers_are_taken_off_by_way_of_a_scratch_list()
    {
        await using Service service = await Service.StartAsync();
        string list = service.Simulator.ListId;
        for (int i = 0; i < 6; i++) service.State.AddContact($"p{i}@example.com", listIds: [list]);
        string scratch = (await service.PostAsync("/v3/contact_lists", new { name = "Scratch" })).Json.GetProperty("list_id").GetString()!;
        await service.ImportToAsync(scratch, new { email = "p1@example.com" }, new { email = "p4@example.com" });
        service.Finish();
        await Job(service, "remove_list_memberships", new { source = new { list_ids = new[] { scratch } }, list_ids = new[] { list } });
        Answer deleted = await service.DeleteAsync("/v3/contact_lists/" + scratch);
        Assert.Equal(HttpStatusCode.Accepted, deleted.Status);
        service.Finish();
        Assert.Equal([0, 2, 3, 5], service.State.Contacts(list).Select(Number));
        Assert.Empty(service.State.Contact("p1@example.com")!.ListIds);
    }

    [Fact]
    public async Task A_membership_job_takes_500_ids_and_excludes_from_lists_only()
    {
        await using Service service = await Service.StartAsync();
        string list = service.Simulator.ListId;
        string[] ids = [.. Enumerable.Range(0, 501).Select(i => service.State.AddContact($"p{i}@example.com", listIds: [list]).Id)];
        object lists = new[] { list };
        Answer many = await service.PostAsync("/v3/activities/remove_list_memberships", new { source = new { contact_ids = ids }, list_ids = lists });
        Assert.Equal(HttpStatusCode.BadRequest, many.Status);
        Answer both = await service.PostAsync("/v3/activities/remove_list_memberships",
            new { source = new { contact_ids = ids[..2] }, exclude = new { contact_ids = ids[..1] }, list_ids = lists });
        Assert.Equal(HttpStatusCode.BadRequest, both.Status);
        JsonElement done = await Job(service, "remove_list_memberships", new { source = new { contact_ids = ids[1..].Append(ids[1]).Skip(1) }, list_ids = lists });
        Assert.Equal(500, done.GetProperty("status").GetProperty("items_completed_count").GetInt32());
        Assert.Equal([0], service.State.Contacts(list).Select(Number));
        await Job(service, "add_list_memberships", new { source = new { contact_ids = ids[..3] }, list_ids = lists });
        await Job(service, "remove_list_memberships", new { source = new { list_ids = lists }, exclude = new { contact_ids = ids[2..3] }, list_ids = lists });
        Assert.Equal([2], service.State.Contacts(list).Select(Number));
    }

    [Fact]
    public async Task An_export_is_of_lists_or_ids_or_the_account_by_status_and_fields()
    {
        await using Service service = await Service.StartAsync();
        string list = service.Simulator.ListId;
        var tier = new Dictionary<string, string> { ["cf:Loyalty_tier"] = "Gold", ["first_name"] = "F" };
        string[] ids = [.. Enumerable.Range(0, 4).Select(i => service.State.AddContact($"p{i}@example.com", listIds: i < 2 ? [list] : [], fields: tier).Id)];
        service.State.Unsubscribe("p3@example.com");
        service.State.DeleteContact("p2@example.com");
        string field = (await service.GetAsync("/v3/contact_custom_fields")).Json.GetProperty("custom_fields")[0].GetProperty("custom_field_id").GetString()!;
        string[] fields = ["email_address", field];
        string[] byList = await Export(service, new { list_ids = new[] { list }, fields });
        Assert.Equal(["p0@example.com", "p1@example.com"], byList[1..].Select(First));
        Assert.Contains(",Loyalty tier,", byList[0], StringComparison.Ordinal);
        Assert.DoesNotContain("First name", byList[0], StringComparison.Ordinal);
        Assert.Contains(",Gold,", byList[1], StringComparison.Ordinal);
        Assert.Equal(["p1@example.com", "p3@example.com"], (await Export(service, new { contact_ids = ids[1..], fields }))[1..].Select(First));
        Assert.Equal(["p0@example.com", "p1@example.com", "p3@example.com"], (await Export(service, new { fields, list_ids = (string[]?)null }))[1..].Select(First));
        Assert.Equal(["p2@example.com"], (await Export(service, new { fields, status = new[] { "deleted" } }))[1..].Select(First));
        Assert.Equal(["p3@example.com"], (await Export(service, new { fields, status = "unsubscribed" }))[1..].Select(First));
        Assert.Equal(["p1@example.com"], (await Export(service, new { fields, status = "active", exclude = new { contact_ids = ids[..1] } }))[1..].Select(First));
        Assert.Equal(HttpStatusCode.BadRequest, (await service.PostAsync("/v3/activities/contact_exports", new { status = "gone" })).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await service.PostAsync("/v3/activities/contact_exports", new { segment_id = 1 })).Status);
    }

    private static async Task<string[]> Export(Service service, object body)
    {
        Answer created = await service.PostAsync("/v3/activities/contact_exports", body);
        Assert.Equal(HttpStatusCode.Created, created.Status);
        service.Finish();
        Answer file = await service.GetAsync(created.Json.GetProperty("_links").GetProperty("results").GetProperty("href").GetString()!);
        return file.Body.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
    }

    private static string First(string line) => line.Split(',')[0];

    private static async Task<JsonElement> Job(Service service, string kind, object body)
    {
        Answer created = await service.PostAsync("/v3/activities/" + kind, body);
        Assert.Equal(HttpStatusCode.Created, created.Status);
        service.Finish();
        return await service.ActivityAsync(created);
    }

    /// <summary>Read two to a page, so that each filter meets a cursor.</summary>
    private static async Task<List<int>> Numbers(Service service, string query)
    {
        List<int> numbers = [];
        string? next = "/v3/contacts?limit=2&" + query;
        while (next is not null)
        {
            JsonElement page = (await service.GetAsync(next)).Json;
            numbers.AddRange(page.GetProperty("contacts").EnumerateArray()
                .Select(c => Number(c.GetProperty("email_address").GetProperty("address").GetString()!)));
            next = page.GetProperty("_links").ValueKind == JsonValueKind.Null ? null : Next(page);
        }

        return numbers;
    }

    private static int Number(ContactView contact) => Number(contact.Email);

    private static int Number(string email) => int.Parse(email[1..email.IndexOf('@', StringComparison.Ordinal)]);

    private static string Next(JsonElement page) => page.GetProperty("_links").GetProperty("next").GetProperty("href").GetString()!;
}
