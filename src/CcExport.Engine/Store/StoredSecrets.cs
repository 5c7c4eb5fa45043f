namespace CcExport.Engine.Store;

/// <summary>Whether a store holds anything that the key ring protects: then a missing ring was lost, not never made.</summary>
internal static class StoredSecrets
{
    private static readonly RunStatus[] Open = [.. Enum.GetValues<RunStatus>().Where(status => !BatchSteps.IsFinal(status))];

    public static async Task<bool> ExistAsync(IStore store, CancellationToken ct)
    {
        if ((await store.Connections.ListAsync(ct).ConfigureAwait(false)).Count > 0)
        {
            return true;
        }
        // By status: closed runs have no key any more, and there may be very many of them.
        foreach (RunStatus status in Open)
        {
            if ((await store.Runs.ListAsync(new RunQuery(Status: status), ct).ConfigureAwait(false)).Any(run => run.SpoolKey is not null))
            {
                return true;
            }
        }
        return false;
    }
}
