using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace CcExport.Engine.Tests.ConstantContact.Support;

/// <summary>A request as it came in.</summary>
internal sealed record Request(string Method, string Target, IReadOnlyDictionary<string, string> Headers, byte[] Body, long Arrived)
{
    public string Path => Target.Split('?')[0];
    public string Text => Encoding.UTF8.GetString(Body);
    public string? Header(string name) => Headers.GetValueOrDefault(name);
    public string? Bearer => Header("Authorization") is { } value && value.StartsWith("Bearer ", StringComparison.Ordinal) ? value["Bearer ".Length..] : null;
    public IReadOnlyDictionary<string, string> Form => Text.Split('&', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('='))
        .ToDictionary(pair => WebUtility.UrlDecode(pair[0]), pair => WebUtility.UrlDecode(pair[1]));
}

/// <summary>What to do with it.</summary>
internal sealed record Reply(int Status, string Body = "")
{
    public string ContentType { get; init; } = "application/json";
    public (string Name, string Value)[] Headers { get; init; } = [];
    /// <summary>Close after the request was read, without a byte of an answer.</summary>
    public bool Drop { get; init; }
    /// <summary>Close when only the head of the request has been read.</summary>
    public bool DropAtHead { get; init; }
    /// <summary>Send the head and half of the body, then close.</summary>
    public bool Cut { get; init; }
    /// <summary>Wait this long first; <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>: never answer.</summary>
    public TimeSpan Delay { get; init; }

    public static Reply Json(string body, int status = 200) => new(status, body);
    public static Reply Lost => new(200) { Drop = true };
    public static Reply Never => new(200) { Delay = System.Threading.Timeout.InfiniteTimeSpan };
}

/// <summary>A real socket that answers by script, for what a real server will not do on demand.</summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _over = new();
    private readonly ConcurrentDictionary<string, ConcurrentQueue<Reply>> _scripts = new();
    private readonly ConcurrentDictionary<string, Func<Request, Reply>> _handlers = new();
    private readonly Task _accepting;

    public ScriptedServer()
    {
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    public int Port { get; }
    public string Origin => $"http://127.0.0.1:{Port}";
    public ConcurrentQueue<Request> Requests { get; } = new();

    /// <summary>Answers one after another; when they are used up, <see cref="Always"/> or 404.</summary>
    public void Script(string route, params Reply[] replies)
    {
        ConcurrentQueue<Reply> queue = _scripts.GetOrAdd(route, _ => new());
        foreach (Reply reply in replies) queue.Enqueue(reply);
    }

    public void Always(string route, Func<Request, Reply> handler) => _handlers[route] = handler;

    public void Always(string route, Reply reply) => Always(route, _ => reply);

    public Request[] To(string route) => [.. Requests.Where(r => $"{r.Method} {r.Path}" == route)];

    public async ValueTask DisposeAsync()
    {
        // Not disposed before the accepting has ended: between two connections it would ask a listener that listens no more.
        await _over.CancelAsync();
        await _accepting;
        _listener.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await _listener.AcceptTcpClientAsync(_over.Token));
        }
        catch (Exception fault) when (fault is OperationCanceledException or SocketException)
        {
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using TcpClient connection = client;
        connection.NoDelay = true;
        try
        {
            NetworkStream stream = connection.GetStream();
            while (await ReadHeadAsync(stream) is { } head)
            {
                long arrived = Stopwatch.GetTimestamp();
                string[] first = head[0].Split(' ');
                Dictionary<string, string> headers = head.Skip(1).Select(line => line.Split(": ", 2))
                    .ToDictionary(pair => pair[0], pair => pair[1], StringComparer.OrdinalIgnoreCase);
                string route = $"{first[0]} {first[1].Split('?')[0]}";
                Reply? scripted = null;
                if (_scripts.TryGetValue(route, out ConcurrentQueue<Reply>? queue)) queue.TryDequeue(out scripted);
                byte[] body = [];
                if (scripted is not { DropAtHead: true })
                {
                    body = new byte[int.Parse(headers.GetValueOrDefault("Content-Length", "0"))];
                    await stream.ReadExactlyAsync(body, _over.Token);
                }
                var request = new Request(first[0], first[1], headers, body, arrived);
                Requests.Enqueue(request);
                Reply reply = scripted ?? (_handlers.TryGetValue(route, out Func<Request, Reply>? handler) ? handler(request) : new Reply(404));
                await Task.Delay(reply.Delay, _over.Token);
                if (reply.Drop || reply.DropAtHead) return;
                await stream.WriteAsync(Encoding.UTF8.GetBytes(Head(reply)), _over.Token);
                byte[] answer = Encoding.UTF8.GetBytes(reply.Body);
                await stream.WriteAsync(reply.Cut ? answer.AsMemory(0, answer.Length / 2) : answer, _over.Token);
                if (reply.Cut) return;
            }
        }
        catch (Exception fault) when (fault is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
        }
    }

    private static string Head(Reply reply)
    {
        string head = $"HTTP/1.1 {reply.Status} Scripted\r\nContent-Type: {reply.ContentType}\r\nContent-Length: {Encoding.UTF8.GetByteCount(reply.Body)}\r\n";
        return head + string.Concat(reply.Headers.Select(h => $"{h.Name}: {h.Value}\r\n")) + "\r\n";
    }

    private async Task<string[]?> ReadHeadAsync(NetworkStream stream)
    {
        var head = new List<byte>();
        byte[] one = new byte[1];
        while (!EndsWithBlankLine(head))
        {
            if (await stream.ReadAsync(one, _over.Token) == 0) return null;
            head.Add(one[0]);
        }
        return Encoding.ASCII.GetString([.. head]).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
    }

    private static bool EndsWithBlankLine(List<byte> head)
        => head.Count >= 4 && head[^4] == '\r' && head[^3] == '\n' && head[^2] == '\r' && head[^1] == '\n';
}
