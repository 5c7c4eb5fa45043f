using System.Text.Json;
using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>
/// Lists and custom fields last seen through a connection, one small file each: completion answers from here and never from the
/// network. Names only; a file that is gone or broken costs a completion, nothing else.
/// </summary>
internal static class KnownAccounts
{
    public static KnownAccount Read(CcHome home, Guid connection)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(PathOf(home, connection)), DefinitionJson.Default.KnownAccount) ?? Nothing;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return Nothing;
        }
    }

    public static void Write(CcHome home, Guid connection, KnownAccount known)
    {
        try
        {
            using FileStream file = CcHome.CreateFile(PathOf(home, connection), FileMode.Create, FileAccess.Write, FileShare.None);
            JsonSerializer.Serialize(file, known, DefinitionJson.Default.KnownAccount);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What was asked for has been answered; only the next completion is poorer.
        }
    }

    public static void Forget(CcHome home, Guid connection)
    {
        try
        {
            File.Delete(PathOf(home, connection));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }

    private static KnownAccount Nothing => new([], []);

    private static string PathOf(CcHome home, Guid connection) => Path.Combine(home.Root, $"known-{connection:N}.json");
}
