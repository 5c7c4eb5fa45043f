using CcExport.Engine.Exports;
using CcExport.Engine.Mapping;

namespace CcExport.Engine;

/// <content>People: who is never sent, who was sent, and whose data is removed.</content>
public sealed partial class CcEngine
{
    /// <summary>Puts addresses on the stored suppression list; what is no address is counted and ignored.</summary>
    public async Task<SuppressionChange> AddSuppressionAsync(IReadOnlyList<string> emails, string by, string? note, CancellationToken ct)
    {
        await _secrets.UnlockAsync(ct).ConfigureAwait(false);
        return await new SuppressionBook(_parts).AddAsync(emails, by, note, ct).ConfigureAwait(false);
    }

    /// <summary>The same with the addresses of files (absolute paths). <c>SuppressionUnreadable</c>: none is added then.</summary>
    public async Task<SuppressionChange> AddSuppressionFilesAsync(IReadOnlyList<string> paths, string by, string? note, CancellationToken ct)
    {
        await _secrets.UnlockAsync(ct).ConfigureAwait(false);
        return await new SuppressionBook(_parts).AddFilesAsync(paths, by, note, ct).ConfigureAwait(false);
    }

    /// <summary>All that are stored, oldest first; without addresses.</summary>
    public Task<IReadOnlyList<Suppression>> GetSuppressionsAsync(CancellationToken ct) => new SuppressionBook(_parts).ListAsync(ct);

    /// <summary>Whether an address is on the stored list. <c>EmailInvalid</c>.</summary>
    public async Task<Suppression> GetSuppressionAsync(string email, CancellationToken ct)
    {
        UInt128 hash = HashOfGood(email);
        if (await SuppressionBook.AnyAsync(_parts, ct).ConfigureAwait(false)) await _secrets.UnlockAsync(ct).ConfigureAwait(false);
        return await new SuppressionBook(_parts).FindAsync(hash, ct).ConfigureAwait(false) is { } found
            ? new Suppression { Email = email, Reason = found.Reason, AddedAt = found.AddedAt, AddedBy = found.AddedBy, Note = found.Note }
            : new Suppression { Email = email, IsSuppressed = false };
    }

    /// <summary>Takes an address off the stored list. <c>EmailInvalid</c>, <c>SuppressionNotFound</c>.</summary>
    public async Task RemoveSuppressionAsync(string email, CancellationToken ct)
    {
        UInt128 hash = HashOfGood(email);
        await _secrets.UnlockAsync(ct).ConfigureAwait(false);
        if (!await new SuppressionBook(_parts).RemoveAsync(hash, ct).ConfigureAwait(false))
            throw new CcException("SuppressionNotFound", CcErrorKind.NotFound, "The address is not on the stored suppression list.", "Get-CcSuppression -Email says whether an address is.");
    }

    /// <summary>
    /// What became of an address in every run that is kept, and what the accounts have of it now (network: one call for each connection; one that cannot be asked says so in
    /// its object). <c>EmailInvalid</c>, <c>ConnectionNotFound</c>.
    /// </summary>
    /// <param name="connection">Only this connection; null: all.</param>
    /// <param name="export">Only this export; null: all.</param>
    public async Task<ContactTrace> TraceContactAsync(string email, string? connection, string? export, CancellationToken ct)
    {
        await ReadyAsync(ct).ConfigureAwait(false);
        return await new ContactTracer(_parts).TraceAsync(email, connection, export, ct).ConfigureAwait(false);
    }

    /// <summary>
    /// Removes all that is kept here of an address, and suppresses it from then on; the contact in the account stays. Safe to repeat. <c>EmailInvalid</c>;
    /// <c>RunInProgress</c> while some export runs: then nothing is done; <c>ErasureIncomplete</c> when something could not be removed.
    /// </summary>
    public async Task<ContactErasure> RemoveContactDataAsync(string email, string by, IRunObserver observer, CancellationToken ct)
    {
        if (AddressHash.Of(email, out UInt128 hash) == EmailVerdict.Missing) throw new CcException("EmailInvalid", CcErrorKind.InvalidArgument, "No address was given.", "Give one with -Email.");
        await ReadyAsync(ct).ConfigureAwait(false);
        return await new ContactEraser(_parts, observer).EraseAsync(hash, by, ct).ConfigureAwait(false);
    }

    /// <summary>The proofs of removals, oldest first; with an address only its own. <c>EmailInvalid</c>.</summary>
    public async Task<IReadOnlyList<ContactErasure>> GetErasuresAsync(string? email, IRunObserver observer, CancellationToken ct)
    {
        UInt128? hash = null;
        if (email is not null)
        {
            hash = HashOfGood(email);
            await _secrets.UnlockAsync(ct).ConfigureAwait(false);
        }
        return await new ContactEraser(_parts, observer).ListAsync(hash, ct).ConfigureAwait(false);
    }

    /// <summary>The address itself is in no message.</summary>
    private static UInt128 HashOfGood(string email) => AddressHash.Of(email, out UInt128 hash) is EmailVerdict.Good ? hash
        : throw new CcException("EmailInvalid", CcErrorKind.InvalidArgument, "What was given is no e-mail address that could be sent.", "Check the spelling.");
}
