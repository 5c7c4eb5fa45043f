using CcExport.Simulator;
using CcExport.Simulator.Insights;

namespace CcExport.Benchmarks;

/// <summary>A simulator for measuring sources: a third of its profiles is in the segment Third, a hundredth in Hundredth, and one token opens it.</summary>
internal static class InsightsHost
{
    public const string Token = "benchmark";

    public static async Task RunAsync(long profiles)
    {
        await using RunningSimulator simulator = await SimulatorHost.StartAsync(new SimulatorOptions { Profiles = profiles });
        InsightsEstate estate = simulator.State.Insights;
        estate.Segments =
        [
            new SimulatedSegment { Name = "Third", Has = i => i % 3 == 1 },
            new SimulatedSegment { Name = "Third_2", Has = i => i % 9 == 2 },
            new SimulatedSegment { Name = "Hundredth", Has = i => i % 100 == 1 },
        ];
        estate.RegisterToken(Token, simulator.DataverseUrl, DateTimeOffset.MaxValue);
        Console.WriteLine(System.Text.Json.JsonSerializer.Serialize(new
        {
            api = simulator.ApiEndpoint,
            authorization = simulator.AuthorizationEndpoint,
            client = simulator.ClientId,
            refresh = simulator.RefreshToken,
            list = simulator.ListId,
            dataverse = simulator.DataverseUrl,
        }));
        while (await Console.In.ReadLineAsync() is { } line)
        {
            if (line == "calls") Console.WriteLine(string.Join(' ', Enum.GetValues<InsightsCall>().Select(c => $"{c}={estate.Calls(c)}")));
        }
        Usage.Print();
    }
}
