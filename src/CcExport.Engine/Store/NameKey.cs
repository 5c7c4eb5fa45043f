namespace CcExport.Engine.Store;

/// <summary>How names are compared: without case, in every language, and the same on every database.</summary>
internal static class NameKey
{
    // Not the database's NOCASE, which knows A to Z only, and not its collations, which differ between servers.
    public static string Of(string name) => name.ToUpperInvariant();

    public static CcException Taken(string what, string name, Exception? cause = null) =>
        new("NameTaken", CcErrorKind.Conflict, $"{what} '{name}' exists already.", "Choose another name, or change the one that exists.", cause)
        { Subject = name };
}
