using CcExport.Engine.Store;

namespace CcExport.Engine.ConstantContact.Tokens;

/// <summary>A named lease that this process holds, across processes.</summary>
internal sealed class Lease : IAsyncDisposable
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(100);

    private readonly WireContext _wire;
    private readonly string _name;
    private readonly LeaseOwner _owner;
    private bool _leftToExpire;

    private Lease(WireContext wire, string name, LeaseOwner owner)
    {
        _wire = wire;
        _name = name;
        _owner = owner;
    }

    /// <summary>Waits for the lease; each holder's time is bounded, so this is too.</summary>
    public static async Task<Lease> TakeAsync(WireContext wire, string name, string purpose, TimeSpan life, CancellationToken ct)
    {
        LeaseOwner owner = LeaseOwner.ForThisProcess(purpose, Guid.NewGuid);
        while (true)
        {
            DateTimeOffset now = wire.Time.GetUtcNow();
            LeaseAnswer answer = await wire.Leases.TryTakeAsync(name, owner, now, now + life, ct).ConfigureAwait(false);
            if (answer.Taken) return new Lease(wire, name, owner);
            TimeSpan left = (answer.HolderExpires ?? now) - now;
            TimeSpan wait = left > TimeSpan.Zero && left < LookAgain ? left : LookAgain * (1 + wire.Random());
            await Task.Delay(wait + TimeSpan.FromMilliseconds(1), wire.Time, ct).ConfigureAwait(false);
        }
    }

    /// <summary>Holds it for longer; false when another has it by now.</summary>
    public Task<bool> RenewAsync(TimeSpan life, CancellationToken ct) => _wire.Leases.RenewAsync(_name, _owner, _wire.Time.GetUtcNow() + life, ct);

    /// <summary>Lets it run out by itself in a while instead of giving it back: the others wait, and nobody has to wait for them.</summary>
    public async Task LeaveToExpireAsync(TimeSpan life)
    {
        _leftToExpire = true;
        try
        {
            await RenewAsync(life, CancellationToken.None).ConfigureAwait(false);
        }
        catch (CcException)
        {
            // It then runs out later than meant.
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_leftToExpire) return;
        try
        {
            await _wire.Leases.ReleaseAsync(_name, _owner, CancellationToken.None).ConfigureAwait(false);
        }
        catch (CcException)
        {
            // It runs out by itself, and what was done under it must not fail for this.
        }
    }
}
