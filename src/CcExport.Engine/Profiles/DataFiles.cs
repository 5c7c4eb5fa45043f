using System.Globalization;
using System.Text.RegularExpressions;

namespace CcExport.Engine.Profiles;

/// <summary>
/// Files and folders as segments, by their names. A file is a segment named after it, without its extensions. In a folder each
/// data file is one, and each subfolder with data files in it is one whose parts they are (<c>VIP/VIP_1.csv</c>,
/// <c>VIP/VIP_2.csv</c>), in the order of their numbers. Deeper folders are not looked into.
/// </summary>
internal static partial class DataFiles
{
    private static readonly string[] Extensions = [".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson"];

    /// <summary>A file that is asked for by its own path may have any extension.</summary>
    public static FileSegment FromFile(string path, FileSourceOptions options) => Segment(NameOf(path), path, [path], options);

    public static IReadOnlyList<FileSegment> FromFolder(string folder, FileSourceOptions options)
    {
        var segments = new List<FileSegment>();
        foreach (string file in In(folder)) segments.Add(Segment(NameOf(file), file, [file], options));
        string? self = RealPath.Of(folder);
        foreach (string sub in Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal))
        {
            // A link to the folder itself, or to one that holds it, would show the same files again under another name.
            if (Path.GetFileName(sub).StartsWith('.') || RealPath.Of(sub) is not { } real || self is null || RealPath.IsOrHolds(real, self)) continue;
            string[] parts = In(sub);
            if (parts.Length > 0) segments.Add(Segment(Path.GetFileName(sub), sub, parts, options));
        }
        return segments;
    }

    /// <summary>The data files of a folder, <c>_2</c> before <c>_10</c>; hidden ones and those of other programs left out.</summary>
    public static string[] In(string folder)
    {
        try
        {
            return [.. Directory.EnumerateFiles(folder).Where(IsData).OrderBy(Sortable, StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw InputErrors.Opening(folder, e);
        }
    }

    private static bool IsData(string path)
        => !Path.GetFileName(path).StartsWith('.') && Path.GetFileName(path) != CustomerInsightsFolder.ModelName
            && Extensions.Contains(Path.GetExtension(WithoutGz(path)), StringComparer.OrdinalIgnoreCase);

    private static string WithoutGz(string path) => path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? path[..^3] : path;

    private static string NameOf(string path) => Path.GetFileNameWithoutExtension(WithoutGz(path));

    private static string Sortable(string path) => Digits().Replace(path, number => number.Value.TrimStart('0').PadLeft(20, '0'));

    [GeneratedRegex("[0-9]+")]
    private static partial Regex Digits();

    private static FileSegment Segment(string name, string place, IReadOnlyList<string> files, FileSourceOptions options)
    {
        (long? bytes, DateTimeOffset? newest) = Facts(files);
        var info = new Segment { Name = name, DisplayName = name, Bytes = bytes, LastEvaluated = newest };
        return new(info, () => [.. files.Select(file => Part(file, options))]) { Place = place };
    }

    private static SegmentPart Part(string path, FileSourceOptions options)
        => Path.GetExtension(WithoutGz(path)).ToLower(CultureInfo.InvariantCulture) switch
        {
            ".csv" => new(path, PartKind.Csv, options.Csv(null), options.Encoding),
            ".tsv" => new(path, PartKind.Csv, options.Csv((byte)'\t'), options.Encoding),
            ".json" or ".jsonl" or ".ndjson" => new(path, PartKind.JsonLines, options.Csv(null), options.Encoding),
            _ => new(path, PartKind.ByContent, options.Csv(null), options.Encoding),
        };

    /// <summary>Bytes and age of files; unknown as soon as one cannot be looked at, which reading it will explain.</summary>
    public static (long? Bytes, DateTimeOffset? Newest) Facts(IEnumerable<string> files)
    {
        long bytes = 0;
        DateTimeOffset? newest = null;
        foreach (string file in files)
        {
            try
            {
                var info = new FileInfo(file);
                if (info.LinkTarget is not null) info = (FileInfo)info.ResolveLinkTarget(true)!;
                bytes += info.Length;
                DateTimeOffset written = info.LastWriteTimeUtc;
                if (newest is null || written > newest) newest = written;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return (null, null);
            }
        }
        return (bytes, newest);
    }
}
