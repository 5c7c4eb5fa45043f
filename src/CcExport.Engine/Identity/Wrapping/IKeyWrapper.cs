using System.Xml.Linq;

namespace CcExport.Engine.Identity.Wrapping;

/// <summary>One way to wrap what is secret in a key.</summary>
internal interface IKeyWrapper
{
    KeyRingWrapping Kind { get; }

    /// <summary>Whether a wrapped secret is of this kind, whatever is needed to read it.</summary>
    bool Made(XElement wrapped);

    /// <summary>What a wrapped secret is wrapped by: a thumbprint, an address. Reads the element alone.</summary>
    string NameIn(XElement wrapped);

    /// <summary>What would wrap now, as people know it: null when nothing of this kind is named. Nothing is loaded or asked.</summary>
    string? Named { get; }

    /// <summary>Whether that is what wraps now. Loads what is named, and asks nobody.</summary>
    /// <param name="by">As <see cref="NameIn"/> gives it.</param>
    Task<bool> IsFirstAsync(string by, CancellationToken ct);

    /// <summary>Wraps with the first that is named.</summary>
    /// <param name="keyId">The ring's name for the key, to which what is wrapped is bound where the format can.</param>
    Task<XElement> WrapAsync(XElement secret, string keyId, CancellationToken ct);

    /// <summary>Unwraps with any that is named. <c>KeyRingUnreadable</c> when none fits.</summary>
    Task<XElement> UnwrapAsync(XElement wrapped, string keyId, CancellationToken ct);
}
