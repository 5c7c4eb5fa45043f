namespace CcExport.Engine.Profiles;

/// <summary>A column whose value is the same for all rows of a file, from the name of a folder.</summary>
/// <param name="Value">Null: a value that is not there.</param>
internal readonly record struct PartitionValue(string Column, string? Value);

/// <summary>
/// Parquet files in folders that are named after a column and its value, as Spark and Hive write them: <c>VIP/Country=UA/Year=2026/part-1.parquet</c>. Together
/// they are one segment, and the names of the folders are columns of it.
/// </summary>
internal static class Partitions
{
    /// <summary>The folder in which a Delta table keeps which of its files are valid.</summary>
    public const string DeltaLog = "_delta_log";

    /// <summary>How deep partitions are followed; nobody partitions by so many columns, but links may lead in a circle.</summary>
    private const int Deepest = 16;

    /// <summary>What stands for a missing value.</summary>
    private const string Missing = "__HIVE_DEFAULT_PARTITION__";

    public sealed record File(string Path, IReadOnlyList<PartitionValue> Values);

    /// <summary>The files of a folder's partitions, in the order of their paths; none where it has no such folders.</summary>
    public static IReadOnlyList<File> Of(IFileTree tree, string folder)
    {
        var files = new List<File>();
        Gather(tree, folder, [], files);
        return files;
    }

    private static void Gather(IFileTree tree, string folder, IReadOnlyList<PartitionValue> above, List<File> files)
    {
        if (above.Count == Deepest) return;
        foreach (string sub in tree.FoldersIn(folder).OrderBy(DataFiles.Sortable, StringComparer.Ordinal))
        {
            if (ValueOf(tree.NameOf(sub)) is not { } value) continue;
            PartitionValue[] values = [.. above, value];
            foreach (string file in DataFiles.In(tree, sub))
            {
                if (file.EndsWith(".parquet", StringComparison.OrdinalIgnoreCase)) files.Add(new(file, values));
            }
            Gather(tree, sub, values, files);
        }
    }

    /// <summary>What the name of a folder says; null where it is no partition's.</summary>
    public static PartitionValue? ValueOf(string name)
    {
        int equals = name.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0 || name[0] is '.' or '_') return null;
        string value = Uri.UnescapeDataString(name[(equals + 1)..]);
        return new(Uri.UnescapeDataString(name[..equals]), value == Missing ? null : value);
    }

    /// <summary>The files of a Delta table are those of all its versions, deleted people among them; only its log says which are valid.</summary>
    public static void RefuseDelta(IFileTree tree, string place)
    {
        string folder = tree.IsFolder(place) ? place : tree.FolderOf(place);
        if (!tree.IsFolder(tree.Join(folder, DeltaLog))) return;
        throw new CcException("DeltaTable", CcErrorKind.InvalidData,
            $"'{folder}' is a Delta table: its Parquet files hold rows of older versions, too, and only a reader of Delta tables can tell them apart.",
            "Export the table to plain Parquet or CSV files.")
        { Subject = folder };
    }
}
