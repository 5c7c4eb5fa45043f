namespace CcExport.Engine.Identity;

/// <summary>
/// The key ring, opened only when something secret is first needed: its library takes 50 ms to start, which nobody should wait for who
/// lists his exports or completes a name.
/// </summary>
internal sealed class DeferredSecretBox(Func<CancellationToken, Task<KeyRing>> open) : ISecretBox, IDisposable
{
    private readonly SemaphoreSlim _opening = new(1, 1);
    private KeyRing? _ring;
    private CcException? _fault;

    /// <summary>Opens the ring; must have completed before anything is protected or read.</summary>
    public async Task UnlockAsync(CancellationToken ct)
    {
        if (_ring is not null) return;
        await _opening.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            if (_ring is not null) return;
            KeyRing ring = await open(ct).ConfigureAwait(false);
            try
            {
                await ring.UnlockAsync(ct).ConfigureAwait(false);
            }
            catch
            {
                // Opened anew when it is asked for again: a vault may answer by then.
                ring.Dispose();
                throw;
            }
            _ring = ring;
        }
        catch (CcException e)
        {
            // Whoever goes on without it, because hardly anything of what it does is secret, is told the reason again where it is.
            _fault = e;
            throw;
        }
        finally
        {
            _opening.Release();
        }
    }

    public byte[] Protect(string purpose, ReadOnlySpan<byte> plain) => Ring.Protect(purpose, plain);

    public byte[] Unprotect(string purpose, ReadOnlySpan<byte> protectedBytes) => Ring.Unprotect(purpose, protectedBytes);

    private KeyRing Ring => _ring ?? throw (Exception?)_fault ?? new InvalidOperationException("The key ring was not unlocked.");

    public void Dispose()
    {
        _ring?.Dispose();
        _opening.Dispose();
    }
}
