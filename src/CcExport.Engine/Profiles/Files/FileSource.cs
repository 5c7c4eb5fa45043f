using System.Runtime.CompilerServices;

namespace CcExport.Engine.Profiles;

/// <summary>
/// Segments in files: one file, a folder of them, or a Customer Insights export folder. Nothing is looked at before the first
/// question; then the layout is kept, so that a listing and the reading after it mean the same files.
/// </summary>
internal sealed class FileSource : IProfileSource
{
    private readonly IFileTree _tree;
    private readonly string _path;
    private readonly FileSourceOptions _options;
    private IReadOnlyList<FileSegment>? _segments;

    public static SourceKind Kind { get; } = new(
        reference => KindOf(reference.Path!).ToString(), reference => reference.Path, reference => Options(reference).Check(), _ => SourceKinds.Process,
        (reference, _) => Open(reference.Path!, Options(reference)));

    /// <summary>How a reference says that its files are written.</summary>
    public static FileSourceOptions Options(SourceReference reference) => new(reference.Encoding, reference.Delimiter, reference.Header);

    private FileSource(IFileTree tree, string path, FileSourceOptions options) => (_tree, _path, _options) = (tree, path, options);

    /// <summary>A path of this machine.</summary>
    public static FileSource Open(string path, FileSourceOptions? options = null) => Open(DiskTree.Instance, path, options);

    public static FileSource Open(IFileTree tree, string path, FileSourceOptions? options)
    {
        options ??= new();
        options.Check();
        return new(tree, Path.TrimEndingDirectorySeparator(path), options);
    }

    /// <summary>What a path is, as far as a look at its folder tells; one that is not there (now) is taken for a file.</summary>
    public static FileSourceKind KindOf(string path)
    {
        try
        {
            if (!Directory.Exists(path)) return Path.GetFileName(path) == CustomerInsightsFolder.ModelName ? FileSourceKind.CustomerInsightsFolder : FileSourceKind.File;
            return CustomerInsightsFolder.FindModel(DiskTree.Instance, path) is null ? FileSourceKind.Folder : FileSourceKind.CustomerInsightsFolder;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CcException)
        {
            return FileSourceKind.Folder;
        }
    }

    public async Task<IReadOnlyList<Segment>> GetSegmentsAsync(CancellationToken ct)
        => [.. (await SegmentsAsync(ct).ConfigureAwait(false)).Select(segment => segment.Info)];

    public async Task<IReadOnlyList<string>> GetColumnsAsync(string segment, CancellationToken ct)
        => await (await FindAsync(segment, ct).ConfigureAwait(false)).GetColumnsAsync(ct).ConfigureAwait(false);

    public bool HasNamedColumns(string segment)
        => _options.Header is not null || Known(segment) is { HasNamedColumns: true };

    public bool HasAllColumns(string segment) => Known(segment) is not { HasAllColumns: false };

    /// <summary>One that was looked at before.</summary>
    private FileSegment? Known(string name) => _segments?.FirstOrDefault(s => s.Info.Name == name) ?? _segments?.FirstOrDefault(s => s.Info.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    public async IAsyncEnumerable<ProfileBatch> ReadAsync(
        string segment, IReadOnlyList<string> columns, [EnumeratorCancellation] CancellationToken ct)
    {
        FileSegment found = await FindAsync(segment, ct).ConfigureAwait(false);
        await foreach (ProfileBatch batch in found.ReadAsync(columns, ct).ConfigureAwait(false)) yield return batch;
    }

    private async Task<FileSegment> FindAsync(string name, CancellationToken ct)
    {
        IReadOnlyList<FileSegment> segments = await SegmentsAsync(ct).ConfigureAwait(false);
        return SegmentNames.Find(name, segments, segment => segment.Info.Name, segment => segment.Place, _path);
    }

    private async ValueTask<IReadOnlyList<FileSegment>> SegmentsAsync(CancellationToken ct)
        => _segments ??= await LookAsync(ct).ConfigureAwait(false);

    private async Task<IReadOnlyList<FileSegment>> LookAsync(CancellationToken ct)
    {
        await _tree.LookAsync(ct).ConfigureAwait(false);
        if (_tree.NameOf(_path) == CustomerInsightsFolder.ModelName && _tree.IsFile(_path))
            return await CustomerInsightsFolder.ReadAsync(_tree, _path, _options, ct).ConfigureAwait(false);
        if (!_tree.IsFolder(_path))
        {
            _tree.Check(_path);
            return [DataFiles.FromFile(_tree, _path, _options)];
        }
        if (CustomerInsightsFolder.FindModel(_tree, _path) is { } model)
            return await CustomerInsightsFolder.ReadAsync(_tree, model, _options, ct).ConfigureAwait(false);
        IReadOnlyList<FileSegment> segments = DataFiles.FromFolder(_tree, _path, _options);
        return segments.Count > 0 ? segments : throw SegmentNames.None(_path);
    }
}

/// <summary>How segments lie in a path.</summary>
internal enum FileSourceKind
{
    /// <summary>One file, one segment.</summary>
    File,
    /// <summary>A folder of files.</summary>
    Folder,
    /// <summary>A folder with a <c>model.json</c>.</summary>
    CustomerInsightsFolder,
}
