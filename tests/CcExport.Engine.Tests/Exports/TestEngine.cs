using CcExport.Engine.ConstantContact.SignIn;
using CcExport.Engine.Exports;
using CcExport.Engine.Store;
using CcExport.Engine.Upload;
using CcExport.Simulator;

namespace CcExport.Engine.Tests.Exports;

/// <summary>An engine on a home of its own and a simulator of its own, with short waits; everything over real HTTP.</summary>
internal sealed class TestEngine : IAsyncDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("ccexport-").FullName;

    public required CcEngine Engine { get; init; }
    public required RunningSimulator Simulator { get; init; }
    public required CcHome Home { get; init; }
    /// <summary>The engine's own store, to put it into the state that a killed process leaves.</summary>
    public required IStore Store { get; init; }
    public Watcher Watcher { get; } = new();
    public string ListId => Simulator.ListId;

    public static async Task<TestEngine> StartAsync(int? batchRows = null, int? batchBytes = null, SimulatorOptions? options = null, bool connect = true,
        string? root = null, Func<EngineParts, EngineParts>? change = null, TimeProvider? time = null)
    {
        var home = new CcHome(root ?? Directory.CreateTempSubdirectory("ccexport-").FullName);
        RunningSimulator simulator = await SimulatorHost.StartAsync(options);
        EngineParts? opened = null;
        CcEngine engine = await CcEngine.OpenAsync(home, time ?? TimeProvider.System, parts =>
        {
            parts = parts with
            {
                BatchRows = batchRows ?? parts.BatchRows,
                BatchBytes = batchBytes ?? parts.BatchBytes,
                Upload = new UploadOptions { FirstPoll = TimeSpan.FromMilliseconds(50), LookInterval = TimeSpan.FromMilliseconds(300) },
            };
            parts = change?.Invoke(parts) ?? parts;
            opened = parts;
            return parts;
        }, default);
        var test = new TestEngine { Engine = engine, Simulator = simulator, Home = home, Store = opened!.Store };
        if (connect) await test.ConnectAsync("acme");
        return test;
    }

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

    public void Progress(RunProgress progress)
    {
        lock (Steps) Steps.Add(progress);
    }

    public void Warning(string message)
    {
        lock (Warnings) Warnings.Add(message);
    }

    public void Verbose(string message)
    {
    }
}
