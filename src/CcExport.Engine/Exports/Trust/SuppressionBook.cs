using System.Buffers.Binary;
using System.Security.Cryptography;
using CcExport.Engine.Mapping;
using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>
/// People who are never sent: the stored list. It holds no address, only hashes encrypted under a key that the ring opens: without the ring nobody can ask the store
/// about an address, and with it all are read into a set for a run.
/// </summary>
internal sealed class SuppressionBook(EngineParts parts)
{
    private const string KeyPurpose = "suppressions";

    /// <summary>Adds addresses; those that are no address are not. Returns what became of them.</summary>
    public async Task<SuppressionChange> AddAsync(IEnumerable<string> emails, string by, string? note, CancellationToken ct)
    {
        long wrong = 0;
        HashSet<UInt128> hashes = [];
        foreach (string email in emails)
        {
            if (AddressHash.Of(email, out UInt128 hash) == EmailVerdict.Good) hashes.Add(hash);
            else wrong++;
        }
        return await AddAsync(hashes, wrong, Reasons.SuppressionList, by, note, ct).ConfigureAwait(false);
    }

    /// <summary>Adds the addresses of files. <c>SuppressionUnreadable</c>: then none of them is added.</summary>
    public async Task<SuppressionChange> AddFilesAsync(IReadOnlyList<string> paths, string by, string? note, CancellationToken ct)
    {
        HashSet<UInt128> hashes = [];
        long wrong = await SuppressionFiles.ReadAsync(paths, hash => hashes.Add(hash), ct).ConfigureAwait(false);
        return await AddAsync(hashes, wrong, Reasons.SuppressionList, by, note, ct).ConfigureAwait(false);
    }

    /// <summary>One person, for good.</summary>
    public Task<SuppressionChange> EraseAsync(UInt128 hash, string by, CancellationToken ct) => AddAsync([hash], 0, Reasons.Erased, by, null, ct);

    private async Task<SuppressionChange> AddAsync(HashSet<UInt128> hashes, long wrong, string reason, string by, string? note, CancellationToken ct)
    {
        if (hashes.Count == 0) return new SuppressionChange(0, 0, wrong);
        using Aes aes = await CipherAsync(ct).ConfigureAwait(false);
        DateTimeOffset now = parts.Time.GetUtcNow();
        int added = await parts.Store.Suppressions.AddAsync([.. hashes.Select(h => new SuppressionRecord(Encrypt(aes, h), reason, now, by, note))], ct).ConfigureAwait(false);
        return new SuppressionChange(added, hashes.Count - added, wrong);
    }

    /// <summary>All, without addresses: the store has none.</summary>
    public async Task<IReadOnlyList<Suppression>> ListAsync(CancellationToken ct)
        => [.. (await parts.Store.Suppressions.ListAsync(ct).ConfigureAwait(false)).Select(View)];

    /// <summary>Why an address is on the stored list; null: it is not.</summary>
    public async Task<Suppression?> FindAsync(UInt128 hash, CancellationToken ct)
    {
        IReadOnlyList<SuppressionRecord> all = await parts.Store.Suppressions.ListAsync(ct).ConfigureAwait(false);
        if (all.Count == 0) return null;
        using Aes aes = await CipherAsync(ct).ConfigureAwait(false);
        byte[] sought = Encrypt(aes, hash);
        return all.FirstOrDefault(r => r.Address.AsSpan().SequenceEqual(sought)) is { } found ? View(found) : null;
    }

    /// <summary>Takes one off; false when it was not there.</summary>
    public async Task<bool> RemoveAsync(UInt128 hash, CancellationToken ct)
    {
        using Aes aes = await CipherAsync(ct).ConfigureAwait(false);
        return await parts.Store.Suppressions.RemoveAsync([Encrypt(aes, hash)], ct).ConfigureAwait(false) > 0;
    }

    /// <summary>Somebody is on the stored list: only then is the key ring needed for reading it.</summary>
    public static async Task<bool> AnyAsync(EngineParts parts, CancellationToken ct) => (await parts.Store.Suppressions.ListAsync(ct).ConfigureAwait(false)).Count > 0;

    /// <summary>The stored list and the files together, for a run. <c>SuppressionUnreadable</c> when a file cannot be read to its end.</summary>
    /// <param name="warn">Told once when lines of the files are no address.</param>
    public async Task<Suppressed> OpenAsync(IReadOnlyList<string>? paths, Action<string> warn, CancellationToken ct)
    {
        var all = new Suppressed();
        try
        {
            IReadOnlyList<SuppressionRecord> stored = await parts.Store.Suppressions.ListAsync(ct).ConfigureAwait(false);
            if (stored.Count > 0)
            {
                using Aes aes = await CipherAsync(ct).ConfigureAwait(false);
                foreach (SuppressionRecord one in stored) all.Add(Decrypt(aes, one.Address), one.Reason);
            }
            if (paths is not { Count: > 0 }) return all;
            long wrong = await SuppressionFiles.ReadAsync(paths, hash => all.Add(hash, Reasons.SuppressionFile), ct).ConfigureAwait(false);
            if (wrong > 0) warn(FormattableString.Invariant($"{wrong:N0} lines of the suppression files are no e-mail address and hold nobody out."));
            return all;
        }
        catch
        {
            all.Dispose();
            throw;
        }
    }

    /// <summary>The same for a run that was read before, with the files that it was read with.</summary>
    public async Task<Suppressed> OpenAgainAsync(long run, IReadOnlyList<string>? paths, Action<string> warn, CancellationToken ct)
    {
        try
        {
            return await OpenAsync(paths, warn, ct).ConfigureAwait(false);
        }
        catch (CcException e) when (e.ErrorId == "SuppressionUnreadable")
        {
            throw new CcException(e.ErrorId, e.Kind, FormattableString.Invariant($"{e.Message} Run {run} was read with this file, and is asked for who is in it now."),
                FormattableString.Invariant($"Put the file back where it was, or one in its place. A run that is to go on can be ended instead (Stop-CcRun -Id {run}, or -Fresh)."), e)
            { Subject = e.Subject };
        }
    }

    /// <summary>The hash of an address as the store may keep it.</summary>
    public async Task<byte[]> SealAsync(UInt128 hash, CancellationToken ct)
    {
        using Aes aes = await CipherAsync(ct).ConfigureAwait(false);
        return Encrypt(aes, hash);
    }

    private async Task<Aes> CipherAsync(CancellationToken ct)
    {
        byte[] kept = await parts.Store.Suppressions.GetKeyAsync(null, ct).ConfigureAwait(false);
        if (kept.Length == 0) kept = await parts.Store.Suppressions.GetKeyAsync(parts.Secrets.Protect(KeyPurpose, RandomNumberGenerator.GetBytes(32)), ct).ConfigureAwait(false);
        byte[] key = parts.Secrets.Unprotect(KeyPurpose, kept);
        Aes aes = Aes.Create();
        aes.Key = key;
        CryptographicOperations.ZeroMemory(key);
        return aes;
    }

    /// <summary>One block and always the same for an address, so that it can be found; a hash is no text of which equal parts could tell anything.</summary>
    private static byte[] Encrypt(Aes aes, UInt128 hash)
    {
        byte[] block = new byte[16];
        BinaryPrimitives.WriteUInt128LittleEndian(block, hash);
        return aes.EncryptEcb(block, PaddingMode.None);
    }

    private static UInt128 Decrypt(Aes aes, byte[] block) => BinaryPrimitives.ReadUInt128LittleEndian(aes.DecryptEcb(block, PaddingMode.None));

    private static Suppression View(SuppressionRecord record) => new() { Reason = record.Reason, AddedAt = record.AddedAt, AddedBy = record.AddedBy, Note = record.Note };
}

/// <summary>Who is held out of one run, 16 bytes each.</summary>
internal sealed class Suppressed : IDisposable
{
    private readonly DuplicateIndex _erased = new(), _stored = new(), _files = new();

    public void Add(UInt128 hash, string reason) => (reason switch { Reasons.Erased => _erased, Reasons.SuppressionFile => _files, _ => _stored }).Add(hash);

    public bool IsEmpty => _erased.Count + _stored.Count + _files.Count == 0;

    /// <summary>The reason id; null: not suppressed.</summary>
    public string? ReasonOf(UInt128 hash)
        => _erased.Count > 0 && _erased.Contains(hash) ? Reasons.Erased
            : _stored.Count > 0 && _stored.Contains(hash) ? Reasons.SuppressionList
            : _files.Count > 0 && _files.Contains(hash) ? Reasons.SuppressionFile : null;

    public void Dispose()
    {
        _erased.Dispose();
        _stored.Dispose();
        _files.Dispose();
    }
}

/// <summary>All that a preview holds out: it asks no network, so it knows nobody who left.</summary>
internal sealed class SuppressedOnly(Suppressed suppressed) : IContactGate
{
    public string? HoldOut(UInt128 address) => suppressed.ReasonOf(address);

    public bool IsUnchanged(UInt128 address, ulong content) => false;

    public Standing StandingOf(UInt128 address) => Standing.NotKnown;
}
