using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CcExport.Engine.Exports;
using CcExport.Engine.Identity.Entra;
using CcExport.Engine.Profiles;
using CcExport.Engine.Tests.Exports;
using CcExport.Simulator.Entra;

namespace CcExport.Engine.Tests.Identity.Entra;

/// <summary>An engine with a connection, a simulated tenant of its own, and a person; the library itself is in between, over https.</summary>
internal sealed class Tenant : IAsyncDisposable
{
    public const string Crm = "https://org.crm.dynamics.com/.default";
    public const string Storage = "https://storage.azure.com/.default";
    public const string CrmAudience = "https://org.crm.dynamics.com";

    /// <summary>Short waits; each kept apart from the engine's own defaults only by its length.</summary>
    public static readonly EntraOptions Quick = new()
    {
        Backoff = TimeSpan.FromMilliseconds(10),
        MaxRetryAfter = TimeSpan.FromMilliseconds(300),
        OtherWriter = TimeSpan.FromMilliseconds(400),
        Random = static () => 0,
    };

    public required TestEngine Test { get; init; }

    public required Person Person { get; init; }

    public EntraAuthority Entra => Test.Simulator.State.Entra;

    public static async Task<Tenant> StartAsync(EntraOptions? options = null, TimeProvider? time = null)
    {
        TestEngine test = await TestEngine.StartAsync(change: parts => parts with { Entra = options ?? Quick }, time: time);
        return new Tenant { Test = test, Person = new Person(test.Simulator.State.Entra) };
    }

    public NewExportUser Request(ExportUserKind kind) => new()
    {
        Connection = "acme",
        Kind = kind,
        ClientId = Test.Simulator.EntraClientId,
        ClientSecret = kind == ExportUserKind.ClientSecret ? Test.Simulator.EntraClientSecret : null,
        Authority = new Uri(Test.Simulator.AuthorityUrl),
    };

    /// <summary>Signs in for these scopes, as with sources that ask for them.</summary>
    public Task<ExportUser> AddAsync(NewExportUser request, params string[] scopes) => new ExportUserBook(Test.Parts).AddAsync(request, scopes, Person, default);

    public Task<ExportUser> AddAsync(ExportUserKind kind, params string[] scopes) => AddAsync(Request(kind), scopes);

    /// <summary>As any source gets them.</summary>
    public Task<IAccessTokens> OpenAsync() => Readers.TokensAsync(Test.Parts, "acme", default);

    public async Task<string> TokenAsync(string scope = Crm, bool renew = false) => (await (await OpenAsync()).GetAsync(scope, renew, default)).Value;

    public async Task<ExportUser> ShownAsync() => Assert.Single(await Test.Engine.GetExportUsersAsync(null, default));

    /// <summary>A token that the simulated service takes.</summary>
    public void Good(string token, string audience = CrmAudience) => Assert.Null(new TokenCheck(Entra).Refuse("Bearer " + token, audience));

    /// <summary>How many calls for tokens there were of this kind.</summary>
    public int Count(string grant) => Entra.Calls.Count(c => c.Grant == grant);

    /// <summary>A second engine on the same home, as another process has it.</summary>
    public async Task<SecondEngine> ReopenAsync()
    {
        EngineParts? opened = null;
        CcEngine engine = await CcEngine.OpenAsync(Test.Home, TimeProvider.System, parts => opened = parts with { Entra = Test.Parts.Entra }, default);
        return new SecondEngine(engine, opened!);
    }

    /// <summary>A certificate with its key, registered with the application of the tests unless it is not to be.</summary>
    public X509Certificate2 Certificate(bool register = true, int days = 30)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=reader", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-60), DateTimeOffset.UtcNow.AddDays(days));
        if (register) Entra.Demo.Certificates.Add(X509CertificateLoader.LoadCertificate(certificate.RawData));
        return certificate;
    }

    public async ValueTask DisposeAsync()
    {
        Person.Dispose();
        await Test.DisposeAsync();
    }
}

/// <summary>Another process on the same home.</summary>
internal sealed record SecondEngine(CcEngine Engine, EngineParts Parts) : IAsyncDisposable
{
    public Task<IAccessTokens> OpenAsync() => Readers.TokensAsync(Parts, "acme", default);

    public ValueTask DisposeAsync() => Engine.DisposeAsync();
}
