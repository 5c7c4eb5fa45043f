using System.Globalization;
using System.Text.RegularExpressions;

namespace CcExport.Engine.Profiles;

/// <summary>
/// Files and folders as segments, by their names. A file is a segment named after it, without its extensions. In a folder each
/// data file is one, and each subfolder with data files in it is one whose parts they are (<c>VIP/VIP_1.csv</c>,
/// <c>VIP/VIP_2.csv</c>), in the order of their numbers. Deeper folders are not looked into, but for those of partitions (<see cref="Partitions"/>).
/// </summary>
internal static partial class DataFiles
{
    private static readonly string[] Extensions = [".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".parquet"];

    /// <summary>A file that is asked for by its own path may have any extension.</summary>
    public static FileSegment FromFile(IFileTree tree, string path, FileSourceOptions options) => Segment(tree, NameOf(tree, path), path, [path], tree.FolderOf(path), options);

    public static IReadOnlyList<FileSegment> FromFolder(IFileTree tree, string folder, FileSourceOptions options)
    {
        var segments = new List<FileSegment>();
        foreach (string file in In(tree, folder)) segments.Add(Segment(tree, NameOf(tree, file), file, [file], folder, options));
        if (Partitions.Of(tree, folder) is { IsAny: true } own) segments.Add(PartitionedSegment(tree, folder, own, folder, options));
        string? self = tree.RealOf(folder);
        foreach (string sub in tree.FoldersIn(folder).Order(StringComparer.Ordinal))
        {
            // A link to the folder itself, or to one that holds it, would show the same files again under another name.
            if (IsHidden(tree, sub) || Partitions.ValueOf(tree.NameOf(sub)) is not null) continue;
            if (tree.RealOf(sub) is not { } real || self is null || self.Equals(real, tree.Comparison) || tree.IsInside(self, real)) continue;
            if (FromSubfolder(tree, sub, folder, options) is { } segment) segments.Add(segment);
        }
        return segments;
    }

    /// <summary>Null where it has no data files. One that may not be looked into is a segment that says so when it is read: the others are none the worse for it.</summary>
    private static FileSegment? FromSubfolder(IFileTree tree, string folder, string asked, FileSourceOptions options)
    {
        try
        {
            string[] parts = In(tree, folder);
            if (Partitions.Of(tree, folder) is { IsAny: true } partitions)
            {
                partitions.Strays.AddRange(parts);
                return PartitionedSegment(tree, folder, partitions, asked, options);
            }
            return parts.Length > 0 ? Segment(tree, tree.NameOf(folder), folder, parts, asked, options) : null;
        }
        catch (CcException e) when (e.ErrorId == "InputAccessDenied")
        {
            string name = tree.NameOf(folder);
            return new(new Segment { Name = name, DisplayName = name }, () => throw e) { Place = folder };
        }
    }

    /// <summary>The data files of a folder, <c>_2</c> before <c>_10</c>; hidden ones and those of other programs left out.</summary>
    public static string[] In(IFileTree tree, string folder) => [.. tree.FilesIn(folder).Where(path => IsData(tree, path)).OrderBy(Sortable, StringComparer.Ordinal)];

    /// <summary>What begins with a point, the notes that other programs keep beside Parquet files, and what systems keep at the root of a disk.</summary>
    public static bool IsHidden(IFileTree tree, string path)
        => tree.NameOf(path) is { } name && (name.StartsWith('.') || name is Partitions.DeltaLog or "_temporary" or "lost+found" or "System Volume Information" or "$RECYCLE.BIN");

    private static bool IsData(IFileTree tree, string path)
        => !tree.NameOf(path).StartsWith('.') && tree.NameOf(path) != CustomerInsightsFolder.ModelName
            && Extensions.Contains(Path.GetExtension(WithoutGz(path)), StringComparer.OrdinalIgnoreCase);

    private static string WithoutGz(string path) => path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? path[..^3] : path;

    private static string NameOf(IFileTree tree, string path) => Path.GetFileNameWithoutExtension(WithoutGz(tree.NameOf(path)));

    /// <summary>A path with its numbers made comparable.</summary>
    public static string Sortable(string path) => Digits().Replace(path, number => number.Value.TrimStart('0').PadLeft(20, '0'));

    [GeneratedRegex("[0-9]+")]
    private static partial Regex Digits();

    private static FileSegment PartitionedSegment(IFileTree tree, string folder, Partitions.Found found, string asked, FileSourceOptions options)
        => Segment(tree, tree.NameOf(folder), folder, [.. found.Files.Select(file => file.Path)], asked, options,
            () => found.Strays.Count > 0 ? throw Partitions.Mixed(folder, found.Strays)
                : [.. found.Files.Select(file => Part(tree, file.Path, options) with { Partition = file.Values })]);

    private static FileSegment Segment(
        IFileTree tree, string name, string place, IReadOnlyList<string> files, string asked, FileSourceOptions options, Func<IReadOnlyList<SegmentPart>>? parts = null)
    {
        (long? bytes, DateTimeOffset? newest) = Facts(tree, files);
        var info = new Segment { Name = name, DisplayName = name, Bytes = bytes, LastEvaluated = newest };
        return new(info, () =>
        {
            IReadOnlyList<SegmentPart> all = parts is not null ? parts() : [.. files.Select(file => Part(tree, file, options))];
            if (all.Any(part => part.Kind is PartKind.Parquet or PartKind.ByContent)) Partitions.RefuseTables(tree, place, asked);
            return all;
        })
        { Place = place };
    }

    private static SegmentPart Part(IFileTree tree, string path, FileSourceOptions options)
        => Path.GetExtension(WithoutGz(path)).ToLower(CultureInfo.InvariantCulture) switch
        {
            ".csv" => new(tree, path, PartKind.Csv, options.Csv(null), options.Encoding),
            ".tsv" => new(tree, path, PartKind.Csv, options.Csv((byte)'\t'), options.Encoding),
            ".json" or ".jsonl" or ".ndjson" => new(tree, path, PartKind.JsonLines, options.Csv(null), options.Encoding),
            ".parquet" => new(tree, path, PartKind.Parquet, options.Csv(null), options.Encoding),
            _ => new(tree, path, PartKind.ByContent, options.Csv(null), options.Encoding),
        };

    /// <summary>Bytes and age of files; unknown as soon as one cannot be looked at, which reading it will explain.</summary>
    public static (long? Bytes, DateTimeOffset? Newest) Facts(IFileTree tree, IEnumerable<string> files)
    {
        long bytes = 0;
        DateTimeOffset? newest = null;
        foreach (string file in files)
        {
            if (tree.FactsOf(file) is not { } facts) return (null, null);
            bytes += facts.Bytes;
            if (newest is null || facts.Written > newest) newest = facts.Written;
        }
        return (bytes, newest);
    }
}
