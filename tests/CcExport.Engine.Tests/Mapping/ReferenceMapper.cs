using System.Globalization;
using System.Text.RegularExpressions;

namespace CcExport.Engine.Tests.Mapping;

/// <summary>
/// The rules once more, slow and obvious, from design and reference and not from the engine's code: strings, a set, a regular expression.
/// </summary>
internal sealed class ReferenceMapper
{
    private static readonly Regex Local = new("^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$", RegexOptions.CultureInvariant);
    private static readonly Regex Domain = new("^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\\.)+(?![0-9]+$)[A-Za-z0-9][A-Za-z0-9-]{0,61}[A-Za-z0-9]$", RegexOptions.CultureInvariant);

    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);

    /// <summary>The contact, or null and the reason.</summary>
    public (Dictionary<string, string>? Contact, string? Reason, int Notes) Map(string? email, params (string Field, string? Value, int Limit)[] values)
    {
        string address = (email ?? "").Trim();
        if (address.Length == 0) return (null, "EmailMissing", 0);
        int at = address.IndexOf('@', StringComparison.Ordinal);
        if (at < 0) return (null, "EmailMalformed", 0);
        string local = address[..at], domain = address[(at + 1)..];
        bool localAscii = local.All(char.IsAscii);
        if (local.Length == 0 || domain.Length == 0) return (null, "EmailMalformed", 0);
        if (!domain.All(char.IsAscii))
        {
            try
            {
                if (domain.Contains('@', StringComparison.Ordinal)) throw new ArgumentException("another @");
                domain = new IdnMapping { UseStd3AsciiRules = true }.GetAscii(domain);
            }
            catch (ArgumentException)
            {
                return (null, localAscii ? "EmailMalformed" : "EmailNotAscii", 0);
            }
        }
        if (!localAscii) return (null, "EmailNotAscii", 0);
        if (!Local.IsMatch(local) || !Domain.IsMatch(domain)) return (null, "EmailMalformed", 0);
        address = local + "@" + domain;
        if (local.Length > 64 || address.Length > 80) return (null, "EmailTooLong", 0);
        if (!_seen.Add(address.ToLowerInvariant())) return (null, "Duplicate", 0);

        int notes = 0;
        var contact = new Dictionary<string, string> { ["email"] = address };
        foreach ((string field, string? value, int limit) in values)
        {
            string text = (value ?? "").Trim();
            if (text.Length > limit)
            {
                notes++;
                int[] starts = StringInfo.ParseCombiningCharacters(text);
                int end = starts.Concat([text.Length]).Where(s => s <= limit).Max();
                if (end == 0) end = char.IsHighSurrogate(text[limit - 1]) ? limit - 1 : limit;
                text = text[..end].Trim();
            }
            if (text.Length > 0) contact[field] = text;
        }
        return (contact, null, notes);
    }
}
