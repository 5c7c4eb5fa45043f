using System.Text;
using System.Xml.Linq;
using CcExport.Engine.Exports;
using CcExport.Engine.Identity;
using CcExport.Engine.Store;
using CcExport.Engine.Tests.Exports;
using CcExport.Engine.Tests.Store;

namespace CcExport.Engine.Tests.Identity;

/// <summary>A ring that certificates wrap, and its way from one to the next.</summary>
public sealed class KeyRingWrappingTests : IDisposable
{
    private static readonly byte[] Secret = Encoding.UTF8.GetBytes("a refresh token");
    private readonly TempHome temp = new();

    public void Dispose() => temp.Dispose();

    private FileKeyRing Store => new(temp.Home, TimeProvider.System);

    private Task<KeyRing> OpenAsync(KeyRingOptions options, bool secretsExist = true) => KeyRing.OpenAsync(Store, _ => Task.FromResult(secretsExist), options, TimeProvider.System, default);

    private KeyRingKeeper Keeper(KeyRingOptions options) => new(Store, options, TimeProvider.System);

    private static KeyRingOptions With(params CertificatePlace[] certificates) => new() { Certificates = certificates };

    private async Task<byte[]> ProtectAsync(KeyRingOptions options)
    {
        using KeyRing ring = await OpenAsync(options, secretsExist: false);
        return ring.Protect("p", Secret);
    }

    private async Task ReadsAsync(KeyRingOptions options, byte[] kept)
    {
        using KeyRing ring = await OpenAsync(options);
        await ring.UnlockAsync(default);
        Assert.Equal(Secret, ring.Unprotect("p", kept));
    }

    private string Ring() => string.Concat(Directory.GetFiles(temp.Home.KeyRingFolder).Select(File.ReadAllText));

    private static async Task<CcException> FailsAsync(string id, Func<Task> act)
    {
        CcException e = await Assert.ThrowsAsync<CcException>(act);
        Assert.Equal(id, e.ErrorId);
        Assert.False(string.IsNullOrEmpty(e.Remedy));
        Assert.DoesNotContain(RingCertificates.Password, e.ToString(), StringComparison.Ordinal);
        return e;
    }

    [Fact]
    public async Task From_unwrapped_to_a_certificate_to_the_next_and_back_secrets_stay_readable()
    {
        byte[] kept = await ProtectAsync(new KeyRingOptions());
        string plainKey = XElement.Parse(Ring()).Descendants("value").Single().Value;
        Assert.Equal(64, Convert.FromBase64String(plainKey).Length);
        CertificatePlace old = RingCertificates.Pfx(temp, "old.pfx"), next = RingCertificates.Pfx(temp, "next.pfx");

        KeyRingState state = await Keeper(With(old)).WrapAsync(KeyRingWrapping.Certificate, default);
        Assert.Equal((KeyRingWrapping.Certificate, 1, true, temp.Home.KeyRingFolder), (state.Wrapping, state.Keys, state.Readable, state.Place));
        Assert.Equal([await RingCertificates.ThumbprintAsync(old)], state.WrappedBy);
        Assert.Empty(state.Findings);
        Canary(plainKey);
        await ReadsAsync(With(old), kept);

        // The new one is named first; nothing has been wrapped by it yet, and that is said.
        Assert.Contains("Protect-CcKeyRing", Assert.Single((await Keeper(With(next, old)).GetAsync(default)).Findings), StringComparison.Ordinal);
        await ReadsAsync(With(next, old), kept);
        state = await Keeper(With(next, old)).WrapAsync(KeyRingWrapping.Certificate, default);
        Assert.Equal([await RingCertificates.ThumbprintAsync(next)], state.WrappedBy);
        Assert.Empty(state.Findings);
        Canary(plainKey);
        File.Delete(old.Path!);
        await ReadsAsync(With(next), kept);

        state = await Keeper(With(next)).WrapAsync(KeyRingWrapping.None, default);
        Assert.Equal((KeyRingWrapping.None, KeyRingWrapping.Certificate), (state.Wrapping, state.Wanted));
        Assert.Single(state.Findings);
        await ReadsAsync(new KeyRingOptions(), kept);
    }

    [Fact]
    public async Task A_ring_that_is_made_wrapped_was_never_open()
    {
        CertificatePlace certificate = RingCertificates.Pfx(temp);
        byte[] kept = await ProtectAsync(With(certificate));
        await Keeper(With(certificate)).WrapAsync(KeyRingWrapping.None, default);
        string plainKey = XElement.Parse(Ring()).Descendants("value").Single().Value;
        await Keeper(With(certificate)).WrapAsync(KeyRingWrapping.Certificate, default);
        Canary(plainKey);
        await ReadsAsync(With(certificate), kept);
    }

    private void Canary(string plainKey)
    {
        byte[] bytes = Convert.FromBase64String(plainKey);
        foreach (string file in Directory.GetFiles(temp.Home.Root, "*", SearchOption.AllDirectories))
        {
            byte[] content = File.ReadAllBytes(file);
            Assert.True(content.AsSpan().IndexOf(Encoding.ASCII.GetBytes(plainKey)) < 0, file);
            Assert.True(content.AsSpan().IndexOf(bytes) < 0, file);
        }
    }

    [Fact]
    public async Task Files_with_a_password_and_of_either_kind_wrap()
    {
        CertificatePlace pfx = RingCertificates.Pfx(temp, "secret.pfx", RingCertificates.Password);
        KeyRingOptions options = With(pfx) with { CertificatePassword = RingCertificates.Password };
        byte[] kept = await ProtectAsync(options);
        await ReadsAsync(options, kept);
        CcException e = await FailsAsync("CertificateUnreadable", async () => (await OpenAsync(With(pfx) with { CertificatePassword = "another" })).Protect("p", Secret));
        Assert.Contains(KeyRingOptions.PasswordVariable, e.Remedy, StringComparison.Ordinal);

        CertificatePlace pem = RingCertificates.Pem(temp);
        await Keeper(options with { Certificates = [pem, pfx] }).WrapAsync(KeyRingWrapping.Certificate, default);
        await ReadsAsync(With(pem), kept);
    }

    [Fact]
    public async Task What_wraps_it_and_is_not_given_is_named()
    {
        CertificatePlace certificate = RingCertificates.Pfx(temp), other = RingCertificates.Pfx(temp, "other.pfx");
        await ProtectAsync(With(certificate));
        string thumbprint = await RingCertificates.ThumbprintAsync(certificate);
        foreach (KeyRingOptions options in new[] { new KeyRingOptions(), With(other) })
        {
            using KeyRing ring = await OpenAsync(options);
            CcException e = await FailsAsync("KeyRingUnreadable", () => ring.UnlockAsync(default));
            Assert.Contains(thumbprint, e.Message, StringComparison.Ordinal);
            Assert.Contains(KeyRingOptions.CertificateVariable, e.Remedy, StringComparison.Ordinal);
            await FailsAsync("KeyRingUnreadable", () => Keeper(options).WrapAsync(KeyRingWrapping.None, default));
            KeyRingState state = await Keeper(options).GetAsync(default);
            Assert.Equal((KeyRingWrapping.Certificate, false), (state.Wrapping, state.Readable));
            Assert.Contains(state.Findings, f => f.Contains(thumbprint, StringComparison.Ordinal));
        }
        File.Delete(certificate.Path!);
        using (KeyRing ring = await OpenAsync(With(other, certificate))) await FailsAsync("CertificateNotFound", () => ring.UnlockAsync(default));
    }

    [Fact]
    public async Task What_cannot_wrap_changes_nothing()
    {
        byte[] kept = await ProtectAsync(new KeyRingOptions());
        string before = Ring();
        await FailsAsync("CertificateNotFound", () => Keeper(With(RingCertificates.Place(temp.File("none.pfx")))).WrapAsync(KeyRingWrapping.Certificate, default));
        await FailsAsync("CertificateUnreadable", () => Keeper(With(RingCertificates.Pem(temp, withKey: false))).WrapAsync(KeyRingWrapping.Certificate, default));
        await FailsAsync("CertificateUnusable", () => Keeper(With(RingCertificates.WithoutKey(temp))).WrapAsync(KeyRingWrapping.Certificate, default));
        await FailsAsync("CertificateExpired", () => Keeper(With(RingCertificates.Pfx(temp, days: -1))).WrapAsync(KeyRingWrapping.Certificate, default));
        await FailsAsync("KeyRingSettingMissing", () => Keeper(new KeyRingOptions()).WrapAsync(KeyRingWrapping.Mixed, default));
        await FailsAsync("KeyRingSettingMissing", () => Keeper(new KeyRingOptions()).WrapAsync(KeyRingWrapping.KeyVault, default));
        Assert.Equal(before, Ring());
        await ReadsAsync(new KeyRingOptions(), kept);
    }

    [Fact]
    public async Task An_expired_certificate_still_unwraps()
    {
        CertificatePlace certificate = RingCertificates.Pfx(temp);
        byte[] kept = await ProtectAsync(With(certificate));
        var later = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(DateTimeOffset.UtcNow.AddDays(100));
        using KeyRing ring = await KeyRing.OpenAsync(Store, _ => Task.FromResult(true), With(certificate), later, default);
        Assert.Equal(Secret, ring.Unprotect("p", kept));
    }

    [Fact]
    public async Task A_ring_without_a_key_has_nothing_to_wrap()
    {
        temp.Home.EnsureCreated();
        KeyRingState state = await Keeper(new KeyRingOptions()).GetAsync(default);
        Assert.Equal((0, KeyRingWrapping.None, true), (state.Keys, state.Wrapping, state.Readable));
        Assert.Empty(state.Findings);
        await FailsAsync("KeyRingMissing", () => Keeper(With(RingCertificates.Pfx(temp))).WrapAsync(KeyRingWrapping.Certificate, default));
    }

    [Fact]
    public async Task Where_it_must_be_wrapped_an_unwrapped_ring_is_neither_made_nor_opened()
    {
        var must = new KeyRingOptions { MustBeWrapped = true };
        await FailsAsync("KeyRingUnwrapped", () => OpenAsync(must, secretsExist: false));
        Assert.Empty(Directory.GetFiles(temp.Home.KeyRingFolder));
        byte[] kept = await ProtectAsync(new KeyRingOptions());
        KeyRingOptions named = With(RingCertificates.Pfx(temp)) with { MustBeWrapped = true };
        CcException e = await FailsAsync("KeyRingUnwrapped", () => OpenAsync(named));
        Assert.Contains("Protect-CcKeyRing", e.Remedy, StringComparison.Ordinal);
        await Keeper(named).WrapAsync(KeyRingWrapping.Certificate, default);
        await ReadsAsync(named, kept);
        await FailsAsync("KeyRingUnwrapped", () => Keeper(named).WrapAsync(KeyRingWrapping.None, default));
    }

    [Fact]
    public async Task One_key_that_cannot_be_read_stops_the_wrapping_and_not_the_reading()
    {
        byte[] kept = await ProtectAsync(new KeyRingOptions());
        File.WriteAllText(Path.Combine(temp.Home.KeyRingFolder, "key-damaged.xml"), "<key");
        await ReadsAsync(new KeyRingOptions(), kept);
        CcException e = await FailsAsync("KeyRingUnreadable", () => Keeper(With(RingCertificates.Pfx(temp))).WrapAsync(KeyRingWrapping.Certificate, default));
        Assert.Contains("key-damaged", e.Message, StringComparison.Ordinal);
        Assert.Equal((2, KeyRingWrapping.Mixed, false), await Keeper(new KeyRingOptions()).GetAsync(default) is var s ? (s.Keys, s.Wrapping, s.Readable) : default);
    }

    [Fact]
    public void The_environment_says_what_wraps()
    {
        static KeyRingOptions Read(string? certificate, string? vault = null, string? password = null) => KeyRingOptions.FromEnvironment(name => name switch
        {
            KeyRingOptions.CertificateVariable => certificate,
            KeyRingOptions.KeyVaultVariable => vault,
            KeyRingOptions.PasswordVariable => password,
            _ => null,
        });
        Assert.Equal(KeyRingWrapping.None, Read(null).Wrapping);
        Assert.Equal(KeyRingWrapping.None, Read(" ; ", "").Wrapping);
        KeyRingOptions both = Read("/a/ring.pfx; \u200e0A 1b2c3d4e5f60718293a4b5c6d7e8f901234567", null, RingCertificates.Password);
        Assert.Equal([Path.GetFullPath("/a/ring.pfx"), null], both.Certificates.Select(c => c.Path));
        Assert.Equal([null, "0A1B2C3D4E5F60718293A4B5C6D7E8F901234567"], both.Certificates.Select(c => c.Thumbprint));
        Assert.Equal(KeyRingWrapping.Certificate, both.Wrapping);
        Assert.DoesNotContain(RingCertificates.Password, both.ToString(), StringComparison.Ordinal);
        KeyRingOptions vault = Read("/a/ring.pfx", "https://Acme.vault.azure.net/keys/ring; https://acme.vault.azure.net/keys/old/0123abc/");
        Assert.Equal(KeyRingWrapping.KeyVault, vault.Wrapping);
        Assert.Equal(["https://acme.vault.azure.net/keys/ring", "https://acme.vault.azure.net/keys/old/0123abc"], vault.KeyVault.Select(k => k.ToString()));
        foreach (string bad in new[] { "acme", "http://acme.vault.azure.net/keys/ring", "https://acme.vault.azure.net/secrets/ring", "https://acme.vault.azure.net/keys/", "https://u:p@acme.vault.azure.net/keys/ring", "https://acme.vault.azure.net/keys/ring?x=1" })
        {
            CcException e = Assert.Throws<CcException>(() => Read(null, bad));
            Assert.Equal("KeyRingSettingUnsuitable", e.ErrorId);
            Assert.DoesNotContain(bad, e.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_connection_is_tested_by_an_account_that_cannot_read_the_ring()
    {
        CertificatePlace certificate = RingCertificates.Pfx(temp);
        KeyRingOptions options = With(certificate);
        await using TestEngine test = await TestEngine.StartAsync(change: parts => parts with { KeyRing = () => options });
        Assert.True((await test.Engine.TestConnectionAsync("acme", default)).Healthy);
        await using CcEngine stranger = await CcEngine.OpenAsync(test.Home, TimeProvider.System, parts => parts with { KeyRing = () => new KeyRingOptions() }, default);
        ConnectionHealth health = await stranger.TestConnectionAsync("acme", default);
        Assert.Equal((false, "KeyRingUnreadable"), (health.Healthy, health.Status));
        string finding = Assert.Single(health.Findings);
        Assert.Contains(await RingCertificates.ThumbprintAsync(certificate), finding, StringComparison.Ordinal);
        Assert.Contains(KeyRingOptions.CertificateVariable, finding, StringComparison.Ordinal);
        CcException e = await Assert.ThrowsAsync<CcException>(() => stranger.TestConnectionAsync("none", default));
        Assert.Equal("ConnectionNotFound", e.ErrorId);
        // Everything else that needs a secret says the same, and before it does anything.
        Assert.Equal("KeyRingUnreadable", (await Assert.ThrowsAsync<CcException>(() => stranger.GetListsAsync("acme", default))).ErrorId);
    }
}
