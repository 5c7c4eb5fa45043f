using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Azure.Storage;
using Azure.Storage.Blobs;
using Azure.Storage.Sas;
using CcExport.Engine.Profiles;

namespace CcExport.Engine.Tests.Profiles;

/// <summary>A storage emulator for all tests of one run: own port, own folder, ended with them. Where it lies: CCEXPORT_AZURITE, or .tools/azurite.</summary>
public sealed class Azurite : IAsyncLifetime
{
    public const string Account = "devstoreaccount1";

    /// <summary>The emulator's own, which everybody knows.</summary>
    public const string Key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    private readonly string _folder = Directory.CreateTempSubdirectory("ccexport-azurite-").FullName;
    private Process? _process;

    /// <summary>The program; null where it is not on this machine.</summary>
    public static string? Program { get; } = Find();

    public Uri Endpoint { get; private set; } = new("http://127.0.0.1:1");

    private static BlobClientOptions Options { get; } = new(BlobClientOptions.ServiceVersion.V2026_06_06);

    private static string? Find([CallerFilePath] string here = "")
    {
        string root = Environment.GetEnvironmentVariable("CCEXPORT_AZURITE") is { Length: > 0 } given
            ? given : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../../.tools/azurite/node_modules/azurite"));
        string program = Path.Combine(root, "dist/src/blob/main.js");
        return File.Exists(program) ? program : null;
    }

    public async Task InitializeAsync()
    {
        if (Program is null) return;
        int port = FreePort();
        _process = Process.Start(new ProcessStartInfo("node", [Program, "--blobHost", "127.0.0.1", "--blobPort", $"{port}", "--location", _folder, "--silent", "--disableTelemetry"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Endpoint = new Uri($"http://127.0.0.1:{port}/{Account}");
        for (int i = 0; i < 600; i++)
        {
            try
            {
                using var tcp = new TcpClient();
                await tcp.ConnectAsync(IPAddress.Loopback, port);
                return;
            }
            catch (SocketException) when (!_process.HasExited)
            {
                await Task.Delay(100);
            }
        }
        throw new InvalidOperationException("Azurite did not start within a minute.");
    }

    public async Task DisposeAsync()
    {
        if (_process is { } process)
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
            process.Dispose();
        }
        Directory.Delete(_folder, recursive: true);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>A new container.</summary>
    internal async Task<Container> CreateAsync()
    {
        if (Program is null) throw new InvalidOperationException("needs Azurite (npm azurite 3.37.0): .ci/run installs it, CCEXPORT_AZURITE says where it is.");
        var client = new BlobContainerClient(new Uri($"{Endpoint}/c{Guid.NewGuid():N}"), new StorageSharedKeyCredential(Account, Key), Options);
        await client.CreateAsync();
        return new Container(client);
    }

    internal sealed class Container(BlobContainerClient client)
    {
        public Uri Address => client.Uri;

        public Task PutAsync(string name, string text) => PutAsync(name, System.Text.Encoding.UTF8.GetBytes(text));

        public Task PutAsync(string name, byte[] bytes) => client.GetBlobClient(name).UploadAsync(new BinaryData(bytes), overwrite: true);

        public Task RemoveAsync(string name) => client.DeleteBlobAsync(name);

        public string Sas(string rights = "rl", double hours = 1)
        {
            var sas = new BlobSasBuilder { BlobContainerName = client.Name, Resource = "c", StartsOn = DateTimeOffset.UtcNow.AddDays(-2), ExpiresOn = DateTimeOffset.UtcNow.AddHours(hours) };
            sas.SetPermissions(rights, true);
            return client.GenerateSasUri(sas).Query.TrimStart('?');
        }

        public SourceReference Reference(string folder = "") => new() { BlobContainer = new Uri($"{Address}{(folder.Length > 0 ? "/" : "")}{folder}"), AccountKey = Key };

        internal IProfileSource Open(string folder = "", HttpMessageHandler? network = null, Func<SourceReference, SourceReference>? change = null, IAccessTokens? tokens = null)
        {
            SourceReference reference = change?.Invoke(Reference(folder)) ?? Reference(folder);
            BlobSource.Kind.Check(reference);
            return BlobSource.Kind.Open(reference, new SourceContext { Time = TimeProvider.System, Network = network, Tokens = tokens });
        }
    }
}

[CollectionDefinition(Name)]
public sealed class AzuriteTests : ICollectionFixture<Azurite>
{
    public const string Name = "Azurite";
}

/// <summary>A test that needs the emulator: left out, and counted as that, where it is not; on the machine that checks every change its lack is a failure.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class AzuriteFactAttribute : FactAttribute
{
    public AzuriteFactAttribute()
    {
        if (Azurite.Program is null && Environment.GetEnvironmentVariable("CI") != "true") Skip = "skipped: needs Azurite (npm azurite 3.37.0)";
    }
}

/// <summary>Passes requests on and counts what comes back.</summary>
internal sealed class Counting(Action<HttpRequestMessage>? before = null) : DelegatingHandler(new SocketsHttpHandler())
{
    private long _bytes, _requests;

    public long Bytes => Interlocked.Read(ref _bytes);
    public long Requests => Interlocked.Read(ref _requests);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        before?.Invoke(request);
        Interlocked.Increment(ref _requests);
        HttpResponseMessage answer = await base.SendAsync(request, cancellationToken);
        if (request.Method == HttpMethod.Get && answer.Content.Headers.ContentLength is { } length) Interlocked.Add(ref _bytes, length);
        return answer;
    }
}
