namespace CcExport.Engine.Profiles;

/// <summary>
/// The folder that a Customer Insights export writes: <c>model.json</c> and, for each table (a segment is one), the parts of its
/// runs. Which parts belong together only the model knows; the folder keeps those of earlier runs, too.
/// </summary>
internal static class CustomerInsightsFolder
{
    public const string ModelName = "model.json";

    /// <summary>
    /// The model of a folder: in it, or, if it holds no data file itself, in an export below it (<c>Export/model.json</c>,
    /// <c>CustomerInsights_…/Export/model.json</c>); null where there is none.
    /// </summary>
    public static string? FindModel(IFileTree tree, string folder)
    {
        string own = tree.Join(folder, ModelName);
        if (tree.IsFile(own)) return own;
        if (DataFiles.In(tree, folder).Length > 0) return null;
        string[] below = [.. tree.FoldersIn(folder)
            .SelectMany(sub => tree.NameOf(sub).StartsWith("CustomerInsights_", StringComparison.OrdinalIgnoreCase)
                ? [sub, .. tree.FoldersIn(sub)] : new[] { sub })
            .Select(sub => tree.Join(sub, ModelName)).Where(tree.IsFile).Order(StringComparer.Ordinal)];
        if (below.Length > 1)
        {
            throw new CcException("ModelAmbiguous", CcErrorKind.InvalidArgument,
                $"'{folder}' holds more than one export: {string.Join(", ", below.Select(tree.FolderOf).Take(20))}.",
                "Name the folder of one of them.")
            { Subject = folder };
        }
        return below.Length == 0 ? null : below[0];
    }

    public static async Task<IReadOnlyList<FileSegment>> ReadAsync(IFileTree tree, string modelPath, FileSourceOptions options, CancellationToken ct)
    {
        CustomerInsightsModel model = await CustomerInsightsModel.ReadAsync(tree, modelPath, ct).ConfigureAwait(false);
        var locator = new PartLocator(tree, tree.FolderOf(modelPath));
        FileSegment[] segments = [.. model.Entities.Where(entity => !entity.IsReference)
            .Select((entity, i) => Segment(entity, $"{modelPath} (table {i + 1})", locator, options))];
        return segments.Length > 0 ? segments : throw SegmentNames.None(modelPath);
    }

    private static FileSegment Segment(CustomerInsightsModel.Entity entity, string place, PartLocator locator, FileSourceOptions options)
    {
        bool hasParts = entity.Partitions.Any(partition => partition.Location is not null);
        var info = new Segment
        {
            Name = entity.Name,
            DisplayName = entity.Name,
            Size = hasParts ? null : 0,
            Bytes = Bytes(entity, locator),
            LastEvaluated = entity.Partitions.Max(partition => partition.RefreshTime),
            Columns = entity.Attributes,
        };
        return new(info, () => [.. Parts(entity, locator, options)]) { Place = place };
    }

    private static List<SegmentPart> Parts(CustomerInsightsModel.Entity entity, PartLocator locator, FileSourceOptions options)
    {
        var parts = new List<SegmentPart>();
        var seen = new HashSet<string>(StringComparer.FromComparison(locator.Tree.Comparison));
        foreach (CustomerInsightsModel.Partition partition in entity.Partitions)
        {
            if (partition.Location is not { } location) continue;
            if (partition.UnknownFormat is { } format)
            {
                throw new CcException("ModelFormatUnknown", CcErrorKind.InvalidData,
                    $"Segment '{entity.Name}' has parts in the format '{format}'; only CsvFormatSettings is read.", "Export the segment as CSV.")
                { Subject = entity.Name };
            }
            (string path, string real) = locator.Find(location, entity.Name);
            if (!seen.Add(real))
            {
                throw new CcException("PartRepeated", CcErrorKind.InvalidData,
                    $"Segment '{entity.Name}' has the part '{path}' twice in model.json: its profiles would be read twice.",
                    "Copy the whole export folder, with its subfolders, and run again.")
                { Subject = entity.Name };
            }
            CsvFormat csv = options.Delimiter is { } delimiter
                ? partition.Format with { Delimiter = FileSourceOptions.DelimiterByte(delimiter) }
                : partition.Format;
            parts.Add(new(locator.Tree, path, PartKind.Csv, csv, options.Encoding ?? partition.Encoding)
            {
                MustHave = csv.HasHeader ? entity.Attributes : null,
                MayBeEmpty = !csv.HasHeader,
            });
        }
        return parts;
    }

    /// <summary>Unknown where a part is missing or not to be touched: reading the segment says so, listing the folder goes on.</summary>
    private static long? Bytes(CustomerInsightsModel.Entity entity, PartLocator locator)
    {
        try
        {
            IEnumerable<string> locations = entity.Partitions.Select(partition => partition.Location).OfType<string>();
            return DataFiles.Facts(locator.Tree, locations.Select(location => locator.Find(location, entity.Name).Path)).Bytes;
        }
        catch (CcException)
        {
            return null;
        }
    }
}
