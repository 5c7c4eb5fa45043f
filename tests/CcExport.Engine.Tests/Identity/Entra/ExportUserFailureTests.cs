using System.Net;
using System.Net.NetworkInformation;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using CcExport.Engine.Exports;
using CcExport.Engine.Identity.Entra;
using CcExport.Engine.Profiles;
using CcExport.Simulator.Entra;
using static CcExport.Engine.Tests.Identity.Entra.Tenant;

namespace CcExport.Engine.Tests.Identity.Entra;

/// <summary>What an export user is refused for, what passes by itself, and what is wrong before anything is asked.</summary>
public sealed class ExportUserFailureTests
{
    private static async Task<CcException> FailsAsync(Tenant tenant, NewExportUser request, string id, string? code = null, params string[] scopes)
    {
        CcException failed = await Assert.ThrowsAsync<CcException>(() => tenant.AddAsync(request, scopes.Length == 0 ? [Crm] : scopes));
        Assert.True(id == failed.ErrorId, $"{failed.ErrorId}: {failed.Message}");
        Assert.NotNull(failed.Remedy);
        if (code is not null) Assert.Contains($"({code})", failed.Message, StringComparison.Ordinal);
        Assert.Empty(await tenant.Test.Engine.GetExportUsersAsync(null, default));
        return failed;
    }

    [Fact]
    public async Task An_application_is_refused_with_Entras_number_and_what_to_do()
    {
        await using Tenant tenant = await StartAsync();
        NewExportUser good = tenant.Request(ExportUserKind.ClientSecret);
        tenant.Entra.Demo.ExpiredSecrets.Add("0ld");
        tenant.Entra.Resources.Add(CrmAudience);
        using X509Certificate2 stranger = tenant.Certificate(register: false);
        string path = tenant.Test.File("stranger.pfx", stranger.Export(X509ContentType.Pkcs12));
        await FailsAsync(tenant, good with { ClientSecret = "wr0ng-s3cret" }, "ExportUserRefused", "AADSTS7000215");
        await FailsAsync(tenant, good with { ClientSecret = "0ld" }, "ExportUserRefused", "AADSTS7000222");
        await FailsAsync(tenant, good with { ClientId = Guid.NewGuid().ToString() }, "ExportUserRefused", "AADSTS700016");
        await FailsAsync(tenant, good with { Authority = new Uri(new Uri(tenant.Test.Simulator.AuthorityUrl), "/" + Guid.NewGuid()) }, "ExportUserRefused", "AADSTS90002");
        await FailsAsync(tenant, good, "ExportUserRefused", "AADSTS500011", Storage);
        CcException failed = await FailsAsync(tenant, tenant.Request(ExportUserKind.Certificate) with { CertificatePath = path }, "ExportUserRefused", "AADSTS700027");
        Assert.Equal(CcErrorKind.Authentication, failed.Kind);
        Assert.Contains("public part", failed.Remedy, StringComparison.Ordinal);
        tenant.Entra.Demo.AllowPublicClient = false;
        await FailsAsync(tenant, tenant.Request(ExportUserKind.DeviceCode), "ExportUserRefused", "AADSTS7000218");
    }

    [Theory]
    [InlineData(ExportUserKind.Interactive)]
    [InlineData(ExportUserKind.DeviceCode)]
    public async Task A_person_who_declines_is_not_signed_in(ExportUserKind kind)
    {
        await using Tenant tenant = await StartAsync();
        tenant.Person.Agrees = false;
        await FailsAsync(tenant, tenant.Request(kind), "SignInDenied");
    }

    [Fact]
    public async Task Nobody_waits_for_a_person_for_ever()
    {
        await using Tenant tenant = await StartAsync(Quick with { Patience = TimeSpan.FromMilliseconds(600) });
        tenant.Person.Agrees = null;
        await FailsAsync(tenant, tenant.Request(ExportUserKind.Interactive), "SignInTimeout");
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(600));
        await tenant.Test.Engine.GetExportUsersAsync(null, default);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => new ExportUserBook(tenant.Test.Parts).AddAsync(tenant.Request(ExportUserKind.DeviceCode), [Crm], tenant.Person, stop.Token));
    }

    [Fact]
    public async Task Consent_that_is_missing_is_given_by_signing_in_for_the_source()
    {
        await using Tenant tenant = await StartAsync();
        tenant.Entra.Demo.NeedsConsent.Add(CrmAudience);
        await tenant.AddAsync(ExportUserKind.DeviceCode);
        CcException failed = await Assert.ThrowsAsync<CcException>(() => tenant.TokenAsync());
        Assert.Equal("ExportUserRefused", failed.ErrorId);
        Assert.Contains("AADSTS65001", failed.Message, StringComparison.Ordinal);
        Assert.Contains("-Source", failed.Remedy, StringComparison.Ordinal);
        Assert.Equal("Ready", (await tenant.ShownAsync()).State);
        await tenant.AddAsync(ExportUserKind.DeviceCode, Crm);
        tenant.Good(await tenant.TokenAsync());
    }

    [Theory]
    [InlineData(ExportUserKind.DeviceCode)]
    [InlineData(ExportUserKind.ClientSecret)]
    public async Task Passing_trouble_is_waited_out(ExportUserKind kind)
    {
        await using Tenant tenant = await StartAsync();
        await tenant.AddAsync(kind, Crm);
        tenant.Entra.FailNext(new EntraFault(503), EntraFault.Throttle(1), new EntraFault(0));
        long began = TimeProvider.System.GetTimestamp();
        tenant.Good(await tenant.TokenAsync(renew: true));
        // The throttled try was followed by its Retry-After, as far as that is obeyed here.
        Assert.True(TimeProvider.System.GetElapsedTime(began) > TimeSpan.FromMilliseconds(290));
    }

    [Theory]
    [InlineData(ExportUserKind.DeviceCode)]
    [InlineData(ExportUserKind.ClientSecret)]
    public async Task Trouble_that_stays_is_told_and_is_over_when_it_is_over(ExportUserKind kind)
    {
        await using Tenant tenant = await StartAsync();
        await tenant.AddAsync(kind, Crm);
        (EntraFault Fault, string Id)[] all = [(new EntraFault(503), "EntraUnavailable"), (EntraFault.Throttle(), "EntraUnavailable"), (new EntraFault(0), "EntraUnreachable")];
        foreach ((EntraFault fault, string id) in all)
        {
            int before = tenant.Entra.Calls.Count;
            tenant.Entra.FailAlways(fault);
            CcException failed = await Assert.ThrowsAsync<CcException>(() => tenant.TokenAsync(renew: true));
            Assert.Equal((id, CcErrorKind.Connection), (failed.ErrorId, failed.Kind));
            // What the library holds back for having failed a moment ago never left.
            Assert.InRange(tenant.Entra.Calls.Count - before, 0, 4);
            tenant.Entra.FailAlways(null);
            Assert.Equal("Ready", (await tenant.ShownAsync()).State);
        }
    }

    [Fact]
    public async Task A_certificate_that_cannot_be_used_is_named()
    {
        await using Tenant tenant = await StartAsync();
        using X509Certificate2 good = tenant.Certificate(), old = tenant.Certificate(days: -1);
        NewExportUser request = tenant.Request(ExportUserKind.Certificate);
        string pfx = tenant.Test.File("a.pfx", good.Export(X509ContentType.Pkcs12, "p4ss-w0rd"));
        await FailsAsync(tenant, request with { CertificatePath = pfx + ".gone" }, "CertificateNotFound");
        await FailsAsync(tenant, request with { CertificatePath = pfx, CertificatePassword = "oth3r-p4ss" }, "CertificateUnreadable");
        await FailsAsync(tenant, request with { CertificatePath = tenant.Test.File("b.pfx", "nothing of that kind") }, "CertificateUnreadable");
        await FailsAsync(tenant, request with { CertificatePath = tenant.Test.File("c.pem", good.ExportCertificatePem()) }, "CertificateUnreadable");
        await FailsAsync(tenant, request with { CertificatePath = tenant.Test.File("d.cer", good.Export(X509ContentType.Cert)) }, "CertificateUnusable");
        await FailsAsync(tenant, request with { CertificatePath = tenant.Test.File("e.pfx", old.Export(X509ContentType.Pkcs12)) }, "CertificateExpired");
        await FailsAsync(tenant, request with { CertificateThumbprint = new string('0', 40) }, "CertificateNotFound");
        Assert.Empty(tenant.Entra.Calls);

        // Gone later, when the token that was kept is no longer good.
        await tenant.AddAsync(request with { CertificatePath = pfx, CertificatePassword = "p4ss-w0rd" }, Crm);
        File.Delete(pfx);
        CcException failed = await Assert.ThrowsAsync<CcException>(() => tenant.TokenAsync(renew: true));
        Assert.Equal(("CertificateNotFound", CcErrorKind.NotFound, pfx), (failed.ErrorId, failed.Kind, failed.Subject));
    }

    [Fact]
    public async Task What_is_missing_is_said_before_anything_is_asked()
    {
        await using Tenant tenant = await StartAsync();
        NewExportUser secret = tenant.Request(ExportUserKind.ClientSecret);
        await FailsAsync(tenant, secret with { Connection = "nowhere" }, "ConnectionNotFound");
        await FailsAsync(tenant, secret with { ClientId = " " }, "ClientIdMissing");
        await FailsAsync(tenant, secret with { Authority = null }, "TenantMissing");
        await FailsAsync(tenant, secret with { ClientSecret = null }, "ExportUserIncomplete");
        await FailsAsync(tenant, secret with { TenantId = "elsewhere" }, "AuthorityInvalid");
        await FailsAsync(tenant, secret with { Authority = new Uri("http://127.0.0.1:1/tenant") }, "AuthorityInvalid");
        await FailsAsync(tenant, secret with { Authority = new Uri("https://login.example/a/b") }, "AuthorityInvalid");
        await FailsAsync(tenant, secret with { Authority = new Uri("https://login.example/?x=1") }, "AuthorityInvalid");
        await FailsAsync(tenant, secret with { Authority = new Uri("https://login.example"), TenantId = "a/b" }, "TenantMissing");
        await FailsAsync(tenant, tenant.Request(ExportUserKind.Certificate), "ExportUserIncomplete");
        await FailsAsync(tenant, tenant.Request(ExportUserKind.Certificate) with { CertificateThumbprint = "12" }, "ThumbprintInvalid");
        await FailsAsync(tenant, tenant.Request(ExportUserKind.FederatedToken), "ExportUserIncomplete");
        Assert.Empty(tenant.Entra.Calls);
        Assert.Equal("https://login.microsoftonline.com/contoso.com", ExportUserChecks.Identity(secret with { Authority = null, TenantId = "contoso.com" }).Authority!.AbsoluteUri);
        Assert.Equal("https://login.microsoftonline.com/organizations", ExportUserChecks.Identity(tenant.Request(ExportUserKind.Interactive) with { Authority = null }).Authority!.AbsoluteUri);
    }

    [Fact]
    public async Task A_source_that_is_read_without_an_export_user_is_none_to_sign_in_for()
    {
        await using Tenant tenant = await StartAsync();
        await tenant.Test.Engine.AddSourceAsync("Files", new SourceReference { Path = tenant.Test.File("a.csv", "EMail\n") }, null, default);
        CcException failed = await Assert.ThrowsAsync<CcException>(
            () => tenant.Test.Engine.AddExportUserAsync(tenant.Request(ExportUserKind.ClientSecret) with { Sources = ["files"] }, tenant.Person, default));
        Assert.Equal(("SourceNeedsNoExportUser", "Files"), (failed.ErrorId, failed.Subject));
    }

    [Fact]
    public async Task An_authority_elsewhere_must_have_a_certificate_that_is_trusted()
    {
        await using Tenant tenant = await StartAsync();
        HttpClient http = new EntraHttp(Quick with { Tries = 1 }, TimeProvider.System).GetHttpClient();
        using HttpResponseMessage own = await http.GetAsync(new Uri(tenant.Test.Simulator.AuthorityUrl + "/v2.0/.well-known/openid-configuration"));
        Assert.True(own.IsSuccessStatusCode);

        // The same machine by an address that is no loopback one, if it has any.
        if (NetworkInterface.GetAllNetworkInterfaces().SelectMany(n => n.GetIPProperties().UnicastAddresses)
            .FirstOrDefault(a => a.Address.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(a.Address))?.Address is not { } address) return;
        using X509Certificate2 certificate = tenant.Certificate();
        using var listener = new TcpListener(address, 0);
        listener.Start();
        Task<Exception?> served = Record.ExceptionAsync(async () =>
        {
            using TcpClient client = await listener.AcceptTcpClientAsync();
            await using var tls = new SslStream(client.GetStream());
            await tls.AuthenticateAsServerAsync(certificate);
            await tls.ReadExactlyAsync(new byte[1]);
        });
        HttpRequestException failed = await Assert.ThrowsAsync<HttpRequestException>(() => http.GetAsync(new Uri($"https://{listener.LocalEndpoint}/")));
        Assert.IsType<AuthenticationException>(failed.InnerException);
        // Nothing was sent.
        Assert.NotNull(await served);
    }
}
