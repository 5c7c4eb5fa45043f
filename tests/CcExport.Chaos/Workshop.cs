using System.Text;
using CcExport.Engine;
using CcExport.Engine.Exports;
using CcExport.Engine.Store;
using CcExport.Simulator;

namespace CcExport.Chaos;

/// <summary>What the store says between two hosts.</summary>
/// <param name="Run">The latest run of the export.</param>
/// <param name="SecretsVersion">How often the connection's tokens were written.</param>
/// <param name="SignedOut">The service has refused the connection's refresh token.</param>
internal sealed record Snapshot(Run? Run, long SecretsVersion, bool SignedOut);

/// <summary>
/// A service and a home for the hosts to work on. The home is opened only while no host lives and closed again at once, so that each
/// host finds it as the one before left it.
/// </summary>
internal sealed class Workshop : IAsyncDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("ccexport-chaos-").FullName;

    private Workshop(RunningSimulator simulator) => Simulator = simulator;

    public RunningSimulator Simulator { get; }
    public Simulation Service => Simulator.State;
    public string Home => Path.Combine(_root, "home");
    public string Connection { get; private set; } = "";

    public static async Task<Workshop> OpenAsync(int seed, SimulatorSwitches? switches = null)
        => new(await SimulatorHost.StartAsync(new SimulatorOptions
        {
            Seed = seed,
            Switches = (switches ?? new SimulatorSwitches()) with { KeepImports = true, EmailMaxLength = Population.EmailMaxLength },
        }));

    public string PathOf(string file) => Path.Combine(_root, file);

    /// <summary>Signs in, under a new name each time.</summary>
    public async Task SignInAsync(string name)
    {
        if (Connection.Length > 0) Service.IssueRefreshToken();
        await WithEngineAsync(async (engine, _) => await engine.AddConnectionAsync(Engines.SignIn(Simulator, name), Engines.NoPrompt, default));
        Connection = name;
    }

    public Task SetExportAsync(string name, Population? people = null, int? batch = null) => WithEngineAsync(async (engine, _) => await engine.SetExportAsync(
        people is null
            ? new ExportChange { Name = name, Connection = Connection }
            : new ExportChange { Name = name, Connection = Connection, ListId = Simulator.ListId, Map = Engines.Map, Path = people.Csv, BatchSize = batch }, default));

    /// <param name="optedOut">Some have unsubscribed from the account before.</param>
    public Population Populate(string export, string tag, int profiles, Random chance, bool optedOut = true)
    {
        Population people = Population.Make(PathOf(export + ".csv"), tag, profiles, chance, optedOut);
        Settle(people);
        return people;
    }

    /// <summary>Puts those into the account who were there before.</summary>
    public void Settle(Population people)
    {
        foreach (string address in people.OptedOut) Service.AddContact(address, permission: "unsubscribed");
        foreach (string address in people.Renamed) Put(address, "Before", "Then");
        foreach (string address in people.AsTheyAre) Put(address, Population.FirstName(people.Sent[address]), Population.LastName(people.Sent[address]));
    }

    private void Put(string address, string firstName, string lastName) => Service.AddContact(
        address, listIds: [Simulator.ListId], fields: new Dictionary<string, string> { ["first_name"] = firstName, ["last_name"] = lastName });

    public async Task<Snapshot> LookAsync(string export)
    {
        Snapshot? seen = null;
        await WithEngineAsync(async (engine, parts) =>
        {
            IReadOnlyList<Run> runs = await engine.GetRunsAsync(export, 1, default);
            ConnectionRecord connection = (await parts.Store.Connections.FindAsync(Connection, default))!;
            seen = new Snapshot(runs.Count == 0 ? null : runs[0], connection.SecretsVersion, connection.SignedOutAt is not null);
        });
        return seen!;
    }

    /// <summary>How many rejections the run has of each kind.</summary>
    public async Task<Dictionary<string, long>> CountRejectionsAsync(long run)
    {
        Dictionary<string, long> counts = [];
        await WithEngineAsync(async (engine, _) =>
        {
            await foreach (Rejection r in engine.GetRejectionsAsync(run, default)) counts[r.Kind] = counts.GetValueOrDefault(r.Kind) + r.Count;
        });
        return counts;
    }

    /// <summary>Rows of those whom the run names as refused since both of their jobs failed.</summary>
    public async Task<HashSet<long>> FailedTwiceAsync(long run)
    {
        HashSet<long> rows = [];
        await WithEngineAsync(async (engine, _) =>
        {
            await foreach (Rejection r in engine.GetRejectionsAsync(run, default))
            {
                if (r.Reason == "JobFailedTwice") rows.Add(r.Row);
            }
        });
        return rows;
    }

    private async Task WithEngineAsync(Func<CcEngine, EngineParts, Task> act)
    {
        EngineParts? parts = null;
        await using CcEngine engine = await Engines.OpenAsync(new HostOptions(Home, ""), p => parts = p);
        await act(engine, parts!);
    }

    /// <summary>True when some file of the home holds an address as it is. Not while anything has the store open.</summary>
    public bool HoldsAddress()
    {
        byte[] plain = Encoding.UTF8.GetBytes(Population.Domain), large = Encoding.UTF8.GetBytes(Population.Domain.ToUpperInvariant());
        return Directory.EnumerateFiles(Home, "*", SearchOption.AllDirectories).Any(file =>
        {
            ReadOnlySpan<byte> bytes = File.ReadAllBytes(file);
            return bytes.IndexOf(plain) >= 0 || bytes.IndexOf(large) >= 0;
        });
    }

    public bool SpoolIsEmpty() => !Directory.EnumerateFileSystemEntries(new CcHome(Home).SpoolFolder).Any();

    public async ValueTask DisposeAsync()
    {
        await Simulator.DisposeAsync();
        Directory.Delete(_root, true);
    }
}
