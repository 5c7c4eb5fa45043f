namespace CcExport.Engine.Store;

/// <summary>Whether a store holds anything that the key ring protects: then a missing ring was lost, not never made.</summary>
internal static class StoredSecrets
{
    public static async Task<bool> ExistAsync(IStore store, CancellationToken ct)
    {
        if ((await store.Connections.ListAsync(ct).ConfigureAwait(false)).Count > 0)
        {
            return true;
        }
        // A contributor does not see these, and makes no ring either.
        if ((store.Access.ReadsSecrets || store.Access.Administers)
            && ((await store.Suppressions.ListAsync(ct).ConfigureAwait(false)).Count > 0 || (await store.Fingerprints.ListAllAsync(ct).ConfigureAwait(false)).Count > 0
                || (await store.PreImages.ListAsync(ct).ConfigureAwait(false)).Any(image => image.Key is not null)))
        {
            return true;
        }
        if ((await store.Sources.ListAsync(ct).ConfigureAwait(false)).Any(source => source.Secrets is not null)) return true;
        if ((await store.Exports.ListAsync(ct).ConfigureAwait(false)).Any(export => export.Secrets is not null)) return true;
        // Closed runs rarely keep a key, and there may be very many of them: neither question reads them all.
        return (await store.Runs.ListAsync(new RunQuery(OpenOnly: true), ct).ConfigureAwait(false)).Any(run => run.SpoolKey is not null)
            || (await store.Runs.ListAsync(new RunQuery(Plans: true, Limit: 1), ct).ConfigureAwait(false)).Count > 0
            || (await store.Runs.ListAsync(new RunQuery(KeptSpoolOnly: true, Limit: 1), ct).ConfigureAwait(false)).Count > 0;
    }
}
