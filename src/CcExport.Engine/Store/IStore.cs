namespace CcExport.Engine.Store;

/// <summary>
/// Where definitions, runs and the journal live. One store made of small roles; every write is durable when its task
/// completes, takes a token, and fails loudly (<see cref="CcException"/>, kind Storage) rather than losing anything.
/// Waiting for another process's lock obeys the token within 200 ms.
/// </summary>
internal interface IStore : IAsyncDisposable
{
    /// <summary>What this login may do in it.</summary>
    StoreAccess Access { get; }
    IConnectionStore Connections { get; }
    IExportUserStore ExportUsers { get; }
    ISourceStore Sources { get; }
    IExportStore Exports { get; }
    IScheduleStore Schedules { get; }
    IRunJournal Runs { get; }
    ICallLedger Calls { get; }
    ILeaseStore Leases { get; }
    IFingerprintStore Fingerprints { get; }
    ISuppressionStore Suppressions { get; }
    IPreImageStore PreImages { get; }
    IAnnouncementStore Announcements { get; }
    IKeyRingStore Keys { get; }
}

/// <summary>Connections. Names are unique, compared without case.</summary>
internal interface IConnectionStore
{
    Task<IReadOnlyList<ConnectionRecord>> ListAsync(CancellationToken ct);
    Task<ConnectionRecord?> FindAsync(string name, CancellationToken ct);
    Task<ConnectionRecord?> FindAsync(Guid id, CancellationToken ct);
    /// <summary>Adds one. <c>NameTaken</c> (Conflict) when the name exists.</summary>
    Task AddAsync(ConnectionRecord record, CancellationToken ct);
    /// <summary>Writes everything but the secrets.</summary>
    Task UpdateAsync(ConnectionRecord record, CancellationToken ct);
    /// <summary>Replaces the protected secrets if they are still at <paramref name="expectedVersion"/>; false when another process was first.</summary>
    Task<bool> SaveSecretsAsync(Guid id, long expectedVersion, byte[] secrets, DateTimeOffset refreshTokenIssuedAt, CancellationToken ct);
    Task RemoveAsync(Guid id, CancellationToken ct);
}

/// <summary>One stored connection.</summary>
internal sealed record ConnectionRecord
{
    public required Guid Id { get; init; }
    public required string Name { get; init; }
    public required string ClientId { get; init; }
    public required Uri ApiEndpoint { get; init; }
    public required Uri AuthorizationEndpoint { get; init; }
    /// <summary>The account's encoded id where the token may read it: notices that someone signed in to another account.</summary>
    public string? AccountId { get; init; }
    public string? Organization { get; init; }
    public int? ContactLimit { get; init; }
    public bool AllowContributor { get; init; }
    public required string ConsentedBy { get; init; }
    public required DateTimeOffset ConsentedAt { get; init; }
    public required string ConsentTextVersion { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    /// <summary>Set when the server answered invalid_grant: a person has to sign in again.</summary>
    public DateTimeOffset? SignedOutAt { get; init; }
    public DateTimeOffset RefreshTokenIssuedAt { get; init; }
    /// <summary>Counts every write of <see cref="Secrets"/>.</summary>
    public long SecretsVersion { get; init; }
    /// <summary>Client secret and tokens, protected by the key ring under this connection's purpose.</summary>
    public required byte[] Secrets { get; init; }
}

/// <summary>The export users: at most one a connection, gone with it.</summary>
internal interface IExportUserStore
{
    Task<IReadOnlyList<ExportUserRecord>> ListAsync(CancellationToken ct);
    Task<ExportUserRecord?> FindAsync(Guid connectionId, CancellationToken ct);
    /// <summary>Adds one, or writes over the one there was.</summary>
    Task SaveAsync(ExportUserRecord record, CancellationToken ct);
    /// <summary>Replaces the protected secrets if they are still at <paramref name="expectedVersion"/>; false when another process was first.</summary>
    Task<bool> SaveSecretsAsync(Guid connectionId, long expectedVersion, byte[] secrets, CancellationToken ct);
    /// <summary>Replaces the text if the secrets are still at <paramref name="secretsVersion"/>, which does not count up.</summary>
    Task<bool> SaveJsonAsync(Guid connectionId, long secretsVersion, string json, CancellationToken ct);
    Task<bool> RemoveAsync(Guid connectionId, CancellationToken ct);
}

/// <summary>One stored export user.</summary>
internal sealed record ExportUserRecord
{
    public required Guid ConnectionId { get; init; }
    /// <summary>What only the room of identities reads; holds no secret.</summary>
    public required string Json { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    /// <summary>Counts every write of <see cref="Secrets"/>.</summary>
    public long SecretsVersion { get; init; }
    /// <summary>Token cache, client secret and the like, protected by the key ring under this connection's purpose.</summary>
    public required byte[] Secrets { get; init; }
}

/// <summary>Sources and exports are kept as a name and a JSON text that only their own room reads.</summary>
internal interface ISourceStore
{
    Task<IReadOnlyList<DefinitionRecord>> ListAsync(CancellationToken ct);
    Task<DefinitionRecord?> FindAsync(string name, CancellationToken ct);
    /// <summary>Adds (<c>NameTaken</c> when it exists) or, with <paramref name="replace"/>, writes over.</summary>
    Task SaveAsync(DefinitionRecord record, bool replace, CancellationToken ct);
    Task<bool> RemoveAsync(string name, CancellationToken ct);
}

/// <summary>Exports; the connection they use is a column, so that removing one can be refused.</summary>
internal interface IExportStore
{
    Task<IReadOnlyList<DefinitionRecord>> ListAsync(CancellationToken ct);
    Task<DefinitionRecord?> FindAsync(string name, CancellationToken ct);
    Task SaveAsync(DefinitionRecord record, bool replace, CancellationToken ct);
    Task<bool> RemoveAsync(string name, CancellationToken ct);
    /// <summary>Names of the exports that use a connection.</summary>
    Task<IReadOnlyList<string>> UsingConnectionAsync(Guid connectionId, CancellationToken ct);
}

internal sealed record DefinitionRecord
{
    public required string Name { get; init; }
    /// <summary>Only for exports.</summary>
    public Guid? ConnectionId { get; init; }
    public required string Json { get; init; }
    /// <summary>Of a source what opens it, of an export where its failures are announced; protected by the key ring, null where there is nothing.</summary>
    public byte[]? Secrets { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>
/// Calls on one API key, counted for every process that uses this store. A call takes one of four places, holds it while it
/// is on its way, and the place is free again one second after the call <em>ended</em>: the server saw the call before it
/// ended, so no jitter on the way can put five into one of its seconds.
/// </summary>
internal interface ICallLedger
{
    /// <summary>
    /// Takes a place and counts the call against the key's UTC day, in one transaction, or says how long to wait.
    /// A place whose holder never gave it back is free again at <paramref name="heldUntil"/>.
    /// </summary>
    /// <param name="spender">What the call is for, as shown in the budget: an export's name; empty: a person's command.</param>
    Task<CallPlace> TryTakeAsync(string apiKey, DateTimeOffset now, DateTimeOffset heldUntil, int callsPerDay, CancellationToken ct, string spender = "");
    /// <summary>Gives a place back: free again at <paramref name="freeAt"/>.</summary>
    Task ReleaseAsync(string apiKey, CallPlace place, DateTimeOffset freeAt, CancellationToken ct);
    /// <summary>The server said the day is used up: nothing more before the next 00:00 UTC.</summary>
    Task MarkDayEndedAsync(string apiKey, DateTimeOffset now, CancellationToken ct);
    /// <summary>Calls counted today for each key.</summary>
    Task<CallUse> GetUseAsync(string apiKey, DateTimeOffset now, CancellationToken ct);
    /// <summary>The same by what they were for and the machine that made them; most first.</summary>
    Task<IReadOnlyList<CallsSpent>> GetSpentAsync(string apiKey, DateTimeOffset now, CancellationToken ct);
    /// <summary>Keeps so many calls of each day for programs that do not count here; 0: none.</summary>
    Task ReserveAsync(string apiKey, int calls, CancellationToken ct);
}

/// <summary>The answer of <see cref="ICallLedger.TryTakeAsync"/>: a place, or a wait, or the end of the day's quota.</summary>
/// <param name="Slot">Number of the place, or -1 when none was free.</param>
/// <param name="Ticket">Distinguishes this holder from a later one of the same place.</param>
/// <param name="Wait">How long until it is worth asking again (when Slot is -1 and the day has calls left).</param>
/// <param name="DayEnded">No calls are left before the next 00:00 UTC.</param>
internal readonly record struct CallPlace(int Slot, long Ticket, TimeSpan Wait, bool DayEnded);

/// <summary>Calls of one key on one UTC day.</summary>
/// <param name="Reserved">Kept for programs that do not count here.</param>
internal readonly record struct CallUse(DateOnly Day, long Calls, bool EndedByServer, int Reserved = 0)
{
    public long Left(int callsPerDay) => EndedByServer ? 0 : Math.Max(0, callsPerDay - Reserved - Calls);
}

/// <summary>Calls that one export made on one machine; an empty spender: commands of persons.</summary>
internal sealed record CallsSpent(string Spender, string Machine, long Calls);

/// <summary>Named leases with a heartbeat: one runner per export, one refresh per connection.</summary>
internal interface ILeaseStore
{
    /// <summary>
    /// Takes the lease, or returns who holds it. On one machine a holder whose process (id and start time) is gone is taken
    /// over at once; otherwise at expiry.
    /// </summary>
    Task<LeaseAnswer> TryTakeAsync(string name, LeaseOwner owner, DateTimeOffset now, DateTimeOffset expires, CancellationToken ct);
    /// <summary>Prolongs; false when the lease is no longer ours.</summary>
    Task<bool> RenewAsync(string name, LeaseOwner owner, DateTimeOffset expires, CancellationToken ct);
    Task ReleaseAsync(string name, LeaseOwner owner, CancellationToken ct);
    /// <summary>Those of <paramref name="names"/> that somebody holds and nobody could take over now.</summary>
    Task<IReadOnlyDictionary<string, LeaseOwner>> GetHeldAsync(IReadOnlyCollection<string> names, DateTimeOffset now, CancellationToken ct);
}

/// <summary>Who holds a lease.</summary>
/// <param name="Id">Unique for each taking, so that two runs of one process are told apart.</param>
internal sealed partial record LeaseOwner(Guid Id, string Machine, int ProcessId, long ProcessStartTicks, string Purpose);

/// <summary><paramref name="Taken"/>, or the present holder.</summary>
/// <param name="TookOver">It was taken from one who did not give it back.</param>
/// <param name="FromTheDead">The one it was taken from is a process of this machine that is gone: nothing of its can be on its way.</param>
internal sealed record LeaseAnswer(bool Taken, LeaseOwner? Holder, DateTimeOffset? HolderExpires, bool TookOver, bool FromTheDead = false);
