using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CcExport.Engine;
using CcExport.Engine.Exports;
using CcExport.Engine.Identity;
using CcExport.Engine.Store;
using CcExport.Simulator;
using Npgsql;

namespace CcExport.Chaos;

/// <summary>What a fleet works on: a database of its own on a PostgreSQL server, a folder for the files, a certificate, and for each API key a service with an account.</summary>
internal sealed class FleetYard : IAsyncDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("ccexport-fleet-").FullName;
    private readonly string _server;
    private readonly List<RunningSimulator> _services = [];

    private FleetYard(string server, string database)
    {
        _server = server;
        Store = new NpgsqlConnectionStringBuilder(server) { Database = database }.ToString();
    }

    public IReadOnlyList<RunningSimulator> Services => _services;
    /// <summary>The connection string of the store; holds the password.</summary>
    public string Store { get; }
    public CcHome Home => new(Path.Combine(_root, "home"));
    /// <summary>When all exports became due.</summary>
    public DateTimeOffset DueAt { get; private set; }

    /// <summary>As a machine is set up: where the store is, where its files lie, and what unwraps its keys.</summary>
    public Dictionary<string, string> Environment => new()
    {
        ["CCEXPORT_STORE"] = Store,
        ["CCEXPORT_HOME"] = Home.Root,
        [KeyRingOptions.CertificateVariable] = Certificate,
    };

    private string Certificate => Path.Combine(_root, "ring.pfx");

    /// <param name="server">A connection string of somebody who may make databases and roles.</param>
    public static async Task<FleetYard> OpenAsync(FleetOptions options, string server)
    {
        string database = "fleet_" + Guid.NewGuid().ToString("N")[..12];
        await BossAsync(server, $"CREATE DATABASE {database}");
        var yard = new FleetYard(server, database);
        try
        {
            using (var rsa = RSA.Create(2048))
            using (X509Certificate2 made = new CertificateRequest("CN=fleet", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
                .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30)))
            {
                await File.WriteAllBytesAsync(yard.Certificate, made.Export(X509ContentType.Pfx));
            }
            for (int key = 0; key < options.Keys; key++)
            {
                yard._services.Add(await SimulatorHost.StartAsync(new SimulatorOptions
                {
                    Seed = (options.Seed * 1000) + key,
                    Switches = new SimulatorSwitches { KeepImports = true },
                }));
            }
            return yard;
        }
        catch
        {
            await yard.DisposeAsync();
            throw;
        }
    }

    public Task<CcEngine> OpenEngineAsync(Func<EngineParts, EngineParts> change) => CcEngine.OpenSharedAsync(Home, Store, parts => change(parts with
    {
        KeyRing = () => KeyRingOptions.FromEnvironment(Environment.GetValueOrDefault) with { MustBeWrapped = true },
    }), default);

    /// <summary>
    /// Signs in to each account, and makes the exports: all have become due at the same time some hours ago, and at no other. Every other export has a list of its own, the rest of an
    /// account share one.
    /// </summary>
    public async Task<IReadOnlyList<FleetExport>> FillAsync(FleetOptions options)
    {
        await using (CcEngine engine = await OpenEngineAsync(parts => parts))
        {
            for (int key = 0; key < options.Keys; key++) await engine.AddConnectionAsync(Engines.SignIn(_services[key], NameOf(key)), Engines.NoPrompt, default);
        }

        DateTimeOffset now = DateTimeOffset.UtcNow;
        DateTimeOffset due = now.AddHours(-6);
        DueAt = new DateTimeOffset(due.Year, due.Month, due.Day, due.Hour, due.Minute, 0, TimeSpan.Zero);
        var exports = new List<FleetExport>();
        // Whoever defines a schedule today is not due for yesterday; so these were defined half a day ago.
        await using (CcEngine engine = await OpenEngineAsync(parts => parts with { Time = new Earlier(TimeSpan.FromHours(12)) }))
        {
            for (int number = 1; number <= options.Exports; number++)
            {
                string path = Path.Combine(_root, $"export{number}.csv");
                FleetExport export = FleetExport.Make(number, options.Keys, options.Profiles, options.Seed, path);
                RunningSimulator service = _services[export.Key];
                export.ListId = number / options.Keys % 2 == 0 ? service.State.AddList(export.Name).Id : service.ListId;
                await engine.SetExportAsync(new ExportChange
                {
                    Name = export.Name,
                    Connection = NameOf(export.Key),
                    ListId = export.ListId,
                    Map = Engines.Map,
                    Path = path,
                    Schedule = $"{DueAt.Minute} {DueAt.Hour} * * *",
                    TimeZone = "Etc/UTC",
                }, default);
                exports.Add(export);
            }
        }
        return exports;
    }

    private static string NameOf(int key) => $"Tenant{key:00}";

    public async ValueTask DisposeAsync()
    {
        foreach (RunningSimulator service in _services) await service.DisposeAsync();
        NpgsqlConnection.ClearAllPools();
        await BossAsync(_server, $"DROP DATABASE IF EXISTS {new NpgsqlConnectionStringBuilder(Store).Database} WITH (FORCE)");
        Directory.Delete(_root, true);
    }

    private static async Task BossAsync(string server, string sql)
    {
        await using var boss = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(server) { Pooling = false }.ToString());
        await boss.OpenAsync();
        await using var command = new NpgsqlCommand(sql, boss);
        await command.ExecuteNonQueryAsync();
    }

    private sealed class Earlier(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() - by;
    }
}
