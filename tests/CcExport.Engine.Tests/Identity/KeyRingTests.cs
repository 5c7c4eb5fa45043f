using System.Text;
using CcExport.Engine.Identity;
using CcExport.Engine.Store;
using CcExport.Engine.Store.Sqlite;
using CcExport.Engine.Tests.Store;

namespace CcExport.Engine.Tests.Identity;

public sealed class KeyRingTests : IDisposable
{
    private static readonly byte[] Secret = Encoding.UTF8.GetBytes("a refresh token");
    private readonly TempHome temp = new();

    public void Dispose() => temp.Dispose();

    private Task<KeyRing> OpenAsync(bool secretsExist = false, KeyRingOptions? options = null) =>
        KeyRing.OpenAsync(new FileKeyRing(temp.Home, TimeProvider.System), _ => Task.FromResult(secretsExist), options ?? new KeyRingOptions(), TimeProvider.System, CancellationToken.None);

    private string[] Keys() => Directory.GetFiles(temp.Home.KeyRingFolder, "key-*.xml");

    private static void Unreadable(Action act)
    {
        CcException e = Assert.Throws<CcException>(act);
        Assert.Equal(("SecretUnreadable", CcErrorKind.Storage), (e.ErrorId, e.Kind));
        Assert.DoesNotContain("refresh token", e.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_secret_is_read_again_by_another_process_and_by_nothing_else()
    {
        byte[] kept;
        using (KeyRing ring = await OpenAsync())
        {
            kept = ring.Protect("connection:1", Secret);
            Assert.True(kept.AsSpan().IndexOf(Secret) < 0);
            Assert.NotEqual(kept, ring.Protect("connection:1", Secret));
        }
        using KeyRing again = await OpenAsync(secretsExist: true);
        Assert.Equal(Secret, again.Unprotect("connection:1", kept));
        Assert.Single(Keys());

        Unreadable(() => again.Unprotect("connection:2", kept));
        Unreadable(() => again.Unprotect("connection:1", kept.AsSpan(0, kept.Length - 1)));
        // What a shared store shows of a secret to whom it does not show it.
        Assert.Equal("RunnerOnly", Assert.Throws<CcException>(() => again.Unprotect("connection:1", [])).ErrorId);
        kept[^1] ^= 1;
        Unreadable(() => again.Unprotect("connection:1", kept));
    }

    [Fact]
    public async Task Many_that_start_at_once_make_one_key()
    {
        for (int round = 0; round < 5; round++)
        {
            using var fresh = new TempHome();
            KeyRing[] rings = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
                KeyRing.OpenAsync(new FileKeyRing(fresh.Home, TimeProvider.System), _ => Task.FromResult(false), new KeyRingOptions(), TimeProvider.System, CancellationToken.None))));
            Assert.Single(Directory.GetFiles(fresh.Home.KeyRingFolder, "key-*.xml"));
            foreach (KeyRing ring in rings)
            {
                Assert.Equal(Secret, rings[0].Unprotect("p", ring.Protect("p", Secret)));
                ring.Dispose();
            }
        }
    }

    [Fact]
    public async Task A_lost_ring_is_an_error_and_never_a_new_one()
    {
        (await OpenAsync()).Dispose();
        File.Delete(Keys().Single());
        CcException e = await Assert.ThrowsAsync<CcException>(() => OpenAsync(secretsExist: true));
        Assert.Equal(("KeyRingMissing", CcErrorKind.Storage), (e.ErrorId, e.Kind));
        Assert.Empty(Keys());
    }

    [Fact]
    public async Task Another_homes_ring_reads_nothing_and_adds_no_key()
    {
        using KeyRing ring = await OpenAsync();
        byte[] kept = ring.Protect("p", Secret);
        using var other = new TempHome();
        using KeyRing stranger = await KeyRing.OpenAsync(
            new FileKeyRing(other.Home, TimeProvider.System), _ => Task.FromResult(false), new KeyRingOptions(), TimeProvider.System, CancellationToken.None);
        Unreadable(() => stranger.Unprotect("p", kept));
        Assert.Single(Directory.GetFiles(other.Home.KeyRingFolder));
    }

    [Fact]
    public async Task A_damaged_key_is_told_and_not_replaced()
    {
        byte[] kept;
        using (KeyRing ring = await OpenAsync())
        {
            kept = ring.Protect("p", Secret);
        }
        File.WriteAllText(Keys().Single(), "<key");
        using KeyRing broken = await OpenAsync(secretsExist: true);
        Unreadable(() => broken.Unprotect("p", kept));
        CcException e = Assert.Throws<CcException>(() => broken.Protect("p", Secret));
        Assert.Equal(("KeyRingUnreadable", CcErrorKind.Storage), (e.ErrorId, e.Kind));
        Assert.Single(Keys());
    }

    [Fact]
    public async Task A_certificate_wraps_the_key_and_is_needed_to_read_it()
    {
        CertificatePlace certificate = RingCertificates.Pfx(temp);
        byte[] kept;
        using (KeyRing ring = await OpenAsync(options: new KeyRingOptions { Certificates = [certificate] }))
        {
            kept = ring.Protect("p", Secret);
        }
        Assert.Contains("EncryptedData", File.ReadAllText(Keys().Single()), StringComparison.Ordinal);
        using (KeyRing without = await OpenAsync(secretsExist: true))
        {
            Unreadable(() => without.Unprotect("p", kept));
        }
        using KeyRing with = await OpenAsync(secretsExist: true, new KeyRingOptions { Certificates = [certificate] });
        Assert.Equal(Secret, with.Unprotect("p", kept));
        Assert.Single(Keys());
    }

    [Fact]
    public async Task The_ring_is_its_owners()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }
        (await OpenAsync()).Dispose();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Keys().Single()));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(temp.Home.KeyRingFolder));
    }

    [Fact]
    public async Task A_ring_made_by_this_version_stays_readable()
    {
        // A key and a secret as they were written when this test was: what an upgrade must still read.
        temp.Home.EnsureCreated();
        File.WriteAllText(Path.Combine(temp.Home.KeyRingFolder, $"key-{OldRing.KeyId}.xml"), OldRing.Key);
        using KeyRing ring = await OpenAsync(secretsExist: true);
        Assert.Equal(Secret, ring.Unprotect("connection:1", Convert.FromBase64String(OldRing.Protected)));
    }

    [Fact]
    public async Task The_store_knows_whether_it_holds_secrets()
    {
        await using SqliteStore store = await SqliteStore.OpenAsync(temp.Home, TimeProvider.System, CancellationToken.None);
        Task<bool> Exist() => StoredSecrets.ExistAsync(store, CancellationToken.None);
        Assert.False(await Exist());
        long run = await store.Runs.OpenAsync(Records.Run(), CancellationToken.None);
        Assert.True(await Exist());
        await store.Runs.CloseAsync(run, RunStatus.Failed, Records.Numbers, null, Records.Noon, CancellationToken.None);
        Assert.False(await Exist());
        await store.Connections.AddAsync(Records.Connection(), CancellationToken.None);
        Assert.True(await Exist());
    }

    [Fact]
    public async Task Each_thing_that_only_the_ring_can_read_is_a_secret_of_the_store()
    {
        await using SqliteStore store = await SqliteStore.OpenAsync(temp.Home, TimeProvider.System, CancellationToken.None);
        Task<bool> Exist() => StoredSecrets.ExistAsync(store, CancellationToken.None);
        var she = new SuppressionRecord([1], "SuppressionList", Records.Noon, "ann", null);
        await store.Suppressions.AddAsync([she], CancellationToken.None);
        Assert.True(await Exist());
        await store.Suppressions.RemoveAsync([she.Address], CancellationToken.None);
        Assert.False(await Exist());

        var image = new PreImageRecord { RunId = 1, CreatedAt = Records.Noon, Why = "it was not kept" };
        await store.PreImages.PutAsync(image, CancellationToken.None);
        Assert.False(await Exist());
        await store.PreImages.PutAsync(image with { File = "p", Key = [2], Why = null }, CancellationToken.None);
        Assert.True(await Exist());
        await store.PreImages.RemoveAsync([1], CancellationToken.None);
        Assert.False(await Exist());

        var remembered = new FingerprintRecord { Export = "Weekly", Account = "a", ListId = "l", File = "f", Key = [1], Records = 3, RunId = 1, UpdatedAt = Records.Noon };
        Assert.True(await store.Fingerprints.PutAsync(remembered, null, CancellationToken.None));
        Assert.True(await Exist());
    }

    [Fact]
    public void The_consent_statement_says_what_leaves_and_who_answers_for_it()
    {
        Assert.NotEmpty(ConsentStatement.Version);
        Assert.InRange(ConsentStatement.Text.Split('\n').Length, 8, 14);
        foreach (string word in new[] { "Constant Contact", "e-mail address", "third party", "responsible", "recorded" })
        {
            Assert.Contains(word, ConsentStatement.Text, StringComparison.Ordinal);
        }
    }
}
