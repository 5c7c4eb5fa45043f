using System.Globalization;
using System.Text;

namespace CcExport.Engine.Profiles;

/// <summary>The names of encodings: .NET's, PowerShell's, and code page numbers.</summary>
internal static class EncodingNames
{
    private const int Utf16Little = 1200, Utf16Big = 1201, Utf32Little = 12000, Utf32Big = 12001, Ascii = 20127, Latin1 = 28591, Utf8 = 65001;
    private const int Utf7 = 65000;

    /// <summary>The encoding of that name; its decoder throws at bytes that it cannot decode.</summary>
    public static Encoding Parse(string name)
    {
        Encoding? encoding = Find(name.Trim());
        // UTF-7 has been disabled in .NET for its security; nothing should be read with it.
        if (encoding is null || encoding.CodePage == Utf7) throw Unknown(name);
        var strict = (Encoding)encoding.Clone();
        strict.DecoderFallback = DecoderFallback.ExceptionFallback;
        return strict;
    }

    private static Encoding? Find(string name)
    {
        int page = name.ToLowerInvariant() switch
        {
            "utf8" or "utf8bom" or "utf8nobom" or "utf-8-bom" or "utf-8bom" or "default" => Utf8,
            "unicode" or "utf16" or "utf-16" or "utf16le" or "utf-16le" => Utf16Little,
            "bigendianunicode" or "utf16be" or "utf-16be" => Utf16Big,
            "utf32" or "utf-32" or "utf32le" or "utf-32le" => Utf32Little,
            "bigendianutf32" or "utf32be" or "utf-32be" => Utf32Big,
            "ascii" or "us-ascii" => Ascii,
            "latin1" => Latin1,
            "ansi" => CultureInfo.CurrentCulture.TextInfo.ANSICodePage,
            "oem" => CultureInfo.CurrentCulture.TextInfo.OEMCodePage,
            var other => Number(other),
        };
        try
        {
            // Asked directly and not registered: registering would change the encodings of the whole process.
            return page > 0
                ? CodePagesEncodingProvider.Instance.GetEncoding(page) ?? Encoding.GetEncoding(page)
                : CodePagesEncodingProvider.Instance.GetEncoding(name) ?? Encoding.GetEncoding(name);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            return null;
        }
    }

    /// <summary>1252, cp1252, windows1252.</summary>
    private static int Number(string name)
    {
        string digits = name.StartsWith("cp", StringComparison.Ordinal) ? name[2..]
            : name.StartsWith("windows", StringComparison.Ordinal) ? name[7..].TrimStart('-')
            : name;
        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int page) ? page : 0;
    }

    private static CcException Unknown(string name) => new("EncodingUnknown", CcErrorKind.InvalidArgument,
        $"'{name}' is no encoding that can be read.",
        "Use a name such as utf-8, windows-1252, iso-8859-1, utf-16, shift_jis or ascii, or a code page number such as 1252.")
    { Subject = name };
}
