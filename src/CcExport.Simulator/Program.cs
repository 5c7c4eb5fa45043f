using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using CcExport.Simulator;

var options = new SimulatorOptions();
try
{
    for (int i = 0; i < args.Length; i += 2)
    {
        string value = i + 1 < args.Length ? args[i + 1] : throw new FormatException($"{args[i]} needs a value.");
        options = args[i] switch
        {
            "--urls" => options with { Urls = value },
            "--seed" => options with { Seed = int.Parse(value, CultureInfo.InvariantCulture) },
            "--rotating" => options with { Switches = options.Switches with { Rotating = bool.Parse(value) } },
            "--profiles" => options with { Profiles = long.Parse(value, NumberStyles.None, CultureInfo.InvariantCulture) },
            "--page-title" => options with { PageTitle = value },
            _ => throw new FormatException($"Unknown option {args[i]}. Known: --urls, --seed, --rotating, --profiles, --page-title."),
        };
    }
}
catch (FormatException e)
{
    Console.Error.WriteLine(e.Message);
    return 2;
}

// Ctrl+C in a terminal reaches every process of the group, also the one that was only meant to serve the shell.
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => signal.Cancel = true);
await using RunningSimulator simulator = await SimulatorHost.StartAsync(options);
Console.WriteLine(JsonSerializer.Serialize(new
{
    url = simulator.Url,
    apiEndpoint = simulator.ApiEndpoint,
    authorizationEndpoint = simulator.AuthorizationEndpoint,
    pid = Environment.ProcessId,
    clientId = simulator.ClientId,
    refreshToken = simulator.RefreshToken,
    listId = simulator.ListId,
    listName = simulator.ListName,
    dataverseUrl = simulator.DataverseUrl,
    insightsUrl = simulator.InsightsUrl,
    instanceId = simulator.InstanceId,
    subscriptionKey = simulator.SubscriptionKey,
    authorityUrl = simulator.AuthorityUrl,
    tenantId = simulator.TenantId,
    entraClientId = simulator.EntraClientId,
    entraClientSecret = simulator.EntraClientSecret,
}));
Console.Out.Flush();

// Our starter holds the other end of stdin: its close, its end and its death all look the same from here.
using Stream stdin = Console.OpenStandardInput();
byte[] ignored = new byte[256];
while (await stdin.ReadAsync(ignored) > 0)
{
}

return 0;
