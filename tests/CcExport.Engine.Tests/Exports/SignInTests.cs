using CcExport.Engine.ConstantContact.SignIn;
using CcExport.Engine.Exports;
using CcExport.Simulator;

namespace CcExport.Engine.Tests.Exports;

/// <summary>The three ways to sign in, against the simulator's own pages and rules, and that what they leave is usable.</summary>
public sealed class SignInTests
{
    [Fact]
    public async Task By_device_code()
    {
        await using TestEngine test = await TestEngine.StartAsync(connect: false);
        test.Simulator.State.Set(s => s.DeviceIntervalSeconds = 1);
        var person = new Person(onCode: code => Assert.True(test.Simulator.State.AnswerDevice(true, code)));
        Connection connection = await test.Engine.AddConnectionAsync(Request(test, SignInMethod.DeviceCode), person, default);
        Assert.Equal(("Ready", "tester"), (connection.State, connection.ConsentedBy));
        Assert.True((await test.Engine.TestConnectionAsync("acme", default)).Healthy);
    }

    [Fact]
    public async Task By_device_code_that_is_denied()
    {
        await using TestEngine test = await TestEngine.StartAsync(connect: false);
        test.Simulator.State.Set(s => s.DeviceIntervalSeconds = 1);
        var person = new Person(onCode: code => test.Simulator.State.AnswerDevice(false, code));
        CcException e = await Assert.ThrowsAsync<CcException>(() => test.Engine.AddConnectionAsync(Request(test, SignInMethod.DeviceCode), person, default));
        Assert.Equal("SignInDenied", e.ErrorId);
        Assert.Empty(await test.Engine.GetConnectionsAsync(default));
    }

    [Fact]
    public async Task In_the_browser()
    {
        await using TestEngine test = await TestEngine.StartAsync(connect: false);
        test.Simulator.State.Set(s => s.AutoConsent = ConsentMode.Allow);
        string? page = null;
        var person = new Person(onBrowser: async address =>
        {
            Assert.Contains("code_challenge_method=S256", address.Query, StringComparison.Ordinal);
            using var browser = new HttpClient();
            page = await browser.GetStringAsync(address);
        });
        await test.Engine.AddConnectionAsync(Request(test, SignInMethod.Interactive), person, default);
        await person.Done;
        Assert.Contains("You are signed in", page, StringComparison.Ordinal);
        Assert.NotEmpty(await test.Engine.GetListsAsync("acme", default));
        Assert.Equal(1, test.Simulator.State.TokenLog.Codes);
    }

    [Fact]
    public async Task A_refresh_token_that_is_dead_makes_no_connection()
    {
        await using TestEngine test = await TestEngine.StartAsync(connect: false);
        CcException e = await Assert.ThrowsAsync<CcException>(() => test.Engine.AddConnectionAsync(Request(test, SignInMethod.RefreshToken) with { RefreshToken = "dead" }, new Person(), default));
        Assert.Equal(CcErrorKind.Authentication, e.Kind);
        Assert.DoesNotContain("dead", e.Message, StringComparison.Ordinal);
        Assert.Empty(await test.Engine.GetConnectionsAsync(default));
    }

    [Fact]
    public async Task A_taken_name_costs_no_token()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        int refreshes = test.Simulator.State.TokenLog.Refreshes;
        CcException e = await Assert.ThrowsAsync<CcException>(() => test.ConnectAsync("ACME"));
        Assert.Equal(("NameTaken", refreshes), (e.ErrorId, test.Simulator.State.TokenLog.Refreshes));
    }

    [Fact]
    public async Task A_connection_in_use_is_not_removed()
    {
        await using TestEngine test = await TestEngine.StartAsync();
        await test.Engine.SetExportAsync(new ExportChange { Name = "E", Connection = "acme", ListId = test.ListId, Map = TestEngine.NameMap, Path = "/x.csv" }, default);
        CcException e = await Assert.ThrowsAsync<CcException>(() => test.Engine.RemoveConnectionAsync("acme", ExportFate.Refuse, test.Watcher, default));
        Assert.Equal("ConnectionInUse", e.ErrorId);
        Assert.Contains("E", e.Message, StringComparison.Ordinal);
        await test.Engine.RemoveExportAsync("e", default);
        await test.Engine.RemoveConnectionAsync("acme", ExportFate.Refuse, test.Watcher, default);
        Assert.Empty(await test.Engine.GetConnectionsAsync(default));
    }

    private static NewConnection Request(TestEngine test, SignInMethod method) => new()
    {
        Name = "acme",
        ClientId = test.Simulator.ClientId,
        Method = method,
        ConsentedBy = "tester",
        ApiEndpoint = new Uri(test.Simulator.ApiEndpoint),
        AuthorizationEndpoint = new Uri(test.Simulator.AuthorizationEndpoint),
    };

    private sealed class Person(Action<string>? onCode = null, Func<Uri, Task>? onBrowser = null) : ISignInPrompt
    {
        public Task Done { get; private set; } = Task.CompletedTask;

        public void ShowDeviceCode(string userCode, Uri verificationUri, Uri? verificationUriComplete, DateTimeOffset expiresAt)
            => (onCode ?? throw new InvalidOperationException("No code was expected."))(userCode);

        public Task<bool> OpenBrowserAsync(Uri address, CancellationToken ct)
        {
            // As a browser does: it goes on by itself while the sign-in waits for the redirect.
            Done = (onBrowser ?? throw new InvalidOperationException("No browser was expected."))(address);
            return Task.FromResult(true);
        }

        public void ShowAddress(Uri address) => throw new InvalidOperationException();
    }
}
