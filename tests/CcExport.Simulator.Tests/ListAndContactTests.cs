using System.Net;
using System.Text.Json;

namespace CcExport.Simulator.Tests;

public sealed class ListAndContactTests
{
    [Fact]
    public async Task Lists_are_made_renamed_found_by_name_and_deleted()
    {
        await using Service service = await Service.StartAsync();
        Answer made = await service.PostAsync("/v3/contact_lists", new { name = "Spring", description = "d" });
        Assert.Equal(HttpStatusCode.Created, made.Status);
        string id = made.Json.GetProperty("list_id").GetString()!;
        Answer twice = await service.PostAsync("/v3/contact_lists", new { name = "SPRING" });
        Assert.Equal(HttpStatusCode.Conflict, twice.Status);
        Assert.Equal("contacts.api.conflict", twice.ErrorKey);
        Assert.Equal(HttpStatusCode.BadRequest, (await service.PostAsync("/v3/contact_lists", new { name = "" })).Status);
        Assert.Equal(HttpStatusCode.OK, (await service.PutAsync("/v3/contact_lists/" + id, new { name = "Summer" })).Status);
        Answer found = await service.GetAsync("/v3/contact_lists?name=summer&include_count=true");
        Assert.Equal(id, found.Json.GetProperty("lists")[0].GetProperty("list_id").GetString());
        Assert.Equal(1, found.Json.GetProperty("lists_count").GetInt32());

        await service.ImportToAsync(id, new { email = "a@example.com" });
        service.Finish();
        Answer deleted = await service.DeleteAsync("/v3/contact_lists/" + id);
        Assert.Equal(HttpStatusCode.Accepted, deleted.Status);
        Assert.Equal("/v3/activities/" + deleted.Json.GetProperty("activity_id").GetString(), deleted.Headers.Location!.ToString());
        service.Finish();
        JsonElement gone = (await service.GetAsync($"/v3/contact_lists/{id}?include_membership_count=all")).Json;
        Assert.True(gone.TryGetProperty("deleted_at", out _));
        Assert.Equal(0, gone.GetProperty("membership_count").GetInt32());
        Assert.Equal(0, (await service.GetAsync("/v3/contact_lists?name=Summer")).Json.GetProperty("lists").GetArrayLength());
        Assert.Equal(1, (await service.GetAsync("/v3/contact_lists?name=Summer&status=deleted")).Json.GetProperty("lists").GetArrayLength());
        Assert.Single(service.State.Contacts());
        Assert.Equal(HttpStatusCode.BadRequest, (await service.ImportToAsync(id, new { email = "b@example.com" })).Status);
    }

    [Fact]
    public async Task Lists_are_paged_with_their_filters()
    {
        await using Service service = await Service.StartAsync();
        for (int i = 0; i < 9; i++) service.State.AddList("List " + i);
        List<string> names = [];
        string? next = "/v3/contact_lists?limit=4&include_membership_count=active";
        while (next is not null)
        {
            JsonElement page = (await service.GetAsync(next)).Json;
            Assert.All(page.GetProperty("lists").EnumerateArray(), l => Assert.True(l.TryGetProperty("membership_count", out _)));
            names.AddRange(page.GetProperty("lists").EnumerateArray().Select(l => l.GetProperty("name").GetString()!));
            next = Next(page);
        }

        Assert.Equal(["Newsletter", "Customers", .. Enumerable.Range(0, 9).Select(i => "List " + i)], names);
        Answer bad = await service.GetAsync("/v3/contact_lists?include_membership_count=some");
        Assert.Equal(HttpStatusCode.BadRequest, bad.Status);
        Assert.Contains("include_membership_count does not have a valid value", bad.Body, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.BadRequest, (await service.GetAsync("/v3/contact_lists?cursor=rubbish")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await service.GetAsync("/v3/contact_lists/" + Guid.NewGuid())).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await service.GetAsync("/v3/contact_lists/12")).Status);
    }

    [Fact]
    public async Task Custom_fields_are_made_and_paged()
    {
        await using Service service = await Service.StartAsync();
        Answer made = await service.PostAsync("/v3/contact_custom_fields", new { label = "Shoe size", type = "string" });
        Assert.Equal(HttpStatusCode.Created, made.Status);
        Assert.Equal("Shoe_size", made.Json.GetProperty("name").GetString());
        Assert.Equal(HttpStatusCode.Conflict, (await service.PostAsync("/v3/contact_custom_fields", new { label = "shoe size", type = "string" })).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await service.PostAsync("/v3/contact_custom_fields", new { label = "X", type = "nope" })).Status);
        JsonElement first = (await service.GetAsync("/v3/contact_custom_fields?limit=3")).Json;
        JsonElement second = (await service.GetAsync(Next(first)!)).Json;
        Assert.Equal(3, first.GetProperty("custom_fields").GetArrayLength());
        Assert.Equal("Shoe size", Assert.Single(second.GetProperty("custom_fields").EnumerateArray()).GetProperty("label").GetString());
        Assert.Null(Next(second));
        await service.ImportAndFinishAsync(new Dictionary<string, string> { ["email"] = "a@example.com", ["cf:Shoe_size"] = "42" });
        Assert.Equal("42", service.State.Contact("a@example.com")!.Fields["cf:Shoe_size"]);
    }

    [Fact]
    public async Task Contacts_are_paged_by_list_status_and_time()
    {
        await using Service service = await Service.StartAsync();
        string list = service.Simulator.ListId;
        for (int i = 0; i < 7; i++) service.State.AddContact($"p{i}@example.com", listIds: [list]);
        service.State.AddContact("other@example.com");
        service.State.AddContact("out@example.com", "unsubscribed");
        service.State.AddContact("gone@example.com", deleted: true);
        List<string> read = [];
        string? next = $"/v3/contacts?lists={list}&limit=3&include=list_memberships&include_count=true";
        while (next is not null)
        {
            JsonElement page = (await service.GetAsync(next)).Json;
            Assert.Equal(7, page.GetProperty("contacts_count").GetInt32());
            foreach (JsonElement contact in page.GetProperty("contacts").EnumerateArray())
            {
                read.Add(Address(contact));
                Assert.Equal(list, Assert.Single(contact.GetProperty("list_memberships").EnumerateArray()).GetString());
            }

            next = Next(page);
        }

        Assert.Equal([.. Enumerable.Range(0, 7).Select(i => $"p{i}@example.com")], read);
        Assert.Equal(["out@example.com"], await Addresses(service, "status=unsubscribed"));
        Assert.Equal(["gone@example.com"], await Addresses(service, "status=deleted"));
        Assert.Equal(["other@example.com"], await Addresses(service, "email=OTHER@example.com"));
        Assert.Equal(10, (await Addresses(service, "status=all")).Count);
        Assert.Equal(9, (await Addresses(service, "")).Count);
        service.Time.Advance(TimeSpan.FromMinutes(1));
        await service.ImportAndFinishAsync(new { email = "p3@example.com", first_name = "New" });
        Assert.Equal(["p3@example.com"], await Addresses(service, "updated_after=2026-11-24T10:00:30Z"));
        Assert.Equal(HttpStatusCode.BadRequest, (await service.GetAsync("/v3/contacts?status=nope")).Status);
        JsonElement counts = (await service.GetAsync("/v3/contacts/counts")).Json;
        Assert.Equal(9, counts.GetProperty("total").GetInt32());
        Assert.Equal(1, counts.GetProperty("unsubscribed").GetInt32());
        Assert.Equal(8, counts.GetProperty("implicit").GetInt32());
    }

    [Fact]
    public async Task A_contact_shows_the_parts_that_were_asked_for()
    {
        await using Service service = await Service.StartAsync();
        await service.ImportAndFinishAsync(new Dictionary<string, object>
        {
            ["email"] = "a@example.com",
            ["birthday_month"] = 2,
            ["birthday_day"] = 3,
            ["work_phone"] = "1",
            ["home_street"] = "S",
            ["home_street2"] = "2",
            ["cf:Loyalty_tier"] = "Gold",
        });
        string id = service.State.Contact("a@example.com")!.Id;
        JsonElement plain = (await service.GetAsync("/v3/contacts/" + id)).Json;
        Assert.Equal(3, plain.GetProperty("birthday_day").GetInt32());
        Assert.False(plain.TryGetProperty("custom_fields", out _));
        JsonElement full = (await service.GetAsync($"/v3/contacts/{id}?include=custom_fields,phone_numbers,street_addresses")).Json;
        Assert.Equal("Gold", full.GetProperty("custom_fields")[0].GetProperty("value").GetString());
        Assert.Equal("work", full.GetProperty("phone_numbers")[0].GetProperty("kind").GetString());
        Assert.Equal("S 2", full.GetProperty("street_addresses")[0].GetProperty("street").GetString());
        Assert.Equal(HttpStatusCode.NotFound, (await service.GetAsync("/v3/contacts/" + Guid.NewGuid())).Status);
    }

    [Fact]
    public async Task Memberships_are_added_and_removed_by_ids_lists_and_for_all()
    {
        await using Service service = await Service.StartAsync();
        string one = service.State.Lists()[0].Id;
        string two = service.State.Lists()[1].Id;
        string ann = service.State.AddContact("ann@example.com", listIds: [one]).Id;
        string bob = service.State.AddContact("bob@example.com", listIds: [one]).Id;
        service.State.AddContact("out@example.com", "unsubscribed");
        await Job(service, "add_list_memberships", new { source = new { list_ids = new[] { one } }, exclude = new { contact_ids = new[] { bob } }, list_ids = new[] { two } });
        Assert.Equal(["ann@example.com"], service.State.Contacts(two).Select(c => c.Email));
        await Job(service, "add_list_memberships", new { source = new { all_active_contacts = true }, list_ids = new[] { two } });
        Assert.Equal(2, service.State.Lists()[1].Members);
        JsonElement done = await Job(service, "remove_list_memberships", new { source = new { contact_ids = new[] { ann } }, list_ids = new[] { one, two } });
        Assert.Equal(1, done.GetProperty("status").GetProperty("items_completed_count").GetInt32());
        Assert.Equal(2, done.GetProperty("status").GetProperty("list_count").GetInt32());
        Assert.Equal(["bob@example.com"], service.State.Contacts(one).Select(c => c.Email));
        Assert.Equal(1, service.State.Lists()[1].Members);
        Answer bad = await service.PostAsync("/v3/activities/remove_list_memberships",
            new { source = new { contact_ids = new[] { ann }, all_active_contacts = true }, list_ids = new[] { one } });
        Assert.Equal(HttpStatusCode.BadRequest, bad.Status);
        await Job(service, "contact_delete", new { contact_ids = new[] { bob } });
        Assert.True(service.State.Contact("bob@example.com")!.Deleted);
        Assert.Equal(0, service.State.Lists()[0].Members);
        await Job(service, "list_delete", new { list_ids = new[] { two } });
        Assert.NotNull(service.State.Lists()[1].DeletedAt);
    }

    [Fact]
    public async Task An_export_is_a_file_with_headings_for_people()
    {
        await using Service service = await Service.StartAsync();
        string list = service.Simulator.ListId;
        service.State.AddContact("a@example.com", listIds: [list], fields: new Dictionary<string, string>
        {
            ["first_name"] = "A \"quoted\", name",
            ["cf:Loyalty_tier"] = "Gold",
        });
        service.State.AddContact("elsewhere@example.com");
        Answer created = await service.PostAsync("/v3/activities/contact_exports", new { list_ids = new[] { list } });
        string results = created.Json.GetProperty("_links").GetProperty("results").GetProperty("href").GetString()!;
        Assert.Equal(HttpStatusCode.NotFound, (await service.GetAsync(results)).Status);
        service.Finish();
        HttpRequestMessage request = service.Authorized(HttpMethod.Get, results);
        request.Headers.Accept.ParseAdd("text/csv");
        Answer file = await service.SendAsync(request);
        Assert.Equal("text/csv", file.ContentType);
        string[] lines = file.Body.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        Assert.StartsWith("Email address,", lines[0], StringComparison.Ordinal);
        Assert.Contains(",Loyalty tier,", lines[0], StringComparison.Ordinal);
        Assert.Contains("\"A \"\"quoted\"\", name\"", lines[1], StringComparison.Ordinal);

        Answer narrow = await service.PostAsync("/v3/activities/contact_exports", new { fields = new[] { "email_address" } });
        service.Finish();
        string narrowResults = narrow.Json.GetProperty("_links").GetProperty("results").GetProperty("href").GetString()!;
        string[] all = (await service.GetAsync(narrowResults)).Body.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, all.Length);
        Assert.DoesNotContain("First name", all[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_account_and_its_user_are_described()
    {
        await using Service service = await Service.StartAsync();
        Assert.NotEmpty((await service.GetAsync("/v3/account/summary")).Json.GetProperty("encoded_account_id").GetString()!);
        JsonElement privileges = (await service.GetAsync("/v3/account/user/privileges")).Json;
        Assert.Contains("contacts:write", privileges.EnumerateArray().Select(p => p.GetProperty("privilege_name").GetString()));
    }

    private static async Task<JsonElement> Job(Service service, string kind, object body)
    {
        Answer created = await service.PostAsync("/v3/activities/" + kind, body);
        Assert.Equal(HttpStatusCode.Created, created.Status);
        service.Finish();
        return await service.ActivityAsync(created);
    }

    private static async Task<List<string>> Addresses(Service service, string query) =>
        [.. (await service.GetAsync("/v3/contacts?" + query)).Json.GetProperty("contacts").EnumerateArray().Select(Address)];

    private static string Address(JsonElement contact) => contact.GetProperty("email_address").GetProperty("address").GetString()!;

    private static string? Next(JsonElement page) =>
        page.TryGetProperty("_links", out JsonElement links) && links.ValueKind == JsonValueKind.Object
            ? links.GetProperty("next").GetProperty("href").GetString()
            : null;
}
