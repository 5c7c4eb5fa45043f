namespace CcExport.Engine.Store;

/// <summary>
/// Where the key ring's elements lie, as texts that only the room of identities reads. A store must never lose the last readable key: what it protects
/// would be lost with it. Every write is durable when its task completes.
/// </summary>
internal interface IKeyRingStore
{
    /// <summary>Where that is, for people: a folder, a database. Holds no secret.</summary>
    string Place { get; }

    /// <summary>All elements, by name. An element that is damaged is among them. <c>KeyRingUnreadable</c> when this user may not read them.</summary>
    Task<IReadOnlyList<KeyRingElement>> ListAsync(CancellationToken ct);

    /// <summary>Adds one, under the lock; its name is new.</summary>
    Task AddAsync(string name, string xml, CancellationToken ct);

    /// <summary>
    /// Puts these, under the lock, in the place of all there are. All at once: whoever lists meanwhile, and whoever does after a crash at any moment, finds each key once, as it
    /// was or as it is to be.
    /// </summary>
    Task ReplaceAsync(IReadOnlyList<KeyRingElement> elements, CancellationToken ct);

    /// <summary>
    /// Held by the one process, of all that use this store, that makes the first key or replaces them; it ends with its process at the latest. Waits up to 15 s:
    /// <c>KeyRingLocked</c>. Not to be taken twice by one caller.
    /// </summary>
    Task<IAsyncDisposable> LockAsync(CancellationToken ct);
}

/// <summary>One element of a key ring.</summary>
/// <param name="Name">A file's name without its ending: letters, digits, and what stands between them.</param>
/// <param name="Xml">The element, wrapped or not: an unwrapped one is a secret.</param>
internal sealed record KeyRingElement(string Name, string Xml)
{
    public override string ToString() => $"KeyRingElement {Name}";
}
