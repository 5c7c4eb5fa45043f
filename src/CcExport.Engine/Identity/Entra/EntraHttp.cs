using System.Net;
using System.Net.Security;
using Microsoft.Identity.Client;
using Polly;
using Polly.Retry;

namespace CcExport.Engine.Identity.Entra;

/// <summary>
/// The network of the sign-in library, and of Key Vault. Retries are made here and not by it: it would shut a request out for a minute after the first 5xx.
/// A certificate that nobody trusts is taken from this machine alone, where the simulator is.
/// </summary>
internal sealed class EntraHttp : HttpMessageHandler, IMsalHttpClientFactory
{
    private static readonly HttpMessageInvoker Strict = new(Handler(null));
    private static readonly HttpMessageInvoker OwnMachine = new(Handler(static (_, _, _, _) => true));

    private readonly EntraOptions _options;
    private readonly TimeProvider _time;
    private readonly bool _hidesTrouble;
    private readonly HttpClient _client;
    private readonly HttpMessageInvoker? _network;
    private readonly ResiliencePipeline<HttpResponseMessage> _retries;

    /// <param name="retry">False where the library's own retries know better: a machine's identity is asked in other ways.</param>
    /// <param name="network">Null: the machine's. Tests give their own.</param>
    public EntraHttp(EntraOptions options, TimeProvider time, bool retry = true, HttpMessageInvoker? network = null)
    {
        (_options, _time, _hidesTrouble, _network) = (options, time, retry, network);
        // Time-outs are set for each try: the client's own can't be told from the caller's cancellation.
        _client = new HttpClient(this, disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan };
        _retries = !retry || options.Tries <= 1 ? ResiliencePipeline<HttpResponseMessage>.Empty
            : new ResiliencePipelineBuilder<HttpResponseMessage> { TimeProvider = time }
                .AddRetry(new RetryStrategyOptions<HttpResponseMessage>
                {
                    MaxRetryAttempts = options.Tries - 1,
                    ShouldHandle = args => ValueTask.FromResult(args.Outcome.Exception is HttpRequestException
                        || args.Outcome.Result is { } answer && IsPassing(answer.StatusCode)),
                    DelayGenerator = args => ValueTask.FromResult<TimeSpan?>(Delay(args.AttemptNumber, args.Outcome.Result)),
                    OnRetry = static args =>
                    {
                        args.Outcome.Result?.Dispose();
                        return ValueTask.CompletedTask;
                    },
                })
                .Build();
    }

    public HttpClient GetHttpClient() => _client;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        HttpResponseMessage response = await _retries.ExecuteAsync(async ct => await TryAsync(request, ct).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        if (!_hidesTrouble || !IsPassing(response.StatusCode)) return response;
        // As a fault of the network: of an answer like this the library would take note, and refuse by itself to ask again for a minute.
        using (response) throw new HttpRequestException($"HTTP {(int)response.StatusCode}", null, response.StatusCode);
    }

    private async Task<HttpResponseMessage> TryAsync(HttpRequestMessage request, CancellationToken ct)
    {
        Uri address = request.RequestUri!;
        using var late = new CancellationTokenSource(IsNear(address) ? _options.NearTimeout : _options.RequestTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, late.Token);
        try
        {
            HttpResponseMessage response = await (_network ?? (address.IsLoopback ? OwnMachine : Strict)).SendAsync(request, either.Token).ConfigureAwait(false);
            // Read here, under the same limit and the same retries: an answer that breaks off is a passing fault as well.
            await response.Content.LoadIntoBufferAsync().WaitAsync(either.Token).ConfigureAwait(false);
            return response;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new HttpRequestException("There was no answer in time.");
        }
    }

    private TimeSpan Delay(int attempt, HttpResponseMessage? response)
    {
        TimeSpan own = _options.Backoff * Math.Pow(2, attempt) * (1 + (0.5 * _options.Random()));
        TimeSpan? asked = response?.Headers.RetryAfter is { } after ? after.Delta ?? after.Date - _time.GetUtcNow() : null;
        if (asked is not { } wish || wish <= own) return own;
        return wish < _options.MaxRetryAfter ? wish : _options.MaxRetryAfter;
    }

    private static bool IsPassing(HttpStatusCode status)
        => status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError;

    /// <summary>The link-local addresses under which Azure gives a machine its identity.</summary>
    private static bool IsNear(Uri address) => address.Host.StartsWith("169.254.", StringComparison.Ordinal);

    private static SocketsHttpHandler Handler(RemoteCertificateValidationCallback? trust) => new()
    {
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(20),
        ConnectTimeout = TimeSpan.FromSeconds(15),
        UseCookies = false,
        // A redirect would carry a secret or a token to wherever it points.
        AllowAutoRedirect = false,
        Proxy = new PastProxy(HttpClient.DefaultProxy),
        SslOptions = { RemoteCertificateValidationCallback = trust },
    };

    /// <summary>The machine's proxy, but never for the machine itself.</summary>
    private sealed class PastProxy(IWebProxy inner) : IWebProxy
    {
        public ICredentials? Credentials
        {
            get => inner.Credentials;
            set => inner.Credentials = value;
        }

        public Uri? GetProxy(Uri destination) => IsBypassed(destination) ? null : inner.GetProxy(destination);

        public bool IsBypassed(Uri host) => host.IsLoopback || IsNear(host) || inner.IsBypassed(host);
    }
}
