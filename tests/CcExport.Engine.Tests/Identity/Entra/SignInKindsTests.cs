using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CcExport.Engine.Exports;
using CcExport.Engine.Identity.Entra;
using CcExport.Engine.Profiles;
using static CcExport.Engine.Tests.Identity.Entra.Tenant;

namespace CcExport.Engine.Tests.Identity.Entra;

/// <summary>Each way to sign in, with the library's own code against the simulated tenant.</summary>
public sealed class SignInKindsTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_person_signs_in_in_the_browser(bool opens)
    {
        await using Tenant tenant = await StartAsync();
        tenant.Person.HasBrowser = opens;
        tenant.Person.UserName = tenant.Entra.AddUser("ada@simulator.example").UserName;
        ExportUser user = await tenant.AddAsync(ExportUserKind.Interactive, Crm);
        Assert.Equal(("acme", "ada@simulator.example", "Ready", tenant.Entra.TenantId), (user.Connection, user.Identity, user.State, user.TenantId));
        Uri page = Assert.Single(tenant.Person.Opened);
        Assert.StartsWith(tenant.Test.Simulator.AuthorityUrl + "/oauth2/v2.0/authorize", page.AbsoluteUri, StringComparison.Ordinal);
        Assert.Contains("code_challenge_method=S256", page.Query, StringComparison.Ordinal);
        await tenant.Person.SigningIn;
        Assert.Contains("return to PowerShell", tenant.Person.LastPage, StringComparison.Ordinal);
        IAccessTokens tokens = await tenant.OpenAsync();
        Assert.Equal("ada@simulator.example", tokens.Identity);
        tenant.Good((await tokens.GetAsync(Crm, false, default)).Value);
        Assert.Equal(0, tenant.Count("refresh_token"));
        // Another resource with the same sign-in.
        tenant.Good((await tokens.GetAsync(Storage, false, default)).Value, "https://storage.azure.com");
        Assert.Equal(1, tenant.Count("refresh_token"));
    }

    [Fact]
    public async Task A_person_signs_in_with_a_code_on_another_device()
    {
        await using Tenant tenant = await StartAsync();
        ExportUser user = await tenant.AddAsync(ExportUserKind.DeviceCode, Crm, Storage);
        Assert.Equal("export@simulator.example", user.Identity);
        Assert.Single(tenant.Person.Codes);
        Assert.Equal("/entra/device", Assert.Single(tenant.Person.Opened).AbsolutePath);
        // The second source was asked for once, at the sign-in.
        Assert.Equal((1, 1), (tenant.Count("device_code"), tenant.Count("refresh_token")));
        tenant.Good(await tenant.TokenAsync());
        tenant.Good(await tenant.TokenAsync(Storage), "https://storage.azure.com");
        Assert.Equal(1, tenant.Count("refresh_token"));
    }

    /// <summary>One request asks the rights of one service; consent to it is most often one to the others.</summary>
    [Theory]
    [InlineData(ExportUserKind.Interactive, true)]
    [InlineData(ExportUserKind.Interactive, false)]
    [InlineData(ExportUserKind.DeviceCode, true)]
    [InlineData(ExportUserKind.DeviceCode, false)]
    public async Task A_person_is_asked_once_more_for_a_service_to_which_nobody_has_consented(ExportUserKind kind, bool consented)
    {
        await using Tenant tenant = await StartAsync();
        if (!consented) tenant.Entra.Demo.NeedsConsent.Add("https://storage.azure.com");
        int times = consented ? 1 : 2;
        ExportUser user = await tenant.AddAsync(kind, Crm, Storage);
        Assert.Equal("export@simulator.example", user.Identity);
        Assert.Equal(times, tenant.Person.Opened.Count);
        Assert.Equal(kind == ExportUserKind.DeviceCode ? times : 0, tenant.Person.Codes.Count);
        Assert.All(tenant.Person.Opened, (page, at) => Assert.Equal(kind == ExportUserKind.Interactive && at == 1, page.Query.Contains("storage.azure.com", StringComparison.Ordinal)));
        Assert.Empty(tenant.Entra.Demo.NeedsConsent);
        tenant.Good(await tenant.TokenAsync());
        tenant.Good(await tenant.TokenAsync(Storage), "https://storage.azure.com");
    }

    [Theory]
    [InlineData(ExportUserKind.Interactive)]
    [InlineData(ExportUserKind.DeviceCode)]
    public async Task A_person_signs_in_without_a_source_and_reads_one_later(ExportUserKind kind)
    {
        await using Tenant tenant = await StartAsync();
        ExportUser user = await tenant.AddAsync(kind);
        Assert.Equal("export@simulator.example", user.Identity);
        tenant.Good(await tenant.TokenAsync());
    }

    [Fact]
    public async Task An_application_proves_itself_with_a_secret()
    {
        await using Tenant tenant = await StartAsync();
        ExportUser user = await tenant.AddAsync(ExportUserKind.ClientSecret, Crm);
        Assert.Equal((tenant.Test.Simulator.EntraClientId, "Ready"), (user.Identity, user.State));
        tenant.Good(await tenant.TokenAsync());
        // The token of the sign-in was kept.
        Assert.Equal(1, tenant.Count("client_credentials"));
    }

    [Theory]
    [InlineData("pfx", "p4ss")]
    [InlineData("pfx", null)]
    [InlineData("pem", "p4ss")]
    [InlineData("pem", null)]
    public async Task An_application_proves_itself_with_a_certificate_of_a_file(string form, string? password)
    {
        await using Tenant tenant = await StartAsync();
        using X509Certificate2 certificate = tenant.Certificate();
        string path = Write(tenant, certificate, form, password);
        ExportUser user = await tenant.AddAsync(tenant.Request(ExportUserKind.Certificate) with { CertificatePath = path, CertificatePassword = password }, Crm);
        Assert.Equal(path, user.Certificate);
        tenant.Good(await tenant.TokenAsync(renew: true));
        Assert.Equal(2, tenant.Count("client_credentials"));
    }

    [Fact]
    public async Task An_application_proves_itself_with_a_certificate_of_the_users_store()
    {
        await using Tenant tenant = await StartAsync();
        using X509Certificate2 made = tenant.Certificate();
        using X509Certificate2 kept = X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null, X509KeyStorageFlags.PersistKeySet);
        using var store = new X509Store(StoreName.My, StoreLocation.CurrentUser);
        store.Open(OpenFlags.ReadWrite);
        store.Add(kept);
        try
        {
            string copied = "\u200e" + string.Join(' ', kept.Thumbprint.ToLowerInvariant().Chunk(2).Select(pair => new string(pair)));
            ExportUser user = await tenant.AddAsync(tenant.Request(ExportUserKind.Certificate) with { CertificateThumbprint = copied }, Crm);
            Assert.Equal(kept.Thumbprint, user.Certificate);
            tenant.Good(await tenant.TokenAsync(renew: true));
        }
        finally { store.Remove(kept); }
    }

    [Fact]
    public async Task An_application_proves_itself_with_the_token_that_its_platform_writes()
    {
        await using Tenant tenant = await StartAsync();
        tenant.Entra.Demo.FederatedSubjects.Add("system:serviceaccount:marketing:export");
        string path = tenant.Test.File("token", tenant.Entra.IssueFederatedToken("system:serviceaccount:marketing:export") + "\n");
        ExportUser user = await tenant.AddAsync(tenant.Request(ExportUserKind.FederatedToken) with { FederatedTokenPath = path }, Crm);
        Assert.Equal(path, user.FederatedTokenPath);
        IAccessTokens tokens = await tenant.OpenAsync();
        tenant.Good((await tokens.GetAsync(Crm, true, default)).Value);

        // Replaced by another workload's: read anew, and refused.
        await File.WriteAllTextAsync(path, tenant.Entra.IssueFederatedToken("system:serviceaccount:else:where"));
        CcException failed = await Assert.ThrowsAsync<CcException>(async () => await tokens.GetAsync(Crm, true, default));
        Assert.Equal(("ExportUserRefused", "acme"), (failed.ErrorId, failed.Subject));
        Assert.Contains("AADSTS700213", failed.Message, StringComparison.Ordinal);
        File.Delete(path);
        failed = await Assert.ThrowsAsync<CcException>(async () => await tokens.GetAsync(Crm, true, default));
        Assert.Equal(("FederatedTokenNotFound", CcErrorKind.NotFound, path), (failed.ErrorId, failed.Kind, failed.Subject));
    }

    [Fact]
    public async Task An_application_without_a_source_is_believed_until_it_reads()
    {
        await using Tenant tenant = await StartAsync();
        await tenant.AddAsync(tenant.Request(ExportUserKind.ClientSecret) with { ClientSecret = "wrong" });
        Assert.Empty(tenant.Entra.Calls);
        CcException failed = await Assert.ThrowsAsync<CcException>(() => tenant.TokenAsync());
        Assert.Equal("ExportUserRefused", failed.ErrorId);
    }

    private static string Write(Tenant tenant, X509Certificate2 certificate, string form, string? password)
    {
        if (form == "pfx") return tenant.Test.File("reader.pfx", certificate.Export(X509ContentType.Pkcs12, password));
        using RSA key = certificate.GetRSAPrivateKey()!;
        string pem = password is null ? key.ExportPkcs8PrivateKeyPem()
            : key.ExportEncryptedPkcs8PrivateKeyPem(password, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000));
        return tenant.Test.File("reader.pem", certificate.ExportCertificatePem() + "\n" + pem + "\n");
    }
}
