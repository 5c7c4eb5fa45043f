namespace CcExport.Engine.Store;

/// <summary>
/// Held by the one process that may make the ring's first key, or wrap its keys anew. An open file that nobody else may open, not a file that
/// exists: it ends with its process, however that ends.
/// </summary>
internal static class KeyRingLock
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    public static async Task<IDisposable> TakeAsync(CcHome home, TimeProvider time, CancellationToken ct)
    {
        for (long since = time.GetTimestamp(); ;)
        {
            try
            {
                return Take(home);
            }
            catch (IOException e)
            {
                if (time.GetElapsedTime(since) >= Patience)
                {
                    throw new CcException("KeyRingLocked", CcErrorKind.Storage, "Another process has been at work on the key ring for too long.",
                        "Close other sessions that use this home and run the command again.", e)
                    { Subject = PathOf(home) };
                }
            }
            await Task.Delay(Pause, time, ct).ConfigureAwait(false);
        }
    }

    /// <summary>Takes it if nobody has it: null otherwise.</summary>
    public static IDisposable? TryTake(CcHome home)
    {
        try
        {
            return Take(home);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static FileStream Take(CcHome home)
    {
        try
        {
            return CcHome.CreateFile(PathOf(home), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (UnauthorizedAccessException e)
        {
            throw home.NotWritable(e);
        }
    }

    private static string PathOf(CcHome home) => Path.Combine(home.Root, "keys.lock");
}
