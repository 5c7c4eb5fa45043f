namespace CcExport.Engine.Store;

/// <summary>Which file holds what an export had accepted on a list; the file itself is its own room's.</summary>
internal interface IFingerprintStore
{
    /// <summary>All that concern a list of an account, whichever export they are of.</summary>
    Task<IReadOnlyList<FingerprintRecord>> ListAsync(string account, string listId, CancellationToken ct);
    Task<IReadOnlyList<FingerprintRecord>> ListAllAsync(CancellationToken ct);
    /// <summary>Adds one or writes over it, if it still names <paramref name="expectedFile"/> (null: there must be none); false when another process was first.</summary>
    Task<bool> PutAsync(FingerprintRecord record, string? expectedFile, CancellationToken ct);
}

/// <summary>Where one export's fingerprints of one list lie.</summary>
internal sealed record FingerprintRecord
{
    /// <summary>The export; empty: runs without a name to this list.</summary>
    public required string Export { get; init; }
    /// <summary>The account's id, or the connection's where the account is not known.</summary>
    public required string Account { get; init; }
    public required string ListId { get; init; }
    public required string File { get; init; }
    /// <summary>The file's key, wrapped by the ring.</summary>
    public required byte[] Key { get; init; }
    public required long Records { get; init; }
    /// <summary>The last run that is in it.</summary>
    public required long RunId { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
    /// <summary>How long the service took to write the list down when it was last looked at by a contact export; null when it never was.</summary>
    public TimeSpan? LookTook { get; init; }
    /// <summary>Members of the list at that time that are in none of the fingerprints.</summary>
    public long? Others { get; init; }
}

/// <summary>People who are never sent. Known by a keyed hash only.</summary>
internal interface ISuppressionStore
{
    /// <summary>The key of the hashes, wrapped by the ring: the stored one, or <paramref name="fresh"/> if there is none yet.</summary>
    Task<byte[]> GetKeyAsync(byte[]? fresh, CancellationToken ct);
    Task<IReadOnlyList<SuppressionRecord>> ListAsync(CancellationToken ct);
    /// <summary>Returns how many were not there before; those that were stay as they are, unless a stronger reason (Erased) comes.</summary>
    Task<int> AddAsync(IReadOnlyCollection<SuppressionRecord> records, CancellationToken ct);
    Task<int> RemoveAsync(IReadOnlyCollection<byte[]> addresses, CancellationToken ct);
    /// <summary>Writes down that a person's data was removed; returns its number.</summary>
    Task<long> AddErasureAsync(ErasureRecord record, CancellationToken ct);
    /// <summary>Oldest first.</summary>
    Task<IReadOnlyList<ErasureRecord>> ListErasuresAsync(CancellationToken ct);
}

/// <summary>The proof that a person's data was removed.</summary>
/// <param name="Address">16 bytes: the hash of the address, encrypted.</param>
/// <param name="Removed">What was removed, as JSON.</param>
internal sealed record ErasureRecord(long Id, DateTimeOffset At, string By, byte[] Address, string Removed);

/// <summary>One person who is never sent.</summary>
/// <param name="Address">16 bytes: the hash of the address, encrypted.</param>
/// <param name="Reason">SuppressionList, or Erased for a person whose data was removed.</param>
internal sealed record SuppressionRecord(byte[] Address, string Reason, DateTimeOffset AddedAt, string AddedBy, string? Note);
