using System.Net;
using System.Text.Json;

namespace CcExport.Simulator.Tests;

/// <summary>What people and the product's users do, and the log of who joined and left.</summary>
public sealed class ProductTests
{
    private static readonly DateTimeOffset Later = Service.Start.AddMinutes(1);

    [Fact]
    public async Task A_person_leaves_a_list_and_is_put_on_one()
    {
        await using Service service = await Service.StartAsync();
        string one = service.State.Lists()[0].Id;
        string two = service.State.Lists()[1].Id;
        service.State.AddContact("ann@example.com", listIds: [one]);
        service.Time.Advance(TimeSpan.FromMinutes(1));
        Answer left = await service.PostAsync("/admin/contacts/leave", new { email = "ANN@example.com", listId = one });
        Assert.Empty(left.Json.GetProperty("listIds").EnumerateArray());
        Answer joined = await service.PostAsync("/admin/contacts/join", new { email = "ann@example.com", listId = two });
        Assert.Equal(two, joined.Json.GetProperty("listIds")[0].GetString());
        ContactView ann = service.State.Contact("ann@example.com")!;
        Assert.Equal((Later, "implicit"), (ann.UpdatedAt, ann.Permission));
        Assert.Equal([two], ann.ListIds);
        Assert.Equal([0, 1], service.State.Lists().Select(l => l.Members));
        Assert.Equal(HttpStatusCode.BadRequest, (await service.PostAsync("/admin/contacts/leave", new { email = "no@example.com", listId = one })).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await service.PostAsync("/admin/contacts/join", new { email = "ann@example.com", listId = "x" })).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await service.PostAsync("/admin/contacts/join", new { email = "ann@example.com" })).Status);
    }

    [Fact]
    public async Task Opting_out_ends_all_memberships_and_agreeing_again_gives_none()
    {
        await using Service service = await Service.StartAsync();
        string list = service.Simulator.ListId;
        service.State.AddContact("ann@example.com", listIds: [list, service.State.Lists()[1].Id]);
        service.Time.Advance(TimeSpan.FromMinutes(1));
        await service.PostAsync("/admin/contacts/unsubscribe", new { email = "ann@example.com" });
        ContactView ann = service.State.Contact("ann@example.com")!;
        Assert.Equal((Later, "unsubscribed"), (ann.UpdatedAt, ann.Permission));
        Assert.Empty(ann.ListIds);
        Assert.Equal([0, 0], service.State.Lists().Select(l => l.Members));
        Assert.Equal(HttpStatusCode.BadRequest, (await service.PostAsync("/admin/contacts/join", new { email = "ann@example.com", listId = list })).Status);
        Assert.Equal(1, (await service.ImportAndFinishAsync(new { email = "ann@example.com" })).GetProperty("status").GetProperty("cannot_add_to_list_count").GetInt32());
        Assert.Equal(["ann@example.com"], await Addresses(service, "optout_after=2026-11-24T10:00:30Z&status=all"));
        Assert.Empty(await Addresses(service, "optout_before=2026-11-24T10:00:30Z"));

        service.Time.Advance(TimeSpan.FromMinutes(1));
        await service.PostAsync("/admin/contacts/resubscribe", new { email = "ann@example.com" });
        ContactView again = service.State.Contact("ann@example.com")!;
        Assert.Equal("explicit", again.Permission);
        Assert.True(again.UpdatedAt > Later);
        Assert.Empty(again.ListIds);
        JsonElement email = (await service.GetAsync("/v3/contacts/" + again.Id)).Json.GetProperty("email_address");
        Assert.Equal("Contact", email.GetProperty("opt_in_source").GetString());
        Assert.Equal(again.UpdatedAt, email.GetProperty("opt_in_date").GetDateTimeOffset());
        Assert.Equal(JsonValueKind.Null, email.GetProperty("opt_out_date").ValueKind);
        Assert.Equal(0, (await service.ImportAndFinishAsync(new { email = "ann@example.com" })).GetProperty("status").GetProperty("cannot_add_to_list_count").GetInt32());
        Assert.Equal([list], service.State.Contact("ann@example.com")!.ListIds);
        Assert.Equal("explicit", service.State.Resubscribe("ann@example.com").Permission);
    }

    [Fact]
    public async Task Values_are_edited_and_others_stay()
    {
        await using Service service = await Service.StartAsync();
        service.State.AddContact("ann@example.com", fields: new Dictionary<string, string> { ["first_name"] = "Ann", ["last_name"] = "Lee", ["job_title"] = "Cook" });
        service.State.AddContact("bob@example.com");
        service.Time.Advance(TimeSpan.FromMinutes(1));
        Answer same = await Edit(service, "ann@example.com", new { first_name = "Ann" });
        Assert.Equal(Service.Start, same.Json.GetProperty("updatedAt").GetDateTimeOffset());
        await Edit(service, "ann@example.com", new Dictionary<string, string> { ["first_name"] = "Anna", ["last_name"] = "", ["cf:Loyalty_tier"] = "Gold" });
        ContactView ann = service.State.Contact("ann@example.com")!;
        Assert.Equal(Later, ann.UpdatedAt);
        Assert.Equal(["cf:Loyalty_tier=Gold", "first_name=Anna", "job_title=Cook"], ann.Fields.Select(f => $"{f.Key}={f.Value}"));

        await Edit(service, "ann@example.com", new { email = "anna@example.com" });
        Assert.Null(service.State.Contact("ann@example.com"));
        Assert.Equal((ann.Id, "Anna"), (service.State.Contact("anna@example.com")!.Id, service.State.Contact("anna@example.com")!.Fields["first_name"]));
        foreach (object bad in new object[] { new { nonsense = "x" }, new { birthday_month = "13" }, new { first_name = new string('x', 51) }, new { email = "bob@example.com" }, new { email = "bad" } })
            Assert.Equal(HttpStatusCode.BadRequest, (await Edit(service, "anna@example.com", bad)).Status);
    }

    [Fact]
    public async Task A_deleted_person_is_on_no_list_and_joining_revives()
    {
        await using Service service = await Service.StartAsync();
        string list = service.Simulator.ListId;
        service.State.AddContact("ann@example.com", listIds: [list]);
        service.Time.Advance(TimeSpan.FromMinutes(1));
        Answer deleted = await service.PostAsync("/admin/contacts/delete", new { email = "ann@example.com" });
        Assert.True(deleted.Json.GetProperty("deleted").GetBoolean());
        Assert.Equal(Later, service.State.Contact("ann@example.com")!.UpdatedAt);
        Assert.Equal(0, service.State.Lists()[0].Members);
        Assert.Empty(await Addresses(service, "updated_after=2026-11-24T10:00:30Z"));
        Assert.Equal(["ann@example.com"], await Addresses(service, "updated_after=2026-11-24T10:00:30Z&status=deleted"));
        Assert.Equal(HttpStatusCode.BadRequest, (await Edit(service, "ann@example.com", new { first_name = "A" })).Status);
        Assert.False(service.State.JoinList("ann@example.com", list).Deleted);
        Assert.Equal(1, service.State.Lists()[0].Members);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Joining_and_leaving_touch_a_contact_by_the_switch(bool touches)
    {
        await using Service service = await Service.StartAsync(s => s.MembershipTouches = touches);
        string one = service.State.Lists()[0].Id;
        string two = service.State.Lists()[1].Id;
        string id = service.State.AddContact("ann@example.com", listIds: [one], fields: new Dictionary<string, string> { ["first_name"] = "Ann", ["last_name"] = "Lee" }).Id;
        async Task Step(bool changes, Func<Task> act)
        {
            service.Time.Advance(TimeSpan.FromMinutes(1));
            DateTimeOffset before = service.State.Contact("ann@example.com")!.UpdatedAt;
            await act();
            service.Finish();
            DateTimeOffset after = service.State.Contact("ann@example.com")!.UpdatedAt;
            Assert.Equal(touches && changes, after > before);
        }

        object byId = new { source = new { contact_ids = new[] { id } }, list_ids = new[] { two } };
        await Step(false, () => service.ImportToAsync(one, new { email = "ann@example.com", first_name = "Ann" }));
        await Step(false, () => service.ImportToAsync(one, new { email = "ann@example.com", last_name = "Lee", first_name = "Ann" }));
        await Step(true, () => service.ImportToAsync(two, new { email = "ann@example.com", first_name = "Ann" }));
        await Step(true, () => service.PostAsync("/v3/activities/remove_list_memberships", byId));
        await Step(false, () => service.PostAsync("/v3/activities/remove_list_memberships", byId));
        await Step(true, () => service.PostAsync("/v3/activities/add_list_memberships", byId));
        await Step(false, () => service.PostAsync("/v3/activities/add_list_memberships", byId));
        await Step(true, () => Task.FromResult(service.State.LeaveList("ann@example.com", one)));
        await Step(false, () => Task.FromResult(service.State.LeaveList("ann@example.com", one)));
        await Step(true, () => service.DeleteAsync("/v3/contact_lists/" + two));
    }

    [Fact]
    public async Task The_log_says_who_was_put_back_and_by_what()
    {
        await using Service service = await Service.StartAsync(s => s.KeepMemberships = true);
        string list = service.Simulator.ListId;
        string other = service.State.Lists().Single(l => l.Id != list).Id;
        Answer first = await service.ImportAsync(new { email = "ann@example.com" }, new { email = "bob@example.com" });
        service.Finish();
        service.State.LeaveList("ann@example.com", list);
        Answer second = await service.ImportAsync(new { email = "ann@example.com" }, new { email = "bob@example.com" });
        service.Finish();
        string bob = service.State.Contact("bob@example.com")!.Id;
        Answer removal = await service.PostAsync("/v3/activities/remove_list_memberships", new { source = new { contact_ids = new[] { bob } }, list_ids = new[] { list } });
        service.Finish();
        service.State.JoinList("bob@example.com", other);
        service.State.Unsubscribe("bob@example.com");
        service.State.DeleteContact("ann@example.com");

        (string Email, string List, bool Joined, MembershipCause Cause, string? Activity)[] log =
            [.. service.State.MembershipLog.Select(c => (c.Email, c.ListId, c.Joined, c.Cause, c.ActivityId))];
        Assert.Equal(
            [
                ("ann@example.com", list, true, MembershipCause.Import, Id(first)),
                ("bob@example.com", list, true, MembershipCause.Import, Id(first)),
                ("ann@example.com", list, false, MembershipCause.Product, null),
                ("ann@example.com", list, true, MembershipCause.Import, Id(second)),
                ("bob@example.com", list, false, MembershipCause.Job, Id(removal)),
                ("bob@example.com", other, true, MembershipCause.Product, null),
                ("bob@example.com", other, false, MembershipCause.Unsubscribe, null),
                ("ann@example.com", list, false, MembershipCause.Delete, null),
            ],
            log);
        Assert.True(service.State.MembershipLog.Zip(service.State.MembershipLog.Skip(1)).All(p => p.First.At <= p.Second.At));
        JsonElement outside = (await service.GetAsync("/admin/memberships")).Json;
        Assert.Equal("import", outside[3].GetProperty("cause").GetString());
        Assert.Equal(Id(second), outside[3].GetProperty("activityId").GetString());
        Assert.True(outside[2].GetProperty("left").GetBoolean());
    }

    [Fact]
    public async Task Without_the_switch_nothing_is_written_down()
    {
        await using Service service = await Service.StartAsync();
        await service.ImportAndFinishAsync(new { email = "ann@example.com" });
        service.State.LeaveList("ann@example.com", service.Simulator.ListId);
        Assert.Empty(service.State.MembershipLog);
    }

    [Fact]
    public async Task Deletions_by_jobs_are_in_the_log_with_their_activity()
    {
        await using Service service = await Service.StartAsync(s => s.KeepMemberships = true);
        string list = service.Simulator.ListId;
        string id = service.State.AddContact("ann@example.com", listIds: [list]).Id;
        service.State.AddContact("bob@example.com", listIds: [list]);
        Answer people = await service.PostAsync("/v3/activities/contact_delete", new { contact_ids = new[] { id } });
        service.Finish();
        Answer lists = await service.DeleteAsync("/v3/contact_lists/" + list);
        service.Finish();
        Assert.Equal(
            [("ann@example.com", MembershipCause.Delete, Id(people)), ("bob@example.com", MembershipCause.Job, Id(lists))],
            service.State.MembershipLog.Where(c => c.Left).Select(c => (c.Email, c.Cause, c.ActivityId)));
    }

    [Fact]
    public async Task What_people_do_and_imports_at_once_keep_the_counts_true()
    {
        await using Service service = await Service.StartAsync(s => s.KeepMemberships = true);
        string list = service.Simulator.ListId;
        for (int i = 0; i < 50; i++) service.State.AddContact($"p{i}@example.com", listIds: [list]);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(worker => Task.Run(async () =>
        {
            var random = new Random(worker);
            for (int step = 0; step < 100; step++)
            {
                string email = $"p{random.Next(50)}@example.com";
                switch (random.Next(6))
                {
                    case 0: service.State.LeaveList(email, list); break;
                    case 1: service.State.Unsubscribe(email); break;
                    case 2: service.State.Resubscribe(email); break;
                    case 3: service.State.DeleteContact(email); break;
                    case 4: service.State.AddContact(email); break;
                    default: await service.ImportAsync(new { email }); break;
                }
            }
        })));
        service.Time.Advance(TimeSpan.FromMinutes(10));
        int members = service.State.Contacts(list).Count;
        Assert.Equal(members, service.State.Lists().Single(l => l.Id == list).Members);
        Assert.Equal(members, service.State.MembershipLog.Sum(c => c.Joined ? 1 : -1));
        JsonElement counts = (await service.GetAsync("/v3/contacts/counts")).Json;
        Assert.Equal(service.State.Contacts().Count, counts.GetProperty("total").GetInt32());
    }

    private static string Id(Answer created) => created.Json.GetProperty("activity_id").GetString()!;

    private static Task<Answer> Edit(Service service, string email, object fields) =>
        service.PostAsync("/admin/contacts/edit", new { email, fields });

    private static async Task<List<string>> Addresses(Service service, string query) =>
        [.. (await service.GetAsync("/v3/contacts?" + query)).Json.GetProperty("contacts").EnumerateArray()
            .Select(c => c.GetProperty("email_address").GetProperty("address").GetString()!)];
}
