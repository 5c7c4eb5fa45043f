namespace CcExport.Engine.Identity;

/// <summary>
/// Secrets at rest: bytes in, protected bytes out, under the home's key ring. A purpose separates kinds and owners: what was
/// protected for one connection cannot be read as another's.
/// </summary>
internal interface ISecretBox
{
    /// <summary>Makes it ready; must have completed before anything is protected or read. Costs nothing the second time.</summary>
    Task UnlockAsync(CancellationToken ct);
    byte[] Protect(string purpose, ReadOnlySpan<byte> plain);
    /// <summary><c>SecretUnreadable</c> (Storage) when the ring no longer holds the key or the purpose differs.</summary>
    byte[] Unprotect(string purpose, ReadOnlySpan<byte> protectedBytes);
}
