using System.IO.Hashing;
using System.Text;

namespace CcExport.Engine.Mapping;

/// <summary>
/// The hash by which an address is known everywhere: of what a profile's address becomes (blanks cut off, an international domain in ASCII, lower case). Hashes of
/// addresses that are none are of the text in lower case: a person may still ask what became of the row that held it.
/// </summary>
internal static class AddressHash
{
    private const int Longest = 512;

    /// <summary>Good when the address could be sent; the hash is set all the same, unless it is missing.</summary>
    public static EmailVerdict Of(ReadOnlySpan<byte> text, out UInt128 hash)
    {
        ReadOnlySpan<byte> address = Utf8Text.Trim(text);
        Span<byte> lower = stackalloc byte[Longest];
        if (EmailRules.IsPlain(address, lower, out _))
        {
            hash = XxHash128.HashToUInt128(lower[..address.Length]);
            return EmailVerdict.Good;
        }
        EmailVerdict verdict = EmailRules.Judge(address, out byte[]? ascii);
        hash = verdict == EmailVerdict.Missing ? default : OfText(ascii ?? address);
        return verdict;
    }

    public static EmailVerdict Of(string text, out UInt128 hash) => Of(Encoding.UTF8.GetBytes(text), out hash);

    /// <summary>Of trimmed text that need not be an address.</summary>
    public static UInt128 OfText(ReadOnlySpan<byte> text)
    {
        if (text.Length > Longest) text = text[..Longest];
        Span<byte> lower = stackalloc byte[Longest];
        for (int i = 0; i < text.Length; i++) lower[i] = (uint)(text[i] - 'A') <= 'Z' - 'A' ? (byte)(text[i] | 0x20) : text[i];
        return XxHash128.HashToUInt128(lower[..text.Length]);
    }
}
