using System.Management.Automation;
using CcExport.Engine;
using CcExport.Engine.Profiles;

namespace CcExport;

/// <summary>Paths as people give them: relative to the session's location, on any drive of the file system.</summary>
internal static class Paths
{
    /// <summary>
    /// The absolute path. One that exists as it is written is taken as it is (names with brackets); else wildcards may stand
    /// for exactly one file or folder. What does not exist is the engine's to say.
    /// </summary>
    public static string Resolve(SessionState session, string path)
    {
        string literal;
        ProviderInfo provider;
        try { literal = session.Path.GetUnresolvedProviderPathFromPSPath(path, out provider, out _); }
        catch (Exception e) when (e is ItemNotFoundException or System.Management.Automation.DriveNotFoundException or ProviderNotFoundException)
        {
            throw NotFound(path);
        }
        if (provider.Name != "FileSystem")
        {
            throw new CcException("PathNotFileSystem", CcErrorKind.InvalidArgument, $"'{path}' is not a path of the file system.",
                "Give the path of a file or a folder. Anything else can be piped to Invoke-CcExport as objects.")
            { Subject = path };
        }
        if (File.Exists(literal) || Directory.Exists(literal) || !WildcardPattern.ContainsWildcardCharacters(path)) return literal;
        IReadOnlyCollection<string> matches;
        try { matches = session.Path.GetResolvedProviderPathFromPSPath(path, out _); }
        catch (ItemNotFoundException) { throw NotFound(path); }
        return matches.Count switch
        {
            1 => matches.First(),
            0 => throw NotFound(path),
            _ => throw new CcException("PathAmbiguous", CcErrorKind.InvalidArgument, $"'{path}' stands for {matches.Count} files or folders.",
                "Give a path that stands for one. A folder is one source with a segment for each file.")
            { Subject = path },
        };
    }

    /// <summary>Absolute paths of files; wildcards stand for as many as there are, and for at least one.</summary>
    public static string[] ResolveAll(SessionState session, IEnumerable<string> paths)
    {
        List<string> all = [];
        foreach (string path in paths)
        {
            string literal;
            try { literal = session.Path.GetUnresolvedProviderPathFromPSPath(path); }
            catch (Exception e) when (e is ItemNotFoundException or System.Management.Automation.DriveNotFoundException or ProviderNotFoundException) { throw NotFound(path); }
            if (File.Exists(literal) || Directory.Exists(literal) || !WildcardPattern.ContainsWildcardCharacters(path))
            {
                all.Add(Resolve(session, path));
                continue;
            }
            string[] matches;
            try { matches = [.. session.Path.GetResolvedProviderPathFromPSPath(path, out _)]; }
            catch (ItemNotFoundException) { throw NotFound(path); }
            all.AddRange(matches.Length > 0 ? matches : throw NotFound(path));
        }
        return [.. all];
    }

    /// <summary>A source by its name, or a path and how its files are written.</summary>
    public static SourceReference Reference(SessionState session, string? source, string? path, string? encoding, char? delimiter, string[]? header)
        => string.IsNullOrEmpty(path)
            ? new SourceReference { Name = source }
            : new SourceReference { Path = Resolve(session, path), Encoding = string.IsNullOrEmpty(encoding) ? null : encoding, Delimiter = delimiter, Header = header };

    private static CcException NotFound(string path)
        => new("InputNotFound", CcErrorKind.NotFound, $"There is no file or folder '{path}'.", "Check the path; a relative one starts at the current location.")
        { Subject = path };
}
