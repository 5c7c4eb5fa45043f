using CcExport.Engine.Store;

namespace CcExport.Engine.Identity;

/// <summary>
/// Held by the one process that may make the ring's first key. An open file that nobody else may open, not a file that
/// exists: it ends with its process, however that ends.
/// </summary>
internal static class KeyRingLock
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    public static async Task<IDisposable> TakeAsync(CcHome home, TimeProvider time, CancellationToken ct)
    {
        string path = Path.Combine(home.Root, "keys.lock");
        for (long since = time.GetTimestamp(); ;)
        {
            try
            {
                return CcHome.CreateFile(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (UnauthorizedAccessException e)
            {
                throw home.NotWritable(e);
            }
            catch (IOException e)
            {
                if (time.GetElapsedTime(since) >= Patience)
                {
                    throw new CcException("KeyRingLocked", CcErrorKind.Storage, "Another process has been making the key ring for too long.",
                        "Close other sessions that use this home and run the command again.", e)
                    { Subject = path };
                }
            }
            await Task.Delay(Pause, time, ct).ConfigureAwait(false);
        }
    }
}
