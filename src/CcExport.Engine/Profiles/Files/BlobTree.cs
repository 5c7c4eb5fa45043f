using System.Xml;
using Azure;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Storage;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;

namespace CcExport.Engine.Profiles;

/// <summary>
/// Blobs of a container as files and folders, by one listing of all below the asked place. What is read is the blob as it was listed: each request names its ETag,
/// so that one that changed meanwhile is refused by the service.
/// </summary>
internal sealed class BlobTree : IFileTree
{
    /// <summary>Bytes of one request: none stays open while our consumer waits for the budget.</summary>
    private const int Piece = 4 * 1024 * 1024;

    private readonly BlobContainerClient _container;
    private readonly BlobAddress _address;
    private readonly string _root;
    private readonly BlobErrors _errors;
    private readonly Action<string> _verbose, _warn;
    private readonly Dictionary<string, Blob> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (SortedSet<string> Files, SortedSet<string> Folders)> _folders = new(StringComparer.Ordinal);
    private bool _looked;

    private sealed record Blob(string Name, ETag ETag, long Length, DateTimeOffset? Written);

    /// <param name="root">The asked place as people know it; all paths begin with it.</param>
    public BlobTree(BlobAddress address, string root, string? sas, string? key, SourceContext context, BlobErrors errors)
    {
        (_address, _root, _errors, _verbose, _warn) = (address, root, errors, context.Verbose, context.Warn);
        // A version that services of today know, and the emulator as well.
        var options = new BlobClientOptions(BlobClientOptions.ServiceVersion.V2026_06_06)
        {
            Diagnostics = { IsLoggingEnabled = false, IsTelemetryEnabled = false, IsDistributedTracingEnabled = false },
            Retry = { MaxRetries = 3, Mode = RetryMode.Exponential, Delay = TimeSpan.FromMilliseconds(500), MaxDelay = TimeSpan.FromSeconds(30), NetworkTimeout = TimeSpan.FromSeconds(60) },
        };
        if (context.Network is { } network) options.Transport = new HttpClientTransport(network);
        if (sas is null && key is null) options.AddPolicy(new AsksEachTime(context.Tokens!), HttpPipelinePosition.PerCall);
        _container = sas is not null ? new(address.Container, new AzureSasCredential(sas), options)
            : key is not null ? new(address.Container, new StorageSharedKeyCredential(address.Account, key), options)
            : new(address.Container, new TokensOfTheUser(context.Tokens!), options);
    }

    public StringComparison Comparison => StringComparison.Ordinal;

    public async ValueTask LookAsync(CancellationToken ct)
    {
        if (_looked) return;
        var blobs = new List<Blob>();
        try
        {
            string? prefix = _address.Prefix.Length == 0 ? null : _address.Prefix;
            var question = new GetBlobsOptions { Prefix = prefix, Traits = BlobTraits.Metadata };
            await foreach (BlobItem item in _container.GetBlobsAsync(question, ct).ConfigureAwait(false))
            {
                bool isFolder = item.Metadata is { } notes && notes.Any(note => note.Key.Equals("hdi_isfolder", StringComparison.OrdinalIgnoreCase) && note.Value == "true");
                if (!isFolder && item.Properties.ETag is { } tag)
                    blobs.Add(new(item.Name, tag, item.Properties.ContentLength ?? 0, item.Properties.LastModified));
            }
        }
        catch (Exception e) when (IsOfTheService(e) || e is XmlException)
        {
            ct.ThrowIfCancellationRequested();
            throw Tell(e, null);
        }
        foreach (Blob blob in blobs) Place(blob);
        _verbose(FormattableString.Invariant($"'{_root}' holds {_files.Count:N0} blobs."));
        await LookAboveAsync(ct).ConfigureAwait(false);
        _looked = true;
    }

    /// <summary>What makes a table of the files lies above the asked place, if that is within one: see <see cref="Partitions.RefuseTables"/>. Whoever may list the asked place only is warned.</summary>
    private async Task LookAboveAsync(CancellationToken ct)
    {
        string at = _address.Prefix;
        if (_files.ContainsKey(_root))
        {
            if (!at.EndsWith(".parquet", StringComparison.OrdinalIgnoreCase)) return;
            if (!await LookAsync(at = Above(at), ct).ConfigureAwait(false)) return;
        }
        while (at.Length > 0 && Partitions.MayBeOfTable(NameOf(at)) && await LookAsync(at = Above(at), ct).ConfigureAwait(false)) { }

        static string Above(string prefix) => prefix.LastIndexOf('/') is var slash and >= 0 ? prefix[..slash] : "";
    }

    private async Task<bool> LookAsync(string folder, CancellationToken ct)
    {
        string container = _root[..^(_address.Prefix.Length + 1)];
        foreach ((string name, string ending) in new[] { (Partitions.DeltaLog, ""), (Partitions.HudiNotes, ""), (Partitions.IcebergNotes, Partitions.IcebergNote) })
        {
            string notes = folder.Length == 0 ? name : $"{folder}/{name}";
            try
            {
                await foreach (BlobItem item in _container.GetBlobsAsync(new GetBlobsOptions { Prefix = notes + "/" }, ct).ConfigureAwait(false))
                {
                    if (!item.Name.EndsWith(ending, StringComparison.OrdinalIgnoreCase)) continue;
                    string path = $"{container}/{item.Name}";
                    _files.TryAdd(path, new(item.Name, item.Properties.ETag ?? default, 0, null));
                    _folders[$"{container}/{notes}"] = ([path], []);
                    break;
                }
            }
            catch (Exception e) when (IsOfTheService(e) || e is XmlException)
            {
                ct.ThrowIfCancellationRequested();
                _warn($"Whether '{_root}' is a part of a Delta, Hudi or Iceberg table could not be looked at: what lies above it may not be listed. Of such a table deleted people would be read as well.");
                return false;
            }
        }
        return true;
    }

    private void Place(Blob blob)
    {
        // The service compares beginnings of names: 'VIP' lists 'VIP2/x.csv', too.
        string tail = blob.Name[_address.Prefix.Length..];
        if (_address.Prefix.Length > 0 && tail.Length > 0 && tail[0] != '/') return;
        string path = _root + (tail.Length == 0 || tail[0] == '/' ? tail : "/" + tail);
        if (path.EndsWith('/')) return;
        _files[path] = blob;
        for (string below = path; below != _root; below = FolderOf(below))
        {
            string above = FolderOf(below);
            if (!_folders.TryGetValue(above, out (SortedSet<string> Files, SortedSet<string> Folders) folder))
                _folders[above] = folder = (new(StringComparer.Ordinal), new(StringComparer.Ordinal));
            if (!(below == path ? folder.Files : folder.Folders).Add(below)) break;
        }
    }

    /// <summary>Without a listing of folders, an empty container is a folder all the same.</summary>
    public bool IsFolder(string path) => _folders.ContainsKey(path) || (path == _root && _address.Prefix.Length == 0);

    public bool IsFile(string path) => _files.ContainsKey(path) && !_folders.ContainsKey(path);

    public IEnumerable<string> FilesIn(string folder) => _folders.TryGetValue(folder, out var found) ? found.Files.Where(IsFile) : [];

    public IEnumerable<string> FoldersIn(string folder) => _folders.TryGetValue(folder, out var found) ? found.Folders : [];

    public string Join(string folder, params IEnumerable<string> steps) => string.Join('/', [folder, .. steps]);

    public string NameOf(string path) => path[(path.LastIndexOf('/') + 1)..];

    public string FolderOf(string path) => path.LastIndexOf('/') is var slash and >= 0 ? path[..slash] : path;

    public string? RealOf(string path) => path;

    public bool IsInside(string path, string folder) => path.StartsWith(folder + "/", StringComparison.Ordinal);

    public bool IsUnsafe(string step) => step == "..";

    public (long Bytes, DateTimeOffset? Written)? FactsOf(string path) => _files.TryGetValue(path, out Blob? blob) ? (blob.Length, blob.Written) : null;

    public void Check(string path)
    {
        if (!_files.ContainsKey(path)) throw _errors.Tell(404, null, path);
    }

    public async Task<Stream?> OpenAsync(string path, bool allowEmpty, CancellationToken ct)
    {
        Blob blob = Find(path);
        if (blob.Length == 0) return allowEmpty ? null : throw InputErrors.Empty(path);
        try
        {
            var reading = new BlobOpenReadOptions(allowModifications: false) { BufferSize = Piece, Conditions = new() { IfMatch = blob.ETag } };
            return new TellingStream(await _container.GetBlobClient(blob.Name).OpenReadAsync(reading, ct).ConfigureAwait(false), this, path);
        }
        catch (Exception e) when (IsOfTheService(e))
        {
            ct.ThrowIfCancellationRequested();
            throw Tell(e, path);
        }
    }

    public Task<IPlacedFile> OpenPlacedAsync(string path, CancellationToken ct)
    {
        Blob blob = Find(path);
        return blob.Length == 0 ? throw InputErrors.Empty(path) : Task.FromResult<IPlacedFile>(new PlacedBlob(this, blob, path));
    }

    private Blob Find(string path) => _files.TryGetValue(path, out Blob? blob) ? blob : throw _errors.Tell(404, null, path);

    private static bool IsOfTheService(Exception e)
        => e is RequestFailedException or AggregateException or HttpRequestException or IOException or (OperationCanceledException and { InnerException: TimeoutException });

    private CcException Tell(Exception e, string? path) => e switch
    {
        AggregateException { InnerExceptions: { Count: > 0 } tries } => Tell(tries[^1], path),
        RequestFailedException refused => _errors.Tell(refused.Status, refused.ErrorCode ?? CodeOf(refused), path),
        CcException ours => ours,
        IOException when path is not null => _errors.Broken(path),
        _ => _errors.Tell(0, null, path),
    };

    /// <summary>What the client leaves out when an answer has no body that it knows.</summary>
    private static string? CodeOf(RequestFailedException refused)
        => refused.GetRawResponse() is { } answer && answer.Headers.TryGetValue("x-ms-error-code", out string? code) ? code : null;

    /// <summary>A blob from front to end.</summary>
    private sealed class TellingStream(Stream blob, BlobTree tree, string path) : ForwardStream(blob)
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            try
            {
                return await Inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (IsOfTheService(e))
            {
                // A stop during a second try comes together with what failed the first.
                cancellationToken.ThrowIfCancellationRequested();
                throw tree.Tell(e, path);
            }
        }
    }

    /// <summary>A blob of which pieces are fetched, no byte more than was asked for.</summary>
    private sealed class PlacedBlob(BlobTree tree, Blob blob, string path) : IPlacedFile
    {
        public long Length => blob.Length;

        public async ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken ct)
        {
            BlobClient client = tree._container.GetBlobClient(blob.Name);
            try
            {
                while (buffer.Length > 0)
                {
                    var question = new BlobDownloadOptions { Range = new HttpRange(offset, Math.Min(buffer.Length, Piece)), Conditions = new() { IfMatch = blob.ETag } };
                    using BlobDownloadStreamingResult piece = (await client.DownloadStreamingAsync(question, ct).ConfigureAwait(false)).Value;
                    int read = await piece.Content.ReadAtLeastAsync(buffer[..Math.Min(buffer.Length, Piece)], Math.Min(buffer.Length, Piece), throwOnEndOfStream: false, ct).ConfigureAwait(false);
                    if (read == 0) throw tree._errors.Broken(path);
                    offset += read;
                    buffer = buffer[read..];
                }
            }
            catch (Exception e) when (IsOfTheService(e))
            {
                ct.ThrowIfCancellationRequested();
                throw tree.Tell(e, path);
            }
        }

        /// <summary>Each request has named the ETag.</summary>
        public void CheckUnchanged() { }

        public ValueTask DisposeAsync() => default;
    }

    /// <summary>The export user's tokens, as the client asks for them.</summary>
    private sealed class TokensOfTheUser(IAccessTokens tokens) : TokenCredential
    {
        public override async ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken)
        {
            BearerToken token = await tokens.GetAsync(BlobSource.Scope, renew: false, cancellationToken).ConfigureAwait(false);
            return new AccessToken(token.Value, token.ExpiresAt);
        }

        /// <summary>The engine asks asynchronously only.</summary>
        public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken) => throw new NotSupportedException();
    }

    /// <summary>
    /// The client keeps a token as long as it is good. Whether there is still somebody to read as is asked before each request all the same; that costs nothing while
    /// a token is at hand.
    /// </summary>
    private sealed class AsksEachTime(IAccessTokens tokens) : HttpPipelinePolicy
    {
        public override async ValueTask ProcessAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
        {
            await tokens.GetAsync(BlobSource.Scope, renew: false, message.CancellationToken).ConfigureAwait(false);
            await ProcessNextAsync(message, pipeline).ConfigureAwait(false);
        }

        /// <summary>The engine asks asynchronously only.</summary>
        public override void Process(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline) => throw new NotSupportedException();
    }
}
