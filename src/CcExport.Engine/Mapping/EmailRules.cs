using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
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

    /// <summary>Per byte: what it may be in an address whose every byte is ASCII.</summary>
    private static readonly byte[] Classes = BuildClasses();

    private const byte Local = 1, Label = 2, Letter = 4, Hyphen = 8, Dot = 16, At = 32, Plus = 64;

    private static byte[] BuildClasses()
    {
        byte[] table = new byte[256];
        for (int b = 0; b < 128; b++)
        {
            if (LocalBytes.Contains((byte)b)) table[b] |= Local;
            table[b] |= DomainClass[b] switch { 1 => Label | Letter, 2 => Label, 3 => Label | Letter | Hyphen, 4 => Dot, _ => 0 };
        }
        table['@'] = At;
        table['+'] |= Plus;
        return table;
    }

    /// <summary>
    /// True when a trimmed address is good beyond doubt, in one pass, and then <paramref name="lower"/> (80 bytes) has it in lower case. What it
    /// doubts (a few per cent) is for <see cref="Judge"/>; the two never disagree.
    /// </summary>
    /// <param name="local">Length of the part before the @; 0 when there is a plus sign in it.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static bool IsPlain(ReadOnlySpan<byte> address, Span<byte> lower, out int local)
    {
        local = 0;
        if (address.Length is < 5 or > Limits.Email || lower.Length < address.Length) return false;
        byte[] classes = Classes;
        int at = 0;
        byte previous = Dot, all = 0;
        while (at < address.Length)
        {
            byte b = address[at], what = classes[b];
            if (what == At) break;
            // A dot neither first, nor after another one, nor (below) last.
            if ((what & Local) == 0 || (what & previous & Dot) != 0) return false;
            lower[at++] = Lower(b);
            previous = what;
            all |= what;
        }
        if (at is 0 or > Limits.EmailLocalPart || at == address.Length || (previous & Dot) != 0) return false;
        lower[at] = (byte)'@';
        if ((all & Plus) == 0) local = at;
        int label = 0, labels = 1;
        byte kinds = 0;
        for (int i = at + 1; i < address.Length; i++)
        {
            byte b = address[i], what = classes[b];
            lower[i] = Lower(b);
            if ((what & Label) != 0)
            {
                if (label++ == 0 && (what & Hyphen) != 0) return false;
                kinds |= what;
            }
            else
            {
                if ((what & Dot) == 0 || label is 0 or > 63 || (previous & Hyphen) != 0) return false;
                label = 0;
                kinds = 0;
                labels++;
            }
            previous = what;
        }
        return labels > 1 && label is >= 2 and <= 63 && (previous & Hyphen) == 0 && (kinds & Letter) != 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte Lower(byte b) => (uint)(b - 'A') <= 'Z' - 'A' ? (byte)(b | 0x20) : b;

    /// <summary>
    /// Judges a trimmed address. <paramref name="ascii"/> is null when the address can be sent as it stands, else the address with
    /// its international domain in ASCII form.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
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
