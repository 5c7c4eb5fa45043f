using CcExport.Engine.Identity;

namespace CcExport.Engine;

public sealed partial class CcEngine
{
    /// <summary>How the key ring is wrapped and where it lies, and whether this user can read it (network where Key Vault wraps it). <c>KeyRingSettingUnsuitable</c>.</summary>
    public Task<KeyRingState> GetKeyRingAsync(CancellationToken ct) => Keeper(_parts.KeyRing()).GetAsync(ct);

    /// <summary>
    /// What <see cref="ProtectKeyRingAsync"/> would wrap the keys with: a certificate's place, a key's address. <c>KeyRingSettingMissing</c>, <c>KeyRingSettingUnsuitable</c>.
    /// </summary>
    /// <param name="with">Null: as the environment says.</param>
    public string DescribeKeyRingWrapping(KeyRingWrapping? with)
    {
        KeyRingOptions options = _parts.KeyRing();
        return Keeper(options).NameOf(Wanted(options, with));
    }

    /// <summary>
    /// Wraps the ring's keys anew; what they protect stays readable. <c>KeyRingMissing</c>, <c>KeyRingUnreadable</c>, <c>KeyRingUnwrapped</c>, <c>KeyRingSettingMissing</c>,
    /// <c>KeyRingSettingUnsuitable</c>, and what is wrong with a certificate or a vault. All or nothing.
    /// </summary>
    /// <param name="with">Null: as the environment says. <see cref="KeyRingWrapping.None"/>: unwraps.</param>
    public Task<KeyRingState> ProtectKeyRingAsync(KeyRingWrapping? with, CancellationToken ct)
    {
        KeyRingOptions options = _parts.KeyRing();
        return Keeper(options).WrapAsync(Wanted(options, with), ct);
    }

    private KeyRingKeeper Keeper(KeyRingOptions options) => new(_parts.Store.Keys, options, _parts.Time);

    // To unwrap is never what silence means.
    private static KeyRingWrapping Wanted(KeyRingOptions options, KeyRingWrapping? with)
        => with ?? (options.Wrapping == KeyRingWrapping.None ? KeyRingWrapping.Mixed : options.Wrapping);
}
