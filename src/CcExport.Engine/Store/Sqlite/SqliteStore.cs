namespace CcExport.Engine.Store.Sqlite;

/// <summary>What tests set and nobody else.</summary>
internal sealed record SqliteStoreOptions
{
    /// <summary>How long another process may hold the file before the command fails.</summary>
    public TimeSpan LockPatience { get; init; } = TimeSpan.FromSeconds(15);
    /// <summary>The clock of that waiting: the real one, for other processes do not follow a test's.</summary>
    public TimeProvider LockClock { get; init; } = TimeProvider.System;
    public IReadOnlyList<string> Steps { get; init; } = SqliteSchema.Steps;
    public Func<int, long, bool> IsAlive { get; init; } = ProcessTable.IsAlive;
}

/// <summary>The store in one SQLite file in the home folder.</summary>
internal sealed class SqliteStore : IStore
{
    // Closing any descriptor of a file drops all locks that this process holds on it (POSIX). So the file is opened by
    // nobody but SQLite, and while it is made nobody of this process may open it.
    private static readonly object Making = new();

    private readonly SqliteFile file;

    private SqliteStore(SqliteFile file, IKeyRingStore keys, SqliteStoreOptions options)
    {
        this.file = file;
        Connections = new SqliteConnections(file);
        ExportUsers = new SqliteExportUsers(file);
        Sources = new SqliteSources(file);
        Exports = new SqliteExports(file);
        Runs = new SqliteRuns(file);
        Calls = new SqliteCalls(file, options.IsAlive);
        var leases = new SqliteLeases(file, options.IsAlive);
        Leases = leases;
        Schedules = new SqliteSchedules(file, leases);
        Fingerprints = new SqliteFingerprints(file);
        Suppressions = new SqliteSuppressions(file);
        PreImages = new SqlitePreImages(file);
        Announcements = new SqliteAnnouncements(file);
        Keys = keys;
    }

    public StoreAccess Access => StoreAccess.Whole;
    public IConnectionStore Connections { get; }
    public IExportUserStore ExportUsers { get; }
    public ISourceStore Sources { get; }
    public IExportStore Exports { get; }
    public IScheduleStore Schedules { get; }
    public IRunJournal Runs { get; }
    public ICallLedger Calls { get; }
    public ILeaseStore Leases { get; }
    public IFingerprintStore Fingerprints { get; }
    public ISuppressionStore Suppressions { get; }
    public IPreImageStore PreImages { get; }
    public IAnnouncementStore Announcements { get; }
    public IKeyRingStore Keys { get; }

    public static Task<SqliteStore> OpenAsync(CcHome home, TimeProvider time, CancellationToken ct) =>
        OpenAsync(home, time, new SqliteStoreOptions(), ct);

    /// <param name="time">The clock of what the store itself notes; its callers bring the times of their records along.</param>
    public static async Task<SqliteStore> OpenAsync(CcHome home, TimeProvider time, SqliteStoreOptions options, CancellationToken ct)
    {
        // Beside the files of a shared store, one of its own would give the numbers of its runs a second time.
        if (SharedFolder.Read(home) is not null) throw SharedFolder.IsShared(home);
        home.EnsureCreated();
        MakeFile(home);
        var file = new SqliteFile(home, options.LockClock, options.LockPatience);
        try
        {
            await SqliteSchema.MigrateAsync(file, options.Steps, time, ct).ConfigureAwait(false);
            return new SqliteStore(file, new FileKeyRing(home, options.LockClock), options);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    // SQLite would make it readable for everyone; its -wal and -shm take over the mode that the file has.
    private static void MakeFile(CcHome home)
    {
        lock (Making)
        {
            try
            {
                if (!File.Exists(home.StoreFile))
                {
                    CcHome.CreateFile(home.StoreFile, FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite).Dispose();
                    Durable.FlushDirectory(home.Root);
                }
            }
            catch (IOException) when (File.Exists(home.StoreFile))
            {
                // Another process was first.
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw home.NotWritable(e);
            }
        }
    }

    public ValueTask DisposeAsync()
    {
        file.Dispose();
        return ValueTask.CompletedTask;
    }
}
