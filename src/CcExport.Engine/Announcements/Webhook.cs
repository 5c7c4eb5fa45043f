using System.Net.Http.Headers;
using Polly;
using Polly.Retry;

namespace CcExport.Engine.Announcements;

/// <summary>
/// The address that a notice is sent to. It is a secret: whoever has it can write to the channel. https only, or this machine; a redirect is an answer like any
/// other, for it would take the notice to wherever it points.
/// </summary>
internal sealed class Webhook(TimeProvider time)
{
    private const int LongestAddress = 2048;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private static readonly HttpClient Http = Create();

    /// <summary>Between the two tries; shorter in tests.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary><c>OnFailureInvalid</c>; it never quotes what was given.</summary>
    public static Uri Parse(string text)
    {
        if (text.Length <= LongestAddress && Uri.TryCreate(text, UriKind.Absolute, out Uri? address) && address.UserInfo.Length == 0 && address.Host.Length > 0
            && (address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && address.IsLoopback))) return address;
        throw new CcException("OnFailureInvalid", CcErrorKind.InvalidArgument, "The address of -OnFailure cannot be used.",
            "Give the whole address of a webhook: https, without a user name, of at most 2,048 characters. Plain http is taken for this machine only.");
    }

    /// <summary>Scheme and host: all of it that may be shown.</summary>
    public static string Shown(Uri address) => $"{address.GetLeftPart(UriPartial.Authority)}/***";

    /// <summary>Sends, at most twice. Null: it was taken; else why not, without the address.</summary>
    public async Task<string?> SendAsync(Uri address, byte[] body, CancellationToken ct)
    {
        ResiliencePipeline<string?> twice = new ResiliencePipelineBuilder<string?> { TimeProvider = time }
            .AddRetry(new RetryStrategyOptions<string?>
            {
                MaxRetryAttempts = 1,
                ShouldHandle = args => ValueTask.FromResult(args.Outcome.Result is { } why && !why.StartsWith("HTTP 4", StringComparison.Ordinal) && !why.StartsWith("HTTP 3", StringComparison.Ordinal) || args.Outcome.Result == "HTTP 429"),
                Delay = Pause,
            })
            .Build();
        return await twice.ExecuteAsync(async t => await TryAsync(address, body, t).ConfigureAwait(false), ct).ConfigureAwait(false);
    }

    private async Task<string?> TryAsync(Uri address, byte[] body, CancellationToken ct)
    {
        using var timeout = new CancellationTokenSource(Limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, timeout.Token);
        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json") { CharSet = "utf-8" };
        try
        {
            using HttpResponseMessage response = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token).ConfigureAwait(false);
            return response.IsSuccessStatusCode ? null : FormattableString.Invariant($"HTTP {(int)response.StatusCode}");
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return "no answer within 10 seconds";
        }
        catch (HttpRequestException e)
        {
            // Not in its words: they may hold the address.
            return e.HttpRequestError == HttpRequestError.Unknown ? "no connection" : $"no connection ({e.HttpRequestError})";
        }
    }

    private static HttpClient Create()
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = Limit,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(20),
            ActivityHeadersPropagator = null,
            Proxy = new LoopbackPastProxy(HttpClient.DefaultProxy),
        };
        return new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
    }
}
