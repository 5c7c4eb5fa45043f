namespace CcExport.Engine.Profiles;

/// <summary>What a person says about files, over what they say themselves.</summary>
/// <param name="Encoding">Null: the byte order mark's, else what <c>model.json</c> says, else UTF-8.</param>
/// <param name="Delimiter">Null: found in each file (a tab for <c>.tsv</c>).</param>
/// <param name="Header">Names of the columns; the first line is data then, as with <c>Import-Csv -Header</c>.</param>
internal sealed record FileSourceOptions(string? Encoding = null, char? Delimiter = null, IReadOnlyList<string>? Header = null)
{
    /// <summary>Throws for what no file could be read with, before any is touched.</summary>
    public void Check()
    {
        if (Encoding is not null) EncodingNames.Parse(Encoding);
        if (Delimiter is { } delimiter) DelimiterByte(delimiter);
        if (Header is { Count: 0 })
            throw new CcException("HeaderEmpty", CcErrorKind.InvalidArgument, "-Header names no column.", "Name every column of the file, in order.");
    }

    /// <summary>The format of a delimited file.</summary>
    public CsvFormat Csv(byte? usual) => new()
    {
        Delimiter = Delimiter is { } delimiter ? DelimiterByte(delimiter) : usual,
        HasHeader = Header is null,
        Columns = Header,
    };

    public static byte DelimiterByte(char delimiter)
        => delimiter is < (char)0x80 and not ('"' or '\r' or '\n' or '\0') ? (byte)delimiter : throw new CcException(
            "DelimiterInvalid", CcErrorKind.InvalidArgument, $"U+{(int)delimiter:X4} cannot be a delimiter.",
            "Use a comma, a semicolon, a tab, a bar or another ASCII character; not a quote and not a line end.");
}
