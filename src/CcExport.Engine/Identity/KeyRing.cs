using System.Security.Cryptography;
using System.Xml.Linq;
using CcExport.Engine.Identity.Wrapping;
using CcExport.Engine.Store;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption;
using Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption.ConfigurationModel;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.Extensions.DependencyInjection;

namespace CcExport.Engine.Identity;

/// <summary>
/// The store's key ring: one key with a long life, made once for all processes. The library's own habit of quietly making
/// another key when it can't read the ring is off: that would turn a lost ring into secrets that nobody can read.
/// </summary>
internal sealed class KeyRing : ISecretBox, IDisposable
{
    // Part of every protected byte, like the algorithm: changing either makes all secrets unreadable.
    private const string ApplicationName = "CcExport";
    private const string RootPurpose = "CcExport.SecretBox.v1";

    // Wide enough that no clock, however wrong, finds the key not yet or no longer in force.
    private static readonly DateTimeOffset InForceFrom = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset InForceUntil = new(2200, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly ServiceProvider services;
    private readonly IDataProtectionProvider provider;
    private readonly string place;
    private readonly CcException? fault;

    private KeyRing(ServiceProvider services, string place, CcException? fault)
    {
        this.services = services;
        this.place = place;
        this.fault = fault;
        provider = services.GetRequiredService<IDataProtectionProvider>().CreateProtector(RootPurpose);
    }

    /// <summary>
    /// Opens the ring, and makes its key when there is none yet. One whose keys cannot be read opens too, and says why when it is asked for something
    /// (<see cref="UnlockAsync"/> asks first). Asks Key Vault (network) where that wraps it. <c>KeyRingUnwrapped</c> when it must not be.
    /// </summary>
    /// <param name="secretsExist">
    /// Says whether anything is already protected by a ring; asked only when there is no key. If so, the ring was lost
    /// and a new one would read nothing: <c>KeyRingMissing</c>.
    /// </param>
    public static async Task<KeyRing> OpenAsync(
        IKeyRingStore store, Func<CancellationToken, Task<bool>> secretsExist, KeyRingOptions options, TimeProvider time, CancellationToken ct)
    {
        using var wrapping = new KeyWrapping(options, store.Place, time);
        IReadOnlyList<KeyRingElement> elements = await store.ListAsync(ct).ConfigureAwait(false);
        if (!elements.Any(IsKey))
        {
            IAsyncDisposable held = await store.LockAsync(ct).ConfigureAwait(false);
            await using (held.ConfigureAwait(false))
            {
                // Under the lock: two processes that each make a first key could not read each other's secrets.
                elements = await store.ListAsync(ct).ConfigureAwait(false);
                if (!elements.Any(IsKey))
                {
                    if (await secretsExist(ct).ConfigureAwait(false))
                    {
                        throw Missing(store.Place);
                    }
                    await MakeKeyAsync(store, wrapping, options, ct).ConfigureAwait(false);
                    elements = await store.ListAsync(ct).ConfigureAwait(false);
                }
            }
        }
        if (options.MustBeWrapped && elements.Any(e => wrapping.Describe(e).Wrapping == KeyRingWrapping.None))
        {
            throw Unwrapped(store.Place);
        }
        return await ReadAsync(store, elements, wrapping, ct).ConfigureAwait(false);
    }

    /// <summary>A ring with a key that can be read is ready; another says why not: <c>KeyRingUnreadable</c>, or what is wrong with a certificate or a vault.</summary>
    public Task UnlockAsync(CancellationToken ct) => fault is null ? Task.CompletedTask : Task.FromException(fault);

    public byte[] Protect(string purpose, ReadOnlySpan<byte> plain)
    {
        if (fault is not null) throw fault;
        byte[] copy = plain.ToArray();
        try
        {
            return provider.CreateProtector(purpose).Protect(copy);
        }
        catch (Exception e) when (e is CryptographicException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            // Nothing but the ring can be at fault here: the plain bytes may be anything.
            throw new CcException("KeyRingUnreadable", CcErrorKind.Storage, $"The keys in '{place}' cannot be used.",
                "Restore the key ring from a backup.", e)
            { Subject = place };
        }
        finally
        {
            CryptographicOperations.ZeroMemory(copy);
        }
    }

    public byte[] Unprotect(string purpose, ReadOnlySpan<byte> protectedBytes)
    {
        // Nothing at all is what a store shows of a secret to whom it does not show it.
        if (protectedBytes.IsEmpty) throw StoreAccess.RunnerOnly();
        try
        {
            return provider.CreateProtector(purpose).Unprotect(protectedBytes.ToArray());
        }
        catch (Exception e) when (e is CryptographicException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            throw new CcException("SecretUnreadable", CcErrorKind.Storage, "A stored secret cannot be read with the keys of this home.",
                fault?.Remedy ?? $"Restore the key ring '{place}' that belongs to this store, or sign in again.", e)
            { Subject = place };
        }
    }

    public void Dispose() => services.Dispose();

    /// <summary>Whether an element is a key, readable or not.</summary>
    internal static bool IsKey(KeyRingElement element) => element.Name.StartsWith("key-", StringComparison.Ordinal);

    /// <summary>Refused where others can read what lies beside it.</summary>
    internal static CcException Unwrapped(string place) => new("KeyRingUnwrapped", CcErrorKind.Storage,
        $"The key ring '{place}' must be wrapped: unwrapped, it protects nothing from whoever can read the store.",
        $"Name a certificate in {KeyRingOptions.CertificateVariable} or a key in {KeyRingOptions.KeyVaultVariable}; a ring that is there already is then wrapped by Protect-CcKeyRing.")
    { Subject = place };

    private static async Task<KeyRing> ReadAsync(IKeyRingStore store, IReadOnlyList<KeyRingElement> elements, KeyWrapping wrapping, CancellationToken ct)
    {
        List<XElement> plain = [];
        CcException? fault = null;
        bool anyKey = false;
        foreach (KeyRingElement element in elements)
        {
            try
            {
                plain.Add(await wrapping.UnwrapAsync(element, ct).ConfigureAwait(false));
                anyKey |= IsKey(element);
            }
            catch (CcException e)
            {
                fault ??= e;
            }
        }
        ServiceProvider services = Build(new KeyRingMemory(plain));
        try
        {
            return new KeyRing(services, store.Place, anyKey ? null : fault);
        }
        catch
        {
            await services.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static async Task MakeKeyAsync(IKeyRingStore store, KeyWrapping wrapping, KeyRingOptions options, CancellationToken ct)
    {
        if (options.MustBeWrapped && options.Wrapping == KeyRingWrapping.None) throw Unwrapped(store.Place);
        var memory = new KeyRingMemory([]);
        ServiceProvider services = Build(memory);
        await using (services.ConfigureAwait(false)) services.GetRequiredService<IKeyManager>().CreateNewKey(InForceFrom, InForceUntil);
        foreach ((string name, XElement element) in memory.Added)
        {
            string xml = KeyXml.ToText(await wrapping.WrapAsync(element, options.Wrapping, ct).ConfigureAwait(false));
            // A key that cannot be read again would be noticed when there are secrets that need it.
            await wrapping.UnwrapAsync(new KeyRingElement(name, xml), ct).ConfigureAwait(false);
            await store.AddAsync(name, xml, ct).ConfigureAwait(false);
        }
    }

    private static ServiceProvider Build(KeyRingMemory memory)
    {
        var services = new ServiceCollection();
        services.AddDataProtection()
            .SetApplicationName(ApplicationName)
            .AddKeyManagementOptions(management => management.XmlRepository = memory)
            .DisableAutomaticKeyGeneration()
            .UseCryptographicAlgorithms(new AuthenticatedEncryptorConfiguration { EncryptionAlgorithm = EncryptionAlgorithm.AES_256_GCM });
        return services.BuildServiceProvider();
    }

    private static CcException Missing(string place) =>
        new("KeyRingMissing", CcErrorKind.Storage, $"The key ring '{place}' is gone, but this store holds secrets that were protected with it.",
            "Restore it from a backup. If there is none, everything that it protected is lost: begin with a new home (CCEXPORT_HOME) or database, sign in again there, and suppress again whom you had suppressed.")
        { Subject = place };
}
