namespace CcExport.Engine.Store;

internal sealed partial record LeaseOwner
{
    /// <summary>This process as an owner, for one taking.</summary>
    public static LeaseOwner ForThisProcess(string purpose, Func<Guid> idFactory) =>
        new(idFactory(), ProcessTable.Machine, Environment.ProcessId, ProcessTable.StartOf(Environment.ProcessId) ?? 0, purpose);
}

/// <summary>Who may take a lease, decided over plain values: the same for every store.</summary>
internal static class LeaseRules
{
    /// <summary>True when <paramref name="owner"/> may take over what <paramref name="holder"/> holds.</summary>
    public static bool MayTakeOver(
        LeaseOwner holder, DateTimeOffset holderExpires, LeaseOwner owner, DateTimeOffset now, Func<int, long, bool> isAlive) =>
        holderExpires <= now
        || (holder.Machine == owner.Machine && !isAlive(holder.ProcessId, holder.ProcessStartTicks));
}
