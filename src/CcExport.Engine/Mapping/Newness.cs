using System.Globalization;
using System.Text;

namespace CcExport.Engine.Mapping;

/// <summary>
/// How new a profile is, by one of its values, as a number that can be compared. A plain number (sign, digits, one point) counts as it is, up to 28
/// digits before the point and by the first 9 after it. A date is any text that .NET reads as one without regard to the machine's
/// culture: ISO 8601, or month before day; without an offset it is UTC, and a time without a date is none. Numbers and dates do not compare.
/// </summary>
internal static class Newness
{
    /// <summary>Nothing there, or nothing that can be read: never newer than anything.</summary>
    public static readonly Int128 None = Int128.MinValue;

    private const int WholeDigits = 28, FractionDigits = 9, LongestText = 64;

    /// <summary>Above every number: 28 + 9 digits are less than 2^124.</summary>
    private static readonly Int128 Dates = Int128.One << 125;

    /// <summary>Whether a later profile takes the place of an earlier one: only if it is newer for certain. A value is newer than none.</summary>
    public static bool Beats(Int128 later, Int128 earlier)
        => later != None && (earlier == None || (later > earlier && IsDate(later) == IsDate(earlier)));

    private static bool IsDate(Int128 newness) => newness >= Dates;

    /// <summary>Reads a trimmed value; <see cref="None"/> where it cannot.</summary>
    public static Int128 Of(ReadOnlySpan<byte> text)
    {
        if (text.Length is 0 or > LongestText) return None;
        return TryNumber(text, out Int128 number) ? number : DateOf(text);
    }

    private static bool TryNumber(ReadOnlySpan<byte> text, out Int128 number)
    {
        number = 0;
        bool negative = text[0] == '-';
        if (text[0] is (byte)'-' or (byte)'+') text = text[1..];
        int point = text.IndexOf((byte)'.');
        ReadOnlySpan<byte> whole = (point < 0 ? text : text[..point]).TrimStart((byte)'0'), fraction = point < 0 ? default : text[(point + 1)..];
        if (text.Length == (point < 0 ? 0 : 1) || whole.Length > WholeDigits || !AreDigits(whole) || !AreDigits(fraction)) return false;
        foreach (byte b in whole) number = (number * 10) + (b - '0');
        for (int i = 0; i < FractionDigits; i++) number = (number * 10) + (i < fraction.Length ? fraction[i] - '0' : 0);
        if (negative) number = -number;
        return true;
    }

    private static bool AreDigits(ReadOnlySpan<byte> text) => !text.ContainsAnyExceptInRange((byte)'0', (byte)'9');

    private static Int128 DateOf(ReadOnlySpan<byte> text)
    {
        Span<char> chars = stackalloc char[LongestText];
        chars = chars[..Encoding.UTF8.GetChars(text, chars)];
        // "10:30" would be today's, and "12,5" the fifth of December: neither says when.
        int colon = chars.IndexOf(':');
        if (!(colon < 0 ? chars : chars[..colon]).ContainsAnyExcept("0123456789, ")) return None;
        return DateTimeOffset.TryParse(chars, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset date) ? Dates + date.UtcTicks : None;
    }
}
