using System.Text.RegularExpressions;

namespace CcExport.Engine.Exports;

/// <summary>List ids as people have them: the id, or the address of the list's page with the id in it.</summary>
internal static partial class ListIds
{
    public static string Parse(string text)
    {
        MatchCollection found = Uuid().Matches(text);
        if (found.Count == 1) return found[0].Value.ToLowerInvariant();
        throw new CcException("ListIdMalformed", CcErrorKind.InvalidArgument,
            $"'{text}' is no list id: {(found.Count == 0 ? "it holds none" : "it holds several")}.",
            "Give the id (Get-CcList shows them), or paste the address of the list's page in Constant Contact.")
        { Subject = text };
    }

    [GeneratedRegex("[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}", RegexOptions.CultureInvariant)]
    private static partial Regex Uuid();
}
