namespace CcExport.Engine.Identity;

/// <summary>What the keys of a key ring are wrapped by.</summary>
public enum KeyRingWrapping
{
    /// <summary>Nothing: whoever can read the files has the keys.</summary>
    None,
    /// <summary>A certificate: whoever has its private key has them.</summary>
    Certificate,
    /// <summary>A key in Azure Key Vault: whoever may use it has them.</summary>
    KeyVault,
    /// <summary>Not all of them by the same, or by something that this version does not know.</summary>
    Mixed,
}

/// <summary>The key ring, as it is. Holds no key.</summary>
public sealed class KeyRingState
{
    /// <summary>Where it lies.</summary>
    public required string Place { get; init; }
    /// <summary>How many keys it has; 0 before something secret was first kept.</summary>
    public required int Keys { get; init; }
    /// <summary>What they are wrapped by.</summary>
    public required KeyRingWrapping Wrapping { get; init; }
    /// <summary>The certificates' thumbprints, and the addresses of keys in Key Vault.</summary>
    public required IReadOnlyList<string> WrappedBy { get; init; }
    /// <summary>What the environment names to wrap keys with.</summary>
    public required KeyRingWrapping Wanted { get; init; }
    /// <summary>Whether this user, with this environment, can read all of its keys.</summary>
    public required bool Readable { get; init; }
    /// <summary>What a person should know, and do.</summary>
    public required IReadOnlyList<string> Findings { get; init; }
}
