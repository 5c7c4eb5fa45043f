using System.Management.Automation.Language;
using CcExport.Engine;

namespace CcExport.Completion;

/// <summary>
/// A whole map to go on from: first one guessed from the columns of the source that was typed, then email with each of the
/// other fields, custom ones included. (PowerShell does not ask a parameter's completer inside a hashtable that was begun.)
/// </summary>
internal sealed class MapCompleter : StoreCompleter
{
    private static readonly (string Field, string[] Columns)[] Usual =
    [
        ("email", ["email", "emailaddress", "emailaddress1", "emailprimary", "primaryemail", "mail"]),
        ("first_name", ["firstname", "givenname", "forename"]),
        ("last_name", ["lastname", "surname", "familyname"]),
    ];

    protected override Task<List<Candidate>> FindAsync(Bound bound, CancellationToken ct)
        => AskAsync(async engine =>
        {
            IReadOnlyList<string> columns = await ColumnsAsync(engine, bound, ct).ConfigureAwait(false);
            IReadOnlyList<string> custom = (await engine.GetKnownAsync(bound["Connection"], ct).ConfigureAwait(false)).FieldKeys;
            string[][] guessed = [.. Usual.Select(u => new[] { u.Field, Guess(u.Columns, columns) })];
            string email = guessed[0][1];
            return CcEngine.StandardFields.Concat(custom).Where(key => key != "email")
                .Select(key => Map(key, ["email", email], [key, guessed.FirstOrDefault(g => g[0] == key)?[1] ?? ""]))
                .Prepend(Map("email and names", [.. guessed.Where(g => g[0] == "email" || g[1].Length > 0)]));
        }, ct);

    private static async Task<IReadOnlyList<string>> ColumnsAsync(CcEngine engine, Bound bound, CancellationToken ct)
    {
        if (bound.Place is not { } place) return [];
        try
        {
            return await engine.GetKnownColumnsAsync(place, bound["Segment"], ct).ConfigureAwait(false);
        }
        catch (CcException) { return []; }   // the keys are worth having without it
    }

    private static string Guess(string[] usual, IReadOnlyList<string> columns)
        => columns.FirstOrDefault(column => usual.Contains(Bare(column)))
            // Dataverse's columns begin with their publisher: msdynci_emailaddress1.
            ?? columns.FirstOrDefault(column => column.IndexOf('_') is > 0 and var end && usual.Contains(Bare(column[(end + 1)..]))) ?? "";

    private static string Bare(string column) => string.Concat(column.Where(char.IsLetterOrDigit)).ToLowerInvariant();

    private static Candidate Map(string shown, params string[][] pairs)
    {
        string code = "@{ " + string.Join("; ", pairs.Select(p => $"{Key(p[0])} = '{CodeGeneration.EscapeSingleQuotedStringContent(p[1])}'")) + " }";
        return new Candidate(code, shown, code, IsCode: true);
    }

    private static string Key(string key) => key.All(c => char.IsLetterOrDigit(c) || c == '_') ? key : $"'{CodeGeneration.EscapeSingleQuotedStringContent(key)}'";
}
