namespace CcExport.Engine.Profiles;

/// <summary>Where a path really leads when each symbolic link on its way is followed; .NET resolves the last part of a path only.</summary>
internal static class RealPath
{
    /// <summary>As many links as Linux follows; more are a circle.</summary>
    private const int MostLinks = 40;

    /// <summary>The path without links; null when they lead in a circle.</summary>
    public static string? Of(string path)
    {
        string full = Path.GetFullPath(path);
        string real = Path.GetPathRoot(full)!;
        var parts = new Stack<string>(Parts(full[real.Length..]).Reverse());
        int links = 0;
        while (parts.TryPop(out string? part))
        {
            string next = Path.GetFullPath(Path.Combine(real, part));
            string? target = LinkTarget(next);
            if (target is null)
            {
                real = next;
                continue;
            }
            if (++links > MostLinks) return null;
            // The target's own folders may be links, too: it takes the link's place among what is still to be walked.
            string goal = Path.GetFullPath(target, real);
            real = Path.GetPathRoot(goal)!;
            foreach (string step in Parts(goal[real.Length..]).Reverse()) parts.Push(step);
        }
        return real;
    }

    /// <summary>Whether a path is in a folder, both as <see cref="Of"/> gives them.</summary>
    public static bool IsInside(string path, string folder)
        => path.StartsWith(Path.EndsInDirectorySeparator(folder) ? folder : folder + Path.DirectorySeparatorChar, Comparison);

    /// <summary>Whether a folder is another one or holds it.</summary>
    public static bool IsOrHolds(string folder, string other) => folder.Equals(other, Comparison) || IsInside(other, folder);

    public static StringComparison Comparison => OperatingSystem.IsLinux() ? StringComparison.Ordinal : StringComparison.OrdinalIgnoreCase;

    private static IEnumerable<string> Parts(string path)
        => path.Split([Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar], StringSplitOptions.RemoveEmptyEntries);

    private static string? LinkTarget(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
