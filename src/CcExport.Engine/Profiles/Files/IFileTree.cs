namespace CcExport.Engine.Profiles;

/// <summary>
/// Where files lie: folders of this machine, or a container in the cloud. Paths are texts that a message can show; only the tree that gave one takes it apart.
/// <see cref="LookAsync"/> comes first; what is asked after it goes over no network until a file is opened.
/// </summary>
internal interface IFileTree
{
    /// <summary>How names of files compare there.</summary>
    StringComparison Comparison { get; }

    /// <summary>Learns what there is, once, where that takes asking somebody.</summary>
    ValueTask LookAsync(CancellationToken ct);

    bool IsFile(string path);

    bool IsFolder(string path);

    /// <summary>Files of a folder, in no order, without those of the folders in it.</summary>
    IEnumerable<string> FilesIn(string folder);

    /// <summary>Folders of a folder, in no order.</summary>
    IEnumerable<string> FoldersIn(string folder);

    /// <summary>A path below a folder.</summary>
    string Join(string folder, params IEnumerable<string> steps);

    /// <summary>The last part of a path.</summary>
    string NameOf(string path);

    /// <summary>The folder that a path lies in.</summary>
    string FolderOf(string path);

    /// <summary>Where a path leads when each link on its way is followed; null when that is nowhere.</summary>
    string? RealOf(string path);

    /// <summary>Whether a path is in a folder, both as <see cref="RealOf"/> gives them.</summary>
    bool IsInside(string path, string folder);

    /// <summary>Bytes and age of a file; null where it cannot be looked at, which opening it will explain.</summary>
    (long Bytes, DateTimeOffset? Written)? FactsOf(string path);

    /// <summary>Throws where there is no such file; reads nothing.</summary>
    void Check(string path);

    /// <summary>Whether a step of a foreign path could lead out of the tree, or to something other than a file.</summary>
    bool IsUnsafe(string step);

    /// <summary>
    /// Opens a file to be read once from front to end, its bytes as they are. A file that changes meanwhile fails the reading. Null where it holds nothing
    /// and may; else that is <c>InputEmpty</c>.
    /// </summary>
    Task<Stream?> OpenAsync(string path, bool allowEmpty, CancellationToken ct);

    /// <summary>Opens a file to be read at any place.</summary>
    Task<IPlacedFile> OpenPlacedAsync(string path, CancellationToken ct);
}

/// <summary>A file that is read at any place; what has changed meanwhile fails the reading.</summary>
internal interface IPlacedFile : IAsyncDisposable
{
    long Length { get; }

    /// <summary>Fills the buffer from that place on, all of it.</summary>
    ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken ct);

    /// <summary>Throws if the file is not what it was at its opening, as far as that can be told.</summary>
    void CheckUnchanged();
}
