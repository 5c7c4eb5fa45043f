using CcExport.Engine.Store;

namespace CcExport.Engine.Tests.Store;

/// <summary>Connections, sources and exports.</summary>
public abstract class DefinitionCompliance : StoreCompliance
{
    [StoreFact]
    public async Task A_connection_comes_back_as_it_was_added()
    {
        ConnectionRecord added = Records.Connection();
        await Store.Connections.AddAsync(added, None);

        IStore reopened = await AnotherAsync();
        Assert.Equivalent(added, await reopened.Connections.FindAsync(added.Id, None), strict: true);
        Assert.Equivalent(added, await reopened.Connections.FindAsync("mAIN", None), strict: true);
        Assert.Null(await reopened.Connections.FindAsync("Mai", None));
        Assert.Null(await reopened.Connections.FindAsync(Guid.NewGuid(), None));
    }

    [StoreFact]
    public async Task A_connection_may_leave_out_what_is_optional()
    {
        ConnectionRecord added = Records.Connection() with { AccountId = null, Organization = null, ContactLimit = null, SignedOutAt = null, AllowContributor = false };
        await Store.Connections.AddAsync(added, None);
        Assert.Equivalent(added, await Store.Connections.FindAsync(added.Id, None), strict: true);
    }

    [StoreFact]
    public async Task An_export_user_comes_back_counts_its_writes_and_goes_with_its_connection()
    {
        ConnectionRecord connection = Records.Connection();
        await Store.Connections.AddAsync(connection, None);
        var added = new ExportUserRecord { ConnectionId = connection.Id, Json = "{}", CreatedAt = connection.CreatedAt, SecretsVersion = 1, Secrets = [1, 2, 3] };
        await Store.ExportUsers.SaveAsync(added, None);
        IStore other = await AnotherAsync();
        Assert.Equivalent(added, await other.ExportUsers.FindAsync(connection.Id, None), strict: true);

        Assert.True(await other.ExportUsers.SaveSecretsAsync(connection.Id, 1, [4], None));
        Assert.False(await Store.ExportUsers.SaveSecretsAsync(connection.Id, 1, [5], None));
        Assert.False(await Store.ExportUsers.SaveJsonAsync(connection.Id, 1, "{\"late\":1}", None));
        Assert.True(await Store.ExportUsers.SaveJsonAsync(connection.Id, 2, "{\"now\":1}", None));
        Assert.True(await Store.ExportUsers.SaveSecretsAsync(connection.Id, 2, [6], None));
        Assert.Equivalent(added with { Json = "{\"now\":1}", SecretsVersion = 3, Secrets = [6] }, Assert.Single(await Store.ExportUsers.ListAsync(None)), strict: true);

        // Signed in anew: the version goes on, so that nobody who read before writes over it.
        await Store.ExportUsers.SaveAsync(added with { Secrets = [7] }, None);
        Assert.False(await Store.ExportUsers.SaveSecretsAsync(connection.Id, 1, [8], None));
        Assert.Equal(4, (await Store.ExportUsers.FindAsync(connection.Id, None))!.SecretsVersion);
        await FailsAsync("ConnectionNotFound", CcErrorKind.NotFound, () => Store.ExportUsers.SaveAsync(added with { ConnectionId = Guid.NewGuid() }, None));

        await Store.Connections.RemoveAsync(connection.Id, None);
        Assert.Empty(await Store.ExportUsers.ListAsync(None));
        Assert.False(await Store.ExportUsers.RemoveAsync(connection.Id, None));
        Assert.False(await Store.ExportUsers.SaveJsonAsync(connection.Id, 4, "{}", None));
    }

    [StoreFact]
    public async Task Times_keep_their_instant_whatever_their_offset()
    {
        var local = new DateTimeOffset(2026, 3, 29, 2, 30, 0, TimeSpan.FromHours(2));
        ConnectionRecord added = Records.Connection() with { ConsentedAt = local };
        await Store.Connections.AddAsync(added, None);
        DateTimeOffset read = (await Store.Connections.FindAsync(added.Id, None))!.ConsentedAt;
        Assert.Equal(local, read);
        Assert.Equal(TimeSpan.Zero, read.Offset);
    }

    [StoreTheory]
    [InlineData("Main", "MAIN")]
    [InlineData("Zürich Öl", "ZÜRICH ÖL")]
    public async Task A_name_is_taken_in_any_case(string first, string second)
    {
        await Store.Connections.AddAsync(Records.Connection(first), None);
        await Store.Sources.SaveAsync(Records.Definition(first), replace: false, None);
        await Store.Exports.SaveAsync(Records.Definition(first), replace: false, None);

        await FailsAsync("NameTaken", CcErrorKind.Conflict, () => Store.Connections.AddAsync(Records.Connection(second), None));
        await FailsAsync("NameTaken", CcErrorKind.Conflict, () => Store.Sources.SaveAsync(Records.Definition(second), replace: false, None));
        await FailsAsync("NameTaken", CcErrorKind.Conflict, () => Store.Exports.SaveAsync(Records.Definition(second), replace: false, None));
        Assert.Single(await Store.Connections.ListAsync(None));
        Assert.Equal(first, Assert.Single(await Store.Sources.ListAsync(None)).Name);
    }

    [StoreFact]
    public async Task Updating_a_connection_leaves_its_secrets_alone()
    {
        ConnectionRecord added = Records.Connection();
        await Store.Connections.AddAsync(added, None);
        Assert.True(await Store.Connections.SaveSecretsAsync(added.Id, 0, [42], Records.Noon.AddDays(9), None));

        ConnectionRecord changed = added with
        {
            Name = "Other",
            AccountId = "b",
            Organization = null,
            ContactLimit = 7,
            AllowContributor = false,
            SignedOutAt = null,
            ConsentedBy = "x",
            Secrets = [66],
            SecretsVersion = 77,
        };
        await Store.Connections.UpdateAsync(changed, None);

        ConnectionRecord expected = changed with { Secrets = [42], SecretsVersion = 1, RefreshTokenIssuedAt = Records.Noon.AddDays(9) };
        Assert.Equivalent(expected, await Store.Connections.FindAsync(added.Id, None), strict: true);
        Assert.Null(await Store.Connections.FindAsync("Main", None));
    }

    [StoreFact]
    public async Task Renaming_to_a_taken_name_or_updating_what_is_gone_fails()
    {
        ConnectionRecord a = Records.Connection("A");
        await Store.Connections.AddAsync(a, None);
        await Store.Connections.AddAsync(Records.Connection("B"), None);
        await FailsAsync("NameTaken", CcErrorKind.Conflict, () => Store.Connections.UpdateAsync(a with { Name = "b" }, None));
        await Store.Connections.UpdateAsync(a with { Name = "a" }, None);
        await FailsAsync("ConnectionNotFound", CcErrorKind.NotFound, () => Store.Connections.UpdateAsync(Records.Connection("C"), None));
        Assert.Equal(["a", "B"], (await Store.Connections.ListAsync(None)).Select(c => c.Name));
    }

    [StoreFact]
    public async Task Of_two_that_save_secrets_only_the_first_succeeds()
    {
        ConnectionRecord added = Records.Connection();
        await Store.Connections.AddAsync(added, None);
        IStore other = await AnotherAsync();

        bool[] saved = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() =>
            (i % 2 == 0 ? Store : other).Connections.SaveSecretsAsync(added.Id, 0, [(byte)i], Records.Noon, None))));

        Assert.Single(saved, true);
        ConnectionRecord read = (await Store.Connections.FindAsync(added.Id, None))!;
        Assert.Equal(1, read.SecretsVersion);
        Assert.Equal(Array.IndexOf(saved, true), read.Secrets[0]);
        await FailsAsync("ConnectionNotFound", CcErrorKind.NotFound, () => Store.Connections.SaveSecretsAsync(Guid.NewGuid(), 0, [1], Records.Noon, None));
    }

    [StoreFact]
    public async Task A_connection_that_an_export_uses_is_not_removed()
    {
        ConnectionRecord used = Records.Connection();
        await Store.Connections.AddAsync(used, None);
        await Store.Exports.SaveAsync(Records.Definition("Weekly", used.Id), replace: false, None);
        await Store.Exports.SaveAsync(Records.Definition("Daily", used.Id), replace: false, None);
        await Store.Exports.SaveAsync(Records.Definition("Loose"), replace: false, None);

        Assert.Equal(["Daily", "Weekly"], await Store.Exports.UsingConnectionAsync(used.Id, None));
        await FailsAsync("ConnectionInUse", CcErrorKind.Conflict, () => Store.Connections.RemoveAsync(used.Id, None));

        await Store.Exports.SaveAsync(Records.Definition("Weekly", connectionId: null), replace: true, None);
        Assert.True(await Store.Exports.RemoveAsync("Daily", None));
        await Store.Connections.RemoveAsync(used.Id, None);
        Assert.Empty(await Store.Connections.ListAsync(None));
        await Store.Connections.RemoveAsync(used.Id, None);
    }

    [StoreFact]
    public async Task An_export_cannot_name_a_connection_that_does_not_exist() =>
        await FailsAsync("ConnectionNotFound", CcErrorKind.NotFound,
            () => Store.Exports.SaveAsync(Records.Definition("Weekly", Guid.NewGuid()), replace: false, None));

    [StoreFact]
    public async Task Saving_over_a_definition_keeps_when_it_was_made()
    {
        DefinitionRecord first = Records.Definition("Files", json: """{"path":"a"}""");
        await Store.Sources.SaveAsync(first, replace: true, None);
        DefinitionRecord second = first with { Name = "FILES", Json = """{"path":"ü"}""", CreatedAt = Records.Noon.AddDays(5), UpdatedAt = Records.Noon.AddDays(6) };
        await Store.Sources.SaveAsync(second, replace: true, None);

        Assert.Equal(second with { CreatedAt = first.CreatedAt }, await Store.Sources.FindAsync("files", None));
        Assert.True(await Store.Sources.RemoveAsync("fiLes", None));
        Assert.False(await Store.Sources.RemoveAsync("files", None));
        Assert.Null(await Store.Sources.FindAsync("files", None));
    }

    [StoreFact]
    public async Task Definitions_are_listed_by_name()
    {
        foreach (string name in new[] { "b", "A", "c" })
        {
            await Store.Sources.SaveAsync(Records.Definition(name), replace: false, None);
            await Store.Exports.SaveAsync(Records.Definition(name), replace: false, None);
        }
        Assert.Equal(["A", "b", "c"], (await Store.Sources.ListAsync(None)).Select(d => d.Name));
        Assert.Equal(["A", "b", "c"], (await Store.Exports.ListAsync(None)).Select(d => d.Name));
        Assert.Equal(Records.Definition("A"), await Store.Exports.FindAsync("a", None));
    }

    [StoreFact]
    public async Task What_of_a_schedule_is_dealt_with_never_goes_back_and_goes_with_its_export()
    {
        await Store.Schedules.SetHandledAsync("Weekly", Records.Noon, None);
        Assert.Equal(ScheduleState.None, await Store.Schedules.GetAsync("Weekly", None));
        await Store.Exports.SaveAsync(Records.Definition("Weekly"), replace: false, None);
        await Store.Schedules.SetHandledAsync("wEEKLY", Records.Noon, None);
        await (await AnotherAsync()).Schedules.SetHandledAsync("Weekly", Records.Noon.AddHours(-1), None);
        Assert.Equal(Records.Noon, (await Store.Schedules.GetAsync("weekly", None)).HandledAt);
        await Store.Exports.SaveAsync(Records.Definition("Weekly"), replace: true, None);
        Assert.Equal(Records.Noon, (await Store.Schedules.ListAsync(None))["WEEKLY"].HandledAt);
        // Times of files are finer than a database's: what is dealt with must not be due again for that.
        DateTimeOffset fine = Records.Noon.AddDays(1).AddTicks(3);
        await Store.Schedules.SetHandledAsync("Weekly", fine, None);
        Assert.True((await Store.Schedules.GetAsync("Weekly", None)).HandledAt >= fine);
        Assert.Null(await Store.Schedules.ClaimAsync([new DueExport("Weekly", fine)], LeaseOwner.ForThisProcess("schedule", Guid.NewGuid), fine, fine.AddMinutes(1), None));
        await Store.Exports.RemoveAsync("Weekly", None);
        await Store.Exports.SaveAsync(Records.Definition("Weekly"), replace: false, None);
        Assert.Equal(ScheduleState.None, await Store.Schedules.GetAsync("Weekly", None));
    }

    [StoreFact]
    public async Task A_run_that_is_asked_for_waits_until_it_is_answered()
    {
        Assert.False(await Store.Schedules.RequestAsync("Weekly", "ann", Records.Noon, None));
        await Store.Exports.SaveAsync(Records.Definition("Weekly"), replace: false, None);
        Assert.True(await Store.Schedules.RequestAsync("wEEKLY", "ann", Records.Noon, None));
        Assert.Equal(new ScheduleState(null, Records.Noon, "ann"), await (await AnotherAsync()).Schedules.GetAsync("Weekly", None));

        // Dealing with a schedule answers nobody, and an answer to an earlier question is none to a later one.
        await Store.Schedules.SetHandledAsync("Weekly", Records.Noon.AddHours(1), None);
        Assert.True(await Store.Schedules.RequestAsync("Weekly", "bob", Records.Noon.AddMinutes(1), None));
        await Store.Schedules.AnswerAsync("Weekly", Records.Noon, None);
        Assert.Equal(new ScheduleState(Records.Noon.AddHours(1), Records.Noon.AddMinutes(1), "bob"), (await Store.Schedules.ListAsync(None))["weekly"]);
        await Store.Schedules.AnswerAsync("WEEKLY", Records.Noon.AddMinutes(1), None);
        Assert.Equal(new ScheduleState(Records.Noon.AddHours(1), null, null), await Store.Schedules.GetAsync("Weekly", None));
    }

    [StoreFact]
    public async Task Each_of_many_that_are_due_is_claimed_once_however_many_ask()
    {
        string[] names = [.. Enumerable.Range(0, 30).Select(i => $"Export {i:D2}")];
        foreach (string name in names) await Store.Exports.SaveAsync(Records.Definition(name), replace: false, None);
        IStore[] stores = [Store, await AnotherAsync((_, _) => true), await AnotherAsync((_, _) => true), await AnotherAsync((_, _) => true)];
        string[][] claimed = await Task.WhenAll(stores.Select(store => Task.Run(async () =>
        {
            List<string> mine = [];
            while (await store.Schedules.ClaimAsync([.. names.Select(At)], LeaseOwner.ForThisProcess("schedule", Guid.NewGuid), Records.Noon, Records.Noon.AddMinutes(1), None) is { } claim)
            {
                Assert.True(claim.Lease.Taken);
                mine.Add(claim.Export);
            }
            return mine.ToArray();
        })));
        Assert.Equal(names, claimed.SelectMany(c => c).Order());
        // After their time they are there to be claimed again, in the order that was asked for.
        LeaseOwner late = LeaseOwner.ForThisProcess("schedule", Guid.NewGuid);
        Assert.Equal(names[7], (await Store.Schedules.ClaimAsync([At(names[7]), At(names[3])], late, Records.Noon.AddMinutes(2), Records.Noon.AddMinutes(3), None))!.Export);
        Assert.Equal(names[3], (await Store.Schedules.ClaimAsync([At("nobody's"), At(names[3])], late, Records.Noon.AddMinutes(2), Records.Noon.AddMinutes(3), None))!.Export);
        Assert.Null(await Store.Schedules.ClaimAsync([], late, Records.Noon, Records.Noon.AddMinutes(3), None));
    }

    private static DueExport At(string name) => new(name, Records.Noon);

    [StoreFact]
    public async Task What_was_dealt_with_meanwhile_is_not_claimed_unless_somebody_asks_for_it()
    {
        await Store.Exports.SaveAsync(Records.Definition("Weekly"), replace: false, None);
        await Store.Exports.SaveAsync(Records.Definition("Daily"), replace: false, None);
        await Store.Schedules.SetHandledAsync("Weekly", Records.Noon, None);
        await Store.Schedules.SetHandledAsync("Daily", Records.Noon.AddSeconds(-1), None);
        Assert.Equal("Daily", (await ClaimAsync(At("WEEKLY"), At("Daily")))?.Export);
        Assert.Null(await ClaimAsync(At("Weekly")));
        await Store.Schedules.RequestAsync("Weekly", "ann", Records.Noon.AddMinutes(-5), None);
        Assert.Equal("weekly", (await ClaimAsync(At("weekly")))?.Export);

        Task<ScheduleClaim?> ClaimAsync(params DueExport[] due)
            => Store.Schedules.ClaimAsync(due, LeaseOwner.ForThisProcess("schedule", Guid.NewGuid), Records.Noon, Records.Noon.AddMinutes(1), None);
    }

    [StoreFact]
    public async Task A_claim_is_the_lease_and_is_taken_over_from_the_dead()
    {
        await Store.Exports.SaveAsync(Records.Definition("Weekly"), replace: false, None);
        IStore alive = await AnotherAsync((_, _) => true), dead = await AnotherAsync((_, _) => false);
        LeaseOwner first = LeaseOwner.ForThisProcess("schedule", Guid.NewGuid), second = LeaseOwner.ForThisProcess("schedule", Guid.NewGuid);
        Assert.True((await alive.Leases.TryTakeAsync(IScheduleStore.LeaseOf("Weekly"), first, Records.Noon, Records.Noon.AddMinutes(1), None)).Taken);
        Assert.Null(await alive.Schedules.ClaimAsync([At("Weekly")], second, Records.Noon, Records.Noon.AddMinutes(1), None));
        ScheduleClaim? taken = await dead.Schedules.ClaimAsync([At("Weekly")], second, Records.Noon, Records.Noon.AddMinutes(1), None);
        Assert.Equal(("Weekly", true, true), (taken!.Export, taken.Lease.TookOver, taken.Lease.FromTheDead));
        Assert.False(await alive.Leases.RenewAsync(IScheduleStore.LeaseOf("Weekly"), first, Records.Noon.AddMinutes(2), None));
        Assert.True(await alive.Leases.RenewAsync(IScheduleStore.LeaseOf("weekly"), second, Records.Noon.AddMinutes(2), None));
    }

    [StoreFact]
    public async Task What_was_announced_is_noted_once_and_goes_with_its_export()
    {
        Assert.False(await Store.Announcements.TryNoteAsync("Weekly", "ListNotFound", Records.Noon, None));
        await Store.Exports.SaveAsync(Records.Definition("Weekly") with { Secrets = [1, 2] }, replace: false, None);
        Assert.Equal([1, 2], (await Store.Exports.FindAsync("weekly", None))!.Secrets!);
        Assert.True(await Store.Announcements.TryNoteAsync("wEEKLY", "ListNotFound", Records.Noon, None));
        Assert.False(await (await AnotherAsync()).Announcements.TryNoteAsync("Weekly", "ListNotFound", Records.Noon.AddDays(1), None));
        Assert.True(await Store.Announcements.TryNoteAsync("Weekly", "GuardEmpty", Records.Noon, None));
        await Store.Announcements.ForgetAsync("weekly", "GuardEmpty", None);
        Assert.True(await Store.Announcements.TryNoteAsync("Weekly", "GuardEmpty", Records.Noon, None));
        Assert.False(await Store.Announcements.TryNoteAsync("Weekly", "ListNotFound", Records.Noon, None));
        await Store.Announcements.ForgetAsync("weekly", null, None);
        Assert.True(await Store.Announcements.TryNoteAsync("Weekly", "ListNotFound", Records.Noon, None));
        await Store.Exports.SaveAsync(Records.Definition("Weekly"), replace: true, None);
        Assert.Null((await Store.Exports.FindAsync("weekly", None))!.Secrets);
        Assert.False(await Store.Announcements.TryNoteAsync("Weekly", "ListNotFound", Records.Noon, None));
        await Store.Exports.RemoveAsync("Weekly", None);
        await Store.Exports.SaveAsync(Records.Definition("Weekly"), replace: false, None);
        Assert.True(await Store.Announcements.TryNoteAsync("Weekly", "ListNotFound", Records.Noon, None));
    }
}
