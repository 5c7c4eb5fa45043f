using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CcExport.Engine.Store;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption;
using Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption.ConfigurationModel;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.Extensions.DependencyInjection;

namespace CcExport.Engine.Identity;

/// <summary>What opening a key ring needs to be told.</summary>
internal sealed record KeyRingOptions
{
    /// <summary>Wraps the ring's keys when given; else they lie in the folder as they are, guarded by its mode alone.</summary>
    public X509Certificate2? Certificate { get; init; }
    /// <summary>Called once, when a key was made that nothing wraps.</summary>
    public Action<string>? OnUnwrappedKey { get; init; }
}

/// <summary>
/// The home's key ring: one key with a long life, made once for all processes. The library's own habit of quietly making
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
    private readonly string folder;

    private KeyRing(ServiceProvider services, string folder)
    {
        this.services = services;
        this.folder = folder;
        provider = services.GetRequiredService<IDataProtectionProvider>().CreateProtector(RootPurpose);
    }

    /// <summary>Opens the ring, and makes its key when there is none yet.</summary>
    /// <param name="secretsExist">
    /// Says whether anything is already protected by a ring; asked only when there is no key. If so, the ring was lost
    /// and a new one would read nothing: <c>KeyRingMissing</c>.
    /// </param>
    public static async Task<KeyRing> OpenAsync(
        CcHome home, Func<CancellationToken, Task<bool>> secretsExist, KeyRingOptions options, TimeProvider time, CancellationToken ct)
    {
        home.EnsureCreated();
        ServiceProvider services = Build(home.KeyRingFolder, options.Certificate);
        try
        {
            if (!HasKey(home.KeyRingFolder))
            {
                using (await KeyRingLock.TakeAsync(home, time, ct).ConfigureAwait(false))
                {
                    // Under the lock: two processes that each make a first key could not read each other's secrets.
                    if (!HasKey(home.KeyRingFolder))
                    {
                        if (await secretsExist(ct).ConfigureAwait(false))
                        {
                            throw Missing(home.KeyRingFolder);
                        }
                        MakeKey(services, home, options);
                    }
                }
            }
            return new KeyRing(services, home.KeyRingFolder);
        }
        catch
        {
            await services.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public byte[] Protect(string purpose, ReadOnlySpan<byte> plain)
    {
        byte[] copy = plain.ToArray();
        try
        {
            return provider.CreateProtector(purpose).Protect(copy);
        }
        catch (Exception e) when (e is CryptographicException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            // Nothing but the ring can be at fault here: the plain bytes may be anything.
            throw new CcException("KeyRingUnreadable", CcErrorKind.Storage, $"The keys in '{folder}' cannot be used.",
                "Restore the key ring's folder from a backup, or give this user the certificate that wraps it.", e)
            { Subject = folder };
        }
        finally
        {
            CryptographicOperations.ZeroMemory(copy);
        }
    }

    public byte[] Unprotect(string purpose, ReadOnlySpan<byte> protectedBytes)
    {
        try
        {
            return provider.CreateProtector(purpose).Unprotect(protectedBytes.ToArray());
        }
        catch (Exception e) when (e is CryptographicException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            throw new CcException("SecretUnreadable", CcErrorKind.Storage, "A stored secret cannot be read with the keys of this home.",
                $"Restore the folder '{folder}' that belongs to this store, or sign in again.", e)
            { Subject = folder };
        }
    }

    public void Dispose() => services.Dispose();

    private static bool HasKey(string folder) => Directory.EnumerateFiles(folder, "key-*.xml").Any();

    private static ServiceProvider Build(string folder, X509Certificate2? certificate)
    {
        var services = new ServiceCollection();
        IDataProtectionBuilder builder = services.AddDataProtection()
            .SetApplicationName(ApplicationName)
            .PersistKeysToFileSystem(new DirectoryInfo(folder))
            .DisableAutomaticKeyGeneration()
            .UseCryptographicAlgorithms(new AuthenticatedEncryptorConfiguration { EncryptionAlgorithm = EncryptionAlgorithm.AES_256_GCM });
        if (certificate is not null)
        {
            builder.ProtectKeysWithCertificate(certificate).UnprotectKeysWithAnyCertificate(certificate);
        }
        return services.BuildServiceProvider();
    }

    private static void MakeKey(ServiceProvider services, CcHome home, KeyRingOptions options)
    {
        try
        {
            services.GetRequiredService<IKeyManager>().CreateNewKey(InForceFrom, InForceUntil);
            // A secret is durable once the store says so: the key must be no less.
            foreach (string file in Directory.EnumerateFiles(home.KeyRingFolder, "key-*.xml"))
            {
                using FileStream key = CcHome.CreateFile(file, FileMode.Open, FileAccess.ReadWrite, FileShare.Read);
                key.Flush(flushToDisk: true);
            }
            Durable.FlushDirectory(home.KeyRingFolder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw home.NotWritable(e);
        }
        if (options.Certificate is null)
        {
            options.OnUnwrappedKey?.Invoke(
                $"The key that protects this home's secrets lies unwrapped in '{home.KeyRingFolder}'. Whoever can read that folder can read the secrets.");
        }
    }

    private static CcException Missing(string folder) =>
        new("KeyRingMissing", CcErrorKind.Storage, $"The key ring '{folder}' is gone, but this store holds secrets that were protected with it.",
            "Restore the folder from a backup. If there is none, remove the connections and the interrupted runs, and sign in again.")
        { Subject = folder };
}
