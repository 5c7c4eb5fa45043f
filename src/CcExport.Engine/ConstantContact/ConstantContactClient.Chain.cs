using System.Diagnostics;
using System.Net.Http.Headers;
using CcExport.Engine.ConstantContact.Tokens;
using CcExport.Engine.Store;
using CcExport.Engine.Telemetry;
using Polly;
using Polly.Retry;

namespace CcExport.Engine.ConstantContact;

/// <summary>The way that every call goes: token, place in the budget, send, classify, and once more where that can do no harm.</summary>
internal sealed partial class ConstantContactClient : IAsyncDisposable
{
    /// <summary>An answer of more is none of the service's: its largest, 500 jobs a page, is well under a megabyte.</summary>
    private const int MaxAnswerBytes = 32 * 1024 * 1024;

    private readonly WireContext _wire;
    private readonly Uri _endpoint;
    private readonly string _connection;
    private readonly AccessTokens _tokens;
    private readonly CallGate _gate;
    private readonly ServerClock _clock;
    private readonly ResiliencePipeline<(Call Call, Answer Answer)> _retries;
    private int _calls;

    /// <param name="spender">For what, as shown in the budget: an export's name; empty: a person's command.</param>
    public ConstantContactClient(WireContext wire, ConnectionRecord connection, string spender = "")
    {
        // The stored endpoint is checked again: the store may have been changed by other hands, and the token goes there.
        _endpoint = Endpoints.Validate(connection.ApiEndpoint, connection.AuthorizationEndpoint).Api;
        _wire = wire;
        _connection = connection.Name;
        _tokens = new AccessTokens(wire, connection.Id, connection.Name);
        _gate = new CallGate(wire.Calls, connection.ClientId, wire.Time, wire.Options, spender);
        _clock = new ServerClock(wire.Time);
        _retries = Retries(wire);
    }

    /// <summary>Requests sent to the API so far, repeated ones included.</summary>
    public int Calls => Volatile.Read(ref _calls);

    /// <summary>How far the service's clock is ahead of ours; zero until the first answer.</summary>
    public TimeSpan ServerSkew => _clock.Skew;

    /// <summary>The service's time, as well as its answers have told it; ours until one came.</summary>
    public DateTimeOffset ServerNow => _clock.Now;

    /// <summary>Waits a moment for a token refresh that is under way: its answer is lost with the process.</summary>
    public ValueTask DisposeAsync() => _tokens.DisposeAsync();

    private async Task<Answer> CallAsync(Call call, CancellationToken ct)
    {
        bool refreshed = false;
        int attempt = 0;
        (_, Answer answer) = await _retries.ExecuteAsync(async t => (call, await TryAsync(t).ConfigureAwait(false)), ct).ConfigureAwait(false);
        return await JudgeAsync(call, answer, ct).ConfigureAwait(false);

        async Task<Answer> TryAsync(CancellationToken t)
        {
            AccessToken token = await _tokens.GetAsync(t).ConfigureAwait(false);
            Answer answer = await InBudgetAsync(call, token, ++attempt, t).ConfigureAwait(false);
            if (answer.Verdict != Verdict.TokenRefused || refreshed) return answer;
            // Refused at the door, so nothing was done: once more with a new token, imports too.
            refreshed = true;
            token = await _tokens.ReplaceAsync(token, t).ConfigureAwait(false);
            return await InBudgetAsync(call, token, ++attempt, t).ConfigureAwait(false);
        }
    }

    private Task<Answer> InBudgetAsync(Call call, AccessToken token, int attempt, CancellationToken ct)
        => _gate.RunAsync(call.Timeout(_wire.Options), t => Signals.WantsRequests ? WatchedAsync(call, token, attempt, t) : SendAsync(call, token, t), ct);

    /// <summary>The same, for whoever listens.</summary>
    private async Task<Answer> WatchedAsync(Call call, AccessToken token, int attempt, CancellationToken ct)
    {
        string route = Routes.Of(_endpoint, call.Address), method = call.Method.Method;
        using System.Diagnostics.Activity? span = Signals.Source.StartActivity("ccexport.request", ActivityKind.Client, RunScope.Current?.Parent ?? default);
        span?.SetTag(Signals.RouteTag, route).SetTag(Signals.MethodTag, method).SetTag(Signals.AttemptTag, attempt).SetTag(Signals.ConnectionTag, _connection);
        long began = _wire.Time.GetTimestamp();
        string fault = "HeldBack";
        int status = 0;
        try
        {
            Answer answer = await SendAsync(call, token, ct).ConfigureAwait(false);
            (status, fault) = (answer.Status, answer.Verdict.ToString());
            return answer;
        }
        catch (OperationCanceledException)
        {
            fault = "Canceled";
            throw;
        }
        finally
        {
            var tags = new TagList { { Signals.RouteTag, route }, { Signals.MethodTag, method }, { Signals.CodeTag, status }, { Signals.ConnectionTag, _connection } };
            // What was held back at the last moment (a lost lease, a wish to stop) is no request.
            if (fault != "HeldBack")
            {
                Signals.Requests.Add(1, tags);
                Signals.RequestDuration.Record(_wire.Time.GetElapsedTime(began).TotalSeconds, tags);
            }
            span?.SetTag(Signals.CodeTag, status);
            if (fault != nameof(Verdict.Success)) span?.SetTag(Signals.ErrorTag, fault);
            if (fault is not (nameof(Verdict.Success) or nameof(Verdict.NotFound))) span?.SetStatus(ActivityStatusCode.Error);
        }
    }

    private async Task<Answer> SendAsync(Call call, AccessToken token, CancellationToken ct)
    {
        if (call.BeforeTry is { } beforeTry) await beforeTry(ct).ConfigureAwait(false);
        using var timeout = new CancellationTokenSource(call.Timeout(_wire.Options), _wire.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, timeout.Token);
        using var request = new HttpRequestMessage(call.Method, call.Address);
        ImportContent? content = call.Body is { } body ? new ImportContent(body) : null;
        // The handler by itself repeats a request up to three times when the line is cut before an answer, past our budget and
        // within the same second; but never one whose content it has begun to send, be it empty ("Content-Length: 0").
        request.Content = content ?? (HttpContent)new ByteArrayContent([]);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token.Value);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(call.Reader is null ? "application/json" : "text/csv"));
        Interlocked.Increment(ref _calls);
        DateTimeOffset sent = _wire.Time.GetUtcNow();
        int status = 0;
        try
        {
            using HttpResponseMessage response = await _wire.Http
                .SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token).ConfigureAwait(false);
            _clock.Note(response.Headers.Date, sent, _wire.Time.GetUtcNow(), response.IsSuccessStatusCode);
            status = (int)response.StatusCode;
            if (call.Reader is { } reader && response.IsSuccessStatusCode)
            {
                Stream file = await response.Content.ReadAsStreamAsync(either.Token).ConfigureAwait(false);
                await using (file.ConfigureAwait(false)) await reader(file, either.Token).ConfigureAwait(false);
                return new Answer { Verdict = Verdict.Success, Status = status };
            }
            ReadOnlyMemory<byte> bytes = await ReadBodyAsync(response, either.Token).ConfigureAwait(false);
            ServiceError error = response.IsSuccessStatusCode ? ServiceError.None : ServiceError.Parse(bytes);
            return new Answer
            {
                Verdict = Classifier.Of(status, error, call),
                Status = status,
                Body = bytes,
                Error = error,
                RequestId = RequestId(response),
                RetryAfter = RetryAfter(response),
            };
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // Whatever else happened at the same moment: the caller's wish to stop wins.
            throw new OperationCanceledException(ct);
        }
        catch (Exception fault) when (fault is HttpRequestException or IOException or OperationCanceledException)
        {
            // A refusal is one even when its words were cut off.
            Verdict verdict = status is >= 400 and < 500
                ? Classifier.Of(status, ServiceError.None, call)
                : Classifier.OfFault(fault, call, content?.Started ?? false);
            return new Answer { Verdict = verdict, Status = status, Fault = fault };
        }
    }

    private static async Task<ReadOnlyMemory<byte>> ReadBodyAsync(HttpResponseMessage response, CancellationToken ct)
    {
        int limit = response.IsSuccessStatusCode ? MaxAnswerBytes : ServiceError.MaxBytes;
        Stream stream = await response.Content.ReadAsStreamAsync(ct).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            using var bytes = new MemoryStream();
            byte[] block = new byte[16 * 1024];
            for (int read; bytes.Length <= limit && (read = await stream.ReadAsync(block, ct).ConfigureAwait(false)) > 0;)
                bytes.Write(block, 0, read);
            return bytes.Length <= limit ? bytes.GetBuffer().AsMemory(0, (int)bytes.Length) : default;
        }
    }

    /// <summary>What a caller gets to see of the last try.</summary>
    private async Task<Answer> JudgeAsync(Call call, Answer answer, CancellationToken ct)
    {
        switch (answer.Verdict)
        {
            case Verdict.Success:
            case Verdict.NotFound when call.NotFoundIsAnswer:
            case Verdict.Forbidden when call.ForbiddenIsAnswer:
                return answer;
            case Verdict.Forbidden:
            case Verdict.TokenRefused when call.Privilege is null:
                throw await ExplainAsync(call, answer, ct).ConfigureAwait(false);
            case Verdict.DayEnded:
                await _gate.MarkDayEndedAsync(_clock.Now, ct).ConfigureAwait(false);
                throw Failures.QuotaExceeded(_clock.Now, byService: true);
            default:
                if (answer.IsInDoubt(call)) throw new InDoubtException(Doubt(answer), answer.Fault);
                throw Failures.Of(call, answer, _connection);
        }
    }

    /// <summary>403 has three causes and one code. What the user may do is one question, which itself needs no right, tells them apart.</summary>
    private async Task<CcException> ExplainAsync(Call call, Answer answer, CancellationToken ct)
    {
        if (call.Privilege is null) return Failures.ApplicationRefused(_connection, answer.Status);
        IReadOnlyList<string> privileges;
        try
        {
            privileges = await GetPrivilegesAsync(ct).ConfigureAwait(false);
        }
        catch (CcException refused) when (refused.ErrorId == "ApplicationRefused")
        {
            return refused;
        }
        catch (CcException why)
        {
            return Failures.AccessDenied(call, answer, _connection, why);
        }
        return privileges.Contains(call.Privilege, StringComparer.OrdinalIgnoreCase)
            ? Failures.ScopeMissing(call, _connection)
            : Failures.PrivilegeMissing(call, _connection);
    }

    private static string Doubt(Answer answer) => answer.Verdict switch
    {
        Verdict.TimedOut => "No answer to the import came in time.",
        Verdict.ServerFault => $"The import was answered with HTTP {answer.Status}, which says neither yes nor no.",
        _ => "The line was cut after the import had left.",
    };

    private static string? RequestId(HttpResponseMessage response)
        => response.Headers.TryGetValues("x-amzn-RequestId", out IEnumerable<string>? values) ? SafeText.Key(values.FirstOrDefault()) : null;

    private TimeSpan? RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - _clock.Now,
        _ => null,
    };

    private ResiliencePipeline<(Call Call, Answer Answer)> Retries(WireContext wire)
    {
        if (wire.Options.Tries <= 1) return ResiliencePipeline<(Call Call, Answer Answer)>.Empty;
        return new ResiliencePipelineBuilder<(Call Call, Answer Answer)> { TimeProvider = wire.Time }
            .AddRetry(new RetryStrategyOptions<(Call Call, Answer Answer)>
            {
                MaxRetryAttempts = wire.Options.Tries - 1,
                ShouldHandle = args => ValueTask.FromResult(args.Outcome.Exception is null && args.Outcome.Result.Answer.MayRepeat(args.Outcome.Result.Call)),
                DelayGenerator = args => ValueTask.FromResult<TimeSpan?>(
                    Backoff.Delay(args.AttemptNumber, args.Outcome.Result.Answer.RetryAfter, wire.Random(), wire.Options)),
                OnRetry = args =>
                {
                    (Call call, Answer answer) = args.Outcome.Result;
                    RunScope.Current?.Tell(new RunEvent(RunEvents.RequestRepeated, RunEventLevel.Warning)
                    {
                        Fields =
                        [
                            RunEvents.With("route", Routes.Of(_endpoint, call.Address)), RunEvents.With("method", call.Method.Method), RunEvents.With("status", answer.Status),
                            RunEvents.With("verdict", answer.Verdict.ToString()), RunEvents.With("attempt", args.AttemptNumber + 1), RunEvents.With("seconds", args.RetryDelay.TotalSeconds),
                        ],
                    });
                    return ValueTask.CompletedTask;
                },
            })
            .Build();
    }
}
