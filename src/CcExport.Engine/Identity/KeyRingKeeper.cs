using System.Xml.Linq;
using CcExport.Engine.Identity.Wrapping;
using CcExport.Engine.Store;

namespace CcExport.Engine.Identity;

/// <summary>Looks at a key ring, and wraps its keys anew. The keys themselves stay: nothing that they protect is touched.</summary>
internal sealed class KeyRingKeeper(IKeyRingStore store, KeyRingOptions options, TimeProvider time)
{
    /// <summary>What there is, and whether this user can read it (network where Key Vault wraps it). What is wrong with it is a finding.</summary>
    public async Task<KeyRingState> GetAsync(CancellationToken ct)
    {
        using var wrapping = new KeyWrapping(options, store.Place, time);
        KeyRingElement[] keys = await KeysAsync(ct).ConfigureAwait(false);
        (KeyRingWrapping Wrapping, string? By)[] each = [.. keys.Select(wrapping.Describe)];
        List<string> findings = [];
        foreach (KeyRingElement key in keys)
        {
            try
            {
                await wrapping.UnwrapAsync(key, ct).ConfigureAwait(false);
            }
            catch (CcException e)
            {
                string finding = e.Remedy is null ? e.Message : $"{e.Message} {e.Remedy}";
                if (!findings.Contains(finding)) findings.Add(finding);
            }
        }
        bool readable = findings.Count == 0;
        KeyRingWrapping kind = each.Select(e => e.Wrapping).Distinct().ToArray() switch { [] => KeyRingWrapping.None, [var one] => one, _ => KeyRingWrapping.Mixed };
        bool current = true;
        foreach ((KeyRingWrapping, string?) key in each) current &= await wrapping.IsCurrentAsync(key, options.Wrapping, ct).ConfigureAwait(false);
        if (!current && options.Wrapping != KeyRingWrapping.None)
            findings.Add($"It is not wrapped by {wrapping.Named(options.Wrapping)}, which the environment names. Protect-CcKeyRing does it.");
        else if (keys.Length > 0 && kind == KeyRingWrapping.None)
            findings.Add("It is unwrapped: whoever can read it can read the secrets of this store. Name a certificate or a key of Key Vault, and run Protect-CcKeyRing.");
        return new KeyRingState
        {
            Place = store.Place,
            Keys = keys.Length,
            Wrapping = kind,
            WrappedBy = [.. each.Select(e => e.By).OfType<string>().Distinct()],
            Wanted = options.Wrapping,
            Readable = readable,
            Findings = findings,
        };
    }

    /// <summary>What would wrap the keys: <c>KeyRingSettingMissing</c> when the environment names nothing of the kind.</summary>
    public string NameOf(KeyRingWrapping with)
    {
        if (with == KeyRingWrapping.None) return "nothing";
        using var wrapping = new KeyWrapping(options, store.Place, time);
        return (with == KeyRingWrapping.Mixed ? null : wrapping.Named(with)) ?? throw new CcException("KeyRingSettingMissing", CcErrorKind.InvalidArgument,
            "The environment names nothing that the key ring could be wrapped by.",
            $"Set {KeyRingOptions.CertificateVariable} or {KeyRingOptions.KeyVaultVariable} first, for every process that uses this home.");
    }

    /// <summary>
    /// Wraps all keys anew (network where Key Vault takes part); nothing is written unless all of them can be read, before and after.
    /// <c>KeyRingUnwrapped</c> when it must be wrapped, <c>KeyRingMissing</c> when there is none, and what is wrong with a certificate, a vault or the ring.
    /// </summary>
    public async Task<KeyRingState> WrapAsync(KeyRingWrapping with, CancellationToken ct)
    {
        if (with == KeyRingWrapping.None && options.MustBeWrapped) throw KeyRing.Unwrapped(store.Place);
        NameOf(with);
        IAsyncDisposable held = await store.LockAsync(ct).ConfigureAwait(false);
        await using (held.ConfigureAwait(false))
        {
            using var wrapping = new KeyWrapping(options, store.Place, time);
            IReadOnlyList<KeyRingElement> before = await store.ListAsync(ct).ConfigureAwait(false);
            if (!before.Any(KeyRing.IsKey))
            {
                throw new CcException("KeyRingMissing", CcErrorKind.Storage, $"There is no key in '{store.Place}' yet.",
                    "It is made, and wrapped, when something secret is first kept; New-CcConnection does so.")
                { Subject = store.Place };
            }
            IReadOnlyList<KeyRingElement> after = await RewrapAsync(before, with, wrapping, ct).ConfigureAwait(false);
            await store.ReplaceAsync(after, ct).ConfigureAwait(false);
        }
        return await GetAsync(ct).ConfigureAwait(false);
    }

    /// <summary>
    /// Copies the ring to another place, wrapped as the environment says; nothing is written unless all of it can be read. A ring without a key has nothing to copy. Into a database it
    /// must be wrapped: <c>KeyRingSettingMissing</c>.
    /// </summary>
    public async Task CopyToAsync(IKeyRingStore target, bool mustBeWrapped, CancellationToken ct)
    {
        IReadOnlyList<KeyRingElement> elements = await store.ListAsync(ct).ConfigureAwait(false);
        if (mustBeWrapped && options.Wrapping == KeyRingWrapping.None) NameOf(KeyRingWrapping.Mixed);
        if (!elements.Any(KeyRing.IsKey)) return;
        using var wrapping = new KeyWrapping(options, store.Place, time);
        elements = await RewrapAsync(elements, options.Wrapping, wrapping, ct).ConfigureAwait(false);
        IAsyncDisposable held = await target.LockAsync(ct).ConfigureAwait(false);
        await using (held.ConfigureAwait(false)) await target.ReplaceAsync(elements, ct).ConfigureAwait(false);
    }

    private async Task<IReadOnlyList<KeyRingElement>> RewrapAsync(IReadOnlyList<KeyRingElement> elements, KeyRingWrapping with, KeyWrapping wrapping, CancellationToken ct)
    {
        List<KeyRingElement> after = [];
        foreach (KeyRingElement element in elements)
        {
            XElement plain = await wrapping.UnwrapAsync(element, ct).ConfigureAwait(false);
            KeyRingElement wrapped = element with { Xml = KeyXml.ToText(await wrapping.WrapAsync(plain, with, ct).ConfigureAwait(false)) };
            // Read once more by what is to read it from now on: the old form is gone in a moment.
            if (!XNode.DeepEquals(Normal(plain), Normal(await wrapping.UnwrapAsync(wrapped, ct).ConfigureAwait(false))))
            {
                throw new CcException("KeyRingUnreadable", CcErrorKind.Storage, $"What {NameOf(with)} wrapped, it does not unwrap as it was; nothing was changed.",
                    "Check that certificate or key, or use another.")
                { Subject = store.Place };
            }
            after.Add(wrapped);
        }
        return after;
    }

    private async Task<KeyRingElement[]> KeysAsync(CancellationToken ct) => [.. (await store.ListAsync(ct).ConfigureAwait(false)).Where(KeyRing.IsKey)];

    // Spaces between elements and the way a namespace is written mean nothing, and not every form of wrapping keeps them.
    private static XElement Normal(XElement element) => new(element.Name,
        element.Attributes().Where(a => !a.IsNamespaceDeclaration).OrderBy(a => a.Name.ToString(), StringComparer.Ordinal),
        element.HasElements ? element.Elements().Select(Normal) : element.Value);
}
