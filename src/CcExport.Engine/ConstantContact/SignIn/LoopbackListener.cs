using System.Net;
using System.Net.Sockets;
using System.Text;

namespace CcExport.Engine.ConstantContact.SignIn;

/// <summary>
/// Waits on a loopback port for the browser. On plain sockets: the system's HTTP listener wants rights for that on Windows.
/// Connections are served side by side, because browsers open some ahead that never ask anything.
/// </summary>
internal sealed class LoopbackListener : IDisposable
{
    private const int MaxHead = 16 * 1024;
    private static readonly TimeSpan ConnectionLife = TimeSpan.FromSeconds(20);

    private readonly TcpListener[] _listeners;
    private readonly TimeProvider _time;

    private LoopbackListener(TcpListener[] listeners, Uri redirect, TimeProvider time)
    {
        _listeners = listeners;
        Redirect = redirect;
        _time = time;
    }

    /// <summary>Where the browser comes back to, exactly as it goes into the authorize address.</summary>
    public Uri Redirect { get; }

    public static LoopbackListener Start(Uri? redirect, TimeProvider time)
    {
        if (redirect is not null && (redirect.Scheme != Uri.UriSchemeHttp || !redirect.IsLoopback || redirect.Query.Length > 0 || redirect.Fragment.Length > 0))
            throw SignInFailures.RedirectInvalid();
        int port = redirect?.Port ?? 0;
        // "localhost" is two addresses, and which of them the browser takes is its own affair.
        IPAddress[] addresses = redirect?.HostNameType switch
        {
            null => [IPAddress.Loopback],
            UriHostNameType.IPv4 or UriHostNameType.IPv6 => [IPAddress.Parse(redirect.Host)],
            _ => Socket.OSSupportsIPv6 ? [IPAddress.Loopback, IPAddress.IPv6Loopback] : [IPAddress.Loopback],
        };
        var listeners = new List<TcpListener>();
        foreach (IPAddress address in addresses)
        {
            var listener = new TcpListener(address, port);
            try
            {
                listener.Start();
                listeners.Add(listener);
            }
            catch (SocketException fault)
            {
                listener.Dispose();
                // A machine may have IPv6 switched off although its system knows it.
                if (listeners.Count > 0 && fault.SocketErrorCode != SocketError.AddressAlreadyInUse) continue;
                listeners.ForEach(l => l.Dispose());
                throw SignInFailures.PortInUse(port);
            }
        }
        return new LoopbackListener([.. listeners], redirect ?? new Uri($"http://127.0.0.1:{((IPEndPoint)listeners[0].LocalEndpoint).Port}/callback"), time);
    }

    /// <summary>The first answer that carries <paramref name="state"/>. Others are told so, and the waiting goes on.</summary>
    public async Task<RedirectAnswer> WaitAsync(string state, CancellationToken ct)
    {
        var answer = new TaskCompletionSource<RedirectAnswer>(TaskCreationOptions.RunContinuationsAsynchronously);
        using CancellationTokenRegistration stop = ct.Register(() => answer.TrySetCanceled(ct));
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        Task[] accepting = [.. _listeners.Select(listener => AcceptAsync(listener, state, answer, over.Token))];
        try
        {
            return await answer.Task.ConfigureAwait(false);
        }
        finally
        {
            await over.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(accepting).ConfigureAwait(false);
        }
    }

    public void Dispose()
    {
        foreach (TcpListener listener in _listeners) listener.Dispose();
    }

    private async Task AcceptAsync(TcpListener listener, string state, TaskCompletionSource<RedirectAnswer> answer, CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            try
            {
                TcpClient client = await listener.AcceptTcpClientAsync(ct).ConfigureAwait(false);
                _ = ServeAsync(client, state, answer, ct);
            }
            catch (Exception fault) when (fault is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // A connection that was gone before it was taken; or the end, which the loop sees.
            }
        }
    }

    private async Task ServeAsync(TcpClient client, string state, TaskCompletionSource<RedirectAnswer> answer, CancellationToken ct)
    {
        using TcpClient connection = client;
        using var late = new CancellationTokenSource(ConnectionLife, _time);
        using var life = CancellationTokenSource.CreateLinkedTokenSource(ct, late.Token);
        try
        {
            NetworkStream stream = connection.GetStream();
            await using (stream.ConfigureAwait(false))
            {
                Uri? asked = await ReadRequestAsync(stream, life.Token).ConfigureAwait(false);
                RedirectAnswer? came = asked is not null && asked.AbsolutePath == Redirect.AbsolutePath ? RedirectAnswer.From(asked.Query, state) : null;
                byte[] page = asked is null || asked.AbsolutePath != Redirect.AbsolutePath ? RedirectPage.NotFound
                    : came is null ? RedirectPage.NotOurs
                    : came.Error is null ? RedirectPage.Done : RedirectPage.Declined;
                try
                {
                    await stream.WriteAsync(page, life.Token).ConfigureAwait(false);
                    connection.Client.Shutdown(SocketShutdown.Send);
                }
                finally
                {
                    // The page first, so that the end of the waiting can't cut it off; the answer counts even if nobody reads the page.
                    if (came is not null) answer.TrySetResult(came);
                }
            }
        }
        catch (Exception fault) when (fault is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The browser closed the connection, or never asked.
        }
    }

    /// <summary>The address of a GET, or null for what is none.</summary>
    private async Task<Uri?> ReadRequestAsync(NetworkStream stream, CancellationToken ct)
    {
        byte[] head = new byte[MaxHead];
        int length = 0;
        while (length < head.Length && head.AsSpan(0, length).IndexOf("\r\n\r\n"u8) < 0)
        {
            int read = await stream.ReadAsync(head.AsMemory(length), ct).ConfigureAwait(false);
            if (read == 0) return null;
            length += read;
        }
        string[] line = Encoding.ASCII.GetString(head, 0, Math.Max(0, head.AsSpan(0, length).IndexOf("\r\n"u8))).Split(' ');
        return line is ["GET", ['/', ..] target, ['H', 'T', 'T', 'P', '/', ..]] && Uri.TryCreate(Redirect.GetLeftPart(UriPartial.Authority) + target, UriKind.Absolute, out Uri? asked)
            ? asked
            : null;
    }
}
