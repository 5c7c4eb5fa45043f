using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security;
using System.Text.Json;
using CcExport.Engine;

namespace CcExport;

/// <summary>
/// A simulator as a child of this process. It ends when its standard input does, so it cannot outlive a PowerShell that was
/// killed. It says in its first line of output where it is; the rest is read and dropped, or it would stop on a full pipe.
/// </summary>
internal sealed class SimulatorProcess
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(5);
    private static readonly ConcurrentDictionary<int, SimulatorProcess> All = new();
    private readonly Process _process;

    private SimulatorProcess(Process process) => _process = process;

    /// <summary>Process ids of those that this session started and that still run.</summary>
    public static int[] Running() => [.. All.Where(x => !x.Value._process.HasExited).Select(x => x.Key).Order()];

    public static SimulatorProcess? Find(int id) => All.GetValueOrDefault(id);

    public static async Task<SimulatorInfo> StartAsync(int port, bool rotating, long profiles, CancellationToken ct)
    {
        string folder = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(SimulatorProcess).Assembly.Location)!, "..", "simulator"));
        string file = Path.Combine(folder, "CcExport.Simulator.dll");
        if (!File.Exists(file)) throw Failure("SimulatorMissing", $"The simulator is not where it should be: '{file}'.", "Install the module again.");
        string dotnet = DotnetHost.Find();
        // Long-lived tokens unless asked otherwise: a script that is started again with an old one should work.
        var start = new ProcessStartInfo(dotnet, [file, "--urls", $"http://127.0.0.1:{port}", "--rotating", rotating ? "true" : "false", "--profiles", profiles.ToString(CultureInfo.InvariantCulture)])
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            CreateNoWindow = true,
        };
        Process process;
        try { process = Process.Start(start)!; }
        catch (Win32Exception e) { throw Failure("SimulatorNotStarted", $"'{dotnet}' could not be started: {e.Message}", null, e); }
        var simulator = new SimulatorProcess(process);
        try
        {
            SimulatorInfo info = await simulator.ReadyAsync(port, ct).ConfigureAwait(false);
            All[info.ProcessId] = simulator;
            return info;
        }
        catch
        {
            await simulator.StopAsync(CancellationToken.None).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Ends it: by the end of its input, and if that does not help in time, for good.</summary>
    public async Task StopAsync(CancellationToken ct)
    {
        All.TryRemove(_process.Id, out _);
        try
        {
            _process.StandardInput.Close();
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
            limit.CancelAfter(StopLimit);
            await _process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or InvalidOperationException)
        {
            try { _process.Kill(entireProcessTree: true); }
            catch (InvalidOperationException) { /* it ended by itself */ }
        }
    }

    private async Task<SimulatorInfo> ReadyAsync(int port, CancellationToken ct)
    {
        var trouble = new ConcurrentQueue<string>();
        _process.ErrorDataReceived += (_, line) =>
        {
            if (!string.IsNullOrWhiteSpace(line.Data) && trouble.Count < 5) trouble.Enqueue(line.Data.Trim());
        };
        _process.BeginErrorReadLine();
        string? first;
        using (var limit = CancellationTokenSource.CreateLinkedTokenSource(ct))
        {
            limit.CancelAfter(StartLimit);
            try { first = await _process.StandardOutput.ReadLineAsync(limit.Token).ConfigureAwait(false); }
            catch (OperationCanceledException) when (!ct.IsCancellationRequested)
            {
                throw Failure("SimulatorNotReady", $"The simulator did not say within {StartLimit.TotalSeconds:N0} seconds that it is ready.", "Try again; the machine may be very busy.");
            }
        }
        if (first is null)
        {
            await _process.WaitForExitAsync(ct).ConfigureAwait(false);
            string said = trouble.IsEmpty ? "" : $" It said: {string.Join(" ", trouble)}";
            throw Failure("SimulatorNotStarted", $"The simulator ended at once (exit code {_process.ExitCode}).{said}",
                port == 0 ? "It needs the ASP.NET Core runtime 10: 'dotnet --list-runtimes' shows what is here." : "The port may be in use: leave -Port out to take any free one.");
        }
        _ = DropAsync(_process.StandardOutput);
        return Parse(first);
    }

    private static async Task DropAsync(StreamReader output)
    {
        char[] buffer = new char[4096];
        try
        {
            while (await output.ReadAsync(buffer).ConfigureAwait(false) > 0) { }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException) { /* it ended */ }
    }

    private static SimulatorInfo Parse(string line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement root = document.RootElement;
            return new SimulatorInfo
            {
                Url = new Uri(root.GetProperty("url").GetString()!),
                ApiEndpoint = new Uri(root.GetProperty("apiEndpoint").GetString()!),
                AuthorizationEndpoint = new Uri(root.GetProperty("authorizationEndpoint").GetString()!),
                ClientId = root.GetProperty("clientId").GetString()!,
                RefreshToken = Secret(root.GetProperty("refreshToken").GetString()!),
                AuthorityUrl = new Uri(root.GetProperty("authorityUrl").GetString()!),
                TenantId = root.GetProperty("tenantId").GetString()!,
                EntraClientId = root.GetProperty("entraClientId").GetString()!,
                EntraClientSecret = Secret(root.GetProperty("entraClientSecret").GetString()!),
                ListId = root.GetProperty("listId").GetString()!,
                ListName = root.GetProperty("listName").GetString()!,
                DataverseUrl = new Uri(root.GetProperty("dataverseUrl").GetString()!),
                InsightsUrl = new Uri(root.GetProperty("insightsUrl").GetString()!),
                InstanceId = root.GetProperty("instanceId").GetGuid(),
                SubscriptionKey = Secret(root.GetProperty("subscriptionKey").GetString()!),
                ProcessId = root.GetProperty("pid").GetInt32(),
            };
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or UriFormatException or ArgumentNullException or FormatException)
        {
            throw Failure("SimulatorNotReady", "The simulator did not say where it is; its first line is not what was agreed.", "Install the module again.", e);
        }
    }

    private static SecureString Secret(string text)
    {
        SecureString secret = new NetworkCredential("", text).SecurePassword;
        secret.MakeReadOnly();
        return secret;
    }

    private static CcException Failure(string id, string message, string? remedy, Exception? inner = null) => new(id, CcErrorKind.Service, message, remedy, inner);
}
