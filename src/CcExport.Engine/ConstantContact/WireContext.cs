using CcExport.Engine.Identity;
using CcExport.Engine.Store;

namespace CcExport.Engine.ConstantContact;

/// <summary>What every part of the wire needs from outside: the store's roles, the secret box, time, chance and the network.</summary>
internal sealed class WireContext(IConnectionStore connections, ICallLedger calls, ILeaseStore leases, ISecretBox secrets, TimeProvider time)
{
    public IConnectionStore Connections { get; } = connections;
    public ICallLedger Calls { get; } = calls;
    public ILeaseStore Leases { get; } = leases;
    public ISecretBox Secrets { get; } = secrets;
    public TimeProvider Time { get; } = time;
    public WireOptions Options { get; init; } = new();
    /// <summary>A number from 0 to 1, for the jitter.</summary>
    public Func<double> Random { get; init; } = System.Random.Shared.NextDouble;
    public HttpClient Http { get; init; } = WireHttp.Shared;
}
