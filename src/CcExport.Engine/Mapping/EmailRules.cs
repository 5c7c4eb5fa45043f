using System.Buffers;
using System.Globalization;
using System.Text;

namespace CcExport.Engine.Mapping;

/// <summary>What the rules say of an address.</summary>
internal enum EmailVerdict : byte
{
    Good,
    Missing,
    Malformed,
    NotAscii,
    TooLong,
}

/// <summary>
/// The rules for an address. The service's own are unpublished; these are the ones its support states (one @, a full domain, no
/// blanks, commas or brackets, 80 characters) in RFC 5321's form without its quoted local parts: dots neither first, last nor
/// doubled, domain labels of letters, digits and inner hyphens, a last label that is no number.
/// </summary>
internal static class EmailRules
{
    private static readonly SearchValues<byte> LocalBytes =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+/=?^_`{|}~-."u8);

    /// <summary>Per byte, what it is in a domain: 0 nothing, 1 letter, 2 digit, 3 hyphen, 4 dot.</summary>
    private static readonly byte[] DomainClass = BuildDomainClass();

    private static readonly IdnMapping Idn = new() { UseStd3AsciiRules = true };

    private static byte[] BuildDomainClass()
    {
        byte[] table = new byte[256];
        for (int c = 'a'; c <= 'z'; c++) table[c] = table[c - 32] = 1;
        for (int c = '0'; c <= '9'; c++) table[c] = 2;
        table['-'] = 3;
        table['.'] = 4;
        return table;
    }

    /// <summary>
    /// Judges a trimmed address. <paramref name="ascii"/> is null when the address can be sent as it stands, else the address with
    /// its international domain in ASCII form.
    /// </summary>
    public static EmailVerdict Judge(ReadOnlySpan<byte> address, out byte[]? ascii)
    {
        ascii = null;
        if (address.IsEmpty) return EmailVerdict.Missing;
        int at = address.IndexOf((byte)'@');
        if (at < 0) return EmailVerdict.Malformed;
        ReadOnlySpan<byte> local = address[..at], domain = address[(at + 1)..];
        if (local.IsEmpty || domain.IsEmpty) return EmailVerdict.Malformed;
        if (!Ascii.IsValid(domain))
        {
            if (domain.Contains((byte)'@') || ToAscii(domain) is not { } converted) return Ascii.IsValid(local) ? EmailVerdict.Malformed : EmailVerdict.NotAscii;
            ascii = [.. local, (byte)'@', .. converted];
            domain = ascii.AsSpan(at + 1);
        }
        if (local.ContainsAnyExcept(LocalBytes)) return Ascii.IsValid(local) ? EmailVerdict.Malformed : EmailVerdict.NotAscii;
        if (local[0] == '.' || local[^1] == '.' || local.IndexOf(".."u8) >= 0) return EmailVerdict.Malformed;
        if (!IsDomain(domain)) return EmailVerdict.Malformed;
        return local.Length > Limits.EmailLocalPart || local.Length + 1 + domain.Length > Limits.Email ? EmailVerdict.TooLong : EmailVerdict.Good;
    }

    private static bool IsDomain(ReadOnlySpan<byte> domain)
    {
        byte[] classes = DomainClass;
        int label = 0, labels = 1;
        bool letters = false;   // the label at hand has something other than digits
        byte last = 0;
        foreach (byte b in domain)
        {
            byte what = classes[b];
            switch (what)
            {
                case 1:
                    letters = true;
                    label++;
                    break;
                case 2:
                    label++;
                    break;
                case 3:
                    if (label == 0) return false;
                    letters = true;
                    label++;
                    break;
                case 4:
                    if (label is 0 or > 63 || last == 3) return false;
                    label = 0;
                    letters = false;
                    labels++;
                    break;
                default:
                    return false;
            }
            last = what;
        }
        return labels > 1 && label is >= 2 and <= 63 && last != 3 && letters;
    }

    /// <summary>The domain in the form that mail travels with (IDNA); null when it has none.</summary>
    private static byte[]? ToAscii(ReadOnlySpan<byte> domain)
    {
        // A name has at most 253 characters: longer ones are not worth the conversion.
        if (domain.Length > 1024) return null;
        try
        {
            return Encoding.ASCII.GetBytes(Idn.GetAscii(Encoding.UTF8.GetString(domain)));
        }
        catch (ArgumentException)
        {
            return null;
        }
    }
}
