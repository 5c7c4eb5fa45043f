using System.Text;
using CcExport.Engine;
using CcExport.Engine.ConstantContact;
using CcExport.Engine.ConstantContact.SignIn;
using CcExport.Engine.Exports;
using CcExport.Engine.Store;
using CcExport.Engine.Upload;
using CcExport.Simulator;

namespace CcExport.Model;

/// <summary>One history's service, home and engine. Everything over real HTTP and into a real store; only the waits are short, and the clock can be moved on.</summary>
internal sealed class World : IAsyncDisposable
{
    public const int LongestAddress = 40;
    public const string Imports = "contacts_json_import";
    public const string Removals = "remove_list_memberships";
    public const string TierField = "cf:tier";

    // Memory where there is such a folder: a history writes its journal durably some hundred times.
    private static readonly string Root = Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();

    private readonly string _home = Directory.CreateDirectory(Path.Combine(Root, $"ccexport-model-{Guid.NewGuid():N}")).FullName;
    private readonly Setup _setup;

    private World(Setup setup, RunningSimulator simulator, MovableClock clock) => (_setup, Simulator, Clock) = (setup, simulator, clock);

    public RunningSimulator Simulator { get; }
    public Simulation Service => Simulator.State;
    public MovableClock Clock { get; }
    public CcEngine Engine { get; private set; } = null!;
    public DeadlyStore Store { get; private set; } = null!;
    public Listener Listener { get; } = new();
    public IReadOnlyList<string> ListIds { get; private set; } = [];

    public static async Task<World> StartAsync(Setup setup)
    {
        var clock = new MovableClock();
        RunningSimulator simulator = await SimulatorHost.StartAsync(new SimulatorOptions
        {
            Switches = new SimulatorSwitches
            {
                RateLimit = RateLimitMode.Off,
                TokenRateLimit = false,
                AccessTokenSeconds = 10_000_000,
                KeepMemberships = true,
                KeepImports = true,
                MembershipTouches = setup.Touches,
                JobStartDelayMs = 0,
                JobDurationMs = 0,
                EmailMaxLength = LongestAddress,
                ErrorLineCap = setup.ErrorLines,
            },
        }, clock);
        simulator.State.AddCustomField(TierField[3..]);
        var world = new World(setup, simulator, clock);
        world.ListIds = [.. simulator.State.Lists().Take(setup.Lists).Select(l => l.Id)];
        foreach (string one in Crowd(setup)) simulator.State.AddContact(one, listIds: [world.ListIds[0]]);
        await world.OpenAsync();
        await world.Engine.AddConnectionAsync(new NewConnection
        {
            Name = "acme",
            ClientId = simulator.ClientId,
            Method = SignInMethod.RefreshToken,
            RefreshToken = simulator.RefreshToken,
            ConsentedBy = "model",
            ApiEndpoint = new Uri(simulator.ApiEndpoint),
            AuthorizationEndpoint = new Uri(simulator.AuthorizationEndpoint),
        }, Nobody.Here, default);
        for (int i = 0; i < setup.Exports.Count; i++)
        {
            ExportSetup export = setup.Exports[i];
            world.WriteSegment(i, []);
            await world.Engine.SetExportAsync(new ExportChange
            {
                Name = export.Name,
                Connection = "acme",
                ListId = world.ListIds[export.List],
                Path = world.FileOf(i),
                Map = export.Fields.Prepend("email").ToDictionary(f => f, Column),
                Mode = export.Mode,
                BatchSize = export.BatchSize,
            }, default);
        }
        return world;
    }

    /// <summary>Members from before our time, about whom the history has nothing.</summary>
    public static IEnumerable<string> Crowd(Setup setup) => Enumerable.Range(0, setup.Crowd).Select(i => $"crowd{i}@example.com");

    private static string Column(string field) => field switch { "email" => "EMail", "first_name" => "FirstName", "last_name" => "LastName", _ => "Tier" };

    private string FileOf(int export) => Path.Combine(_home, $"segment{export}.csv");

    public void WriteSegment(int export, IReadOnlyList<Row> rows)
    {
        var text = new StringBuilder("CustomerId,FirstName,LastName,EMail,Tier\n");
        foreach (Row row in rows) text.Append(row.Broken ? $"{row.Key},{row.First}\n" : $"{row.Key},{row.First},{row.Last},{row.Email},{row.Tier}\n");
        File.WriteAllText(FileOf(export), text.ToString());
    }

    /// <summary>Opens the engine, as a new process does.</summary>
    public async Task OpenAsync()
    {
        Engine = await CcEngine.OpenAsync(new CcHome(Path.Combine(_home, "home")), Clock, parts =>
        {
            Store = new DeadlyStore(parts.Store);
            return parts with
            {
                Store = Store,
                Wire = new WireContext(Store.Connections, Store.Calls, Store.Leases, parts.Secrets, parts.Time) { Options = Short },
                Upload = new UploadOptions
                {
                    FirstPoll = TimeSpan.FromMilliseconds(1),
                    MaxPoll = TimeSpan.FromMilliseconds(20),
                    MaxListPoll = TimeSpan.FromMilliseconds(20),
                    LookInterval = TimeSpan.FromMilliseconds(1),
                    DoubtDeadline = TimeSpan.FromSeconds(2),
                },
                LookContacts = _setup.FewContacts,
            };
        }, default);
    }

    private static WireOptions Short { get; } = new()
    {
        Backoff = TimeSpan.FromMilliseconds(1),
        MaxRetryAfter = TimeSpan.FromMilliseconds(1),
        Window = TimeSpan.Zero,
        WindowMargin = TimeSpan.Zero,
        MaxPlaceWait = TimeSpan.FromMilliseconds(1),
        TokenSpacing = TimeSpan.Zero,
        RefreshPause = TimeSpan.Zero,
    };

    /// <summary>What is left of a process that died: its home.</summary>
    public async Task DieAsync()
    {
        await Engine.DisposeAsync();
        await OpenAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        await Simulator.DisposeAsync();
        Directory.Delete(_home, true);
    }
}

/// <summary>The machine's clock, and what was added to it. Waits are those of the machine.</summary>
internal sealed class MovableClock : TimeProvider
{
    private long _added;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddTicks(Interlocked.Read(ref _added));

    public void Add(TimeSpan time) => Interlocked.Add(ref _added, time.Ticks);
}

/// <summary>Notes how the engine looked at lists.</summary>
internal sealed class Listener : IRunObserver
{
    private const string Looked = "The list was looked at: ";

    public Dictionary<string, int> Ways { get; } = [];

    public void Progress(RunProgress progress)
    {
    }

    public void Warning(string message)
    {
    }

    public void Verbose(string message)
    {
        if (message.Contains("are taken off the list", StringComparison.Ordinal))
        {
            string how = message.Contains("through the list", StringComparison.Ordinal) ? "through a list" : message[message.LastIndexOf('(')..].Trim('(', ')', '.');
            lock (Ways) Ways[$"taken off {how}"] = Ways.GetValueOrDefault($"taken off {how}") + 1;
        }
        if (!message.StartsWith(Looked, StringComparison.Ordinal)) return;
        lock (Ways) Ways[message[Looked.Length..]] = Ways.GetValueOrDefault(message[Looked.Length..]) + 1;
    }
}

internal sealed class Nobody : ISignInPrompt
{
    public static readonly Nobody Here = new();

    public void ShowDeviceCode(string userCode, Uri verificationUri, Uri? verificationUriComplete, DateTimeOffset expiresAt) => throw new InvalidOperationException();
    public Task<bool> OpenBrowserAsync(Uri address, CancellationToken ct) => throw new InvalidOperationException();
    public void ShowAddress(Uri address) => throw new InvalidOperationException();
}
