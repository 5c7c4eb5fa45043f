using CcExport.Engine;
using CcExport.Engine.ConstantContact;
using CcExport.Engine.ConstantContact.SignIn;
using CcExport.Engine.Exports;
using CcExport.Engine.Store;
using CcExport.Engine.Upload;
using CcExport.Simulator;

namespace CcExport.Chaos;

/// <summary>Engines on a home, with short waits. The budget of four calls a second is what it is.</summary>
internal static class Engines
{
    public static Task<CcEngine> OpenAsync(HostOptions options) => OpenAsync(options, _ => { });

    /// <param name="seen">Gets the engine's parts, for looking at the store itself.</param>
    public static Task<CcEngine> OpenAsync(HostOptions options, Action<EngineParts> seen) => CcEngine.OpenAsync(new CcHome(options.Home), TimeProvider.System, parts =>
    {
        seen(parts);
        IStore store = options.Kill is null ? parts.Store : new DeadlyStore(parts.Store, new Reaper(options.Kill));
        var wire = new WireContext(store.Connections, store.Calls, store.Leases, parts.Secrets, parts.Time) { Options = options.Patient ? new() : Short };
        return parts with
        {
            Store = store,
            Wire = wire,
            Upload = new UploadOptions { FirstPoll = TimeSpan.FromMilliseconds(100), LookInterval = TimeSpan.FromMilliseconds(300) },
            RunLease = options.LeaseLife is { } life
                ? new LeaseTimes { Life = TimeSpan.FromMilliseconds(life), Beat = TimeSpan.FromMilliseconds(life / 4.0) }
                : parts.RunLease,
        };
    }, default);

    /// <summary>
    /// A killed host's calls keep their places until their time-out: short ones, or a run would mostly stand still. An answer that is
    /// late for them is one more lost answer.
    /// </summary>
    private static WireOptions Short { get; } = new()
    {
        ImportTimeout = TimeSpan.FromSeconds(4),
        ReadTimeout = TimeSpan.FromSeconds(4),
        HeldMargin = TimeSpan.FromMilliseconds(500),
        Backoff = TimeSpan.FromMilliseconds(250),
    };

    public static NewConnection SignIn(RunningSimulator simulator, string name) => new()
    {
        Name = name,
        ClientId = simulator.ClientId,
        Method = SignInMethod.RefreshToken,
        RefreshToken = simulator.RefreshToken,
        ConsentedBy = "chaos",
        ApiEndpoint = new Uri(simulator.ApiEndpoint),
        AuthorizationEndpoint = new Uri(simulator.AuthorizationEndpoint),
    };

    public static readonly IReadOnlyDictionary<string, string> Map = new Dictionary<string, string>
    {
        ["email"] = "EMail",
        ["first_name"] = "FirstName",
        ["last_name"] = "LastName",
    };

    public static ISignInPrompt NoPrompt { get; } = new Nobody();

    private sealed class Nobody : ISignInPrompt
    {
        public void ShowDeviceCode(string userCode, Uri verificationUri, Uri? verificationUriComplete, DateTimeOffset expiresAt) => throw new InvalidOperationException();
        public Task<bool> OpenBrowserAsync(Uri address, CancellationToken ct) => throw new InvalidOperationException();
        public void ShowAddress(Uri address) => throw new InvalidOperationException();
    }
}
