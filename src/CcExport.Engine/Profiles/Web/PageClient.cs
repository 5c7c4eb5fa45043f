using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Unicode;
using Polly;
using Polly.Retry;

namespace CcExport.Engine.Profiles.Web;

/// <summary>
/// Asks a service for pages. Faults that pass (cut lines, 5xx, no answer in time) are tried again; a refusal for too many calls is waited out to the
/// second that the service names; a token that it refuses is renewed once. What is left is a <see cref="CcException"/> that names no query.
/// </summary>
internal sealed class PageClient(SourceContext context, WebService service)
{
    /// <summary>An answer over this is no page of rows.</summary>
    public const int MostBytes = 128 * 1024 * 1024;

    /// <summary>Tries of one request that meets faults which pass; and how often in a row a service may say that there were too many calls.</summary>
    public const int Tries = 6, MostThrottled = 60;

    private const int FirstBytes = 256 * 1024, MostErrorBytes = 64 * 1024;

    private static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(1), LongestWait = TimeSpan.FromSeconds(30), LongestThrottle = TimeSpan.FromHours(1);

    /// <summary>The service's own limit for one query is two minutes.</summary>
    private static readonly TimeSpan AnswerIn = TimeSpan.FromMinutes(4);

    private static readonly HttpMessageInvoker Shared = new(new SocketsHttpHandler
    {
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(20),
        ConnectTimeout = TimeSpan.FromSeconds(15),
        UseCookies = false,
        // A redirect would carry the token to wherever it points.
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.All,
        Proxy = new LoopbackPastProxy(HttpClient.DefaultProxy),
    });

    /// <summary>An address as it is: a link of the service is sent back byte for byte.</summary>
    private static readonly UriCreationOptions Untouched = new() { DangerousDisablePathAndQueryCanonicalization = true };

    private readonly HttpMessageInvoker _http = context.Network is null ? Shared : new HttpMessageInvoker(context.Network, disposeHandler: false);
    private readonly ConcurrentBag<byte[]> _free = [];
    private readonly ConcurrentDictionary<string, byte> _throttles = new();
    private readonly ResiliencePipeline<Answer> _retries = Retries(context);
    private long _requests;

    private enum Verdict : byte { Good, Throttled, Passing, Broken, TimedOut, NotConnected, TokenRefused, Refused, Unreadable }

    private readonly record struct Answer(Verdict Verdict, int Status = 0, PageBody? Body = null, string? Code = null, TimeSpan? RetryAfter = null, Exception? Fault = null);

    public WebService Service => service;

    /// <summary>Requests that were answered, refusals included.</summary>
    public long Requests => Interlocked.Read(ref _requests);

    /// <summary>One page.</summary>
    /// <param name="address">Below the service's root; sent as it is.</param>
    /// <param name="what">For messages: "the memberships".</param>
    public async Task<PageBody> GetAsync(string address, string what, CancellationToken ct)
        => await GetAsync(address, what, optional: false, ct).ConfigureAwait(false) ?? throw new InvalidOperationException();

    /// <summary>The same of what can be done without; null where the service does not have it, or does not let this identity see it.</summary>
    public async Task<PageBody?> TryGetAsync(string address, string what, CancellationToken ct) => await GetAsync(address, what, optional: true, ct).ConfigureAwait(false);

    private async Task<PageBody?> GetAsync(string address, string what, bool optional, CancellationToken ct)
    {
        Answer answer;
        int throttled = 0;
        while (true)
        {
            answer = await _retries.ExecuteAsync(async token => await AskAsync(address, token).ConfigureAwait(false), ct).ConfigureAwait(false);
            if (answer.Verdict != Verdict.Throttled || ++throttled > MostThrottled) break;
            await WaitAsync(answer, ct).ConfigureAwait(false);
        }
        if (answer.Verdict == Verdict.Good) return answer.Body!;
        return answer.Verdict == Verdict.Refused && optional ? null : throw Failure(answer, what);
    }

    private async Task WaitAsync(Answer answer, CancellationToken ct)
    {
        // Without a word from the service: as long as its shortest window.
        TimeSpan wait = answer.RetryAfter is { } asked && asked > TimeSpan.Zero ? asked : TimeSpan.FromSeconds(10);
        if (wait > LongestThrottle) wait = LongestThrottle;
        string why = service.ExplainThrottle(answer.Code);
        string text = string.Create(CultureInfo.InvariantCulture, $"{service.Name} asks to wait {wait.TotalSeconds:N0} s: {why}.");
        context.Verbose(text);
        if (_throttles.TryAdd(why, 0)) context.Warn($"{text} The reading goes on by itself; -Verbose tells each time.");
        await Task.Delay(wait, context.Time, ct).ConfigureAwait(false);
    }

    private async Task<Answer> AskAsync(string address, CancellationToken ct)
    {
        Answer answer = await OnceAsync(address, renew: false, ct).ConfigureAwait(false);
        if (answer.Verdict != Verdict.TokenRefused) return answer;
        context.Verbose($"{service.Name} refused the token; another one is asked for.");
        return await OnceAsync(address, renew: true, ct).ConfigureAwait(false);
    }

    private async Task<Answer> OnceAsync(string address, bool renew, CancellationToken ct)
    {
        IAccessTokens tokens = context.Tokens ?? throw new InvalidOperationException("No identity was given.");
        BearerToken token = await tokens.GetAsync(service.Scope, renew, ct).ConfigureAwait(false);
        return service.Pace is { } pace
            ? await pace.RunAsync(() => SendAsync(address, token, ct), ct).ConfigureAwait(false)
            : await SendAsync(address, token, ct).ConfigureAwait(false);
    }

    private async Task<Answer> SendAsync(string address, BearerToken token, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(address, in Untouched));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token.Value);
        request.Headers.Accept.ParseAdd("application/json");
        foreach ((string name, string value) in service.Headers) request.Headers.TryAddWithoutValidation(name, value);
        using var late = new CancellationTokenSource(AnswerIn, context.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, late.Token);
        try
        {
            using HttpResponseMessage response = await _http.SendAsync(request, either.Token).ConfigureAwait(false);
            Interlocked.Increment(ref _requests);
            return await TakeAsync(response, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            return new Answer(Verdict.TimedOut);
        }
        catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
        {
            // The handler's own limit for connecting comes as a cancellation that nobody asked for.
            return new Answer(Verdict.NotConnected, Fault: e);
        }
        catch (HttpRequestException e)
        {
            bool never = e.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError;
            return new Answer(never ? Verdict.NotConnected : Verdict.Broken, Fault: e);
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            return new Answer(Verdict.Broken, Fault: e);
        }
    }

    private async Task<Answer> TakeAsync(HttpResponseMessage response, CancellationToken ct)
    {
        int status = (int)response.StatusCode;
        if (status == 200)
        {
            PageBody page = await ReadAsync(response, MostBytes, ct).ConfigureAwait(false);
            Verdict verdict = Judge(page);
            if (verdict == Verdict.Good) return new Answer(verdict, status, page);
            page.Dispose();
            return new Answer(verdict, status);
        }
        string? code;
        using (PageBody words = await ReadAsync(response, MostErrorBytes, ct).ConfigureAwait(false)) code = WebService.CodeOf(words.Text);
        return new Answer(
            status switch
            {
                401 => Verdict.TokenRefused,
                429 => Verdict.Throttled,
                501 => Verdict.Refused,
                408 or >= 500 => Verdict.Passing,
                _ => Verdict.Refused,
            },
            status, Code: code, RetryAfter: response.Headers.RetryAfter switch
            {
                { Delta: { } delta } => delta,
                { Date: { } date } => date - (response.Headers.Date ?? context.Time.GetUtcNow()),
                _ => null,
            });
    }

    /// <summary>Half a page that came to a regular end is one that was cut on the way.</summary>
    private static Verdict Judge(PageBody page)
    {
        if (page.Length > MostBytes) return Verdict.Unreadable;
        ReadOnlySpan<byte> text = page.Text.TrimEnd(" \t\r\n"u8);
        if (text.IsEmpty) return Verdict.Broken;
        byte first = text.TrimStart(" \t\r\n"u8)[0];
        if (first is not ((byte)'{' or (byte)'[')) return Verdict.Unreadable;
        // The closing brace or bracket lies two after the opening one.
        if (text[^1] != first + 2) return Verdict.Broken;
        return Utf8.IsValid(text) ? Verdict.Good : Verdict.Unreadable;
    }

    /// <summary>Reads to the end; of what is longer than <paramref name="most"/>, one byte more.</summary>
    private async Task<PageBody> ReadAsync(HttpResponseMessage response, int most, CancellationToken ct)
    {
        var body = new PageBody(_free.TryTake(out byte[]? bytes) ? bytes : GC.AllocateUninitializedArray<byte>(FirstBytes), _free);
        try
        {
            Stream stream = await response.Content.ReadAsStreamAsync(ct).ConfigureAwait(false);
            await using (stream.ConfigureAwait(false))
            {
                while (body.Length <= most)
                {
                    int read = await stream.ReadAsync(body.Room(), ct).ConfigureAwait(false);
                    if (read == 0) break;
                    body.Length += read;
                }
            }
            if (body.Length >= 3 && body.Text[..3].SequenceEqual("\uFEFF"u8)) body.Text[..3].Fill((byte)' ');
            return body;
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    private static ResiliencePipeline<Answer> Retries(SourceContext context) => new ResiliencePipelineBuilder<Answer> { TimeProvider = context.Time }
        .AddRetry(new RetryStrategyOptions<Answer>
        {
            MaxRetryAttempts = Tries - 1,
            ShouldHandle = args => ValueTask.FromResult(args.Outcome.Exception is null
                && args.Outcome.Result.Verdict is Verdict.Passing or Verdict.Broken or Verdict.TimedOut or Verdict.NotConnected),
            DelayGenerator = args =>
            {
                // Doubled each time, and up to a half more by chance. Longer where the service says so.
                TimeSpan own = FirstWait * (Math.Pow(2, args.AttemptNumber) * (1 + (0.5 * context.Random())));
                TimeSpan asked = args.Outcome.Result.RetryAfter ?? TimeSpan.Zero;
                own = own < LongestWait ? own : LongestWait;
                return ValueTask.FromResult<TimeSpan?>(asked > own ? (asked < LongestThrottle ? asked : LongestThrottle) : own);
            },
        })
        .Build();

    private CcException Failure(Answer answer, string what)
    {
        string facts = string.Join(", ", new[] { answer.Status > 0 ? FormattableString.Invariant($"HTTP {answer.Status}") : null, answer.Code }.OfType<string>());
        string about = $"{service.Name}, asked for {what}{(facts.Length > 0 ? $" ({facts})" : "")}";
        (string id, CcErrorKind kind, string message, string remedy) = (answer.Verdict, answer.Status) switch
        {
            (Verdict.TokenRefused, _) => ("SourceSignInRefused", CcErrorKind.Authentication, $"{about}, refused a token that was just given out.",
                "Check that the export user belongs to the tenant of this source, and sign it in again with Add-CcExportUser." + service.SignInRemedy),
            (_, 403) => ("SourceAccessDenied", CcErrorKind.Permission, $"{about}, refused: the export user may not read it.", service.AccessRemedy),
            (Verdict.Throttled, _) => ("SourceThrottled", CcErrorKind.Limit, $"{about}, still says that there are too many calls: {service.ExplainThrottle(answer.Code)}.",
                "Run the export at another time, or see what else asks this service as the same user."),
            (Verdict.TimedOut, _) => ("SourceTimeout", CcErrorKind.Connection, $"{about}, did not answer in time.", "Try again in a few minutes."),
            (Verdict.NotConnected, _) => ("SourceUnreachable", CcErrorKind.Connection, $"{about}, could not be reached.", "Check the address, the network and the proxy; then try again."),
            (Verdict.Broken, _) => ("SourceUnreachable", CcErrorKind.Connection, $"{about}, sent its answer only in part, again and again.", "Check the network and the proxy; then try again."),
            (Verdict.Passing, _) => ("SourceUnavailable", CcErrorKind.Service, $"{about}, has a problem of its own.", "Try again in a few minutes."),
            (Verdict.Unreadable, _) => ("SourceAnswerUnreadable", CcErrorKind.Service, $"{about}, did not answer with JSON in UTF-8, or with more than a page can hold.",
                "A proxy or a sign-in page of the network may stand between; check the address of the source."),
            (_, 404) => ("SourceTableNotFound", CcErrorKind.NotFound, $"{about}, does not have it.", "Check the address of the source, and that Customer Insights - Data is set up there."),
            _ => ("SourceRefused", CcErrorKind.Service, $"{about}, refused.", "Its documentation may know the code. If the source was read before, try again later."),
        };
        return new CcException(id, kind, message, remedy) { Subject = service.Place };
    }

    /// <summary>For an answer that is JSON and not what was agreed.</summary>
    public CcException Unexpected(string what) => new("SourceAnswerUnreadable", CcErrorKind.Service, $"{service.Name}, asked for {what}, answered in a form that this version does not know.",
        "Check the address of the source; a later version of this module may know it.")
    { Subject = service.Place };
}
