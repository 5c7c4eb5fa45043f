using System.Net;
using System.Net.Http.Headers;

namespace CcExport.Engine.ConstantContact;

/// <summary>The bytes of one import, sent from where they lie. Knows whether any of them may have left this machine.</summary>
internal sealed class ImportContent : HttpContent
{
    private readonly ReadOnlyMemory<byte> _body;

    public ImportContent(ReadOnlyMemory<byte> body)
    {
        _body = body;
        Headers.ContentType = new MediaTypeHeaderValue("application/json");
        Headers.ContentLength = body.Length;
    }

    /// <summary>
    /// False: the connection never came to the body, and a request without its body is no import, so nothing happened at
    /// the service. The handler itself never repeats a request whose body it has begun to send.
    /// </summary>
    public bool Started { get; private set; }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        Started = true;
        return stream.WriteAsync(_body, cancellationToken).AsTask();
    }

    protected override bool TryComputeLength(out long length)
    {
        length = _body.Length;
        return true;
    }
}
