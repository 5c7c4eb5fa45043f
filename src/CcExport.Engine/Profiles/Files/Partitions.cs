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

    /// <summary>The same of other kinds of tables.</summary>
    public const string HudiNotes = ".hoodie", IcebergNotes = "metadata", IcebergNote = ".metadata.json";

    private const string HudiPartition = ".hoodie_partition_metadata";

    /// <summary>How deep partitions are followed; nobody partitions by so many columns, but links may lead in a circle.</summary>
    private const int Deepest = 16;

    /// <summary>What stands for a missing value.</summary>
    private const string Missing = "__HIVE_DEFAULT_PARTITION__";

    public sealed record File(string Path, IReadOnlyList<PartitionValue> Values);

    /// <param name="Files">In the order of their paths.</param>
    /// <param name="Strays">Data files among the folders of the partitions that are in none of them, or no Parquet: whoever is in them would not be read.</param>
    public sealed record Found(List<File> Files, List<string> Strays)
    {
        public bool IsAny => Files.Count + Strays.Count > 0;
    }

    /// <summary>The files of a folder's partitions; none where it has no such folders.</summary>
    public static Found Of(IFileTree tree, string folder)
    {
        var found = new Found([], []);
        Gather(tree, folder, [], found);
        return found;
    }

    public static CcException Mixed(string folder, IReadOnlyList<string> strays) => new("PartitionMixed", CcErrorKind.InvalidData,
        $"'{folder}' has folders of partitions, and files beside or in them that would not be read: '{string.Join("', '", strays.Take(3))}'{(strays.Count > 3 ? FormattableString.Invariant($" and {strays.Count - 3:N0} more") : "")}.",
        "Move these files into a folder of their own, or make them Parquet files of a partition.")
    { Subject = folder };

    private static void Gather(IFileTree tree, string folder, IReadOnlyList<PartitionValue> above, Found found)
    {
        if (above.Count == Deepest) return;
        foreach (string sub in tree.FoldersIn(folder).OrderBy(DataFiles.Sortable, StringComparer.Ordinal))
        {
            if (ValueOf(tree.NameOf(sub)) is not { } value)
            {
                if (above.Count > 0 && !DataFiles.IsHidden(tree, sub)) found.Strays.AddRange(DataFiles.In(tree, sub));
                continue;
            }
            PartitionValue[] values = [.. above, value];
            foreach (string file in DataFiles.In(tree, sub))
            {
                if (file.EndsWith(".parquet", StringComparison.OrdinalIgnoreCase)) found.Files.Add(new(file, values));
                else found.Strays.Add(file);
            }
            Gather(tree, sub, values, found);
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

    /// <summary>
    /// The files of such a table are those of all its versions, deleted people among them; only its log says which are valid. The log lies in the table's own folder: above its partitions, however
    /// they are named, and above the folder <c>data</c> of an Iceberg table.
    /// </summary>
    /// <param name="asked">The folder that was asked for: the place lies in it.</param>
    public static void RefuseTables(IFileTree tree, string place, string asked)
    {
        bool within = true;
        for (string? folder = tree.IsFolder(place) ? place : tree.FolderOf(place); folder is not null; folder = tree.FolderOf(folder) is { Length: > 0 } above && above != folder ? above : null)
        {
            if (tree.IsFolder(tree.Join(folder, DeltaLog))) throw IsTable(folder, "Delta");
            if (tree.IsFolder(tree.Join(folder, HudiNotes)) || tree.IsFile(tree.Join(folder, HudiPartition))) throw IsTable(folder, "Hudi");
            if (HasIcebergNotes(tree, tree.Join(folder, IcebergNotes))) throw IsTable(folder, "Iceberg");
            within &= !folder.Equals(asked, tree.Comparison);
            if (!within && !MayBeOfTable(tree.NameOf(folder))) return;
        }
    }

    /// <summary>A folder of that name that may not be looked into is somebody's own.</summary>
    private static bool HasIcebergNotes(IFileTree tree, string folder)
    {
        try
        {
            return tree.IsFolder(folder) && tree.FilesIn(folder).Any(file => file.EndsWith(IcebergNote, StringComparison.OrdinalIgnoreCase));
        }
        catch (CcException e) when (e.ErrorId == "InputAccessDenied")
        {
            return false;
        }
    }

    /// <summary>Folders within a table: what makes it one lies above them.</summary>
    public static bool MayBeOfTable(string folder) => ValueOf(folder) is not null || folder == "data";

    private static CcException IsTable(string folder, string kind) => new(kind + "Table", CcErrorKind.InvalidData,
        $"'{folder}' is {(kind == "Iceberg" ? "an" : "a")} {kind} table: its Parquet files hold rows of older versions, too, and only a reader of {kind} tables can tell them apart.",
        "Export the table to plain Parquet or CSV files.")
    { Subject = folder };
}
