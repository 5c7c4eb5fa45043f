using System.Security.Cryptography.X509Certificates;
using System.Text;
using CcExport.Engine.Exports;
using CcExport.Engine.Identity.Entra;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;
using CcExport.Simulator.Entra;
using Microsoft.Data.Sqlite;
using static CcExport.Engine.Tests.Identity.Entra.Tenant;

namespace CcExport.Engine.Tests.Identity.Entra;

/// <summary>No secret and no token is in a file of the home, or in a text that a person is shown, however it went.</summary>
public sealed class NothingOfTheSignInTests
{
    private const string Password = "kanarie-pfx-9Q", Wrong = "kanarie-wrong-7Z";

    [Fact]
    public async Task No_secret_is_in_a_file_or_a_text()
    {
        await using Tenant tenant = await StartAsync();
        List<string> told = [];
        using X509Certificate2 certificate = tenant.Certificate();
        string pfx = tenant.Test.File("reader.pfx", certificate.Export(X509ContentType.Pkcs12, Password));
        const string subject = "system:serviceaccount:a:b";
        tenant.Entra.Demo.FederatedSubjects.Add(subject);
        string assertion = tenant.Entra.IssueFederatedToken(subject), stranger = tenant.Entra.IssueFederatedToken("else");
        NewExportUser secret = tenant.Request(ExportUserKind.ClientSecret);
        NewExportUser[] all =
        [
            tenant.Request(ExportUserKind.Interactive),
            tenant.Request(ExportUserKind.DeviceCode),
            secret,
            secret with { ClientSecret = Wrong },
            tenant.Request(ExportUserKind.Certificate) with { CertificatePath = pfx, CertificatePassword = Wrong },
            tenant.Request(ExportUserKind.FederatedToken) with { FederatedTokenPath = tenant.Test.File("other", stranger) },
            tenant.Request(ExportUserKind.FederatedToken) with { FederatedTokenPath = tenant.Test.File("token", assertion) },
            tenant.Request(ExportUserKind.Certificate) with { CertificatePath = pfx, CertificatePassword = Password },
        ];
        foreach (NewExportUser request in all)
        {
            told.Add(request.ToString());
            await TellAsync(async () => Show(await tenant.AddAsync(request, Crm)));
            await TellAsync(ReadAsync);
            foreach (EntraFault fault in new[] { EntraFault.InteractionRequired, new EntraFault(503), new EntraFault(400, "invalid_grant", 12345, $"Odd: {Wrong}") })
            {
                tenant.Entra.FailAlways(fault);
                await TellAsync(ReadAsync);
                tenant.Entra.FailAlways(null);
            }
            tenant.Entra.RevokeRefreshTokens();
            await TellAsync(ReadAsync);
            told.AddRange((await tenant.Test.Engine.GetExportUsersAsync(null, default)).Select(Show));
            foreach (ExportUserRecord record in await tenant.Test.Store.ExportUsers.ListAsync(default))
            {
                told.Add(record.Json);
                // In it tokens are written in base64: that it is no text at all says more.
                Assert.DoesNotContain("Cache", Encoding.Latin1.GetString(record.Secrets), StringComparison.OrdinalIgnoreCase);
            }
        }

        string[] secrets = [.. tenant.Entra.EverythingSecret, Password, Wrong, assertion, stranger];
        Assert.True(told.Count > 50 && secrets.Length > 25, $"{told.Count} texts and {secrets.Length} secrets are too few to prove anything.");
        foreach (string text in told) Assert.DoesNotContain(secrets, s => text.Contains(s, StringComparison.Ordinal));

        SqliteConnection.ClearAllPools();
        int files = 0;
        foreach (string file in Directory.EnumerateFiles(tenant.Test.Home.Root, "*", SearchOption.AllDirectories))
        {
            using FileStream open = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            byte[] bytes = new byte[open.Length];
            await open.ReadExactlyAsync(bytes);
            files++;
            foreach (string s in secrets) Assert.True(bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(s)) < 0, $"A secret is in {Path.GetFileName(file)}.");
        }
        Assert.True(files >= 2, "The home has too few files to prove anything.");

        async Task<string> ReadAsync()
        {
            IAccessTokens tokens = await tenant.OpenAsync();
            BearerToken token = await tokens.GetAsync(Crm, true, default);
            return $"{token} {tokens} {tokens.Identity}";
        }

        async Task TellAsync(Func<Task<string>> act)
        {
            try
            {
                told.Add(await act());
            }
            catch (CcException e)
            {
                told.Add(e.ToString());
                told.Add($"{e.Message} {e.Remedy} {e.Subject}");
            }
        }
    }

    private static string Show(ExportUser user) => string.Join(' ', typeof(ExportUser).GetProperties().Select(p => p.GetValue(user)));
}
