namespace CcExport.Simulator.State;

internal enum Permission : byte
{
    Implicit,
    Explicit,
    Unsubscribed,
    PendingConfirmation,
    TempHold,
    NotSet,
}

/// <summary>One contact. Its values lie in the arena: address length (1 byte), address, then per field its number (1), length (1 or 3), UTF-8.</summary>
internal struct ContactRow
{
    public long Payload;
    public int Length;
    public int Hash;
    public int Lists;

    /// <summary>The last import that touched it: how a second row with the same address in one import is known.</summary>
    public int LastImport;

    public long CreatedTicks;
    public long UpdatedTicks;
    public Permission Permission;
    public bool Deleted;
}
