using System.Text;
using System.Xml.Linq;
using Azure.Core;
using Azure.Identity;
using CcExport.Engine.Identity;
using CcExport.Engine.Store;
using CcExport.Engine.Tests.Identity.Entra;
using CcExport.Engine.Tests.Store;

namespace CcExport.Engine.Tests.Identity;

/// <summary>
/// A ring that Key Vault wraps: our real calls, over HTTPS, to a vault of the tests. In the collection of the managed identity, which lives in the environment of
/// the process.
/// </summary>
[Collection(nameof(ManagedIdentityTests))]
public sealed class KeyVaultTests : IDisposable
{
    private static readonly byte[] Secret = Encoding.UTF8.GetBytes("a refresh token");
    private readonly TempHome temp = new();

    public void Dispose() => temp.Dispose();

    private FileKeyRing Store => new(temp.Home, TimeProvider.System);

    private Task<KeyRing> OpenAsync(KeyRingOptions options, bool secretsExist = true) => KeyRing.OpenAsync(Store, _ => Task.FromResult(secretsExist), options, TimeProvider.System, default);

    private KeyRingKeeper Keeper(KeyRingOptions options) => new(Store, options, TimeProvider.System);

    private string KeyFile => Directory.GetFiles(temp.Home.KeyRingFolder, "key-*.xml").Single();

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

    private static async Task<CcException> FailsAsync(string id, CcErrorKind kind, Func<Task> act)
    {
        CcException e = await Assert.ThrowsAsync<CcException>(act);
        Assert.Equal((id, kind), (e.ErrorId, e.Kind));
        Assert.False(string.IsNullOrEmpty(e.Remedy));
        Assert.DoesNotContain("example.com", e.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(FixedCredential.Token, e.ToString(), StringComparison.Ordinal);
        return e;
    }

    private async Task<CcException> UnlockFailsAsync(string id, CcErrorKind kind, KeyRingOptions options)
    {
        using KeyRing ring = await OpenAsync(options);
        return await FailsAsync(id, kind, () => ring.UnlockAsync(default));
    }

    [Fact]
    public async Task A_new_ring_is_wrapped_by_the_vault_and_needs_it()
    {
        await using VaultServer vault = await VaultServer.StartAsync();
        var credential = new FixedCredential();
        KeyRingOptions options = vault.Options() with { Credential = credential, MustBeWrapped = true };
        byte[] kept = await ProtectAsync(options);
        Assert.All(credential.Asked, asked => Assert.Equal(("https://vault.azure.net/.default", "11111111-2222-3333-4444-555555555555"), asked));
        // Nothing is shown before it is known to whom.
        Assert.All(vault.Calls, call => Assert.Equal(call.Token, call.Body));
        XElement key = XElement.Load(KeyFile);
        Assert.Empty(key.Descendants("value"));
        string by = $"https://{VaultServer.Host}/keys/ring/{vault.Newest["ring"]}";
        Assert.Equal(by, (string?)key.Descendants("keyVault").Single().Attribute("key"));
        await ReadsAsync(options, kept);

        KeyRingState state = await Keeper(options).GetAsync(default);
        Assert.Equal((KeyRingWrapping.KeyVault, true), (state.Wrapping, state.Readable));
        Assert.Equal([by], state.WrappedBy);
        Assert.Empty(state.Findings);

        foreach (KeyRingOptions without in new[] { new KeyRingOptions(), vault.Options(VaultServer.Key("another")) })
        {
            int calls = vault.Calls.Count;
            CcException e = await UnlockFailsAsync("KeyRingUnreadable", CcErrorKind.Storage, without);
            Assert.Contains(by, e.Message, StringComparison.Ordinal);
            Assert.Contains(KeyRingOptions.KeyVaultVariable, e.Remedy, StringComparison.Ordinal);
            Assert.Equal(calls, vault.Calls.Count);
        }
    }

    [Fact]
    public async Task From_a_certificate_to_the_vault_through_a_new_version_and_back()
    {
        await using VaultServer vault = await VaultServer.StartAsync();
        CertificatePlace certificate = RingCertificates.Pfx(temp);
        var first = new KeyRingOptions { Certificates = [certificate] };
        byte[] kept = await ProtectAsync(first);
        KeyRingOptions both = vault.Options() with { Certificates = [certificate] };
        await ReadsAsync(both, kept);
        Assert.Equal(KeyRingWrapping.KeyVault, (await Keeper(both).WrapAsync(both.Wrapping, default)).Wrapping);
        await ReadsAsync(vault.Options(), kept);

        string old = vault.Newest["ring"], next = vault.Roll("ring");
        await ReadsAsync(vault.Options(), kept);
        KeyRingState state = await Keeper(vault.Options()).WrapAsync(KeyRingWrapping.KeyVault, default);
        Assert.EndsWith(next, Assert.Single(state.WrappedBy), StringComparison.Ordinal);
        await ReadsAsync(vault.Options(VaultServer.Key("ring", old)), kept);

        Assert.Equal(KeyRingWrapping.Certificate, (await Keeper(both).WrapAsync(KeyRingWrapping.Certificate, default)).Wrapping);
        await ReadsAsync(first, kept);
    }

    [Fact]
    public async Task What_the_vault_refuses_says_what_to_do()
    {
        await using VaultServer vault = await VaultServer.StartAsync();
        KeyRingOptions options = vault.Options();
        byte[] kept = await ProtectAsync(options);
        string before = File.ReadAllText(KeyFile);

        vault.Refuse = (403, "Forbidden", "ForbiddenByRbac");
        CcException e = await UnlockFailsAsync("KeyVaultForbidden", CcErrorKind.Permission, options);
        Assert.Contains("ForbiddenByRbac, HTTP 403", e.Message, StringComparison.Ordinal);
        Assert.Contains("Crypto", e.Remedy, StringComparison.Ordinal);
        KeyRingState state = await Keeper(options).GetAsync(default);
        Assert.False(state.Readable);
        Assert.Contains("ForbiddenByRbac", Assert.Single(state.Findings), StringComparison.Ordinal);
        vault.Refuse = (400, "anne@example.com", null);
        await UnlockFailsAsync("KeyVaultRefused", CcErrorKind.Service, options);
        vault.Refuse = null;
        await FailsAsync("KeyVaultKeyNotFound", CcErrorKind.NotFound, () => Keeper(vault.Options(VaultServer.Key("none"), VaultServer.Key())).WrapAsync(KeyRingWrapping.KeyVault, default));
        vault.Accepts = _ => false;
        await UnlockFailsAsync("KeyVaultForbidden", CcErrorKind.Permission, options);
        vault.Accepts = _ => true;
        Assert.Equal(before, File.ReadAllText(KeyFile));
        await ReadsAsync(options, kept);
    }

    [Fact]
    public async Task A_vault_that_is_busy_is_asked_again_and_one_that_is_away_is_told()
    {
        await using VaultServer vault = await VaultServer.StartAsync();
        KeyRingOptions options = vault.Options();
        byte[] kept = await ProtectAsync(options);
        vault.Busy = 2;
        await ReadsAsync(options, kept);
        vault.Busy = 100;
        Assert.Contains("503", (await UnlockFailsAsync("KeyVaultUnreachable", CcErrorKind.Connection, options)).Message, StringComparison.Ordinal);
        vault.Busy = 0;
        await vault.DisposeAsync();
        await UnlockFailsAsync("KeyVaultUnreachable", CcErrorKind.Connection, options);
    }

    /// <summary>An engine that met a vault that was away opens the ring when it is back, without being opened anew.</summary>
    [Fact]
    public async Task What_was_locked_a_moment_ago_opens_when_the_vault_answers()
    {
        await using VaultServer vault = await VaultServer.StartAsync();
        KeyRingOptions options = vault.Options();
        byte[] kept = await ProtectAsync(options);
        using var box = new DeferredSecretBox(ct => KeyRing.OpenAsync(Store, _ => Task.FromResult(true), options, TimeProvider.System, ct));
        vault.Refuse = (403, "Forbidden", "ForbiddenByFirewall");
        await FailsAsync("KeyVaultForbidden", CcErrorKind.Permission, () => box.UnlockAsync(default));
        Assert.Equal("KeyVaultForbidden", Assert.Throws<CcException>(() => box.Unprotect("p", kept)).ErrorId);
        vault.Refuse = null;
        await box.UnlockAsync(default);
        Assert.Equal(Secret, box.Unprotect("p", kept));
    }

    [Fact]
    public async Task A_token_goes_to_the_vaults_own_service_alone()
    {
        await using VaultServer vault = await VaultServer.StartAsync();
        var credential = new FixedCredential();
        KeyRingOptions options = vault.Options() with { Credential = credential };
        foreach (string challenge in new[]
        {
            "Bearer authorization=\"https://login.microsoftonline.com/x\", resource=\"https://management.azure.com\"",
            "Bearer authorization=\"https://login.microsoftonline.com/x\", resource=\"https://azure.net.example\"",
            "Bearer authorization=\"https://login.microsoftonline.com/x\", resource=\"http://vault.azure.net\"",
            "Bearer authorization=\"https://login.microsoftonline.com/x\"",
            "Basic realm=\"x\"",
        })
        {
            vault.Challenge = challenge;
            await FailsAsync("KeyVaultRefused", CcErrorKind.Service, () => OpenAsync(options, secretsExist: false));
        }
        Assert.Empty(credential.Asked);
        Assert.Empty(Directory.GetFiles(temp.Home.KeyRingFolder));
        Assert.All(vault.Calls, call => Assert.Equal((false, false), (call.Token, call.Body)));
        vault.Challenge = "Bearer authorization=\"https://login.microsoftonline.com/x\", scope=\"https://vault.azure.net/.default\"";
        (await OpenAsync(options, secretsExist: false)).Dispose();
    }

    [Fact]
    public async Task An_answer_that_is_another_keys_is_not_believed()
    {
        await using VaultServer vault = await VaultServer.StartAsync();
        vault.Twist = answer =>
        {
            answer["kid"] = "https://elsewhere.vault.azure.net/keys/ring/1";
            return answer;
        };
        await FailsAsync("KeyVaultRefused", CcErrorKind.Service, () => OpenAsync(vault.Options(), secretsExist: false));
        vault.Twist = answer => [];
        await FailsAsync("KeyVaultRefused", CcErrorKind.Service, () => OpenAsync(vault.Options(), secretsExist: false));
        Assert.Empty(Directory.GetFiles(temp.Home.KeyRingFolder));
    }

    [Fact]
    public async Task A_key_that_was_changed_where_it_lies_is_not_used()
    {
        await using VaultServer vault = await VaultServer.StartAsync();
        await ProtectAsync(vault.Options());
        string whole = File.ReadAllText(KeyFile);
        XElement key = XElement.Parse(whole);
        foreach (string part in new[] { "nonce", "tag", "content" })
        {
            var changed = new XElement(key);
            XElement element = changed.Descendants(part).Single();
            byte[] bytes = Convert.FromBase64String(element.Value);
            bytes[0] ^= 1;
            element.Value = Convert.ToBase64String(bytes);
            changed.Save(KeyFile);
            await UnlockFailsAsync("KeyRingUnreadable", CcErrorKind.Storage, vault.Options());
        }
        // It is bound to its name: what is secret in one key is not another's.
        key.SetAttributeValue("id", Guid.NewGuid());
        key.Save(KeyFile);
        await UnlockFailsAsync("KeyRingUnreadable", CcErrorKind.Storage, vault.Options());
    }

    [Fact]
    public async Task Nobody_who_is_signed_in_is_told()
    {
        await using VaultServer vault = await VaultServer.StartAsync();
        CcException e = await FailsAsync("KeyVaultSignInFailed", CcErrorKind.Authentication,
            () => OpenAsync(vault.Options() with { Credential = new NobodyCredential(new CredentialUnavailableException("anne@example.com is not here")) }, secretsExist: false));
        Assert.Contains("managed identity", e.Remedy, StringComparison.Ordinal);
        e = await FailsAsync("KeyVaultSignInFailed", CcErrorKind.Authentication,
            () => OpenAsync(vault.Options() with { Credential = new NobodyCredential(new AuthenticationFailedException("AADSTS7000222: anne@example.com")) }, secretsExist: false));
        Assert.Contains("AADSTS7000222", e.Message, StringComparison.Ordinal);
    }

    /// <summary>Without a credential of the tests: who the machine is, as a product's user has it.</summary>
    [Fact]
    public async Task A_managed_identity_of_the_machine_is_found_by_itself()
    {
        (string Name, string? Before)[] variables = [.. new[] { "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "AZURE_TOKEN_CREDENTIALS" }.Select(name => (name, Environment.GetEnvironmentVariable(name)))];
        await using Tenant tenant = await Tenant.StartAsync();
        await using VaultServer vault = await VaultServer.StartAsync();
        try
        {
            Environment.SetEnvironmentVariable("IDENTITY_ENDPOINT", tenant.Test.Simulator.Url + "/msi/token");
            Environment.SetEnvironmentVariable("IDENTITY_HEADER", tenant.Entra.ManagedIdentityHeader);
            Environment.SetEnvironmentVariable("AZURE_TOKEN_CREDENTIALS", null);
            vault.Accepts = token => token.Length > 0 && token != FixedCredential.Token;
            KeyRingOptions options = vault.Options() with { Credential = null };
            byte[] kept = await ProtectAsync(options);
            await ReadsAsync(options, kept);
            Assert.Contains(tenant.Entra.Calls, call => call.Scope == "https://vault.azure.net");
        }
        finally
        {
            foreach ((string name, string? before) in variables) Environment.SetEnvironmentVariable(name, before);
        }
    }

    private sealed class NobodyCredential(Exception why) : TokenCredential
    {
        public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken) => throw why;

        public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken) => throw why;
    }
}
