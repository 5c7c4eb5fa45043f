namespace CcExport.Engine.Profiles;

/// <summary>
/// Finds a part, which <c>model.json</c> names by its address in a storage account, in the folder in which the export lies:
/// the longest end of the address that is a file there. Never anything outside of that folder, however the address is written and
/// wherever symbolic links lead: a model may come from a stranger.
/// </summary>
internal sealed class PartLocator(IFileTree tree, string folder)
{
    private readonly string? _realFolder = tree.RealOf(folder);

    public IFileTree Tree => tree;

    /// <summary>The file, as it is named in the folder and as it really is.</summary>
    public (string Path, string Real) Find(string location, string entity)
    {
        string[] steps = Steps(location);
        if (steps.Any(tree.IsUnsafe)) throw Outside(location, entity);
        for (int i = 0; i < steps.Length; i++)
        {
            string candidate = tree.Join(folder, steps[i..]);
            if (!tree.IsFile(candidate) && !tree.IsFile(candidate += ".gz")) continue;
            string? real = tree.RealOf(candidate);
            if (real is null || _realFolder is null || !tree.IsInside(real, _realFolder)) throw Outside(location, entity);
            return (candidate, real);
        }
        throw new CcException("PartMissing", CcErrorKind.InvalidData,
            $"Segment '{entity}' has a part '{string.Join('/', steps)}' in model.json that is not in '{folder}'.",
            "Copy the whole export folder, with its subfolders, and run again.")
        { Subject = entity };
    }

    /// <summary>Folders and file of a location, whatever it begins with (<c>https://account/container/…?sas</c>, <c>abfss://…</c>, a path).</summary>
    private static string[] Steps(string location)
    {
        int scheme = location.IndexOf("://", StringComparison.Ordinal);
        if (scheme > 0)
        {
            location = location[(scheme + 3)..];
            int host = location.IndexOf('/');
            location = host < 0 ? "" : location[host..];
            int end = location.AsSpan().IndexOfAny('?', '#');
            if (end >= 0) location = location[..end];
        }
        // Decoded before it is taken apart, so that an encoded separator or '..' is seen for what it is.
        return Uri.UnescapeDataString(location).Split(['/', '\\'], StringSplitOptions.RemoveEmptyEntries).Where(step => step != ".").ToArray();
    }

    private static CcException Outside(string location, string entity) => new("ModelPathOutside", CcErrorKind.InvalidData,
        $"Segment '{entity}' has a part in model.json that leads out of the export's folder: '{WithoutQuery(location)}'.",
        "Do not use this model.json unless you know who wrote it; copy the export again.")
    { Subject = entity };

    /// <summary>The query of a storage address is a signature that lets its holder read: never shown.</summary>
    private static string WithoutQuery(string location) => location.IndexOf('?') is var query and >= 0 ? location[..query] : location;
}
