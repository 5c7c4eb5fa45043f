namespace CcExport.Engine.Profiles;

/// <summary>Folders and files of this machine, as they are at the moment of asking.</summary>
internal sealed class DiskTree : IFileTree
{
    public static DiskTree Instance { get; } = new();

    private DiskTree() { }

    public StringComparison Comparison => RealPath.Comparison;

    public ValueTask LookAsync(CancellationToken ct) => default;

    public bool IsFile(string path) => File.Exists(path);

    public bool IsFolder(string path) => Directory.Exists(path);

    public IEnumerable<string> FilesIn(string folder)
    {
        try
        {
            return [.. Directory.EnumerateFiles(folder)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw InputErrors.Opening(folder, e);
        }
    }

    public IEnumerable<string> FoldersIn(string folder)
    {
        try
        {
            return [.. Directory.EnumerateDirectories(folder)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw InputErrors.Opening(folder, e);
        }
    }

    public string Join(string folder, params IEnumerable<string> steps) => Path.Combine([folder, .. steps]);

    public string NameOf(string path) => Path.GetFileName(path);

    public string FolderOf(string path) => Path.GetDirectoryName(Path.GetFullPath(path))!;

    public string? RealOf(string path) => RealPath.Of(path);

    public bool IsInside(string path, string folder) => RealPath.IsInside(path, folder);

    public (long Bytes, DateTimeOffset? Written)? FactsOf(string path)
    {
        try
        {
            var info = new FileInfo(path);
            if (info.LinkTarget is not null) info = (FileInfo)info.ResolveLinkTarget(true)!;
            return (info.Length, info.LastWriteTimeUtc);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    public void Check(string path)
    {
        try
        {
            Existing(path);
        }
        catch (Exception e) when (IsOfTheSystem(e))
        {
            throw InputErrors.Opening(path, e);
        }
    }

    /// <summary>On Windows a colon would begin a drive or a hidden stream of a file.</summary>
    public bool IsUnsafe(string step) => step == ".." || (OperatingSystem.IsWindows() && step.Contains(':'));

    public Task<Stream?> OpenAsync(string path, bool allowEmpty, CancellationToken ct)
    {
        FileStream? file = Open(path, allowEmpty, FileOptions.SequentialScan);
        try
        {
            return Task.FromResult<Stream?>(file is null ? null : new WatchedFileStream(file, path));
        }
        catch
        {
            file?.Dispose();
            throw;
        }
    }

    public Task<IPlacedFile> OpenPlacedAsync(string path, CancellationToken ct)
        => Task.FromResult<IPlacedFile>(new PlacedFile(Open(path, allowEmpty: false, FileOptions.RandomAccess)!, path));

    /// <summary>The file, or null where it holds nothing and may.</summary>
    private static FileStream? Open(string path, bool allowEmpty, FileOptions access)
    {
        FileStream? file = null;
        try
        {
            // Looked at before it is opened: opening a pipe waits for its other end, and an open device may do anything.
            if (Length(Existing(path)) == 0) return allowEmpty ? null : throw InputErrors.Empty(path);
            file = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.Open,
                Access = FileAccess.Read,
                Share = FileShare.ReadWrite | FileShare.Delete,
                Options = access | FileOptions.Asynchronous,
                BufferSize = 0,
            });
            return file.CanSeek ? file : throw InputErrors.NotAFile(path);
        }
        catch (Exception e) when (IsOfTheSystem(e))
        {
            file?.Dispose();
            throw InputErrors.Opening(path, e);
        }
        catch
        {
            file?.Dispose();
            throw;
        }
    }

    private static bool IsOfTheSystem(Exception e) => e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException;

    private static FileInfo Existing(string path)
    {
        var info = new FileInfo(path);
        if (Directory.Exists(path)) throw InputErrors.IsDirectory(path);
        RefuseUselessLink(path, info);
        return info.Exists ? info : throw InputErrors.NotFound(path);
    }

    /// <summary>The length of the file itself; a symbolic link's own is that of its target's name.</summary>
    private static long Length(FileInfo info) => info.LinkTarget is null ? info.Length : ((FileInfo)info.ResolveLinkTarget(true)!).Length;

    private static void RefuseUselessLink(string path, FileInfo info)
    {
        if (info.LinkTarget is not { } target) return;
        FileSystemInfo? final;
        try
        {
            final = info.ResolveLinkTarget(returnFinalTarget: true);
        }
        catch (IOException e)
        {
            // Either it leads in a circle, or over more links than the system follows.
            throw InputErrors.LinkLoop(path, e);
        }
        if (final is not { Exists: true }) throw InputErrors.BrokenLink(path, target);
    }

    private sealed class PlacedFile(FileStream file, string path) : IPlacedFile
    {
        private readonly DateTime _written = File.GetLastWriteTimeUtc(file.SafeFileHandle);

        public long Length { get; } = file.Length;

        public async ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken ct)
        {
            try
            {
                while (buffer.Length > 0)
                {
                    int read = await RandomAccess.ReadAsync(file.SafeFileHandle, buffer, offset, ct).ConfigureAwait(false);
                    if (read == 0) throw InputErrors.Shrank(path, offset, Length);
                    offset += read;
                    buffer = buffer[read..];
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw InputErrors.Unreadable(path, offset, e);
            }
        }

        public void CheckUnchanged()
        {
            if (RandomAccess.GetLength(file.SafeFileHandle) != Length || File.GetLastWriteTimeUtc(file.SafeFileHandle) != _written) throw InputErrors.Changed(path);
        }

        public ValueTask DisposeAsync() => file.DisposeAsync();
    }
}
