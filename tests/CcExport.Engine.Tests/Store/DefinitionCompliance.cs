using CcExport.Engine.Store;

namespace CcExport.Engine.Tests.Store;

/// <summary>Connections, sources and exports.</summary>
public abstract class DefinitionCompliance : StoreCompliance
{
    [Fact]
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

    [Fact]
    public async Task A_connection_may_leave_out_what_is_optional()
    {
        ConnectionRecord added = Records.Connection() with { AccountId = null, Organization = null, ContactLimit = null, SignedOutAt = null, AllowContributor = false };
        await Store.Connections.AddAsync(added, None);
        Assert.Equivalent(added, await Store.Connections.FindAsync(added.Id, None), strict: true);
    }

    [Fact]
    public async Task Times_keep_their_instant_whatever_their_offset()
    {
        var local = new DateTimeOffset(2026, 3, 29, 2, 30, 0, TimeSpan.FromHours(2));
        ConnectionRecord added = Records.Connection() with { ConsentedAt = local };
        await Store.Connections.AddAsync(added, None);
        DateTimeOffset read = (await Store.Connections.FindAsync(added.Id, None))!.ConsentedAt;
        Assert.Equal(local, read);
        Assert.Equal(TimeSpan.Zero, read.Offset);
    }

    [Theory]
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

    [Fact]
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

    [Fact]
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

    [Fact]
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

    [Fact]
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

    [Fact]
    public async Task An_export_cannot_name_a_connection_that_does_not_exist() =>
        await FailsAsync("ConnectionNotFound", CcErrorKind.NotFound,
            () => Store.Exports.SaveAsync(Records.Definition("Weekly", Guid.NewGuid()), replace: false, None));

    [Fact]
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

    [Fact]
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
}
