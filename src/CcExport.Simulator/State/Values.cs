using System.Buffers.Text;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace CcExport.Simulator.State;

/// <summary>The rules a single value must pass.</summary>
internal static class Values
{
    private static readonly string[] DateForms =
        ["MM/dd/yyyy", "M/d/yyyy", "yyyy/MM/dd", "yyyy/M/d", "yyyy-MM-dd", "yyyy-M-d", "M-d-yyyy", "M-dd-yyyy"];

    /// <summary>ASCII, one @, no blanks, commas or brackets, a full domain: support's advice, as nothing is published.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static bool IsEmail(ReadOnlySpan<byte> email, int max)
    {
        if (email.Length == 0 || email.Length > max) return false;
        int at = -1;
        for (int i = 0; i < email.Length; i++)
        {
            byte b = email[i];
            if (b is <= 0x20 or >= 0x7F) return false;
            if (b is (byte)',' or (byte)'(' or (byte)')' or (byte)'<' or (byte)'>' or (byte)'[' or (byte)']' or (byte)';' or (byte)':'
                or (byte)'"' or (byte)'\\') return false;
            if (b != (byte)'@') continue;
            if (at >= 0) return false;
            at = i;
        }

        if (at <= 0 || at > 64 || at == email.Length - 1) return false;
        return NoLooseDots(email[..at]) && IsDomain(email[(at + 1)..]);
    }

    /// <summary>Length as the contract counts it, in UTF-16 units; bytes are never fewer.</summary>
    public static bool FitsIn(ReadOnlySpan<byte> utf8, int max) =>
        utf8.Length <= max || Encoding.UTF8.GetCharCount(utf8) <= max;

    public static bool IsDate(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length is < 8 or > 10) return false;
        Span<char> text = stackalloc char[10];
        int length = Encoding.UTF8.GetChars(utf8, text);
        return DateOnly.TryParseExact(text[..length], DateForms, CultureInfo.InvariantCulture, DateTimeStyles.None, out _);
    }

    /// <summary>A whole number from 1 to <paramref name="max"/>.</summary>
    public static bool IsWhole(ReadOnlySpan<byte> utf8, int max, out int number)
    {
        bool whole = Utf8Parser.TryParse(utf8, out number, out int used) && used == utf8.Length;
        return whole && number >= 1 && number <= max;
    }

    private static bool NoLooseDots(ReadOnlySpan<byte> text) =>
        text[0] != '.' && text[^1] != '.' && text.IndexOf(".."u8) < 0;

    private static bool IsDomain(ReadOnlySpan<byte> domain)
    {
        if (!domain.Contains((byte)'.') || !NoLooseDots(domain)) return false;
        for (int i = 0; i < domain.Length; i++)
        {
            byte b = domain[i];
            bool edge = i == 0 || i == domain.Length - 1 || domain[i - 1] == '.' || domain[i + 1] == '.';
            if (!(char.IsAsciiLetterOrDigit((char)b) || b == '.' || (b == '-' && !edge))) return false;
        }

        return true;
    }
}
