using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using CcExport.Engine;
using CcExport.Engine.ConstantContact.SignIn;
using CcExport.Engine.Exports;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;

namespace CcExport.Benchmarks;

/// <summary>A whole export from the simulated Dataverse in another process, which this one starts: what it costs here, in requests and at the peak.</summary>
internal static class InsightsRun
{
    public static async Task<int> RunAsync(long profiles, string[] segments, bool readOnly)
    {
        using Process host = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [.. HostOf(), "insights-host", profiles.ToString(CultureInfo.InvariantCulture)])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        string home = Directory.CreateTempSubdirectory("ccexport-bench-").FullName;
        try
        {
            JsonElement at = JsonDocument.Parse((await host.StandardOutput.ReadLineAsync())!).RootElement;
            string Text(string name) => at.GetProperty(name).GetString()!;
            var source = new SourceReference { Dataverse = new Uri(Text("dataverse")) };
            using var me = Process.GetCurrentProcess();
            string outcome = readOnly ? await ReadAsync(source, segments) : await ExportAsync(home, source, segments, Text);
            me.Refresh();
            await host.StandardInput.WriteLineAsync("calls");
            string calls = (await host.StandardOutput.ReadLineAsync())!;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{outcome}, cpu of the process {me.TotalProcessorTime.TotalSeconds:F2} s, peak {me.PeakWorkingSet64 / 1e6:F0} MB; {calls}"));
            host.StandardInput.Close();
            Console.WriteLine("simulator: " + await host.StandardOutput.ReadToEndAsync());
            await host.WaitForExitAsync();
            return 0;
        }
        finally
        {
            if (!host.HasExited) host.Kill();
            Directory.Delete(home, true);
        }
    }

    private static string[] HostOf() => Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [typeof(InsightsRun).Assembly.Location] : [];

    private static async Task<string> ExportAsync(string folder, SourceReference source, string[] segments, Func<string, string> text)
    {
        EngineParts? parts = null;
        await using CcEngine engine = await CcEngine.OpenAsync(new CcHome(folder), TimeProvider.System, p => parts = p with { OpenExportUser = static (_, _) => new OneToken() }, default);
        Connection connection = await engine.AddConnectionAsync(new NewConnection
        {
            Name = "Simulator",
            ClientId = text("client"),
            Method = SignInMethod.RefreshToken,
            RefreshToken = text("refresh"),
            ConsentedBy = "benchmark",
            ApiEndpoint = new Uri(text("api")),
            AuthorizationEndpoint = new Uri(text("authorization")),
        }, new NoPrompt(), default);
        ConnectionRecord record = (await parts!.Store.Connections.FindAsync(connection.Name, default))!;
        await parts.Store.ExportUsers.SaveAsync(new ExportUserRecord { ConnectionId = record.Id, Json = "{}", CreatedAt = DateTimeOffset.UnixEpoch, Secrets = [] }, default);
        var request = new RunRequest
        {
            Connection = connection.Name,
            ListId = text("list"),
            Map = new Dictionary<string, string> { ["email"] = "msdynci_emailaddress1", ["first_name"] = "msdynci_firstname", ["last_name"] = "msdynci_lastname" },
            Source = source,
            Segment = segments,
            MaxProfiles = 100_000_000,
        };
        TimeSpan before = Environment.CpuUsage.TotalTime;
        long began = Stopwatch.GetTimestamp();
        Run run = await engine.InvokeAsync(request, new Told(), default);
        return string.Create(CultureInfo.InvariantCulture,
            $"{run.Status}: read {run.Read}, sent {run.Sent}, accepted {run.Accepted}, duplicates {run.Duplicate}; cpu of the export {(Environment.CpuUsage.TotalTime - before).TotalSeconds:F2} s, wall {Stopwatch.GetElapsedTime(began).TotalSeconds:F1} s");
    }

    private static async Task<string> ReadAsync(SourceReference reference, string[] segments)
    {
        IProfileSource source = SourceKinds.Find(reference).Open(reference, new SourceContext { Time = TimeProvider.System, Tokens = new OneToken() });
        long rows = 0;
        foreach (string segment in segments)
        {
            await foreach (ProfileBatch batch in source.ReadAsync(segment, ["msdynci_emailaddress1", "msdynci_firstname", "msdynci_lastname", "msdynci_customerid"], default)) rows += batch.Rows;
        }
        return $"read {rows}";
    }

    private sealed class OneToken : IAccessTokens
    {
        public string Identity => "benchmark";

        public ValueTask<BearerToken> GetAsync(string scope, bool renew, CancellationToken ct) => new(new BearerToken(InsightsHost.Token, DateTimeOffset.MaxValue));
    }

    private sealed class Told : IRunObserver
    {
        public void Progress(RunProgress progress)
        {
        }

        public void Warning(string message) => Console.Error.WriteLine(message);

        public void Verbose(string message)
        {
        }
    }

    private sealed class NoPrompt : ISignInPrompt
    {
        public void ShowDeviceCode(string userCode, Uri verificationUri, Uri? verificationUriComplete, DateTimeOffset expiresAt) => throw new InvalidOperationException();
        public Task<bool> OpenBrowserAsync(Uri address, CancellationToken ct) => throw new InvalidOperationException();
        public void ShowAddress(Uri address) => throw new InvalidOperationException();
    }
}
