using CcExport.Engine.Exports;
using CcExport.Engine.Identity.Entra;
using CcExport.Engine.Profiles;
using CcExport.Simulator.Entra;

namespace CcExport.Engine.Tests.Identity.Entra;

/// <summary>
/// A machine's own identity, as an app service gives it. The library finds its endpoint by the environment and keeps its tokens for the whole process:
/// each test has resources and identities of its own, and they follow one another.
/// </summary>
[Collection(nameof(ManagedIdentityTests))]
public sealed class ManagedIdentityTests : IDisposable
{
    private readonly (string Name, string? Before)[] _variables =
        [.. new[] { "IDENTITY_ENDPOINT", "IDENTITY_HEADER" }.Select(name => (name, Environment.GetEnvironmentVariable(name)))];

    public void Dispose()
    {
        foreach ((string name, string? before) in _variables) Environment.SetEnvironmentVariable(name, before);
    }

    private static async Task<Tenant> StartAsync()
    {
        Tenant tenant = await Tenant.StartAsync();
        Environment.SetEnvironmentVariable("IDENTITY_ENDPOINT", tenant.Test.Simulator.Url + "/msi/token");
        Environment.SetEnvironmentVariable("IDENTITY_HEADER", tenant.Entra.ManagedIdentityHeader);
        return tenant;
    }

    private static NewExportUser Request(string? clientId = null) => new() { Connection = "acme", Kind = ExportUserKind.ManagedIdentity, ClientId = clientId };

    private static string NewResource() => $"https://{Guid.NewGuid():n}.crm.dynamics.com";

    [Fact]
    public async Task The_machine_itself_reads()
    {
        await using Tenant tenant = await StartAsync();
        string resource = NewResource();
        ExportUser user = await tenant.AddAsync(Request(), resource + "/.default");
        Assert.Equal(("system-assigned managed identity", "Ready", null), (user.Identity, user.State, user.Authority));
        IAccessTokens tokens = await tenant.OpenAsync();
        BearerToken first = await tokens.GetAsync(resource + "/.default", false, default);
        tenant.Good(first.Value, resource);
        Assert.InRange(first.ExpiresAt, DateTimeOffset.UtcNow.AddMinutes(55), DateTimeOffset.UtcNow.AddMinutes(61));
        Assert.Equal(1, tenant.Count("managed_identity"));
        tenant.Entra.ExpireAccessTokens();
        tenant.Good((await tokens.GetAsync(resource + "/.default", true, default)).Value, resource);
        Assert.All(tenant.Entra.Calls, call => Assert.Equal((null, resource), (call.ClientId, call.Scope)));
    }

    [Fact]
    public async Task An_identity_that_is_assigned_to_the_machine_reads_and_no_other()
    {
        await using Tenant tenant = await StartAsync();
        string assigned = Guid.NewGuid().ToString(), resource = NewResource();
        tenant.Entra.ManagedIdentities.Add(assigned);
        ExportUser user = await tenant.AddAsync(Request(assigned), resource + "/.default");
        Assert.Equal(assigned, user.Identity);
        tenant.Good(await tenant.TokenAsync(resource + "/.default"), resource);
        CcException failed = await Assert.ThrowsAsync<CcException>(() => tenant.AddAsync(Request(Guid.NewGuid().ToString()), resource + "/.default"));
        Assert.Equal("ExportUserRefused", failed.ErrorId);
        Assert.Contains("-ClientId", failed.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_machine_that_does_not_answer_is_told()
    {
        await using Tenant tenant = await StartAsync();
        Environment.SetEnvironmentVariable("IDENTITY_ENDPOINT", "http://127.0.0.1:9/msi/token");
        CcException failed = await Assert.ThrowsAsync<CcException>(() => tenant.AddAsync(Request(), NewResource() + "/.default"));
        Assert.Equal(("ManagedIdentityUnavailable", CcErrorKind.Connection), (failed.ErrorId, failed.Kind));
    }

    [Fact]
    public async Task Passing_trouble_is_waited_out()
    {
        await using Tenant tenant = await StartAsync();
        string resource = NewResource();
        tenant.Entra.FailNext(new EntraFault(503));
        await tenant.AddAsync(Request(), resource + "/.default");
        tenant.Good(await tenant.TokenAsync(resource + "/.default"), resource);
        Assert.Equal(2, tenant.Count("managed_identity"));
    }
}

/// <summary>The environment is one for all: nothing else runs meanwhile.</summary>
[CollectionDefinition(nameof(ManagedIdentityTests), DisableParallelization = true)]
public sealed class ManagedIdentityGroup;
