using System.Net;

namespace CcExport.Engine;

/// <summary>The machine's proxy, but never for this machine itself (the simulator), which HTTP_PROXY does not exempt.</summary>
internal sealed class LoopbackPastProxy(IWebProxy inner) : IWebProxy
{
    public ICredentials? Credentials
    {
        get => inner.Credentials;
        set => inner.Credentials = value;
    }

    public Uri? GetProxy(Uri destination) => destination.IsLoopback ? null : inner.GetProxy(destination);

    public bool IsBypassed(Uri host) => host.IsLoopback || inner.IsBypassed(host);
}
