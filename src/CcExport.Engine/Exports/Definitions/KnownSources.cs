using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>
/// Segments and columns last seen in sources that are read over the network, one small file each: completion answers from here, so that nobody who types waits
/// for a service. Names only; a file that is gone or broken costs a completion, nothing else.
/// </summary>
internal static class KnownSources
{
    public static KnownSource Read(CcHome home, string source)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(PathOf(home, source)), DefinitionJson.Default.KnownSource) ?? Nothing;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return Nothing;
        }
    }

    /// <summary>Segments that were listed; what is known of the columns of those that still exist stays.</summary>
    public static void Saw(CcHome home, string source, IReadOnlyList<Segment> segments)
    {
        Dictionary<string, IReadOnlyList<string>?> columns = Read(home, source).Segments.ToDictionary(s => s.Name, s => s.Columns, StringComparer.Ordinal);
        Write(home, source, new KnownSource([.. segments.DistinctBy(s => s.Name, StringComparer.Ordinal).Select(s => new KnownSegment(s.Name, s.DisplayName, s.Columns ?? columns.GetValueOrDefault(s.Name)))]));
    }

    /// <summary>Columns of one segment.</summary>
    public static void Saw(CcHome home, string source, string segment, IReadOnlyList<string> columns)
    {
        KnownSource known = Read(home, source);
        KnownSegment? old = known.Segments.FirstOrDefault(s => s.Name.Equals(segment, StringComparison.OrdinalIgnoreCase));
        if (old?.Columns is { } same && same.SequenceEqual(columns, StringComparer.Ordinal)) return;
        Write(home, source, old is null ? new KnownSource([.. known.Segments, new KnownSegment(segment, segment, columns)])
            : new KnownSource([.. known.Segments.Select(s => s == old ? s with { Columns = columns } : s)]));
    }

    public static void Forget(CcHome home, string source)
    {
        try
        {
            File.Delete(PathOf(home, source));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }

    private static void Write(CcHome home, string source, KnownSource known)
    {
        try
        {
            using FileStream file = CcHome.CreateFile(PathOf(home, source), FileMode.Create, FileAccess.Write, FileShare.None);
            JsonSerializer.Serialize(file, known, DefinitionJson.Default.KnownSource);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What was asked for has been answered; only the next completion is poorer.
        }
    }

    private static KnownSource Nothing => new([]);

    /// <summary>A name may hold what no file's name may.</summary>
    private static string PathOf(CcHome home, string source)
        => Path.Combine(home.Root, $"known-source-{Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(NameKey.Of(source))), 0, 16)}.json");
}
