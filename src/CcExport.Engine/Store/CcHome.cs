using System.Runtime.Versioning;

namespace CcExport.Engine.Store;

/// <summary>The folder in which everything is kept: the store, the spool, the key ring and the rejections.</summary>
internal sealed class CcHome
{
    /// <summary>The environment variable that moves the home.</summary>
    public const string Variable = "CCEXPORT_HOME";

    private const UnixFileMode OwnerOnlyFolder = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode OwnerOnlyFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public CcHome(string root) => Root = Path.GetFullPath(root);

    public string Root { get; }
    public string StoreFile => Path.Combine(Root, "store.db");
    public string SpoolFolder => Path.Combine(Root, "spool");
    public string KeyRingFolder => Path.Combine(Root, "keys");
    public string RejectionsFolder => Path.Combine(Root, "rejections");
    public string FingerprintFolder => Path.Combine(Root, "fingerprints");
    public string PreImageFolder => Path.Combine(Root, "preimages");
    public string TraceFolder => Path.Combine(Root, "traces");

    /// <summary>The home of this user: <c>CCEXPORT_HOME</c>, else the local application data folder.</summary>
    public static CcHome Resolve(Func<string, string?>? environment = null)
    {
        string? named = (environment ?? Environment.GetEnvironmentVariable)(Variable);
        if (!string.IsNullOrWhiteSpace(named))
        {
            return new CcHome(named);
        }
        string local = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        // A service account may have no profile at all; a path relative to wherever the shell stands would be a new home each day.
        return local.Length > 0
            ? new CcHome(Path.Combine(local, "CcExport"))
            : throw new CcException("HomeNotWritable", CcErrorKind.Storage, "This user has no local application data folder to keep the store in.",
                $"Set the environment variable {Variable} to a folder that this user may write to.");
    }

    /// <summary>Makes the folders that do not exist yet, for the owner alone, and proves that the home can be written.</summary>
    public void EnsureCreated()
    {
        try
        {
            // An existing root keeps its mode: CCEXPORT_HOME may name a folder that others use for other things.
            CreateFolder(Root);
            foreach (string folder in new[] { SpoolFolder, KeyRingFolder, RejectionsFolder, FingerprintFolder, PreImageFolder, TraceFolder })
            {
                CreateFolder(folder);
                Tighten(folder);
            }
            string probe = Path.Combine(Root, $".probe-{Guid.NewGuid():N}");
            CreateFile(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, options: FileOptions.DeleteOnClose).Dispose();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw NotWritable(e);
        }
    }

    /// <summary>What to throw when something below the home cannot be written.</summary>
    public CcException NotWritable(Exception? cause = null) => cause is IOException full && Durable.IsDiskFull(full) ? DiskFull(full) :
        new("HomeNotWritable", CcErrorKind.Storage, $"The home folder '{Root}' cannot be written.",
            $"Give this user write access to it, or set the environment variable {Variable} to a folder that can be written.", cause)
        { Subject = Root };

    /// <summary>What to throw when there is no room for something below the home.</summary>
    public CcException DiskFull(Exception cause) =>
        new("DiskFull", CcErrorKind.Storage, $"The disk that holds '{Root}' is full; nothing was written.",
            $"Free some space, or move the home with {Variable}, and run the command again.", cause)
        { Subject = Root };

    /// <summary>Makes a folder that only its owner may enter; one that is new is there after a power failure too.</summary>
    public static void CreateFolder(string path)
    {
        if (Directory.Exists(path)) return;
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            Directory.CreateDirectory(path, OwnerOnlyFolder);
            Durable.FlushDirectory(Path.GetDirectoryName(path) ?? path);
        }
    }

    /// <summary>Opens a file that, if this makes it, only its owner may read. Unbuffered unless a size is given.</summary>
    public static FileStream CreateFile(
        string path, FileMode mode, FileAccess access, FileShare share, int bufferSize = 0, FileOptions options = FileOptions.None)
    {
        var how = new FileStreamOptions { Mode = mode, Access = access, Share = share, BufferSize = bufferSize, Options = options };
        if (!OperatingSystem.IsWindows() && mode != FileMode.Open && mode != FileMode.Truncate)
        {
            how.UnixCreateMode = OwnerOnlyFile;
        }
        return new FileStream(path, how);
    }

    private static void Tighten(string folder)
    {
        if (!OperatingSystem.IsWindows() && OpenToOthers(folder))
        {
            File.SetUnixFileMode(folder, OwnerOnlyFolder);
        }
    }

    [UnsupportedOSPlatform("windows")]
    private static bool OpenToOthers(string folder) => (File.GetUnixFileMode(folder) & ~OwnerOnlyFolder) != 0;
}
