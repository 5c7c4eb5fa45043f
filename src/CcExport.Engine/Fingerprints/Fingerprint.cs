namespace CcExport.Engine.Fingerprints;

/// <summary>What is known of a remembered contact besides its content.</summary>
[Flags]
internal enum Marks : byte
{
    None = 0,
    /// <summary>The service accepted it for the list.</summary>
    Confirmed = 1,
    /// <summary>It was proved not to be on the list before, and no look has missed it since: it is there because of us.</summary>
    Owned = 2,
    /// <summary>It was on the list when that was last looked at, or has been accepted since.</summary>
    Present = 4,
}

/// <summary>
/// One contact that an export had accepted: 16 bytes of its address and 8 of its content, the lowest three bits of which are <see cref="Marks"/>. Both are hashes
/// (XxHash); they lie on disk encrypted only.
/// </summary>
/// <param name="Address">Hash of the address in lower case.</param>
internal readonly record struct Fingerprint(UInt128 Address, ulong Value) : IComparable<Fingerprint>
{
    public const int Size = 24;
    private const ulong MarkBits = 7;

    public Fingerprint(UInt128 address, ulong content, Marks marks) : this(address, (content & ~MarkBits) | (ulong)marks) { }

    public Marks Marks => (Marks)(Value & MarkBits);

    /// <summary>Hash of the contact as it was sent, without the three lowest bits; 0: not known, so it differs from everything.</summary>
    public ulong Content => Value & ~MarkBits;

    /// <summary>Whether a contact that hashes to <paramref name="content"/> is as it was sent before.</summary>
    public bool IsOf(ulong content) => Content != 0 && Content == (content & ~MarkBits);

    public Fingerprint With(Marks marks) => new(Address, Value, marks);

    public int CompareTo(Fingerprint other) => Address.CompareTo(other.Address);
}
