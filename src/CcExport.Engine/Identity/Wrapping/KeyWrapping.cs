using System.Xml.Linq;
using CcExport.Engine.Store;

namespace CcExport.Engine.Identity.Wrapping;

/// <summary>Wraps and unwraps whole keys by whatever is named. Data Protection only ever sees them unwrapped: its own way to unwrap is synchronous.</summary>
internal sealed class KeyWrapping : IDisposable
{
    private readonly CertificateWrapper _certificates;
    private readonly IKeyWrapper[] _all;
    private readonly string _place;

    public KeyWrapping(KeyRingOptions options, string place, TimeProvider time)
    {
        _place = place;
        _certificates = new CertificateWrapper(options, place, time);
        _all = [_certificates, new KeyVaultWrapper(options, place, new KeyVaultClient(options, time))];
    }

    /// <summary>What a key is wrapped by, and by which. Nothing is loaded or asked.</summary>
    public (KeyRingWrapping Wrapping, string? By) Describe(KeyRingElement element)
    {
        if (KeyXml.TryParse(element.Xml) is not { } key) return (KeyRingWrapping.Mixed, null);
        if (KeyXml.OpenSecrets(key).Count > 0) return (KeyRingWrapping.None, null);
        if (KeyXml.WrappedSecrets(key) is not [var first, ..]) return (KeyRingWrapping.Mixed, null);
        return WrapperOf(first) is { } wrapper ? (wrapper.Kind, wrapper.NameIn(first)) : (KeyRingWrapping.Mixed, null);
    }

    /// <summary>What would wrap, as people know it; null when nothing of the kind is named.</summary>
    public string? Named(KeyRingWrapping with) => _all.FirstOrDefault(w => w.Kind == with)?.Named;

    /// <summary>Whether a key is wrapped by what would wrap it now.</summary>
    public async Task<bool> IsCurrentAsync((KeyRingWrapping Wrapping, string? By) key, KeyRingWrapping with, CancellationToken ct)
        => key.Wrapping == with && (with == KeyRingWrapping.None || (key.By is not null && await _all.First(w => w.Kind == with).IsFirstAsync(key.By, ct).ConfigureAwait(false)));

    /// <summary>The key, with all that is secret in it wrapped; as it is with <see cref="KeyRingWrapping.None"/>.</summary>
    public async Task<XElement> WrapAsync(XElement key, KeyRingWrapping with, CancellationToken ct)
    {
        var wrapped = new XElement(key);
        if (with == KeyRingWrapping.None) return wrapped;
        IKeyWrapper wrapper = _all.First(w => w.Kind == with);
        foreach (XElement secret in KeyXml.OpenSecrets(wrapped))
        {
            secret.ReplaceWith(await wrapper.WrapAsync(new XElement(secret), KeyXml.IdOf(key), ct).ConfigureAwait(false));
        }
        return wrapped;
    }

    /// <summary>The key, with nothing wrapped. <c>KeyRingUnreadable</c>, and what is wrong with a certificate or a vault.</summary>
    public async Task<XElement> UnwrapAsync(KeyRingElement element, CancellationToken ct)
    {
        XElement key = KeyXml.TryParse(element.Xml) ?? throw Damaged(element);
        foreach (XElement wrapped in KeyXml.WrappedSecrets(key))
        {
            IKeyWrapper wrapper = WrapperOf(wrapped) ?? throw new CcException("KeyRingUnreadable", CcErrorKind.Storage,
                $"The key '{element.Name}' in '{_place}' is wrapped in a way that this version does not know.", "Use the version of CcExport that wrapped it, or restore the key ring from a backup.")
            { Subject = _place };
            wrapped.ReplaceWith(await wrapper.UnwrapAsync(wrapped, KeyXml.IdOf(key), ct).ConfigureAwait(false));
        }
        return !KeyXml.IsKey(key) || KeyXml.OpenSecrets(key).Count > 0 ? key : throw Damaged(element);
    }

    public void Dispose() => _certificates.Dispose();

    private IKeyWrapper? WrapperOf(XElement wrapped) => _all.FirstOrDefault(w => w.Made(wrapped));

    private CcException Damaged(KeyRingElement element) => new("KeyRingUnreadable", CcErrorKind.Storage, $"The key '{element.Name}' in '{_place}' is damaged.",
        "Restore the key ring from a backup.")
    { Subject = _place };
}
