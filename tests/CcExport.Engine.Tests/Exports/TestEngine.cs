using CcExport.Engine.ConstantContact;
using CcExport.Engine.ConstantContact.SignIn;
using CcExport.Engine.Exports;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;
using CcExport.Engine.Telemetry;
using CcExport.Engine.Upload;
using CcExport.Simulator;

namespace CcExport.Engine.Tests.Exports;

/// <summary>
/// An engine on a home of its own and a simulator of its own, with short waits; everything over real HTTP. The service's second is a tenth of one here, on both
/// sides, unless a test is about the limit.
/// </summary>
internal sealed class TestEngine : IAsyncDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("ccexport-").FullName;

    public required CcEngine Engine { get; init; }
    public required RunningSimulator Simulator { get; init; }
    public required CcHome Home { get; init; }
    /// <summary>The engine's own store, to put it into the state that a killed process leaves.</summary>
    public IStore Store => Parts.Store;
    /// <summary>What it was put together from.</summary>
    public required EngineParts Parts { get; init; }
    public Watcher Watcher { get; } = new();
    public string ListId => Simulator.ListId;

    public static async Task<TestEngine> StartAsync(int? batchRows = null, int? batchBytes = null, SimulatorOptions? options = null, bool connect = true,
        string? root = null, Func<EngineParts, EngineParts>? change = null, TimeProvider? time = null, bool realLimit = false)
    {
        var home = new CcHome(root ?? Directory.CreateTempSubdirectory("ccexport-").FullName);
        RunningSimulator simulator = await SimulatorHost.StartAsync(options);
        if (!realLimit) simulator.State.Set(s => s.CallsPerSecond = Limits.CallsPerSecond * 20);
        EngineParts? opened = null;
        CcEngine engine = await CcEngine.OpenAsync(home, time ?? TimeProvider.System, parts =>
        {
            parts = parts with
            {
                BatchRows = batchRows ?? parts.BatchRows,
                BatchBytes = batchBytes ?? parts.BatchBytes,
                TidyEvery = TimeSpan.Zero,
                Upload = new UploadOptions { FirstPoll = TimeSpan.FromMilliseconds(50), LookInterval = TimeSpan.FromMilliseconds(300) },
            };
            if (!realLimit) parts = parts with { Wire = Wire(parts, new WireOptions { Window = TimeSpan.FromMilliseconds(100) }) };
            parts = change?.Invoke(parts) ?? parts;
            opened = parts;
            return parts;
        }, default);
        var test = new TestEngine { Engine = engine, Simulator = simulator, Home = home, Parts = opened! };
        if (connect) await test.ConnectAsync("acme");
        return test;
    }

    public static WireContext Wire(EngineParts parts, WireOptions options)
        => new(parts.Store.Connections, parts.Store.Calls, parts.Store.Leases, parts.Secrets, parts.Time) { Options = options };

    /// <summary>As a person does whose sign-in has ended: with a new token, once more.</summary>
    public Task<Connection> ConnectAgainAsync(string name)
    {
        Simulator.State.IssueRefreshToken();
        return ConnectAsync(name);
    }

    public Task<Connection> ConnectAsync(string name, int? contactLimit = null)
        => Engine.AddConnectionAsync(Request(Simulator, name) with { ContactLimit = contactLimit }, Prompt, default);

    public static ISignInPrompt Prompt { get; } = new NoPrompt();

    public static NewConnection Request(RunningSimulator simulator, string name) => new()
    {
        Name = name,
        ClientId = simulator.ClientId,
        Method = SignInMethod.RefreshToken,
        RefreshToken = simulator.RefreshToken,
        ConsentedBy = "tester",
        ApiEndpoint = new Uri(simulator.ApiEndpoint),
        AuthorizationEndpoint = new Uri(simulator.AuthorizationEndpoint),
    };

    public string File(string name, string text) => File(name, System.Text.Encoding.UTF8.GetBytes(text));

    public string File(string name, byte[] bytes)
    {
        string path = Path.Combine(_root, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        System.IO.File.WriteAllBytes(path, bytes);
        return path;
    }

    public static readonly IReadOnlyDictionary<string, string> NameMap = new Dictionary<string, string>
    {
        ["email"] = "EMail",
        ["first_name"] = "FirstName",
        ["last_name"] = "LastName",
    };

    public Task<Run> RunFileAsync(string path, IReadOnlyDictionary<string, string>? map = null, Func<RunRequest, RunRequest>? change = null, CancellationToken ct = default)
    {
        var request = new RunRequest { Connection = "acme", ListId = ListId, Map = map ?? NameMap, Source = new SourceReference { Path = path } };
        return Engine.InvokeAsync(change?.Invoke(request) ?? request, Watcher, ct);
    }

    public async Task<List<Rejection>> RejectionsAsync(long run)
    {
        List<Rejection> all = [];
        await foreach (Rejection r in Engine.GetRejectionsAsync(run, default)) all.Add(r);
        return all;
    }

    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        await Simulator.DisposeAsync();
        Directory.Delete(_root, true);
        if (Directory.Exists(Home.Root)) Directory.Delete(Home.Root, true);
    }

    private sealed class NoPrompt : ISignInPrompt
    {
        public void ShowDeviceCode(string userCode, Uri verificationUri, Uri? verificationUriComplete, DateTimeOffset expiresAt) => throw new InvalidOperationException();
        public Task<bool> OpenBrowserAsync(Uri address, CancellationToken ct) => throw new InvalidOperationException();
        public void ShowAddress(Uri address) => throw new InvalidOperationException();
    }
}

internal sealed class Watcher : IRunObserver
{
    public List<string> Warnings { get; } = [];
    public List<RunProgress> Steps { get; } = [];
    public List<string> Details { get; } = [];

    /// <summary>Is told the same.</summary>
    public IRunObserver? Also { get; set; }

    public void Progress(RunProgress progress)
    {
        lock (Steps) Steps.Add(progress);
        Also?.Progress(progress);
    }

    public void Warning(string message)
    {
        lock (Warnings) Warnings.Add(message);
        Also?.Warning(message);
    }

    public void Verbose(string message)
    {
        lock (Details) Details.Add(message);
        Also?.Verbose(message);
    }

    public void Event(RunEvent what) => Also?.Event(what);
}
