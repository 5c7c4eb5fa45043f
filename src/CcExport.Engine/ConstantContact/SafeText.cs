using System.Text;
using System.Text.RegularExpressions;

namespace CcExport.Engine.ConstantContact;

/// <summary>Makes the service's words fit to be shown, logged and stored: no addresses, no tokens, no control characters, one short line.</summary>
internal static partial class SafeText
{
    private const int MaxLength = 300;

    /// <summary>The service's tokens have 42 characters and more; half of one is not shown either.</summary>
    private const int TokenLength = 20;

    public static string? Clean(string? text)
    {
        if (string.IsNullOrWhiteSpace(text)) return null;
        // Cut first: a megabyte of words need not be searched. Twice the length, so that a cut can't split an address into something unlike one.
        if (text.Length > 2 * MaxLength) text = text[..(2 * MaxLength)];
        text = Address().Replace(text, "<address>");
        text = Credential().Replace(text, "$1 <token>");
        text = LongRun().Replace(text, match => LooksLikeToken(match.ValueSpan) ? "<token>" : match.Value);
        text = OneLine(text);
        if (text.Length > MaxLength) text = text[..(MaxLength - 1)].TrimEnd() + "…";
        return text.Length == 0 ? null : text;
    }

    /// <summary>A key or an id is one word of letters, dots and underscores, or a UUID; anything else is none.</summary>
    public static string? Key(string? text)
        => text is { Length: > 0 and <= 80 } && KeyForm().IsMatch(text) && (text.Length < TokenLength || !LooksLikeToken(text)) ? text : null;

    /// <summary>Ids of the service keep their sense in a message; anything with letters and digits that is as long as a token does not.</summary>
    private static bool LooksLikeToken(ReadOnlySpan<char> run)
        => !Guid.TryParse(run, out _) && run.ContainsAnyInRange('0', '9')
            && (run.ContainsAnyInRange('a', 'z') || run.ContainsAnyInRange('A', 'Z'));

    private static string OneLine(string text)
    {
        var line = new StringBuilder(text.Length);
        foreach (char c in text)
        {
            if (!char.IsControl(c) && !char.IsWhiteSpace(c)) line.Append(c);
            else if (line.Length > 0 && line[^1] != ' ') line.Append(' ');
        }
        return line.ToString().TrimEnd();
    }

    // No nested quantifiers: linear on any input.
    [GeneratedRegex("""[^\s"'<>(),;:@\[\]]+(@|%40)[^\s"'<>(),;:@\[\]]+""", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Address();

    [GeneratedRegex("""\b(Bearer|Basic)\s+[^\s"',;]+""", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Credential();

    [GeneratedRegex("""[A-Za-z0-9_\-.~+/=]{20,}""", RegexOptions.CultureInvariant)]
    private static partial Regex LongRun();

    [GeneratedRegex("""^[A-Za-z0-9_.\-]+$""", RegexOptions.CultureInvariant)]
    private static partial Regex KeyForm();
}
